"""Kinds of votes on which the default once fell below majority vote, or was sure of the wrong thing."""

from __future__ import annotations

import numpy as np
import pytest

from sidelight.label_model import LabelModel, LabelModelWarning, MajorityLabelVoter
from sidelight.label_model.dependence import evened
from sidelight.label_model.learning import Learned
from sidelight.label_model.temperature import temperature_by_record
from sidelight.labeling import FunctionInfo, VoteMatrix, as_votes
from sidelight.labeling.moments import Moments


def rules(seed=0, n=3000):
    """Draw one-sided functions for a rare class and a common one."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.1).astype(int)
    votes = np.full((n, 6), -1)
    for j, (label, hit, miss) in enumerate([(1, 0.7, 0.02), (1, 0.5, 0.03), (1, 0.4, 0.02)]):
        votes[:, j] = np.where(rng.random(n) < np.where(truth == label, hit, miss), label, -1)
    for j, (label, hit, miss) in enumerate([(0, 0.6, 0.1), (0, 0.4, 0.05), (0, 0.3, 0.1)]):
        votes[:, 3 + j] = np.where(rng.random(n) < np.where(truth == label, hit, miss), label, -1)
    return votes.astype(np.int8), truth


def gained(model, votes, truth):
    """Return by how much a model labels more records right than majority vote."""
    covered = (votes >= 0).any(axis=1)
    other = MajorityLabelVoter(model.cardinality).fit(votes)
    shares = [m.predict_proba(votes)[covered] for m in (model, other)]
    right = [np.where(p >= p.max(axis=1, keepdims=True) - 1e-9, 1.0, 0.0) for p in shares]
    at = truth[covered]
    ours, theirs = ((r[np.arange(len(at)), at] / r.sum(axis=1)).mean() for r in right)
    return ours - theirs


def test_a_records_only_vote_counts_in_full():
    votes, _ = rules()
    model = LabelModel().fit(votes, class_balance=[0.9, 0.1])
    assert model.per_record_
    alone = np.full((1, 6), -1)
    alone[0, 0] = 1
    joint = model.emitted_[0, 1] * model.prior_
    np.testing.assert_allclose(model.predict_proba(alone)[0], joint / joint.sum(), atol=1e-9)


def test_votes_that_say_as_much_count_by_their_root_and_those_that_say_nothing_do_not_count():
    sizes, squares = np.array([4.0, 4.001, 0.0]), np.array([4.0, 4.000001, 0.0])
    np.testing.assert_allclose(temperature_by_record(sizes, squares), [0.5, 0.5, 1.0], atol=1e-3)


def test_explanations_add_up_where_each_record_has_a_temperature():
    votes, _ = rules()
    model = LabelModel().fit(votes)
    row = int((votes >= 0).sum(axis=1).argmax())
    told = model.explain(votes, row)
    total = told.start + sum(entry.log_odds for entry in told.contributions)
    shares = np.exp(total - total.max())
    np.testing.assert_allclose(shares / shares.sum(), model.predict_proba(votes)[row], atol=1e-9)


def test_a_vote_of_no_confidence_changes_nothing_where_each_record_has_a_temperature():
    votes, _ = rules()
    model = LabelModel().fit(votes)
    plain = np.array([[1, -1, -1, 0, -1, -1], [1, 1, -1, -1, -1, -1]], dtype=np.int8)
    more = plain.copy()
    more[:, 4] = 0
    confidence = np.ones(more.shape, dtype=np.float32)
    confidence[:, 4] = 0.0
    doubted = VoteMatrix(more, model.schema_, tuple(map(FunctionInfo, model.names_)), confidence=confidence)
    np.testing.assert_allclose(model.predict_proba(doubted), model.predict_proba(plain), atol=1e-6)


def test_the_shares_of_votes_move_the_estimated_balance_of_two_classes():
    votes, _ = rules()
    assert LabelModel().fit(votes).prior_[0] > 0.6


def test_votes_that_say_nothing_of_each_other_all_count_alike():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 1000)
    votes = np.where(
        rng.random((1000, 6)) < [0.95, 0.5, 0.5, 0.5, 0.5, 0.5], truth[:, None], 1 - truth[:, None]
    )
    votes = np.where(rng.random((1000, 6)) < [0.9, 0.5, 0.5, 0.5, 0.5, 0.5], votes, -1).astype(np.int8)
    with pytest.warns(LabelModelWarning, match="next to nothing of each other"):
        model = LabelModel().fit(votes)
    assert gained(model, votes, truth) > -0.01
    assert not model.refined_


def test_only_a_camp_of_most_annotators_is_of_one_mind():
    def learned(*camps):
        return Learned(None, False, np.zeros((6, 6), dtype=bool), True, camps)

    annotators = np.array([True, True, True, True, False, False])
    assert learned((0, 1, 2)).of_one_mind(annotators)
    assert not learned((0, 1), (2, 3)).of_one_mind(annotators)
    assert not learned().of_one_mind(annotators)


def test_discounts_are_evened_by_votes_and_only_for_those_named():
    moments = Moments.of(
        as_votes(np.array([[0, 1, 0], [1, 1, -1], [0, -1, -1], [1, -1, -1]], dtype=np.int8), cardinality=2)
    )
    found = evened(np.array([0.4, 1.0, 0.3]), moments, np.array([True, True, False]))
    np.testing.assert_allclose(found, [0.6, 0.6, 0.3])
