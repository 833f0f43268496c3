"""A map of the records: two directions of an embedding, errors marked, found slices outlined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, QhullError

from .drawing import Drawing
from .forest import short_name

WIDTH, HEIGHT, EDGE = 920.0, 520.0, 26.0
MOST = 1500
"""Most right predictions drawn; errors are drawn up to the same number."""

CORE = 0.8
"""Share of a slice's members that its outline holds, the ones nearest to its middle."""


def embedding_map(
    embedding: ArrayLike,
    gold: ArrayLike,
    errors: ArrayLike,
    slices: Sequence[tuple[str, NDArray[np.bool_]]] = (),
    *,
    name: str = "map",
    classes: Sequence[str] = (),
    seed: int = 0,
) -> str:
    """Return the map as inline SVG.

    Parameters
    ----------
    embedding : array-like of shape (n_records, n_features)
        The two directions in which it varies most are drawn.
    gold : array-like of int of shape (n_records,)
        Classes: a dot for the first, a square for the second, a triangle for the others.
    errors : array-like of bool of shape (n_records,)
        Wrong predictions, drawn dark and on top.
    slices : sequence of (str, ndarray of bool)
        Outlined, and called by their short names.
    name : str, default "map"
        Unique on the page.
    classes : sequence of str, optional
        Names for the legend.
    seed : int, default 0
        Of the records drawn when there are too many.
    """
    points = _plane(np.asarray(embedding, dtype=np.float64))
    truth, wrong = np.asarray(gold), np.asarray(errors, dtype=bool)
    middle, spread = np.median(points, axis=0), np.subtract(*np.quantile(points, [0.75, 0.25], axis=0))
    points = np.arcsinh(
        (points - middle) / np.maximum(spread, 1e-9)
    )  # far records stay on the map, near ones apart
    low, high = np.quantile(points, 0.005, axis=0), np.quantile(points, 0.995, axis=0)
    span = np.maximum(high - low, 1e-9)
    shown = np.clip((points - low) / span, -0.022, 1.022)
    x = EDGE + shown[:, 0] * (WIDTH - 2 * EDGE)
    y = HEIGHT - EDGE - shown[:, 1] * (HEIGHT - 2 * EDGE)
    told = f"{len(points)} records, {int(wrong.sum())} wrongly predicted. "
    told += " ".join(f"{label} has {int(inside.sum())} members." for label, inside in slices)
    drawing = Drawing(
        WIDTH, HEIGHT + 30, title="Map of the embedding", description=told, name=name, css_class="figure map"
    )
    drawing.rect(1, 1, WIDTH - 2, HEIGHT - 2, "frame", radius=8)
    random = np.random.default_rng(seed)
    for rows, state in ((np.flatnonzero(~wrong), "right"), (np.flatnonzero(wrong), "wrong")):
        for row in np.sort(random.permutation(rows)[:MOST]):
            _mark(drawing, float(x[row]), float(y[row]), int(truth[row]), state)
    tags: list[tuple[tuple[float, float], float]] = []
    for number, (label, inside) in enumerate(slices):
        hull = _outline(np.stack([x[inside], y[inside]], axis=1))
        if hull is None:
            continue
        hull = np.clip(hull, 3.0, [WIDTH - 3.0, HEIGHT - 3.0])
        drawing.polygon([(float(a), float(b)) for a, b in hull], f"outline o{number % 5}")
        words = short_name(label, 220.0)
        spots = [(float(x), float(y) - 7) for x, y in hull[hull[:, 1].argsort()]]
        half = 4.4 * len(words)
        free = [spot for spot in spots if all(_apart(spot, half, *other) for other in tags)]
        across, down = (free or spots)[0]
        across, down = min(max(across, half + 4), WIDTH - half - 4), max(down, 16.0)
        tags.append(((across, down), half))
        drawing.text(across, down, words, f"tag o{number % 5}", anchor="middle")
    place = EDGE
    told_apart = [*classes[:2], "other classes"] if len(classes) > 3 else classes
    for code, label in enumerate(told_apart):
        words = short_name(label, 170.0, 12.5)
        _mark(drawing, place, HEIGHT + 18, code, "right")
        drawing.text(place + 11, HEIGHT + 22, words, "tick")
        place += 30 + 7.4 * len(words)
    _mark(drawing, place, HEIGHT + 18, 0, "wrong")
    drawing.text(place + 11, HEIGHT + 22, "wrongly predicted", "tick")
    thinned = [
        f"{MOST:,} of {int(which.sum()):,} {words}".replace(",", "\u202f")
        for which, words in ((~wrong, "right"), (wrong, "wrong"))
        if int(which.sum()) > MOST
    ]
    if thinned:
        drawing.text(WIDTH, HEIGHT + 22, f"drawn: {' and '.join(thinned)}", "tick", anchor="end")
    return drawing.svg()


def _plane(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the two directions of largest variance, each turned so that its largest weight is positive."""
    if values.ndim != 2 or not len(values):
        raise ValueError(f"embedding has shape {values.shape}; it is (n_records, n_features)")
    centred = values - values.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :2]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    found = centred @ (axes * signs)
    return found if found.shape[1] == 2 else np.column_stack([found, np.zeros(len(found))])


def _apart(spot: tuple[float, float], half: float, other: tuple[float, float], its_half: float) -> bool:
    """Return whether words around one spot leave those around another free."""
    return abs(spot[1] - other[1]) > 17 or abs(spot[0] - other[0]) > half + its_half + 6


def _mark(drawing: Drawing, x: float, y: float, code: int, state: str) -> None:
    size = 2.4 if state == "right" else 3.4
    if code == 0:
        drawing.circle(x, y, size, f"dot {state}")
    elif code == 1:
        drawing.rect(x - size, y - size, 2 * size, 2 * size, f"dot {state}")
    else:
        drawing.polygon(
            [(x, y - size - 1), (x + size + 1, y + size), (x - size - 1, y + size)], f"dot {state}"
        )


def _outline(points: NDArray[np.float64]) -> NDArray[Any] | None:
    """Return the hull of most members, a little wider than they lie; None for too few."""
    if len(points) < 4:
        return None
    middle = np.median(points, axis=0)
    distance = np.linalg.norm(points - middle, axis=1)
    core = points[distance <= np.quantile(distance, CORE)]
    try:
        hull = core[ConvexHull(core).vertices]
    except (QhullError, ValueError):
        return None
    centre = hull.mean(axis=0)
    away = hull - centre
    found: NDArray[np.float64] = centre + away * (
        1 + 8 / np.maximum(np.linalg.norm(away, axis=1), 1)[:, None]
    )
    return found
