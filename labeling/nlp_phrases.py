"""Phrases that many functions look for in spaCy's tokens, found together: where the tokenizer allows, without documents."""

import importlib
import weakref
from collections.abc import Iterable, Sequence
from itertools import compress, pairwise
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .record import Record
from .votes import Span

if TYPE_CHECKING:
    from .nlp import SpacyPreprocessor

_ATTRIBUTES = {"LOWER": "lower_", "ORTH": "text", "TEXT": "text"}
_MOST_PIECES = 50_000
"""Pieces of text whose tokens are kept; beyond, the table is made anew, so memory does not grow with the rows."""
_STEADY = frozenset(
    [
        "attribute_ruler",
        "entity_linker",
        "entity_ruler",
        "future_entity_ruler",
        "lemmatizer",
        "morphologizer",
        "ner",
        "parser",
        "senter",
        "sentencizer",
        "span_finder",
        "span_ruler",
        "spancat",
        "spancat_singlelabel",
        "tagger",
        "textcat",
        "textcat_multilabel",
        "tok2vec",
        "transformer",
        "curated_transformer",
        "trainable_lemmatizer",
    ]
)
"""Components of spaCy that leave the tokens as the tokenizer made them."""


class Phrases(Protocol):
    """What is asked of a function whose phrases are searched for."""

    phrases: tuple[str, ...]


class MergedPhrases:
    """One search for the phrases of many functions over one pipeline.

    Parameters
    ----------
    step : SpacyPreprocessor
        Makes the documents.
    attr : str
        The token attribute that is compared.
    """

    def __init__(self, step: "SpacyPreprocessor", attr: str) -> None:
        self.step = step
        self.attr = attr
        self.functions: weakref.WeakSet[Any] = weakref.WeakSet()
        self._built: tuple[frozenset[int], Any, dict[int, int], PieceTable | None] | None = None
        self._last: tuple[Any, dict[int, list[int]]] | None = None

    def add(self, function: Phrases) -> None:
        """Look for the phrases of one more function, as long as it lives."""
        self.functions.add(function)
        self._last = None

    def spans(self, doc: Any) -> dict[int, list[Span]]:
        """Return what each function, by its `id`, finds in a document."""
        _, matcher, owners, _ = self._compiled()
        found: dict[int, list[Span]] = {}
        for key, start, end in matcher(doc):
            last = doc[end - 1]
            found.setdefault(owners[key], []).append((doc[start].idx, last.idx + len(last)))
        return found

    def rows(self, records: Sequence[Record], field: str) -> dict[int, list[int]] | None:
        """Return the rows of a batch in which each function finds something; asked again, it answers from memory.

        None where a record's field is no text.
        """
        if self._last is None or self._last[0] is not records:
            texts = [getattr(record, field) for record in records]
            if not all(text is None or isinstance(text, str) for text in texts):
                return None
            _, matcher, owners, table = self._compiled()
            found: dict[int, list[int]] = {number: [] for number in owners.values()}
            open_rows: list[int] = []
            for row, text in enumerate(texts):
                numbers = table.find(text or "") if table is not None else None
                if numbers is None:
                    open_rows.append(row)
                for number in numbers or ():
                    found[number].append(row)
            docs = self.step.docs(texts[row] or "" for row in open_rows)
            for row, doc in zip(open_rows, docs, strict=True):
                for number in {owners[match[0]] for match in matcher(doc)}:
                    found[number].append(row)
            self._last = (records, found)
        return self._last[1]

    def _compiled(self) -> "tuple[frozenset[int], Any, dict[int, int], PieceTable | None]":
        """Return the functions' numbers, their matcher, the function each of its keys stands for, and the table."""
        members = {id(function): function for function in self.functions}
        if self._built is None or self._built[0] != frozenset(members):
            matcher_class = importlib.import_module("spacy.matcher").PhraseMatcher
            nlp = self.step.nlp
            matcher = matcher_class(nlp.vocab, attr=self.attr)
            make = nlp.make_doc if self.attr in _ATTRIBUTES else nlp
            owners = {}
            sequences: dict[tuple[str, ...], list[int]] = {}
            for number, function in members.items():
                docs = [make(phrase) for phrase in function.phrases]
                matcher.add(f"sidelight-{number}", docs)
                owners[nlp.vocab.strings[f"sidelight-{number}"]] = number
                for doc in docs if self.attr in _ATTRIBUTES else ():
                    tokens = tuple(getattr(token, _ATTRIBUTES[self.attr]) for token in doc)
                    sequences.setdefault(tokens, []).append(number)
            table = PieceTable.of(nlp, self.attr, sequences)
            self._built = (frozenset(members), matcher, owners, table)
        return self._built


class PieceTable:
    """Finds phrases among a tokenizer's tokens without making documents.

    spaCy's tokenizer works on the pieces of a text between white space, each for itself, and most pieces come again and
    again. The tokens of a piece are asked for once; a text is then a walk over its pieces. A rule for a special case
    whose parts stand apart can reach over a space: a text where that could be is left to the whole tokenizer.

    Parameters
    ----------
    tokenizer : spacy.tokenizer.Tokenizer
        A copy with a vocabulary of its own is used, so that the user's does not grow.
    attr : str
        "LOWER" or "ORTH".
    sequences : mapping from tokens to functions' numbers
        The phrases.
    """

    def __init__(self, tokenizer: Any, attr: str, sequences: dict[tuple[str, ...], list[int]]) -> None:
        self._tokenizer = tokenizer
        self._attribute = _ATTRIBUTES[attr]
        self._vocabulary = {token for tokens in sequences for token in tokens}
        self._longest = max(map(len, sequences))
        self._words: dict[str, list[int]] = {}
        self._phrases: dict[str, list[tuple[tuple[str, ...], list[int]]]] = {}
        for tokens, numbers in sequences.items():
            if len(tokens) == 1:
                self._words[tokens[0]] = numbers
            else:
                self._phrases.setdefault(tokens[0], []).append((tokens, numbers))
        self._reset()
        self._pairs = {
            pair
            for rule in tokenizer.rules
            for tokens in [[token.text for token in self._without_rules(rule)]]
            for pair in pairwise(tokens)
        }
        self._followers = {second for _, second in self._pairs}

    @classmethod
    def of(cls, nlp: Any, attr: str, sequences: dict[tuple[str, ...], list[int]]) -> "PieceTable | None":
        """Return a table, or None where only whole documents will do."""
        try:
            tokenizer_class = importlib.import_module("spacy.tokenizer").Tokenizer
            language_class = importlib.import_module("spacy.language").Language
            plain = (
                attr in _ATTRIBUTES
                and type(nlp.tokenizer) is tokenizer_class
                and type(nlp).make_doc is language_class.make_doc
                and all(nlp.get_pipe_meta(name).factory in _STEADY for name in nlp.pipe_names)
            )
        except (AttributeError, ImportError):
            return None
        white = any(not token.strip() for tokens in sequences for token in tokens)
        apart = plain and any(rule.strip() and rule.split() != [rule] for rule in nlp.tokenizer.rules or ())
        if not plain or white or apart or not sequences or () in sequences:
            return None
        return cls(nlp.tokenizer, attr, sequences)

    def find(self, text: str) -> set[int] | None:
        """Return the numbers of the functions that find a phrase in a text, None where that cannot be told."""
        if len(self._heads) > _MOST_PIECES:
            self._reset()
        pieces = text.split(" ")
        heads = list(map(self._heads.__getitem__, pieces))
        found: set[int] = set()
        for place in compress(range(len(heads)), heads):
            head = heads[place]
            if head is None:
                continue
            numbers, starts, may_join = head
            if may_join and place and self._may_join(pieces[place - 1], pieces[place]):
                return None
            found.update(numbers)
            for start in starts:
                run = self._run(pieces, place, start)
                for tokens, owners in self._phrases[run[0]]:
                    if run[: len(tokens)] == tokens:
                        found.update(owners)
        return found

    def _run(self, pieces: list[str], place: int, start: int) -> tuple[str, ...]:
        """Return tokens from one on, as many as the longest phrase has, or fewer where a piece holds none of interest."""
        run = self._tokens[pieces[place]][start:]
        while len(run) < self._longest and place + 1 < len(pieces):
            place += 1
            following = self._tokens.get(pieces[place])
            if not following:
                break
            run += following
        return run

    def _reset(self) -> None:
        kind, (_, *options) = self._tokenizer.__reduce__()[:2]
        vocab_class = importlib.import_module("spacy.vocab").Vocab
        vocab = vocab_class(lex_attr_getters=self._tokenizer.vocab.lex_attr_getters)
        self._with_rules = kind(vocab, *options)
        self._without_rules = kind(vocab, None, *options[1:])
        self._tokens: dict[str, tuple[str, ...]] = {}
        self._heads = _Heads(self)

    def learn(self, piece: str) -> "_Head | None":
        """Note the tokens of a piece that holds a word of a phrase; return what begins in it."""
        tokens = tuple(getattr(token, self._attribute) for token in self._with_rules(piece))
        if not self._vocabulary.isdisjoint(tokens):
            self._tokens[piece] = tokens
        numbers = tuple(sorted({number for token in tokens for number in self._words.get(token, ())}))
        starts = tuple(place for place, token in enumerate(tokens) if token in self._phrases)
        may_join = any(doc[0].text in self._followers for doc in self._both(piece) if len(doc))
        return (numbers, starts, may_join) if numbers or starts or may_join else None

    def _may_join(self, left: str, right: str) -> bool:
        """Whether a rule could take the end of one piece and the beginning of the next for one special case."""
        lasts = {doc[-1].text for doc in self._both(left) if len(doc)}
        firsts = {doc[0].text for doc in self._both(right) if len(doc)}
        return any((last, first) in self._pairs for last in lasts for first in firsts)

    def _both(self, piece: str) -> Iterable[Any]:
        return (self._with_rules(piece), self._without_rules(piece))


_Head: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], bool]
"""Functions that find a word in a piece, tokens at which longer phrases may begin, and whether a rule may reach into it."""


class _Heads(dict[str, _Head | None]):
    """What begins in the pieces of texts, None for nothing; a new piece is looked at when it is first met."""

    def __init__(self, table: PieceTable) -> None:
        super().__init__()
        self._table = weakref.proxy(table)

    def __missing__(self, piece: str) -> _Head | None:
        head: _Head | None = self._table.learn(piece)
        self[piece] = head
        return head
