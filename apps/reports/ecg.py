"""Electrocardiograms as cardiologists read them: 25 mm/s, 10 mm/mV, on a grid, with a calibration mark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidelight.crossmodal.leads import STANDARD, canonical_leads, twelve_leads
from sidelight.slicing.drawing import Drawing

MM_PER_SECOND = 25.0
MM_PER_MILLIVOLT = 10.0
SECONDS = 10.0
FORMAT = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
"""Rows of the usual page: four columns of 2.5 seconds each; below them lead II throughout."""

START = 15.0
SMALLEST, LARGEST = 10.0, 30.0


def draw_ecg(
    signal: NDArray[np.floating],
    lead_names: Sequence[str],
    sampling_hz: float,
    *,
    name: str,
    title: str = "12-lead electrocardiogram",
) -> str:
    """Return an electrocardiogram as inline SVG, one unit a millimetre.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_samples)
        Millivolts; NaN where nothing was recorded. The first ten seconds are drawn.
    lead_names : sequence of str
        One a row. With leads I and II the other limb leads are derived (Einthoven, Goldberger).
    sampling_hz : float
        Samples a second.
    name : str
        Unique on the page.
    title : str
        What screen readers say.

    Notes
    -----
    All twelve leads make the usual page of three rows by four columns and a rhythm strip; anything else is drawn as one
    row a lead. The median of each lead stands at its baseline; nothing is filtered.
    """
    values = np.asarray(signal, dtype=np.float64)
    if values.ndim != 2 or len(values) != len(lead_names):
        raise ValueError(
            f"signal has shape {values.shape}; there are {len(lead_names)} leads (n_leads, n_samples)"
        )
    if not sampling_hz > 0:
        raise ValueError(f"sampling_hz is {sampling_hz}")
    names, mix = twelve_leads(canonical_leads(lead_names))
    leads = mix.astype(np.float64) @ np.where(np.isnan(values), 0.0, values)
    gone = (np.abs(mix).astype(np.float64) @ np.isnan(values)) > 0
    leads = np.where(gone, np.nan, leads)[:, : int(SECONDS * sampling_hz)]
    traces = {lead: trace - _median(trace) for lead, trace in zip(names, leads, strict=True)}
    rows: list[tuple[str, ...]] = [(lead,) for lead in names]
    if set(STANDARD) <= set(names):
        rows = [*FORMAT, ("II",)]
    return _draw(rows, traces, sampling_hz, name, title)


def _median(trace: NDArray[np.float64]) -> float:
    known = trace[~np.isnan(trace)]
    return float(np.median(known)) if len(known) else 0.0


def _draw(
    rows: Sequence[Sequence[str]], traces: dict[str, NDArray[np.float64]], rate: float, name: str, title: str
) -> str:
    n_samples = len(next(iter(traces.values())))
    length = n_samples / rate * MM_PER_SECOND
    segments = [_segments(row, traces, n_samples) for row in rows]
    baselines, height = _baselines(segments)
    width = START + max(length, 50.0) + 5.0
    shown = ", ".join(dict.fromkeys(lead for row in rows for lead in row))
    description = (
        f"Leads {shown}; {n_samples / rate:g} seconds at {rate:g} samples a second, drawn at 25 millimetres a second "
        "and 10 millimetres a millivolt."
    )
    drawing = Drawing(width, height + 7, title=title, description=description, name=name, css_class="ecg")
    drawing.rect(0, 0, width, height, "ecg-paper")
    drawing.grid(0, 0, width, height, 1.0, "ecg-fine")
    drawing.grid(0, 0, width, height, 5.0, "ecg-bold")
    for row, parts, baseline in zip(rows, segments, baselines, strict=True):
        # the mark every tracing starts with: one millivolt for a fifth of a second
        top = baseline - MM_PER_MILLIVOLT
        drawing.path(
            [(4, baseline), (5, baseline), (5, top), (10, top), (10, baseline), (11, baseline)], "ecg-mark"
        )
        for column, (lead, first, trace) in enumerate(zip(row, *parts, strict=True)):
            x = START + first / rate * MM_PER_SECOND
            drawing.text(
                x + 1.2, baseline - 8.2, lead, "ecg-lead"
            )  # beneath the trace, which nothing may cover
            for run in _runs(trace):
                points = [
                    (x + index / rate * MM_PER_SECOND, baseline - trace[index] * MM_PER_MILLIVOLT)
                    for index in run
                ]
                drawing.path(points, "ecg-trace")
            if column:
                drawing.line(x, baseline - 6, x, baseline - 4, "ecg-cut")
                drawing.line(x, baseline + 4, x, baseline + 6, "ecg-cut")
    drawing.text(0, height + 5, "25 mm/s    10 mm/mV", "ecg-scale")
    drawing.text(width, height + 5, f"{rate:g} Hz, unfiltered", "ecg-scale", anchor="end")
    return drawing.svg()


def _segments(
    row: Sequence[str], traces: dict[str, NDArray[np.float64]], n_samples: int
) -> tuple[list[int], list[NDArray[np.float64]]]:
    """Return where each lead of a row starts, and its part of the recording; the columns follow one another in time."""
    cuts = [round(n_samples * column / len(row)) for column in range(len(row) + 1)]
    parts = [traces[lead][first:last] for lead, first, last in zip(row, cuts[:-1], cuts[1:], strict=True)]
    return cuts[:-1], parts


def _baselines(segments: Sequence[tuple[list[int], list[NDArray[np.float64]]]]) -> tuple[list[float], float]:
    """Return the height of each row's zero line, on the bold grid, and of the whole: no row crosses another if it can be helped."""
    spans = []
    for _, parts in segments:
        joined = np.concatenate(parts)
        known = joined[~np.isnan(joined)] * MM_PER_MILLIVOLT
        up = float(known.max()) if len(known) else 0.0
        down = -float(known.min()) if len(known) else 0.0
        spans.append((min(max(up + 2, SMALLEST + 2), LARGEST), min(max(down + 2, SMALLEST - 2), LARGEST)))
    baselines: list[float] = []
    place = 0.0
    for up, down in spans:
        baseline = 5.0 * np.ceil((place + up) / 5.0)
        baselines.append(float(baseline))
        place = float(baseline) + down
    return baselines, float(5.0 * np.ceil(place / 5.0))


def _runs(trace: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Return the stretches of a trace that were recorded."""
    known = np.flatnonzero(~np.isnan(trace))
    if not len(known):
        return []
    return np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
