"""Several findings at once."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel, MultiLabelModel
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix
from sidelight.labeling.faults import InputError


def findings(n=800, seed=0):
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, 2)) < [0.4, 0.2]).astype(int)
    votes = {}
    for column, name in enumerate(("effusion", "fracture")):
        values = np.where(rng.random((n, 4 + column)) < 0.8, truth[:, [column]], 1 - truth[:, [column]])
        votes[name] = np.where(rng.random(values.shape) < 0.5, values, -1).astype(np.int8)
    return votes, truth


def test_each_finding_gets_its_own_model():
    votes, truth = findings()
    model = MultiLabelModel().fit(votes)
    proba = model.predict_proba(votes)
    assert proba.shape == (800, 2)
    np.testing.assert_array_equal(
        proba[:, 1], LabelModel().fit(votes["fracture"]).predict_proba(votes["fracture"])[:, 1]
    )
    labels, covered = model.predict(votes), model.covered(votes)
    assert ((labels == truth)[labels >= 0]).mean() > 0.85
    assert (labels[~covered] == -1).all()


def test_silence_on_a_finding_is_no_vote_against_it():
    votes, _ = findings()
    votes["fracture"][10] = -1
    model = MultiLabelModel().fit(votes, class_balance={"fracture": 0.2})
    assert model.predict(votes)[10, 1] == -1
    assert model.predict_proba(votes)[10, 1] == pytest.approx(0.2)


def test_models_are_kept_in_a_folder(tmp_path):
    votes, truth = findings()
    model = MultiLabelModel().fit(votes, gold={"effusion": np.where(np.arange(800) < 50, truth[:, 0], -1)})
    again = MultiLabelModel.load(model.save(tmp_path / "models"))
    np.testing.assert_array_equal(again.predict_proba(votes), model.predict_proba(votes))
    with pytest.raises(InputError, match="multi-label"):
        MultiLabelModel.load(tmp_path)


def test_findings_and_records_must_match():
    votes, _ = findings()
    model = MultiLabelModel().fit(votes)
    with pytest.raises(ValueError, match="no votes on fracture"):
        model.predict({"effusion": votes["effusion"]})
    with pytest.raises(ValueError, match="10 records"):
        MultiLabelModel().fit({"effusion": votes["effusion"], "fracture": votes["fracture"][:10]})
    with pytest.raises(ValueError, match="no votes on nodule"):
        MultiLabelModel().fit(votes, class_balance={"nodule": 0.1})
    with pytest.raises(ValueError, match="votes is empty"):
        MultiLabelModel().fit({})
    with pytest.raises(ValueError, match="not fitted"):
        MultiLabelModel().predict(votes)
    ids = np.arange(3).astype(str)
    one = VoteMatrix(np.zeros((3, 1), np.int8), LabelSchema.of(2), (FunctionInfo("f"),), ids=ids)
    other = VoteMatrix(np.zeros((3, 1), np.int8), LabelSchema.of(2), (FunctionInfo("f"),), ids=ids[::-1])
    with pytest.raises(ValueError, match="another order"):
        MultiLabelModel().fit({"a": one, "b": other})
