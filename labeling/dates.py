"""Dates in a text, and labeling functions that ask how far from the document's day something happened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Unpack

from .clinical import split_sentences
from .declared import text_of
from .faults import UsageError
from .function import Vote
from .pattern import TextOptions, any_of, normalise_phrases, split_options
from .record import Record
from .text_function import TextFunction
from .votes import Span

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar januari", "february feb februar februari", "march mar märz mars", "april apr", "may mai maj",
            "june jun juni", "july jul juli", "august aug augusti", "september sept sep", "october oct oktober okt",
            "november nov", "december dec dezember dez",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_COUNT = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
          "einem": 1, "einer": 1, "zwei": 2, "drei": 3, "vier": 4, "en": 1, "ett": 1, "två": 2, "tre": 3}  # fmt: skip
_DAYS = {"day": 1, "week": 7, "month": 30.44, "year": 365.25, "tag": 1, "woche": 7, "monat": 30.44, "jahr": 365.25,
         "dag": 1, "vecka": 7, "veckor": 7, "månad": 30.44, "år": 365.25}  # fmt: skip
_UNIT = r"(?P<unit>days?|weeks?|months?|years?|tag(?:en)?|wochen?|monat(?:en)?|jahr(?:en)?|dag(?:ar)?|veck(?:a|or)|månad(?:er)?|år)"
_PATTERN = re.compile(
    rf"""(?<![\w.,/-])(?:
      (?P<iso>\d{{4}}-\d{{2}}-\d{{2}})(?!\d)
    | (?P<slash>\d{{1,2}}/\d{{1,2}}/(?:\d{{4}}|\d{{2}}))(?![\d/])
    | (?P<dots>\d{{1,2}}\.\s?\d{{1,2}}\.\s?(?:\d{{4}}|\d{{2}}))(?!\d)
    | (?P<m1>{_MONTH})\.?\s+(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y1>\d{{4}})
    | (?P<d2>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<m2>{_MONTH})\.?,?\s+(?P<y2>\d{{4}})
    | (?P<m3>{_MONTH})\.?,?\s+(?:of\s+)?(?P<y3>\d{{4}})
    | (?P<my>\d{{1,2}}/\d{{4}})(?![\d/])
    | (?:(?P<count>\d{{1,3}}|{"|".join(_COUNT)})\s+{_UNIT}\s+(?:ago|earlier|prior|before|sedan))
    | (?:vor|för)\s+(?P<count2>\d{{1,3}}|{"|".join(_COUNT)})\s+{_UNIT.replace("<unit>", "<unit2>")}
    | (?P<word>yesterday|today|gestern|heute|igår|idag)
    | (?:in|since|of|during|from|seit|im\sjahr|sedan|år)\s+(?P<year>(?:19|20)\d{{2}})
    )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date in a text.

    Parameters
    ----------
    span : (start, end)
        Its characters.
    day : date
        The day, or the middle of the month or year that is named.
    precision : {"day", "month", "year"}
        How exact it is.
    """

    span: Span
    day: date
    precision: str


def find_dates(
    text: str, written: date | datetime | None = None, *, day_first: bool = False
) -> Iterator[DateMention]:
    """Yield the dates of a text, in order.

    Parameters
    ----------
    text : str
        A note.
    written : date or datetime, optional
        Its day; without it relative dates ("3 weeks ago") and years of two digits are passed over.
    day_first : bool, default False
        Whether 3/4/2020 is the third of April. A date with dots always has the day first.

    Examples
    --------
    >>> [(str(d.day), d.precision) for d in find_dates("CABG 3/2016, fall 2 weeks ago", date(2020, 1, 15))]
    [('2016-03-15', 'month'), ('2020-01-01', 'day')]
    """
    reference = written.date() if isinstance(written, datetime) else written
    for match in _PATTERN.finditer(text):
        try:
            found = _read(match, reference, day_first)
        except (ValueError, OverflowError):  # no such day
            continue
        if found is not None:
            yield DateMention(match.span(), *found)


def _read(match: re.Match[str], written: date | None, day_first: bool) -> tuple[date, str] | None:
    if match["iso"]:
        return date.fromisoformat(match["iso"]), "day"
    if match["slash"] or match["dots"]:
        first, second, year = (int(part) for part in re.split(r"[/.]\s?", match["slash"] or match["dots"]))
        day, month = (first, second) if match["dots"] or day_first or first > 12 else (second, first)
        full = _full_year(year, written)
        return None if full is None else (date(full, month, day), "day")
    for month_group, day_group, year_group in (("m1", "d1", "y1"), ("m2", "d2", "y2")):
        if match[month_group]:
            return date(
                int(match[year_group]), _MONTHS[match[month_group].lower()], int(match[day_group])
            ), "day"
    if match["m3"]:
        return date(int(match["y3"]), _MONTHS[match["m3"].lower()], 15), "month"
    if match["my"]:
        month, year = map(int, match["my"].split("/"))
        return date(year, month, 15), "month"
    if match["year"]:
        return date(int(match["year"]), 7, 1), "year"
    return None if written is None else _relative(match, written)


def _relative(match: re.Match[str], written: date) -> tuple[date, str]:
    if match["word"]:
        return written - timedelta(days=match["word"].lower() in ("yesterday", "gestern", "igår")), "day"
    count = (match["count"] or match["count2"]).lower()
    unit = (match["unit"] or match["unit2"]).lower()
    size = next(
        days for name, days in sorted(_DAYS.items(), key=lambda item: -len(item[0])) if unit.startswith(name)
    )
    number = _COUNT[count] if count in _COUNT else int(count)
    precision = "day" if size <= 7 else "month" if size < 100 else "year"
    return written - timedelta(days=round(number * size)), precision


def _full_year(year: int, written: date | None) -> int | None:
    """Return a year with its century: no date of a note lies in its future."""
    if year >= 100:
        return year
    if written is None:
        return None
    full = written.year - written.year % 100 + year
    return full if full <= written.year else full - 100


class DateFunction(TextFunction):
    """Votes for one class where something is dated within a span of days; made by `dated_lf`."""

    def __init__(
        self,
        name: str,
        terms: Iterable[str],
        vote: str | int,
        *,
        days: tuple[float, float],
        day_first: bool = False,
        field: str = "text",
        **options: Unpack[TextOptions],
    ) -> None:
        self.terms = normalise_phrases(name, "terms", terms)
        if not self.terms or len(days) != 2 or days[0] > days[1]:
            raise UsageError(f"function {name!r}: terms is empty, or days is no (first, last)")
        self.days = (float(days[0]), float(days[1]))
        self.day_first = day_first
        self._pattern = any_of(self.terms, re.IGNORECASE, whole_words=True)
        context, metadata = split_options(options)
        content = {"terms": self.terms, "days": self.days, "day_first": day_first}
        super().__init__(name, content, vote, field=field, context=context, **metadata)

    def describe(self) -> str:
        """Say what is dated."""
        return f"Vote {self.vote!r} where {self.terms[0]!r} is dated {self.days[0]:g} to {self.days[1]:g} days from the note."

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote with the terms and their dates, None when the function abstains."""
        text = text_of(record, self.field, self.name)
        written = record.time
        if written is None:
            return None
        spans: list[Span] = []
        for start, end in split_sentences(text):
            dates = list(find_dates(text[start:end], written, day_first=self.day_first))
            if not dates:
                continue
            terms = [match.span() for match in self._pattern.finditer(text, start, end)]
            for term in self.context.keep(text, terms, record):
                nearest = min(dates, key=lambda d: _distance(term, d, start))
                if self.days[0] <= (nearest.day - written.date()).days <= self.days[1]:
                    spans += [term, (start + nearest.span[0], start + nearest.span[1])]
        return Vote(self.vote, tuple(spans) if self.field == "text" else ()) if spans else None

    def _vote(self, record: Record) -> Any:
        return None if self.evidence(record) is None else self.vote


def _distance(term: Span, mention: DateMention, start: int) -> int:
    return max(mention.span[0] + start - term[1], term[0] - mention.span[1] - start, 0)


def dated_lf(
    name: str,
    terms: Iterable[str],
    vote: str | int,
    *,
    days: tuple[float, float],
    day_first: bool = False,
    field: str = "text",
    **options: Unpack[TextOptions],
) -> DateFunction:
    """Return a function that votes where something is dated within a span of days of the document.

    Parameters
    ----------
    name : str
        The function's name.
    terms : iterable of str
        What is dated; its date is the nearest one in its sentence.
    vote : str or int
        The class voted for.
    days : (float, float)
        First and last day, counted from the document's time: ``(-14, 0)`` is the fortnight before it.
    day_first : bool, default False
        Whether 3/4/2020 is the third of April.
    field : str, default "text"
        The record's field that is searched.
    negated, uncertain, historical, hypothetical, experiencer, sections, language
        Which findings count (see `ContextFilter`); all of them when not given.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    Examples
    --------
    >>> recent = dated_lf("recent_fall", ["fall", "fell"], 1, days=(-14, 0))
    >>> recent({"text": "Fell 3 days ago.", "time": "2020-01-15"}), recent({"text": "Fall in 2012.", "time": "2020-01-15"})
    (1, None)
    """
    return DateFunction(name, terms, vote, days=days, day_first=day_first, field=field, **options)
