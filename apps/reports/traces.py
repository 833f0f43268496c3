"""Signals that are no electrocardiograms: one row a channel, each as high as its own range, with that range told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidelight.slicing.drawing import Drawing

WIDTH, ROW, EDGE = 120.0, 26.0, 4.0
POINTS = 1200
"""Points a trace is drawn with at most, as lowest and highest of each stretch."""


def draw_traces(
    signal: NDArray[np.floating],
    names: Sequence[str],
    sampling_hz: float = 0.0,
    *,
    units: str = "",
    name: str,
    title: str = "signal",
) -> str:
    """Return signals as inline SVG, each scaled to its own range, which stands beside its name.

    Parameters
    ----------
    signal : ndarray of shape (n_channels, n_samples)
        NaN where nothing was recorded.
    names : sequence of str
        One a channel.
    sampling_hz : float, default 0
        Samples a second, 0 where not known.
    units : str, optional
        Of the samples, as they are told.
    name : str
        Unique on the page.
    title : str
        What screen readers say.

    Examples
    --------
    >>> "EEG" in draw_traces(np.sin(np.arange(300) / 9)[None], ["EEG"], 100, name="trace")
    True
    """
    values = np.asarray(signal, dtype=np.float64)
    if values.ndim != 2 or len(values) != len(names):
        raise ValueError(f"signal has shape {values.shape}; there are {len(names)} names")
    n_samples = values.shape[1]
    height = ROW * len(names) + EDGE
    long = f"{n_samples / sampling_hz:.3g} s at {sampling_hz:g} Hz" if sampling_hz else f"{n_samples} samples"
    drawing = Drawing(
        WIDTH, height + 7, title=title, description=f"{', '.join(names)}; {long}, each to its own scale.", name=name,
        css_class="ecg",
    )  # fmt: skip
    drawing.rect(0, 0, WIDTH, height, "ecg-paper")
    for row, (channel, trace) in enumerate(zip(names, values, strict=True)):
        top = EDGE + row * ROW
        known = trace[np.isfinite(trace)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
        told = f"{channel}  {low:.3g} to {high:.3g}{f' {units}' if units else ''}".replace("-", "\u2212")
        drawing.text(2, top + 3.2, told, "ecg-lead ecg-channel")
        span = max(high - low, 1e-12)
        for run in _runs(_thinned(trace)):
            drawing.path(
                [
                    (2 + x * (WIDTH - 4), top + 5 + (high - value) / span * (ROW - EDGE - 6))
                    for x, value in run
                ],
                "ecg-trace",
            )
    drawing.text(0, height + 5, "each to its own scale", "ecg-scale")
    drawing.text(WIDTH, height + 5, long, "ecg-scale", anchor="end")
    return drawing.svg()


def _thinned(trace: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return places from 0 to 1 and values; of long traces the lowest and highest of each stretch, in their order."""
    n = len(trace)
    if n <= POINTS:
        chosen = np.arange(n)
    else:
        picked = []
        for part in np.array_split(np.arange(n), POINTS // 2):
            known = part[np.isfinite(trace[part])]
            ends = (known[trace[known].argmin()], known[trace[known].argmax()]) if len(known) else (part[0],)
            picked += sorted({int(row) for row in ends})
        chosen = np.array(picked)
    return [(float(row) / max(n - 1, 1), float(trace[row])) for row in chosen.tolist()]


def _runs(points: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Return the stretches that were recorded."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if np.isfinite(point[1]):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
