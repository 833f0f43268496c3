"""Records to look at: errors of a slice with right predictions of it beside them, as traces or pictures, without ids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.apps.reports.ecg import draw_ecg
from sidelight.apps.reports.traces import draw_traces
from sidelight.crossmodal.leads import STANDARD, canonical_leads
from sidelight.slicing import Audit, Card, SliceMatrix, Strip
from sidelight.slicing.page import class_named
from sidelight.slicing.thumbnail import thumbnail

from .material import Material

MOST_STRIPS = 4
ERRORS, CONTROLS = 4, 2
SECONDS = 4.0
SHOWN = ("II", "V1", "V5")
"""Leads of a strip, where a study has them; of other signals the first three."""
SCALES = {"mV": 1.0, "uV": 0.001}
"""Units in which an electrocardiogram is drawn at its scale."""


def example_strips(
    material: Material, result: Audit, members: SliceMatrix, found: Any, searched: NDArray[np.intp]
) -> list[Strip]:
    """Return one strip for each of the worst slices and confirmed finds, and one of the surest errors of all."""
    if material.signals is None or material.signal_rows is None:
        return []
    rows = material.rows
    wanted: list[tuple[str, NDArray[np.intp]]] = [("All records: the surest errors", rows)]
    worse = dict.fromkeys(row.slice for row in result.ranked() if row.verdict == "worse")
    wanted += [(name, rows[members[name]]) for name in worse]
    if found is not None:
        wanted += [
            (
                f"{part.name}: {class_named(part.description, part.label, material.schema.classes)}",
                searched[part.members],
            )
            for part in found.confirmed
        ]
    strips = []
    shown: set[int] = set()  # a record is looked at once
    for number, (name, chosen) in enumerate(wanted[: MOST_STRIPS + 1]):
        cards = _cards(material, chosen, number, shown)
        if any(card.wrong for card in cards):
            strips.append(Strip(name, tuple(cards)))
    return strips


def _cards(material: Material, rows: NDArray[np.intp], number: int, shown: set[int]) -> list[Card]:
    assert material.signal_rows is not None  # noqa: S101 - asked before
    rows = rows[(material.gold[rows] >= 0) & (material.signal_rows[rows] >= 0)]
    told = material.proba[rows].argmax(axis=1)
    sure = material.proba[rows].max(axis=1)
    wrong = told != material.gold[rows]
    fresh = np.array([row not in shown for row in rows.tolist()], dtype=bool)
    picked: list[int] = []
    for which, most in ((wrong, ERRORS), (~wrong, CONTROLS)):
        here = np.flatnonzero(which & fresh)
        picked += here[np.lexsort((here, -sure[here]))][:most].tolist()
    shown.update(int(rows[at]) for at in picked)
    classes = material.schema.classes
    cards = []
    for place, at in enumerate(picked):
        caption = f"called {classes[told[at]]} ({sure[at]:.2f}), gold {classes[material.gold[rows[at]]]}"
        picture = _picture(material, int(material.signal_rows[rows[at]]), f"strip-{number}-{place}", caption)
        cards.append(Card(picture, caption, bool(wrong[at])))
    return cards


def _picture(material: Material, row: int, name: str, title: str) -> str:
    values = np.asarray(material.signals.batch([row])[0], dtype=np.float64)
    contract = material.signals.contract
    if contract.kind != "signal":
        return thumbnail(values[0] if values.ndim == 3 else values[0, values.shape[1] // 2])
    names = list(contract.lead_names) or [f"signal {place + 1}" for place in range(len(values))]
    leads = [lead for lead in SHOWN if lead in names] or names[:3]
    place = [names.index(lead) for lead in leads]
    rate = contract.sampling_hz
    length = max(int(SECONDS * rate), 1) if rate else values.shape[1]
    shown = values[place, :length]
    if rate and contract.units in SCALES and set(canonical_leads(leads)) <= set(STANDARD):
        return draw_ecg(shown * SCALES[contract.units], leads, rate, name=name, title=title)
    return draw_traces(shown, leads, rate, units=contract.units, name=name, title=title)
