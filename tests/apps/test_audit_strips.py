"""Records to look at: traces and pictures of errors, each shown once, with neither id nor patient."""

from types import SimpleNamespace

import numpy as np
import pytest

from sidelight.apps.audits import Material
from sidelight.apps.audits.strips import CONTROLS, ERRORS, example_strips
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
