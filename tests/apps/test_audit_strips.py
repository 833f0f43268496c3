"""Records to look at: traces and pictures of errors, each shown once, with neither id nor patient."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from sidelight.apps.audits import Material
from sidelight.apps.audits.strips import CONTROLS, ERRORS, example_strips
from sidelight.apps.reports.traces import draw_traces
from sidelight.crossmodal import InputContract
from sidelight.labeling import LabelSchema
from sidelight.slicing import SliceMatrix, audit

N = 200


def material(contract):
    random = np.random.default_rng(0)
    y, paced = random.integers(0, 2, N), np.arange(N) < 60
    wrong = random.random(N) < np.where(paced, 0.7, 0.05)
    positive = np.where(wrong, 1 - y, y) * 0.8 + 0.1
    values = random.normal(size=(N, len(contract.lead_names), *contract.shape)).astype(np.float32)
    signals = SimpleNamespace(contract=contract, batch=lambda rows: values[np.asarray(rows)])
    return Material(
        np.array([f"study-{row}" for row in range(N)]), np.array([f"person-{row}" for row in range(N)]),
        np.column_stack([1 - positive, positive]), y, LabelSchema(("normal", "abnormal")), np.arange(N),
        np.zeros(0, dtype=int), {}, SliceMatrix(paced[:, None], ("paced",)), 0, {}, signals, np.arange(N),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("contract", "start"),
    [
        (InputContract(("I", "II", "V1", "V5"), (500,), 100.0, "mV"), "<svg"),
        (InputContract(("EEG",), (300,)), "<svg"),
        (InputContract(("grey",), (28, 28)), "data:image/png;base64,"),
        (InputContract(("grey",), (4, 16, 16)), "data:image/png;base64,"),
    ],
)
def test_errors_come_first_and_no_record_twice(contract, start):
    known = material(contract)
    result = audit(known.gold, known.proba, known.members, metrics=["accuracy"])
    strips = example_strips(known, result, known.members, None, known.rows)
    assert [strip.slice for strip in strips] == ["All records: the surest errors", "paced"]
    pictures = [card.picture for strip in strips for card in strip.cards]
    assert len(set(pictures)) == len(pictures)
    for strip in strips:
        assert [card.wrong for card in strip.cards] == [True] * ERRORS + [False] * CONTROLS
        for card in strip.cards:
            assert card.picture.startswith(start)
            assert "study-" not in card.picture + card.caption
            assert "person-" not in card.picture + card.caption


def test_signals_that_are_no_ecg_are_drawn_to_their_own_scale_and_stay_in_their_frame():
    values = np.array([np.sin(np.arange(4000) / 30) * 1700 - 90, np.full(4000, np.nan)])
    values[0, 500:700] = np.nan
    drawn = draw_traces(values, ["EEG", "lost"], 173.61, name="trace", title="an EEG")
    assert "mm/mV" not in drawn
    assert "EEG  −1.79e+03 to 1.61e+03" in drawn
    assert drawn.count('class="ecg-trace"') == 2, "what was not recorded leaves a gap"
    width, height = (float(size) for size in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn).groups())
    for path in re.findall(r'<path d="M([^"]+)"', drawn):
        places = np.array([point.split() for point in path.split("L")], dtype=float)
        assert places.min() >= 0
        assert places[:, 0].max() <= width
        assert places[:, 1].max() <= height
    assert len(drawn) < 40_000
    with pytest.raises(ValueError, match="there are 1 names"):
        draw_traces(values, ["EEG"], name="trace")


@pytest.mark.parametrize(("units", "told"), [("mV", "10 mm/mV"), ("", "each to its own scale")])
def test_leads_of_unknown_units_are_not_drawn_as_if_they_were_millivolts(units, told):
    known = material(InputContract(("I", "II"), (500,), 100.0, units))
    result = audit(known.gold, known.proba, known.members, metrics=["accuracy"])
    strips = example_strips(known, result, known.members, None, known.rows)
    assert all(told in card.picture for strip in strips for card in strip.cards)
