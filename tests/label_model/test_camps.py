"""Annotators who share a cue are noticed, named and not believed more than others; independent ones are left alone."""

import warnings

import numpy as np
import pytest

from sidelight.label_model import (
    LabelModel,
    LabelModelWarning,
    MajorityLabelVoter,
    VoteModel,
    advise,
    private_moments,
)
from sidelight.label_model.camps import second_factor
from sidelight.labeling import VoteMatrix, as_votes
from sidelight.labeling.moments import Moments


def camps(n, coverage, seed=0):
    """Five annotators who follow the class, and five who follow a cue that goes with it on three records of four."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.4).astype(int)
    cue = np.where(rng.random(n) < 0.75, truth, 1 - truth)
    misled = np.where(rng.random((n, 5)) < 0.85, cue[:, None], 1 - cue[:, None])
    honest = np.where(rng.random((n, 5)) < 0.75, truth[:, None], 1 - truth[:, None])
    votes = np.concatenate([misled, honest], axis=1)
    return np.where(rng.random(votes.shape) < coverage, votes, -1).astype(np.int8), truth


def gain(model, votes, truth):
    """Return how many more covered records a model labels right than majority vote does, as a share."""
    covered = (votes >= 0).any(axis=1)
    ours = model.predict_proba(votes)[covered]
    shares = MajorityLabelVoter(2).fit(votes).predict_proba(votes)[covered]
    first = shares >= shares.max(axis=1, keepdims=True) - 1e-9
    gold = truth[covered]
    rows = np.arange(len(gold))
    return float((ours.argmax(axis=1) == gold).mean() - (first[rows, gold] / first.sum(axis=1)).mean())


@pytest.mark.parametrize(("n", "coverage"), [(2000, 0.25), (2000, 0.6), (1000, 1.0), (20_000, 0.25)])
def test_a_shared_cue_is_named_and_costs_nothing(n, coverage):
    gains = []
    for seed in range(3):
        votes, truth = camps(n, coverage, seed)
        with pytest.warns(LabelModelWarning, match="agree among themselves"):
            model = LabelModel().fit(votes)
        assert {"lf_5", "lf_6", "lf_7", "lf_8", "lf_9"} >= set(model.camps_[0])
        assert not model.refined_
        assert any("share" in remark for remark in advise(model, votes).remarks)
        gains.append(gain(model, votes, truth))
    assert np.mean(gains) > 0


@pytest.mark.parametrize(("n", "coverage"), [(2000, 0.25), (2000, 0.6), (1000, 1.0)])
def test_counts_alone_show_a_shared_cue(n, coverage):
    gains = []
    for seed in range(3):
        votes, truth = camps(n, coverage, seed)
        with pytest.warns(LabelModelWarning, match="agree among themselves"):
            model = LabelModel().fit_moments(Moments.of(as_votes(votes)))
        assert {"lf_5", "lf_6", "lf_7", "lf_8", "lf_9"} >= set(model.camps_[0])
        gains.append(gain(model, votes, truth))
    assert np.mean(gains) > 0


@pytest.mark.parametrize("rho", [None, 1.0])
def test_counts_of_independent_annotators_show_none_with_or_without_noise(rho):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 2, (5000, 1))
        values = np.where(rng.random((5000, 12)) < rng.uniform(0.55, 0.9, 12), truth, 1 - truth)
        values = np.where(rng.random(values.shape) < 0.5, values, -1).astype(np.int8)
        votes = as_votes(values)
        names = np.arange(5000).astype(str)
        votes = VoteMatrix(values, votes.schema, votes.functions, ids=names, patient_ids=names)
        moments = Moments.of(votes) if rho is None else private_moments(votes, rho, random=rng)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert LabelModel().fit_moments(moments).camps_ == ()


def test_camps_are_kept_with_the_model(tmp_path):
    votes, _ = camps(2000, 1.0)
    with pytest.warns(LabelModelWarning, match="agree among themselves"):
        model = LabelModel().fit(votes)
    again = VoteModel.load(model.save(tmp_path / "model"))
    assert [list(camp) for camp in again.camps_] == [list(camp) for camp in model.camps_]


@pytest.mark.parametrize(
    ("m", "n", "coverage", "k"), [(5, 1000, 0.8, 2), (10, 2000, 0.25, 2), (20, 1000, 0.5, 3)]
)
def test_independent_annotators_share_nothing(m, n, coverage, k):
    for seed in range(6):
        rng = np.random.default_rng([seed, m])
        truth = rng.integers(0, k, (n, 1))
        wrong = (truth + rng.integers(1, k, (n, m))) % k
        votes = np.where(rng.random((n, m)) < rng.uniform(0.55, 0.9, m), truth, wrong)
        votes = np.where(rng.random((n, m)) < coverage, votes, -1).astype(np.int8)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = LabelModel(k).fit(votes)
        assert model.refined_
        assert model.camps_ == ()


def test_three_annotators_cannot_be_split():
    votes, _ = camps(500, 1.0)
    model = LabelModel().fit(votes[:, :3])
    moments = Moments.of(as_votes(votes[:, :3]))
    none = np.zeros((3, 3), dtype=bool)
    factor = second_factor(moments, model.emitted_, model.prior_, model.one_sided_, none)
    assert not factor.found
    assert factor.groups() == ()
