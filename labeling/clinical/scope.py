"""How far the words of a sentence that deny, doubt, date or attribute a finding reach."""

import functools
import itertools

from ..votes import Span
from .claims import CLAUSE_END, is_taken_for_granted
from .rules import Category
from .ruleset import RuleSet, Trigger
from .tokens import Tokens

_POLARITY = frozenset({"negated", "uncertain"})
_CLAIMS = frozenset({"forward", "pseudo"})
_NEAR = 2
"""Words that may stand between a denial and the claim: "no definite radiographic evidence that"."""
_ENDED_BY_DENIAL = frozenset({"uncertain", "historical"})


class Scope:
    """Which triggers of a sentence reach the finding at tokens `first` to `last`."""

    def __init__(
        self,
        rules: RuleSet,
        tokens: Tokens,
        triggers: list[Trigger],
        headers: list[Span],
        first: int,
        last: int,
    ) -> None:
        self.rules = rules
        self.headers = headers
        self.tokens = tokens
        self.triggers = triggers
        self.first = first
        self.last = last

    def categories(self, trigger: Trigger) -> list[Category]:
        """Return what a trigger says of the finding, nothing where it does not reach it."""
        rule = trigger.rule
        if rule.direction not in ("forward", "backward", "both", "change"):
            return []
        forward = trigger.end <= self.first
        if not forward and trigger.start < self.last:
            return []
        if rule.direction not in ("both", *(("forward", "change") if forward else ("backward",))):
            return []
        between = (trigger.end, self.first) if forward else (self.last, trigger.start)
        if rule.direction == "change" and not self._of_another(between):
            return []
        if (rule.reach is not None and between[1] - between[0] > rule.reach) or self._barred(
            between, forward
        ):
            return []
        if not rule.across_commas and "," in self.tokens.words[slice(*between)]:
            return []
        return [
            category for category in rule.categories if self._reaches(category, trigger, between, forward)
        ]

    def _of_another(self, between: Span) -> bool:
        """Whether a further finding is named after the one that did not change: "no growth of the mass or new nodes"."""
        words = self.tokens.words[slice(*between)]
        return any(
            left in _CONJUNCTIONS and right in self.rules.further for left, right in itertools.pairwise(words)
        )

    @functools.cached_property
    def _claim(self) -> Trigger | None:
        """The words that deny something of a finding that is there: "no evidence that the mass has grown"."""
        words = self.tokens.words
        denial: Trigger | None = None
        claim: tuple[Trigger, Trigger] | None = None
        for trigger in self.triggers:
            if trigger.end > self.first or "negated" not in trigger.rule.categories:
                continue
            if trigger.rule.direction == "forward":
                denial = trigger
            if denial is None or trigger.start - denial.end > _NEAR or trigger.rule.direction not in _CLAIMS:
                continue
            if words[trigger.end - 1] in self.rules.claims:
                claim = denial, trigger
        if claim is None or not CLAUSE_END.isdisjoint(words[claim[1].end : self.first]):
            return None
        begins = (claim[1].start, claim[1].end)
        if is_taken_for_granted(words, self.rules.claim_words, begins, (self.first, self.last)):
            return claim[0]
        for place in range(self.last, len(words)):
            if words[place] in CLAUSE_END:
                return None
            beside = [*words[max(self.last, place - 2) : place], words[min(place + 1, len(words) - 1)]]
            told = not self.rules.auxiliaries.isdisjoint(beside)
            if words[place] in self.rules.changes and (told or place == self.last):
                return claim[0]
            if words[place] in self.rules.comparatives and told:
                return claim[0]
        return None

    def _reaches(self, category: Category, trigger: Trigger, between: Span, forward: bool) -> bool:
        claim = self._claim
        if claim is not None and (
            trigger is claim or (category == "negated" and not claim.end <= trigger.start < self.first)
        ):
            return False
        if category in _POLARITY and not forward and self._of_its_own(category, trigger, between):
            return False
        if category == "uncertain" and any(self._denied(other, trigger) for other in self.triggers):
            return False
        for other in self.triggers:
            if other is trigger or not (between[0] <= other.start and other.end <= between[1]):
                continue
            rule = other.rule
            stops = rule.direction == "stop" or (forward and rule.direction == "stop_ahead")
            if stops and category in rule.categories:
                return False
            if (
                category in _POLARITY
                and not forward
                and rule.direction == "forward"
                and _POLARITY & set(rule.categories)
            ):
                return False  # "effusion, no pneumothorax seen": the later trigger has a finding of its own
            if (
                category == "negated"
                and forward
                and rule.direction == "forward"
                and rule.categories == ("uncertain",)
                and not self._denied(trigger, other)
            ):
                return False  # "no effusion, possible atelectasis"
            if (
                category in _ENDED_BY_DENIAL
                and forward
                and rule.direction == "forward"
                and "negated" in rule.categories
            ):
                return False  # "possible effusion, no pneumothorax", "history of asthma, denies fever"
        return not (category in _POLARITY and forward and self._new_clause(between))

    def _denied(self, denial: Trigger, doubt: Trigger) -> bool:
        """Whether what would raise a doubt is itself denied: "no changes suggestive of ischemia"."""
        if "negated" not in denial.rule.categories or denial.rule.direction != "forward":
            return False
        between = self.tokens.words[denial.end : doubt.start]
        stops = any(
            other.rule.direction in ("stop", "stop_ahead") and denial.end <= other.start < doubt.start
            for other in self.triggers
        )
        return bool(
            between
            and not stops
            and not {",", "and", "or"}.intersection(between)
            and doubt.rule.phrase.endswith((" of", " for"))
        )

    def _of_its_own(self, category: Category, trigger: Trigger, between: Span) -> bool:
        """Whether a phrase after the finding belongs to a later clause."""
        words = self.tokens.words[slice(*between)]
        if "," not in words:
            return False
        opens = next((t for t in self.triggers if t.start == 0 and t.rule.direction == "stop"), None)
        if opens is not None and opens.end <= self.first:
            return True  # "except for joint pain, the review is negative"
        if words.count(",") > 1 or _CONJUNCTIONS.intersection(words):
            return False
        # "unspecific changes, ischemia not excluded"; "headache, vomiting is denied": the verb has one subject
        said = self.tokens.words[trigger.start : trigger.end]
        return category == "uncertain" or not self.rules.singular.isdisjoint(said)

    def _barred(self, between: Span, forward: bool) -> bool:
        """Whether a header or the edge of a bracket lies between a phrase and the finding."""
        words = self.tokens.words
        if any(between[0] <= left and right <= between[1] for left, right in self.headers):
            return True
        depth = 0
        steps = range(*between) if forward else range(between[1] - 1, between[0] - 1, -1)
        closing, opening = (")", "(") if forward else ("(", ")")
        for position in steps:
            depth += (words[position] == opening) - (words[position] == closing)
            if depth < 0:  # the phrase stands in a bracket that the finding is not in
                return forward or position != self.last
        return False

    def _new_clause(self, between: Span) -> bool:
        """Whether a comma before the finding begins a clause that makes a statement of its own."""
        words = self.tokens.words
        start = between[0]
        commas = [i for i in range(start, between[1]) if words[i] == ","]
        if not commas:
            return False
        after = next((i for i in range(self.last, len(words)) if words[i] in CLAUSE_END), len(words))
        edges = [*commas, after]
        for left, right in itertools.pairwise(edges):
            opening = words[left + 1 : left + 3]
            if left >= self.first or opening[:1] in (["or"], ["nor"]):
                continue
            inside = words[left + 1 : right]
            if opening[:1] == ["and"]:
                # the members of a denied list bear no article: "no effusion, and a large hernia is present"
                if (
                    opening[1:]
                    and opening[1] in self.rules.articles
                    and self.rules.predicates.intersection(inside)
                ):
                    return True
                continue
            if self.rules.predicates.intersection(inside) and not self.rules.existence.intersection(inside):
                return True
        return False


_CONJUNCTIONS = frozenset(
    {"and", "or", "nor", "&", "/", "und", "oder", "sowie", "bzw", "och", "eller", "samt"}
)
