"""The forest plot: one line a slice, its interval, and how far the rest lies."""

import math
import unicodedata
from collections.abc import Callable, Sequence

from sidelight.labeling.statistics import Interval

from .drawing import Drawing, nice_ticks
from .report import AuditRow, Overall
from .small_cells import mark_of

ROW = 27.0
WIDTH = 920.0
NAME_END = 236.0
LEFT, RIGHT = 252.0, 596.0
FINE = 0.02
"""Width below which an interval is written with three digits."""
MARKS = {
    "worse": "worse",
    "slightly worse": "worse",
    "better": "better",
    "no evidence": "even",
    "not assessable": "unknown",
}


def forest_plot(overall: Overall, rows: Sequence[AuditRow], *, name: str, margin: float = 0.05) -> str:
    """Return the slices of one metric as an inline SVG.

    Parameters
    ----------
    overall : Overall
        The metric over all records: the vertical line.
    rows : sequence of AuditRow
        Drawn from top to bottom in this order.
    name : str
        Unique on the page.
    margin : float, default 0.05
        Width of the band around the line within which a gap does not matter.

    Notes
    -----
    Filled marks are assessable, hollow ones are not; their shape says what the colour says: a diamond is worse, a
    square better, a circle neither.
    """
    low, high = _range(overall, rows)
    height = 54 + ROW * (len(rows) + 1)
    drawing = Drawing(
        WIDTH, height, title=f"{overall.title} by slice", description=_describe(overall, rows), name=name,
        css_class="figure forest",
    )  # fmt: skip

    def place(value: float) -> float:
        return LEFT + (min(max(value, low), high) - low) / (high - low) * (RIGHT - LEFT)

    top, bottom = 28.0, height - 26
    whole = overall.value.estimate
    if not math.isnan(whole):
        drawing.rect(
            place(whole - margin), top, place(whole + margin) - place(whole - margin), bottom - top, "band"
        )
    for tick in nice_ticks(low, high):
        drawing.line(place(tick), top, place(tick), bottom, "grid")
        drawing.text(place(tick), bottom + 16, f"{tick:g}", "tick", anchor="middle")
    if not math.isnan(whole):
        drawing.line(place(whole), top, place(whole), bottom, "reference")
    drawing.text(NAME_END, 17, "slice", "head", anchor="end")
    drawing.text((LEFT + RIGHT) / 2, 17, overall.title, "head", anchor="middle")
    drawing.text(RIGHT + 52, 17, "n", "head", anchor="end")
    drawing.text(RIGHT + 66, 17, "estimate [95 %]" if overall.value.level == 0.95 else "estimate", "head")
    drawing.text(WIDTH, 17, "gap to the rest", "head", anchor="end")
    y = top + ROW / 2
    drawing.text(NAME_END, y + 4, "all records", "label strong", anchor="end")
    _draw(drawing, place, overall.value, y, "whole")
    drawing.text(RIGHT + 52, y + 4, _count(overall.value), "number", anchor="end")
    drawing.text(RIGHT + 66, y + 4, _bounds(overall.value), "number")
    for row in rows:
        y += ROW
        mark = MARKS[row.verdict]
        drawing.text(NAME_END, y + 4, short_name(row.slice), f"label {mark}", anchor="end")
        _draw(drawing, place, row.value, y, mark)
        drawing.text(
            RIGHT + 52,
            y + 4,
            _count(row.value) if not row.withheld else row.withheld if row.n is None else "–",
            f"number {mark}",
            anchor="end",
        )
        drawing.text(RIGHT + 66, y + 4, _bounds(row.value), f"number {mark}")
        gap = row.gap.estimate
        told = "–" if math.isnan(gap) or not row.assessable else signed(gap, digits_for(row.gap))
        drawing.text(WIDTH, y + 4, told, f"number {mark}", anchor="end")
    return drawing.svg()


def _bounds(interval: Interval) -> str:
    estimate, low, high = interval.estimate, interval.low, interval.high
    if math.isnan(estimate):
        return mark_of(interval) or "–"
    digits = digits_for(interval)
    told = [f"{value:.{digits}f}".replace("-", "−") for value in (estimate, low, high)]
    return told[0] if math.isnan(low) else f"{told[0]} [{told[1]}, {told[2]}]"


def digits_for(interval: Interval) -> int:
    """Return how many digits tell the ends of an interval apart: two, of a narrow one three."""
    width = interval.high - interval.low
    return 3 if width < FINE and not math.isnan(interval.low) else 2


def _count(value: Interval) -> str:
    return "–" if mark_of(value) else f"{value.n:,}".replace(",", "\u202f")


def _draw(drawing: Drawing, place: Callable[[float], float], value: Interval, y: float, mark: str) -> None:
    if math.isnan(value.estimate):
        return
    if not math.isnan(value.low):
        drawing.line(place(value.low), y, place(value.high), y, f"bar {mark}")
        for end in (value.low, value.high):
            drawing.line(place(end), y - 4, place(end), y + 4, f"bar {mark}")
    x = place(value.estimate)
    if mark == "worse":
        drawing.diamond(x, y, 6.5, "mark worse")
    elif mark == "better":
        drawing.rect(x - 5, y - 5, 10, 10, "mark better")
    else:
        drawing.circle(x, y, 5, f"mark {mark}")


def _range(overall: Overall, rows: Sequence[AuditRow]) -> tuple[float, float]:
    values = [overall.value.low, overall.value.high, overall.value.estimate]
    for row in rows:
        values += [row.value.low, row.value.high, row.value.estimate]
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    pad = max(0.04 * (high - low), 0.02)
    return low - pad, high + pad


def _describe(overall: Overall, rows: Sequence[AuditRow]) -> str:
    told = [f"All records: {overall.value}."]
    told += [f"{row.slice}: {row.value}, {row.verdict}." for row in rows]
    return " ".join(told)


def short_name(name: str, room: float = NAME_END - 6, size: float = 13.5) -> str:
    """Return a name cut to fit `room`, by about how wide its letters are in a sans-serif font of this size.

    Examples
    --------
    >>> short_name("device = CS-12"), short_name("W" * 40)
    ('device = CS-12', 'WWWWWWWWWWWWWWWW…')
    """
    width = 0.0
    for place, letter in enumerate(name):
        width += size * _breadth(letter)
        if width > room:
            # room for the dots that stand for the rest
            return name[: max(place - 1, 1)] + "…"
    return name


def _breadth(letter: str) -> float:
    """Return about how wide a letter is, in heights of the font."""
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    if letter in "mwMW@%—…":
        return 0.95
    return 0.4 if letter in "ijlrtfI.,:;'|!()[] -" else 0.78 if letter.isupper() else 0.68


def signed(value: float, digits: int = 2) -> str:
    """Return a difference with its sign, a real minus included; nought has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")
