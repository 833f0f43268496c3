"""Votes that are less than sure, and votes that name several classes."""

from dataclasses import replace

import numpy as np
import pytest

from sidelight.label_model import LabelModel, Labels
from sidelight.label_model.soft_moments import SoftMoments
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix, as_votes


@pytest.fixture
def votes():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 1500)
    wrong = (truth[:, None] + rng.integers(1, 3, (1500, 5))) % 3
    values = np.where(rng.random((1500, 5)) < 0.75, truth[:, None], wrong)
    values = np.where(rng.random((1500, 5)) < 0.6, values, -1).astype(np.int8)
    return VoteMatrix(values, LabelSchema(["a", "b", "c"]), tuple(FunctionInfo(f"f{j}") for j in range(5)))


def with_confidence(votes, share):
    return replace(votes, confidence=np.full(votes.shape, share, np.float32))


def test_sure_votes_are_plain_votes(votes):
    model = LabelModel(3).fit(votes)
    np.testing.assert_array_equal(
        model.predict_proba(with_confidence(votes, 1.0)), model.predict_proba(votes)
    )


def test_less_confidence_moves_less(votes):
    model = LabelModel(3).fit(votes)
    spread = [
        model.predict_proba(with_confidence(votes, c)).max(axis=1).mean() for c in (0.05, 0.3, 0.6, 1.0)
    ]
    assert spread == sorted(spread)
    hardly = model.predict_proba(with_confidence(votes, 1e-6))[votes.covered()]
    assert np.abs(hardly - hardly.mean(axis=0)).max() < 0.35


def named(votes, row, function, classes):
    sets = np.zeros((*votes.shape, 1), np.uint64)
    sets[row, function, 0] = sum(1 << c for c in classes)
    values = np.asarray(votes).copy()
    values[row] = -1
    return replace(votes, values=values, class_sets=sets)


def test_a_set_of_classes_lowers_the_others_and_covers_the_record(votes):
    model = LabelModel(3).fit(votes)
    partial = named(votes, 7, 2, [0, 1])
    proba = model.predict_proba(partial)[7]
    assert proba[2] < 0.25
    assert abs(proba[0] - proba[1]) < 0.2
    labels = Labels.from_model(model, partial)
    assert labels.covered[7]
    assert labels.n_votes[7] == 0


def test_a_set_of_one_class_is_a_vote_for_it(votes):
    model = LabelModel(3).fit(votes)
    partial = model.predict_proba(named(votes, 7, 2, [1]))[7]
    plain = np.full((1, 5), -1, np.int8)
    plain[0, 2] = 1
    np.testing.assert_allclose(partial, model.predict_proba(plain)[0], atol=1e-6)


def test_a_set_of_all_classes_says_next_to_nothing(votes):
    model = LabelModel(3).fit(votes)
    proba = model.predict_proba(named(votes, 7, 2, [0, 1, 2]))[7]
    nobody = model.predict_proba(np.full((1, 5), -1, np.int8))[0]
    np.testing.assert_allclose(proba, nobody, atol=0.12)


def test_explanations_add_up_with_side_channels(votes):
    model = LabelModel(3).fit(votes)
    for side in (with_confidence(votes, 0.4), named(votes, 7, 2, [0, 1])):
        told = model.explain(side, 7)
        total = told.start + sum(entry.log_odds for entry in told.contributions)
        share = np.exp(total - total.max())
        np.testing.assert_allclose(share / share.sum(), model.predict_proba(side)[7], atol=1e-6)


def test_accuracies_are_those_of_sure_votes_however_many_are_guesses():
    rng = np.random.default_rng(0)
    accuracy = rng.uniform(0.75, 0.95, 8)
    truth = rng.integers(0, 2, 4000)
    sure = np.where(rng.random((4000, 8)) < accuracy, truth[:, None], 1 - truth[:, None])
    confidence = np.where(rng.random((4000, 8)) < 0.5, 1.0, 0.2)
    said = np.where(rng.random((4000, 8)) < confidence, sure, rng.integers(0, 2, (4000, 8)))
    said = np.where(rng.random((4000, 8)) < 0.6, said, -1).astype(np.int8)
    plain = as_votes(said)
    votes = VoteMatrix(said, plain.schema, plain.functions, confidence=confidence.astype(np.float32))
    model = LabelModel().fit(votes)
    np.testing.assert_allclose(model.get_weights(), accuracy, atol=0.035)
    blind = LabelModel().fit(plain)
    assert (blind.get_weights() < accuracy - 0.05).all()
    losses = [m.score(votes, truth, ["log_loss"])["log_loss"] for m in (model, blind)]
    assert losses[0] < losses[1]


def test_accuracies_are_learned_from_votes_for_sets_of_classes():
    """One good and one poor function say only which half a class lies in; the rest name classes."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 4000)
    right = rng.random((4000, 6)) < 0.5
    values = np.where(right, truth[:, None], rng.integers(0, 4, (4000, 6)))
    values = np.where(rng.random((4000, 6)) < 0.7, values, -1).astype(np.int8)
    halves = np.stack(
        [np.where(rng.random(4000) < share, truth // 2, 1 - truth // 2) for share in (0.95, 0.6)], axis=1
    )
    sets = np.zeros((4000, 8, 1), np.uint64)
    sets[:, 6:, 0] = np.where(halves == 0, 0b0011, 0b1100)
    values = np.concatenate([values, np.full((4000, 2), -1, np.int8)], axis=1)
    plain = as_votes(values, cardinality=4)
    votes = VoteMatrix(values, plain.schema, plain.functions, class_sets=sets)
    model = LabelModel(4).fit(votes)
    good, poor = model.get_weights()[6:]
    assert good > poor + 0.05
    accuracy = [m.score(votes, truth)["accuracy"] for m in (model, LabelModel(4).fit(plain))]
    assert accuracy[0] > accuracy[1] + 0.02


def test_counts_added_part_by_part_know_which_votes_were_guesses():
    rng = np.random.default_rng(1)
    accuracy = rng.uniform(0.75, 0.95, 8)
    truth = rng.integers(0, 2, (4000, 1))
    sure = np.where(rng.random((4000, 8)) < accuracy, truth, 1 - truth)
    confidence = np.where(rng.random((4000, 8)) < 0.5, 1.0, 0.2)
    confidence[:1000] = 1.0  # a part in which all votes are sure
    said = np.where(rng.random((4000, 8)) < confidence, sure, rng.integers(0, 2, (4000, 8))).astype(np.int8)
    plain = as_votes(said)
    votes = VoteMatrix(said, plain.schema, plain.functions, confidence=confidence.astype(np.float32))
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        stepwise = LabelModel()
        for part in order:
            stepwise.partial_fit(votes.take_rows(np.arange(1000 * part, 1000 * part + 1000)))
        np.testing.assert_allclose(stepwise.get_weights(), accuracy, atol=0.04)
        together = SoftMoments.of(votes)
        np.testing.assert_allclose(stepwise._counted.pairs, together.pairs, atol=1e-3)
        np.testing.assert_allclose(stepwise._counted.own, together.own, atol=1e-6)
