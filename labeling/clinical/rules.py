"""Context rules: words that negate, doubt, date or attribute a finding, and how far their word reaches."""

import itertools
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from .tokens import phrase_tokens

Category: TypeAlias = Literal["negated", "uncertain", "historical", "hypothetical", "family", "other"]
Direction: TypeAlias = Literal["forward", "backward", "both", "stop", "stop_ahead", "change", "pseudo"]
CATEGORIES: tuple[Category, ...] = get_args(Category)


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
    direction : {"forward", "backward", "both", "stop", "stop_ahead", "change", "pseudo"}
        Where the findings stand: after the phrase, before it, or on both sides. "stop_ahead" ends only the reach of
        phrases before it: in "fever, which has resolved" the fever is meant. A "change" is denied of a finding that is
        there, and denies only a further one after it: "no growth of the mass or new nodules".
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


@dataclass(frozen=True, slots=True)
class RuleLine:
    """Rules spelled in one line, such as ``{no|without} [any] evidence of``; each is made when first asked for.

    Parameters
    ----------
    pieces : tuple of tuples of str
        What each piece offers, in order; "" where it may be left out.
    categories, direction, reach, across_commas
        As for `ContextRule`, of all of them.
    """

    pieces: tuple[tuple[str, ...], ...]
    categories: tuple[Category, ...]
    direction: Direction
    reach: int | None = None
    across_commas: bool = True

    @classmethod
    def of(cls, rule: ContextRule) -> "RuleLine":
        """Return a line that spells one rule, whose phrase is taken as it stands."""
        return cls(((rule.phrase,),), rule.categories, rule.direction, rule.reach, rule.across_commas)

    def rule(self, phrase: str) -> ContextRule:
        """Return the rule of one phrase of the line."""
        return ContextRule(phrase, self.categories, self.direction, self.reach, self.across_commas)

    def openings(self) -> list[str]:
        """Return the tokens that its phrases begin with."""
        found: dict[str, None] = {}
        for choices in self.pieces:
            found |= dict.fromkeys(phrase_tokens(choice)[0] for choice in choices if choice)
            if "" not in choices:
                break
        return list(found)


def rules(
    categories: Category | tuple[Category, ...],
    direction: Direction,
    text: str,
    *,
    reach: int | None = None,
    across_commas: bool = True,
) -> list[RuleLine]:
    """Return the rules for all phrases that `text` spells (see `phrases`), line by line."""
    names = (categories,) if isinstance(categories, str) else categories
    lines = [_pieces(line) for line in text.splitlines()]
    return [RuleLine(pieces, names, direction, reach, across_commas) for pieces in lines if pieces]


def phrases(text: str) -> list[str]:
    """Expand lines such as ``{no|without} [any] evidence of``: one of the words in braces, one or none in brackets.

    Examples
    --------
    >>> phrases("no [clear] {sign|signs} of")
    ['no clear sign of', 'no clear signs of', 'no sign of', 'no signs of']
    """
    lines = [pieces for line in text.splitlines() if (pieces := _pieces(line))]
    return [" ".join(filter(None, choice)) for pieces in lines for choice in itertools.product(*pieces)]


def _pieces(line: str) -> tuple[tuple[str, ...], ...]:
    """Return what each piece of a line offers."""
    if re.search(r"\{[^}]*[\[{]|\[[^\]]*[\[{]", line):
        raise ValueError(f"choices do not nest: {line.strip()}")
    return tuple(
        (*(" ".join(choice.split()) for choice in piece[1:-1].split("|")), *([""] if piece[0] == "[" else []))
        if piece[0] in "[{"
        else (piece,)
        for piece in re.findall(r"\[[^\]]*\]|\{[^}]*\}|[^\s\[{]+", line)
    )
