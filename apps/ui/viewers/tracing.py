"""A signal as the browser's viewer takes it: its samples, the montages they allow, and how it is usually drawn."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.crossmodal.leads import STANDARD, canonical_leads, twelve_leads

LONGEST = 300.0
"""Seconds that are sent at once; a longer recording comes in parts."""

FASTEST = 256.0
"""Samples a second above which an electroencephalogram of many channels is thinned out before it is sent."""

CHAINS = (
    ("Fp1", "F7", "T7", "P7", "O1"),
    ("Fp1", "F3", "C3", "P3", "O1"),
    ("Fz", "Cz", "Pz"),
    ("Fp2", "F4", "C4", "P4", "O2"),
    ("Fp2", "F8", "T8", "P8", "O2"),
)
"""Longitudinal bipolar montage ("double banana"), front to back, left to right."""

ROWS = (
    ("F7", "Fp1", "Fp2", "F8"),
    ("F7", "F3", "Fz", "F4", "F8"),
    ("T7", "C3", "Cz", "C4", "T8"),
    ("P7", "P3", "Pz", "P4", "P8"),
    ("P7", "O1", "O2", "P8"),
)
"""Transverse bipolar montage."""

OLDER = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
SITES = {site.lower(): site for row in (*CHAINS, *ROWS) for site in row} | {
    old.lower(): new for old, new in OLDER.items()
}


def parts_of(n_samples: int, rate: float) -> list[tuple[int, int]]:
    """Return the parts a recording is sent in, as samples from and to.

    Examples
    --------
    >>> parts_of(1000, 100.0)
    [(0, 1000)]
    """
    size = max(1, int(LONGEST * rate)) if rate > 0 else n_samples
    return [(start, min(start + size, n_samples)) for start in range(0, max(n_samples, 1), size)]


def tracing_data(
    values: NDArray[np.floating],
    names: Sequence[str],
    rate: float,
    units: str,
    *,
    kind: str,
    part: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Return what the viewer's script takes.

    Parameters
    ----------
    values : ndarray of shape (n_channels, n_samples)
        Samples, NaN where nothing was recorded.
    names : sequence of str
        The channels. With leads I and II the other limb leads are derived (Einthoven, Goldberger).
    rate : float
        Samples a second; 0 counts as 1.
    units : str
        "mV" is known, and taken for electroencephalograms to be shown in microvolts.
    kind : {"light", "dark"}
        The page's theme.
    part : (start, end), optional
        Samples that are sent; the first part without.
    """
    start, end = part or parts_of(values.shape[1], rate)[0]
    leads = canonical_leads(names)
    samples = np.asarray(values[:, start:end], dtype=np.float64)
    is_ecg = any(lead in STANDARD for lead in leads)
    montages: list[dict[str, Any]] = []
    if is_ecg:
        leads, mix = twelve_leads(leads)
        gone = (np.abs(mix) @ np.isnan(samples)) > 0
        samples = np.where(gone, np.nan, mix.astype(np.float64) @ np.nan_to_num(samples))
    else:
        leads = [_site(lead) for lead in leads]
        montages = montages_of(leads)
        samples, rate = _thinned(samples, rate)
        if montages and units == "mV":
            samples, units = samples * 1000, "µV"
    samples = samples - _medians(samples)
    step = np.maximum(np.nan_to_num(np.abs(samples)).max(axis=1, initial=0.0), 1e-12) / 32767
    with np.errstate(invalid="ignore"):
        counts = np.where(np.isnan(samples), -32768, np.round(samples / step[:, None])).astype("<i2")
    return {
        "kind": "ecg" if is_ecg else "eeg" if montages else "signal",
        "names": list(leads), "rate": rate or 1.0, "n": samples.shape[1], "start": start / (rate or 1.0),
        "units": units, "steps": step.tolist(), "samples": base64.b64encode(counts.tobytes()).decode(),
        "montages": montages, "twelve": set(STANDARD) <= set(leads), "theme": kind,
        "typical": float(np.median(np.nan_to_num(np.abs(samples)).max(axis=1, initial=0.0))) if len(samples) else 1.0,
        "words": _words(is_ecg, bool(montages), leads, samples.shape[1] / (rate or 1.0), rate),
    }  # fmt: skip


def montages_of(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the montages that channels allow, each as rows of (name, plus, minus); -1 is the reference, -2 the mean.

    Examples
    --------
    >>> [montage["name"] for montage in montages_of(["Fp1", "F7", "T7"])]
    ['as recorded', 'common average', 'longitudinal bipolar', 'transverse bipolar']
    """
    known = [name for name in names if name in SITES.values()]
    if len(known) < 3:
        return []
    at = {name: place for place, name in enumerate(names)}
    plain = [[name, place, -1] for name, place in at.items()]
    mean = [[f"{name}-avg", at[name], -2] for name in known]
    found = [{"name": "as recorded", "rows": plain}, {"name": "common average", "rows": mean}]
    for title, lines in (("longitudinal bipolar", CHAINS), ("transverse bipolar", ROWS)):
        pairs = [(a, b) for line in lines for a, b in itertools.pairwise(line) if a in at and b in at]
        if pairs:
            found.append({"name": title, "rows": [[f"{a}-{b}", at[a], at[b]] for a, b in pairs]})
    return found


def _site(name: str) -> str:
    """Return a channel's name without "EEG" and reference, spelled as the 10-20 system does; other names as they are."""
    plain = re.sub(r"^EEG[ -]*|[ -]*(?:REF|LE|AR|A1|A2|M1|M2|CLE|Ref)\.*$|\.+$", "", name.strip())
    return SITES.get(plain.lower(), name.strip())


def _thinned(samples: NDArray[np.float64], rate: float) -> tuple[NDArray[np.float64], float]:
    """Return samples at no more than `FASTEST` a second, each the mean of those it stands for."""
    every = int(np.ceil(rate / FASTEST)) if rate > 0 else 1
    if every < 2 or samples.size < 1_000_000:
        return samples, rate
    n = samples.shape[1] // every
    return samples[:, : n * every].reshape(len(samples), n, every).mean(axis=2), rate / every


def _medians(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each channel's median over what was recorded, 0 where nothing was."""
    return np.array(
        [[float(np.median(row[known])) if (known := ~np.isnan(row)).any() else 0.0] for row in samples]
    ).reshape(len(samples), 1)


def _words(is_ecg: bool, is_eeg: bool, leads: Sequence[str], seconds: float, rate: float) -> str:
    what = "Electrocardiogram" if is_ecg else "Electroencephalogram" if is_eeg else "Signal"
    return f"{what}, {len(leads)} channels, {seconds:g} seconds at {rate:g} samples a second"
