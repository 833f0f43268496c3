"""Names of ECG leads, and the four limb leads that follow from leads I and II."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STANDARD = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

LIMB = {
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}
"""Shares of leads I and II in each limb lead (Einthoven, Goldberger)."""


def canonical_leads(names: Sequence[str]) -> list[str]:
    """Return `names` with the standard leads spelled the standard way.

    Examples
    --------
    >>> canonical_leads(["i", "AVR", "v1", "Fp1"])
    ['I', 'aVR', 'V1', 'Fp1']
    """
    usual = {lead.lower(): lead for lead in STANDARD}
    return [usual.get(str(name).strip().lower(), str(name).strip()) for name in names]


def twelve_leads(stored: Sequence[str]) -> tuple[list[str], NDArray[np.float32]]:
    """Return the names of all leads that `stored` determines, and the matrix that makes them.

    Leads of an ECG come in the standard order; other channels follow as they are stored.

    Returns
    -------
    names : list of str
    mix : ndarray of shape (n_names, n_stored)

    Examples
    --------
    >>> twelve_leads(["II", "I", "V1"])[0]
    ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1']
    """
    both = "I" in stored and "II" in stored
    names = [lead for lead in STANDARD if lead in stored or (both and lead in LIMB)]
    names += [name for name in stored if name not in STANDARD]
    mix = np.zeros((len(names), len(stored)), dtype=np.float32)
    for row, name in enumerate(names):
        if name in stored:
            mix[row, list(stored).index(name)] = 1
        else:
            mix[row, list(stored).index("I")], mix[row, list(stored).index("II")] = LIMB[name]
    return names, mix
