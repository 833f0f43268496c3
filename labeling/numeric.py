"""Labeling functions that read measured values from a text: "EF 35 %", "creatinine 2.1 mg/dl"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Unpack

from .faults import UsageError
from .pattern import TextOptions, normalise_phrases, split_options
from .text_function import TextFunction
from .votes import Span

_FILLER = (
    r"(?:of|is|was|are|were|at|to|be|about|around|approximately|approx\.?|roughly|nearly|estimated|measured|calculated|level|"
    r"value|result|today|now|von|liegt|bei|beträgt|betrug|war|ca\.?|etwa|rund|är|var|cirka|[=:~≈(,-])"
)
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?"
_BOUND = r"<=|>=|≤|≥|<|>|(?:less|lower|greater|more|higher) than|under|below|over|above|unter|über|mindestens|at least|at most"
_BELOW = frozenset({"<", "<=", "≤", "less than", "lower than", "under", "below", "unter", "at most"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured value in a text.

    Parameters
    ----------
    low, high : float
        The value twice, or the ends of a range; minus or plus infinity where the text gives a bound only.
    unit : str
        The unit in lower case, "" where none is given.
    span : (start, end)
        The characters from the name of what was measured to the unit.
    """

    low: float
    high: float
    unit: str
    span: Span


class NumericFunction(TextFunction):
    """Votes for one class where a measured value lies in a range; made by `numeric_lf`."""

    def __init__(
        self,
        name: str,
        terms: Iterable[str],
        vote: str | int,
        *,
        at_least: float | None = None,
        above: float | None = None,
        at_most: float | None = None,
        below: float | None = None,
        units: Mapping[str, float] | str | None = None,
        unit_required: bool = False,
        plausible: tuple[float, float] | None = None,
        field: str = "text",
        **options: Unpack[TextOptions],
    ) -> None:
        if all(bound is None for bound in (at_least, above, at_most, below)):
            raise UsageError(f"function {name!r}: give at_least, above, at_most or below")
        for bound in (at_least, above, at_most, below):
            if isinstance(bound, bool) or not isinstance(bound, Real | None):
                raise UsageError(
                    f"function {name!r}: a bound is a {type(bound).__name__}; bounds are numbers"
                )
        self.terms = normalise_phrases(name, "terms", terms)
        if not self.terms:
            raise UsageError(f"function {name!r}: terms is empty")
        factors = {units: 1.0} if isinstance(units, str) else dict(units or {})
        self.units = {unit.lower(): float(factor) for unit, factor in factors.items()}
        self.unit_required = unit_required
        self.plausible = plausible
        self.bounds = (at_least, above, at_most, below)
        self._pattern = _compile(self.terms, tuple(self.units))
        context, metadata = split_options(options)
        content = {
            "terms": self.terms, "at_least": at_least, "above": above, "at_most": at_most, "below": below,
            "units": self.units, "unit_required": unit_required, "plausible": plausible,
        }  # fmt: skip
        super().__init__(name, content, vote, field=field, context=context, **metadata)

    def describe(self) -> str:
        """Say what is measured."""
        return f"Vote {self.vote!r} where {self.terms[0]!r} is measured in the range given."

    def quantities(self, text: str) -> Iterator[Quantity]:
        """Yield the values of this quantity, in the unit of factor 1."""
        for match in self._pattern.finditer(text):
            unit = (match["unit"] or "").lower()
            if (self.units and unit and unit not in self.units) or (self.unit_required and not unit):
                continue
            factor = self.units.get(unit, 1.0)
            low, high = sorted(_number(match[n] or match["low"]) * factor for n in ("low", "high"))
            if self.plausible is not None and not self.plausible[0] <= low <= high <= self.plausible[1]:
                continue
            bound = " ".join((match["bound"] or "").lower().split())
            if bound:
                low, high = (float("-inf"), high) if bound in _BELOW else (low, float("inf"))
            yield Quantity(low, high, unit, match.span())

    def find(self, text: str) -> Iterator[Span]:
        """Yield the places of values in the range; a range of values counts where all of it lies inside."""
        at_least, above, at_most, below = self.bounds
        for quantity in self.quantities(text):
            if (
                (at_least is None or quantity.low >= at_least)
                and (above is None or quantity.low > above)
                and (at_most is None or quantity.high <= at_most)
                and (
                    below is None
                    or quantity.high < below
                    or (quantity.low == float("-inf") and quantity.high <= below)
                )
            ):
                yield quantity.span


def numeric_lf(
    name: str,
    terms: Iterable[str],
    vote: str | int,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    units: Mapping[str, float] | str | None = None,
    unit_required: bool = False,
    plausible: tuple[float, float] | None = None,
    field: str = "text",
    **options: Unpack[TextOptions],
) -> NumericFunction:
    """Return a function that votes where a measured value in the text lies in a range.

    Parameters
    ----------
    name : str
        The function's name.
    terms : iterable of str
        What is measured: ``["EF", "ejection fraction"]``.
    vote : str or int
        The class voted for.
    at_least, above, at_most, below : float, optional
        The range, in the unit of factor 1; at least one of them.
    units : str or mapping from unit to factor, optional
        Units that are understood, and by what a value in each is multiplied: ``{"mg/dl": 1, "µmol/l": 1 / 88.4}``. A
        value in another unit is passed over; one without a unit is taken as it stands, unless `unit_required`.
    unit_required : bool, default False
        Pass over values without a unit.
    plausible : (float, float), optional
        Values outside are misread, and passed over.
    field : str, default "text"
        The record's field that is searched.
    negated, uncertain, historical, hypothetical, experiencer, sections, language
        Which findings count (see `ContextFilter`); all of them when not given.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    Examples
    --------
    >>> low_ef = numeric_lf("low_ef", ["EF", "ejection fraction"], 1, below=40, units="%")
    >>> low_ef("LVEF normal. EF of 30-35 %."), low_ef("Ejection fraction: 60%"), low_ef("EF < 30 %")
    (1, None, 1)
    >>> renal = numeric_lf("renal", ["creatinine"], 1, above=1.5, units={"mg/dl": 1, "µmol/l": 1 / 88.4})
    >>> renal("Creatinine was 180 µmol/l"), renal("creatinine 1,2 mg/dl")
    (1, None)
    """
    return NumericFunction(
        name, terms, vote, at_least=at_least, above=above, at_most=at_most, below=below, units=units,
        unit_required=unit_required, plausible=plausible, field=field, **options,
    )  # fmt: skip


def _compile(terms: tuple[str, ...], units: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(r"\s+".join(map(re.escape, term.split(" "))) for term in terms)
    known = "".join(f"{re.escape(unit)}|" for unit in sorted(units, key=len, reverse=True))
    return re.compile(
        rf"(?<!\w)(?:{names})(?!\w)\s*(?:{_FILLER}\s*){{0,4}}(?:(?P<bound>{_BOUND})\s*)?"
        rf"(?P<low>{_NUMBER})(?:\s*(?:-|–|to|bis|till)\s*(?P<high>{_NUMBER}))?(?![\d])"
        rf"\s*(?P<unit>{known}%|[a-zµμ]{{1,6}}/[a-z0-9.²]{{1,8}}|mm\s?hg|mg|ml|cm|mm|kg|g|bpm)?(?!\w)",
        re.IGNORECASE,
    )


def _number(written: str) -> float:
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", written):
        return float(written.replace(",", ""))
    return float(written.replace(",", "."))
