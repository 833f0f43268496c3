"""The rules of one language as a tree of words, grown from a word when that word is first met."""

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from .claims import ClaimWords
from .rules import CATEGORIES, Category, ContextRule, Direction, RuleLine
from .tokens import END, Tokens, phrase_tokens


class RuleSet:
    """The rules of one language, ready to be matched against a sentence's tokens.

    Parameters
    ----------
    language : str
        Its two-letter code.
    rules : iterable of ContextRule or RuleLine
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
    claims : iterable of str
        Last words of a denial that begin a claim about what is there: "no evidence that", "denies her".
    changes, comparatives, auxiliaries : iterable of str
        Words for what may have become of a finding ("grown", "larger"), and the verbs beside them, without which a
        comparative says nothing of the finding: "has become larger".
    further : iterable of str
        Words that, after "or", name another finding: "or new nodules".
    claim_words : ClaimWords
        Words by which the subject of a denied claim, which is there, is told from what is denied of it.

    Notes
    -----
    A rule set is data: `extended` returns a copy with a house's own rules, and `fingerprint_parts` makes functions
    that use it change their fingerprint with it. English has some 60,000 phrases, most of which begin with words that a
    given sentence does not hold; those of a word are spelled out when it is first met.
    """

    def __init__(
        self,
        language: str,
        rules: Iterable[ContextRule | RuleLine],
        *,
        sections: Mapping[str, tuple[Category, ...]] | None = None,
        predicates: Iterable[str] = (),
        existence: Iterable[str] = (),
        articles: Iterable[str] = (),
        singular: Iterable[str] = (),
        claims: Iterable[str] = (),
        changes: Iterable[str] = (),
        comparatives: Iterable[str] = (),
        auxiliaries: Iterable[str] = (),
        further: Iterable[str] = (),
        claim_words: ClaimWords = ClaimWords(),  # noqa: B008 - it cannot be changed
    ) -> None:
        self.language = language
        lines = [RuleLine.of(rule) if isinstance(rule, ContextRule) else rule for rule in rules]
        self._sources: tuple[RuleLine | _Withdrawn, ...] = tuple(lines)
        self.sections = dict(sections or {})
        self.predicates = frozenset(predicates)
        self.existence = frozenset(existence)
        self.articles = frozenset(articles)
        self.singular = frozenset(singular)
        self.claims = frozenset(claims)
        self.changes = frozenset(changes)
        self.comparatives = frozenset(comparatives)
        self.auxiliaries = frozenset(auxiliaries)
        self.further = frozenset(further)
        self.claim_words = claim_words
        self._grown: dict[str, _Node] = {}
        for line in lines:
            if not any(choice.strip() for choices in line.pieces for choice in choices):
                raise ValueError("a context rule has an empty phrase")
            if line.direction not in get_args(Direction) or not set(line.categories) <= set(CATEGORIES):
                raise ValueError(
                    f"the context rule {line.pieces[0][0]!r} has an unknown category or direction"
                )

    @property
    def rules(self) -> tuple[ContextRule, ...]:
        """All rules, spelled out."""
        return tuple(rule for opening in self._openings for rule in self._opened(opening).all_rules())

    def extended(
        self, rules: Iterable[ContextRule] = (), sections: Mapping[str, tuple[Category, ...]] | None = None
    ) -> "RuleSet":
        """Return a copy with more rules, which win over those of the same phrase."""
        new = tuple(rules)
        copy = RuleSet(
            self.language,
            new,
            sections={**self.sections, **(sections or {})},
            claim_words=self.claim_words,
            **self._words,
        )
        won = _Withdrawn(tuple(sorted({rule.phrase for rule in new})))
        copy._sources = (*self._sources, won, *copy._sources)
        return copy

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return the language and a hash of all that decides what the rules say."""
        return (self.language, self._digest)

    @property
    def _words(self) -> dict[str, frozenset[str]]:
        """The kinds of words that are no rules, by name."""
        return {name: getattr(self, name) for name in _WORDS}

    @functools.cached_property
    def _digest(self) -> str:
        words = [(name, sorted(known)) for name, known in self._words.items()]
        content = (self._sources, sorted(self.sections.items()), words, self.claim_words)
        return hashlib.sha256(repr(content).encode()).hexdigest()

    @functools.cached_property
    def _openings(self) -> dict[str, list["RuleLine | _Withdrawn"]]:
        """What bears on the phrases that begin with a token, by token."""
        found: dict[str, list[RuleLine | _Withdrawn]] = {}
        for source in self._sources:
            for opening in source.openings():
                found.setdefault(opening, []).append(source)
        return found

    def _opened(self, opening: str) -> "_Node":
        """Return the tree of the phrases that begin with a token."""
        known = self._grown.get(opening)
        if known is None:
            root = _Node()
            for source in self._openings[opening]:
                if isinstance(source, RuleLine):
                    root.plant(source, opening)
                else:
                    root.uproot(source.phrases, opening)
            known = self._grown[opening] = root.children.get(opening, _Node())
        return known

    def find(self, tokens: Tokens, first: int = 0, last: int | None = None) -> list["Trigger"]:
        """Return the phrases among `tokens[first:last]`, longest first where they overlap, in order."""
        found: list[Trigger] = []
        end = len(tokens.words) if last is None else last
        position = first
        openings = self._openings
        words, kinds = tokens.words, tokens.kinds
        while position < end:
            if words[position] not in openings and kinds[position] not in openings:
                position += 1
                continue
            best, best_end = self._longest(tokens, position, end)
            if best:
                found += [Trigger(rule, position, best_end) for rule in best]
                position = best_end
            else:
                position += 1
        return found

    def _longest(self, tokens: Tokens, start: int, end: int) -> tuple[tuple[ContextRule, ...], int]:
        words, kinds = tokens.words, tokens.kinds
        best: tuple[ContextRule, ...] = ()
        position = best_end = start
        reached = [(key, self._opened(key)) for key in (words[start], kinds[start]) if key in self._openings]
        while reached:
            for key, node in reached:
                if node.rules:  # the end of a clause is looked at, not used up: it may stop something else
                    best, best_end = node.rules, position + (key != END)
            position += 1
            if position >= end:
                break
            keys = (words[position], kinds[position])
            reached = [
                (key, child) for _, node in reached for key in keys if (child := node.children.get(key))
            ]
        return best, best_end

    def __repr__(self) -> str:
        return f"RuleSet({self.language}, {len(self.rules)} rules)"


_WORDS = (
    "predicates",
    "existence",
    "articles",
    "singular",
    "claims",
    "changes",
    "comparatives",
    "auxiliaries",
    "further",
)


@dataclass(frozen=True, slots=True)
class _Withdrawn:
    """Phrases whose rules no longer count, since others win over them."""

    phrases: tuple[str, ...]

    def openings(self) -> list[str]:
        """Return the tokens that the phrases begin with."""
        return list(dict.fromkeys(tokens[0] for phrase in self.phrases if (tokens := phrase_tokens(phrase))))


@dataclass(slots=True)
class _Node:
    """What may follow some words, and the rules whose phrase they are."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    rules: tuple[ContextRule, ...] = ()

    def plant(self, line: RuleLine, opening: str) -> None:
        """Add those phrases of a line that begin with a token."""
        paths: list[tuple[_Node, str]] = [(self, "")]
        for choices in line.pieces:
            paths = [
                (node.descend(choice), f"{said} {choice}" if said else choice) if choice else (node, said)
                for node, said in paths
                for choice in choices
                if said or not choice or phrase_tokens(choice)[0] == opening
            ]
        for node, said in paths:
            if said:
                node.add(line.rule(said))

    def descend(self, words: str) -> "_Node":
        """Return the node that words lead to, made where it is not there."""
        node = self
        for token in phrase_tokens(words):
            following = node.children.get(token)
            if following is None:
                following = node.children[token] = _Node()
            node = following
        return node

    def add(self, rule: ContextRule) -> None:
        """Add a rule whose phrase leads here; of one phrase and direction the last counts, and what stops adds up."""
        for place, known in enumerate(self.rules):
            if (known.phrase, known.direction) == (rule.phrase, rule.direction):
                if rule.direction == "stop":
                    both = {*known.categories, *rule.categories}
                    names = tuple(name for name in CATEGORIES if name in both)
                    rule = dataclasses.replace(rule, categories=names)
                self.rules = (*self.rules[:place], rule, *self.rules[place + 1 :])
                return
        self.rules = (*self.rules, rule)

    def uproot(self, phrases: Iterable[str], opening: str) -> None:
        """Take away the rules of those phrases that begin with a token."""
        for phrase in phrases:
            if phrase_tokens(phrase)[:1] == (opening,):
                node = self.descend(phrase)
                node.rules = tuple(rule for rule in node.rules if rule.phrase != phrase)

    def all_rules(self) -> Iterator[ContextRule]:
        """Yield the rules here and below."""
        yield from self.rules
        for node in self.children.values():
            yield from node.all_rules()


@dataclass(frozen=True, slots=True)
class Trigger:
    """A rule's phrase found in a sentence, by tokens `start` to `end`."""

    rule: ContextRule
    start: int
    end: int
