"""Context rules: words that negate, doubt, date or attribute a finding, and how far their word reaches."""

import dataclasses
import functools
import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

Category: TypeAlias = Literal["negated", "uncertain", "historical", "hypothetical", "family", "other"]
Direction: TypeAlias = Literal["forward", "backward", "both", "stop", "stop_ahead", "pseudo"]
CATEGORIES: tuple[Category, ...] = get_args(Category)

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[^\w\s]|_+")
_MONTHS = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
        "januar",
        "februar",
        "märz",
        "mai",
        "juni",
        "juli",
        "oktober",
        "dezember",
        "maj",
    ]
)
_NUMBERS = frozenset(
    [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "several",
        "few",
        "many",
        "couple",
        "ein",
        "eine",
        "einem",
        "einer",
        "einigen",
        "zwei",
        "drei",
        "vier",
        "fünf",
        "sechs",
        "sieben",
        "acht",
        "neun",
        "zehn",
        "mehreren",
        "en",
        "ett",
        "två",
        "tre",
        "fyra",
        "fem",
        "sex",
        "sju",
        "åtta",
        "nio",
        "tio",
        "flera",
    ]
)


@dataclass(frozen=True, slots=True)
class ContextRule:
    """One phrase and what it says of the findings in its reach.

    Parameters
    ----------
    phrase : str
        Words as in a sentence; ``<n>`` stands for a number, ``<year>`` and ``<month>`` for a date's parts, ``<end>`` for
        the end of a clause: a comma, a full stop, a bracket or the end of the sentence.
    categories : tuple of str
        What it makes of a finding: "negated", "uncertain", "historical", "hypothetical", "family", "other". A "stop"
        ends what these categories say; a "pseudo" says nothing and keeps shorter phrases inside it silent.
    direction : {"forward", "backward", "both", "stop", "stop_ahead", "pseudo"}
        Where the findings stand: after the phrase, before it, or on both sides. "stop_ahead" ends only the reach of
        phrases before it: in "fever, which has resolved" the fever is meant.
    reach : int, optional
        Most tokens between phrase and finding; to the end of the sentence when not given.
    across_commas : bool, default True
        Whether it speaks of a whole list; "status post fall, hip fracture" does not.
    """

    phrase: str
    categories: tuple[Category, ...]
    direction: Direction
    reach: int | None = None
    across_commas: bool = True


class RuleSet:
    """The rules of one language, ready to be matched against a sentence's tokens.

    Parameters
    ----------
    language : str
        Its two-letter code.
    rules : iterable of ContextRule
        Where two rules have the same phrase, the later one counts; where both are stops, what they stop adds up.
    sections : mapping from section name to categories
        What standing in a section says of a finding.
    predicates, existence : iterable of str
        Words that, after a comma, begin a clause of their own ("lungs are clear"), and those that only say that a
        finding is or is not there ("is seen"), which do not.
    articles : iterable of str
        Words that, after a comma and "and", begin such a clause too ("and a large hernia is present").
    singular : iterable of str
        Verbs of one subject: "headache, vomiting is denied" denies no headache.

    Notes
    -----
    A rule set is data: `extended` returns a copy with a house's own rules, and `fingerprint_parts` makes functions
    that use it change their fingerprint with it.
    """

    def __init__(
        self,
        language: str,
        rules: Iterable[ContextRule],
        *,
        sections: Mapping[str, tuple[Category, ...]] | None = None,
        predicates: Iterable[str] = (),
        existence: Iterable[str] = (),
        articles: Iterable[str] = (),
        singular: Iterable[str] = (),
    ) -> None:
        self.language = language
        self.rules = _distinct(rules)
        self.sections = dict(sections or {})
        self.predicates = frozenset(predicates)
        self.existence = frozenset(existence)
        self.articles = frozenset(articles)
        self.singular = frozenset(singular)
        for rule in self.rules:
            if not rule.phrase.strip():
                raise ValueError("a context rule has an empty phrase")
            if rule.direction not in get_args(Direction) or not set(rule.categories) <= set(CATEGORIES):
                raise ValueError(f"the context rule {rule.phrase!r} has an unknown category or direction")

    def extended(
        self, rules: Iterable[ContextRule] = (), sections: Mapping[str, tuple[Category, ...]] | None = None
    ) -> "RuleSet":
        """Return a copy with more rules, which win over those of the same phrase."""
        new = tuple(rules)
        phrases = {rule.phrase for rule in new}
        return RuleSet(
            self.language,
            [*(rule for rule in self.rules if rule.phrase not in phrases), *new],
            sections={**self.sections, **(sections or {})},
            predicates=self.predicates,
            existence=self.existence,
            articles=self.articles,
            singular=self.singular,
        )

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return the language and a hash of all that decides what the rules say."""
        return (self.language, self._digest)

    @functools.cached_property
    def _digest(self) -> str:
        rules = sorted(
            (r.phrase, r.categories, r.direction, r.reach or 0, r.across_commas) for r in self.rules
        )
        words = (self.predicates, self.existence, self.articles, self.singular)
        content = (rules, sorted(self.sections.items()), *map(sorted, words))
        return hashlib.sha256(repr(content).encode()).hexdigest()

    @functools.cached_property
    def _trie(self) -> "_Node":
        root = _Node()
        for rule in self.rules:
            node = root
            for key in _rule_tokens(rule.phrase):
                node = node.children.setdefault(key, _Node())
            node.rules = (*node.rules, rule)
        return root

    def find(self, tokens: "Tokens", first: int = 0, last: int | None = None) -> list["Trigger"]:
        """Return the phrases among `tokens[first:last]`, longest first where they overlap, in order."""
        found: list[Trigger] = []
        end = len(tokens.words) if last is None else last
        position = first
        root = self._trie.children
        words, kinds = tokens.words, tokens.kinds
        while position < end:
            if words[position] not in root and kinds[position] not in root:
                position += 1
                continue
            best, best_end = self._longest(tokens, position, end)
            if best:
                found += [Trigger(rule, position, best_end) for rule in best]
                position = best_end
            else:
                position += 1
        return found

    def _longest(self, tokens: "Tokens", start: int, end: int) -> tuple[tuple[ContextRule, ...], int]:
        best: tuple[ContextRule, ...] = ()
        best_end = start
        nodes = [self._trie]
        for position in range(start, end):
            following = []
            for node in nodes:
                for key in (tokens.words[position], tokens.kinds[position]):
                    child = node.children.get(key) if key else None
                    if child is None:
                        continue
                    following.append(child)
                    if (
                        child.rules
                    ):  # the end of a clause is looked at, not used up: it may stop something else
                        best, best_end = child.rules, position + (key != _END)
            if not following:
                break
            nodes = following
        return best, best_end

    def __repr__(self) -> str:
        return f"RuleSet({self.language}, {len(self.rules)} rules)"


def _distinct(rules: Iterable[ContextRule]) -> tuple[ContextRule, ...]:
    """Return one rule for each phrase and direction."""
    found: dict[tuple[str, str], ContextRule] = {}
    for rule in rules:
        place = (rule.phrase, rule.direction)
        if rule.direction == "stop" and place in found:
            both = {*found[place].categories, *rule.categories}
            rule = dataclasses.replace(rule, categories=tuple(name for name in CATEGORIES if name in both))
        found[place] = rule
    return tuple(found.values())


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    rules: tuple[ContextRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Trigger:
    """A rule's phrase found in a sentence, by tokens `start` to `end`."""

    rule: ContextRule
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """A sentence's tokens: lower-cased words, kinds ("<n>", "<year>", "<month>" or ""), and places in the note."""

    words: list[str]
    kinds: list[str]
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, text: str, start: int = 0, end: int | None = None) -> "Tokens":
        """Split text[start:end]; places count from the start of `text`, and an empty token closes the sentence."""
        stop = len(text) if end is None else end
        matches = list(_TOKEN.finditer(text, start, stop))
        words = [match.group().lower() for match in matches]
        return cls(
            [*words, ""],
            [*map(_kind, words), _END],
            [*(match.start() for match in matches), stop],
            [*(match.end() for match in matches), stop],
        )


_END = "<end>"


def _kind(word: str) -> str:
    if word in ".,;)(":
        return _END
    if word.isdigit():
        return "<year>" if len(word) == 4 and word[:2] in ("19", "20") else "<n>"
    if word in _MONTHS:
        return "<month>"
    return "<n>" if word in _NUMBERS else ""


def _rule_tokens(phrase: str) -> Iterator[str]:
    for piece in phrase.lower().split():
        if piece in ("<n>", "<year>", "<month>", _END):
            yield piece
        else:
            yield from (match.group() for match in _TOKEN.finditer(piece))


def phrases(text: str) -> list[str]:
    """Expand lines such as ``{no|without} [any] evidence of``: one of the words in braces, one or none in brackets.

    Examples
    --------
    >>> phrases("no [clear] {sign|signs} of")
    ['no clear sign of', 'no clear signs of', 'no sign of', 'no signs of']
    """
    found = []
    for line in text.splitlines():
        if re.search(r"\{[^}]*[\[{]|\[[^\]]*[\[{]", line):
            raise ValueError(f"choices do not nest: {line.strip()}")
        parts = [
            [*piece[1:-1].split("|"), *([""] if piece[0] == "[" else [])] if piece[0] in "[{" else [piece]
            for piece in re.findall(r"\[[^\]]*\]|\{[^}]*\}|[^\s\[{]+", line)
        ]
        if parts:
            found += [" ".join(" ".join(choice).split()) for choice in itertools.product(*parts)]
    return found


def rules(
    categories: Category | tuple[Category, ...],
    direction: Direction,
    text: str,
    *,
    reach: int | None = None,
    across_commas: bool = True,
) -> list[ContextRule]:
    """Return one rule for each phrase that `text` spells (see `phrases`)."""
    names = (categories,) if isinstance(categories, str) else categories
    return [ContextRule(phrase, names, direction, reach, across_commas) for phrase in phrases(text)]
