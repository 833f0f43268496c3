"""The volcano plot: every test of an audit by how large the gap is and how sure, so that one sees how many there were."""

import math

from .drawing import Drawing, nice_ticks
from .forest import MARKS, short_name
from .report import Audit, AuditRow

WIDTH, HEIGHT = 920.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 66.0, 896.0, 34.0, 364.0
SUREST = 6.0
"""A p of ten to the minus this, or less, is drawn at the upper edge."""
MOST_LABELS = 8
LETTER = 7.2
"""Width of a letter, on average."""
NEAR = 45.0
"""A name further from its mark than this is taken for another's."""


def volcano_plot(audit: Audit, *, name: str) -> str:
    """Return gap against p of all tests of an audit as an inline SVG; empty with fewer than two tests.

    Parameters
    ----------
    audit : Audit
        Its assessable rows are drawn.
    name : str
        Unique on the page.

    Notes
    -----
    Gaps of metrics of which less is better are turned round: left is worse for all. The dashed line lies just below
    the largest p that the correction let pass; marks above it are called worse or better.
    """
    rows = [row for row in audit.rows if row.assessable and not math.isnan(row.gap.p)]
    if len(rows) < 2:
        return ""
    points = [(_turned(row), min(-math.log10(max(row.gap.p, 1e-300)), SUREST), row) for row in rows]
    reach = max(0.02, *(abs(x) for x, _, _ in points)) * 1.08
    top = max(2.0, *(y for _, y, _ in points)) * 1.06
    level = float(audit.settings.get("q", 0.05))
    passed = [row.gap.p for row in rows if row.q <= level]
    drawing = Drawing(
        WIDTH, HEIGHT, title="All tests: how large, and how sure", description=_describe(rows, level), name=name,
        css_class="figure volcano",
    )  # fmt: skip

    def across(gap: float) -> float:
        return (LEFT + RIGHT) / 2 + gap / reach * (RIGHT - LEFT) / 2

    def down(height: float) -> float:
        return BOTTOM - height / top * (BOTTOM - TOP)

    margin = float(audit.settings.get("margin", 0.05))
    inner = min(margin, reach)
    drawing.rect(across(-inner), TOP, across(inner) - across(-inner), BOTTOM - TOP, "band")
    for tick in nice_ticks(-reach, reach, 9):
        drawing.line(across(tick), TOP, across(tick), BOTTOM, "grid")
        words = f"{tick:+g}".replace("-", "−") if tick else "0"
        drawing.text(across(tick), BOTTOM + 17, words, "tick", anchor="middle")
    for power in range(int(top) + 1):
        drawing.line(LEFT, down(power), RIGHT, down(power), "grid")
        drawing.text(LEFT - 8, down(power) + 4, _tenth(power), "tick", anchor="end")
    drawing.line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis")
    drawing.text(LEFT - 8, 18, "p", "head", anchor="end")
    drawing.text(LEFT, 18, "← worse than the rest", "head")
    drawing.text(RIGHT, 18, "better than the rest →", "head", anchor="end")
    drawing.text((LEFT + RIGHT) / 2, BOTTOM + 42, "gap to the rest", "head", anchor="middle")
    if passed:
        lowest = min(y for _, y, row in points if row.q <= level)
        below = max((y for _, y, row in points if row.q > level and y < lowest), default=0.0)
        line = down(lowest - min((lowest - below) / 2, 0.05 * top))
        drawing.line(LEFT, line, RIGHT, line, "reference")
        drawing.text(
            (LEFT + RIGHT) / 2, 18, f"dashed: called from here on (q ≤ {level:g})", "tick", anchor="middle"
        )
    for x, y, row in sorted(points, key=lambda point: point[1]):
        _mark(drawing, across(x), down(y), MARKS[row.verdict])
    titles = {item.metric: item.title for item in audit.overall}
    _name(drawing, [(across(x), down(y), row) for x, y, row in points], titles)
    return drawing.svg()


def _turned(row: AuditRow) -> float:
    return row.gap.estimate if row.higher_is_better else -row.gap.estimate


def _mark(drawing: Drawing, x: float, y: float, mark: str) -> None:
    if mark == "worse":
        drawing.diamond(x, y, 6.5, "mark worse")
    elif mark == "better":
        drawing.rect(x - 5, y - 5, 10, 10, "mark better")
    else:
        drawing.circle(x, y, 4, f"mark {mark} open")


def _name(drawing: Drawing, points: list[tuple[float, float, AuditRow]], titles: dict[str, str]) -> None:
    """Write the names of what was called, surest first, where there is room."""
    taken: list[tuple[float, float, float]] = []
    called = [point for point in points if point[2].verdict in ("worse", "slightly worse", "better")]
    for x, y, row in sorted(called, key=lambda point: (point[2].gap.p, point[1], point[0]))[
        : 2 * MOST_LABELS
    ]:
        words = f"{short_name(row.slice)}, {titles[row.metric]}"
        wide = LETTER * len(words)
        marks = [other for other, height, _ in points if abs(height - y) < 11]
        right, left = _beside(x, wide, marks), -_beside(-x, wide, [-other for other in marks])
        start = next(
            (
                begin
                for begin, gap in ((right, right - x), (left - wide, x - left))
                if gap <= NEAR and begin >= LEFT and begin + wide < RIGHT
            ),
            None,
        )
        if start is None or len(taken) == MOST_LABELS:
            continue
        if any(
            abs(y - other) <= 15 and start <= end and start + wide >= begin for begin, end, other in taken
        ):
            continue
        taken.append((start, start + wide, y))
        beyond = start if start > x else start + wide
        drawing.text(
            beyond, y + 4, words, f"label {MARKS[row.verdict]}", anchor="start" if start > x else "end"
        )


def _beside(x: float, wide: float, marks: list[float]) -> float:
    """Return where words beside the mark at `x` begin, to the right of all marks that they would cover."""
    start = x + 11
    for other in sorted(marks):
        if x < other < start + wide + 8:
            start = other + 11
    return start


def _tenth(power: int) -> str:
    """Return a p of ten to the minus `power` as it is read."""
    return f"{10.0**-power:g}" if power < 4 else "10⁻" + "⁰¹²³⁴⁵⁶⁷⁸⁹"[power]


def _describe(rows: list[AuditRow], level: float) -> str:
    called = [row for row in rows if row.q <= level]
    told = [f"{len(rows)} tests, {len(called)} of them with q of at most {level:g}."]
    told += [
        f"{row.slice}, {row.metric}: gap {row.gap.estimate:.2f}, p {row.gap.p:.2g}." for row in called[:20]
    ]
    return " ".join(told)
