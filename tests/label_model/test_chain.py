"""Records in order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.label_model import ChainLabelModel, LabelModel
from sidelight.label_model.chain import _Layout


def recordings(n=40, length=50, stay=0.95, seed=0, coverage=0.5):
    rng = np.random.default_rng(seed)
    truth = np.zeros((n, length), int)
    truth[:, 0] = rng.integers(0, 2, n)
    for step in range(1, length):
        truth[:, step] = np.where(rng.random(n) < stay, truth[:, step - 1], 1 - truth[:, step - 1])
    truth = truth.ravel()
    votes = np.where(rng.random((n * length, 4)) < 0.75, truth[:, None], 1 - truth[:, None])
    votes = np.where(rng.random(votes.shape) < coverage, votes, -1).astype(np.int8)
    return votes, truth, np.repeat(np.arange(n), length)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999), k=st.integers(2, 3), lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4)
)
def test_smoothing_equals_summing_over_all_paths(seed, k, lengths):
    rng = np.random.default_rng(seed)
    names = rng.permutation(np.repeat(np.arange(len(lengths)), lengths))
    likelihood = rng.random((len(names), k)) + 0.01
    start, transition = rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), k)
    smoothed, counts, total = _Layout(names, len(names)).smooth(likelihood, start, transition)
    expected_counts, expected_total = np.zeros((k, k)), 0.0
    for sequence in np.unique(names):
        rows = np.flatnonzero(names == sequence)
        paths = np.stack(np.meshgrid(*[np.arange(k)] * len(rows), indexing="ij"), axis=-1).reshape(
            -1, len(rows)
        )
        weight = start[paths[:, 0]] * np.prod(likelihood[rows, paths], axis=1)
        weight = weight * np.prod(transition[paths[:, :-1], paths[:, 1:]], axis=1)
        expected_total += np.log(weight.sum())
        weight = weight / weight.sum()
        for c in range(k):
            np.testing.assert_allclose(smoothed[rows, c], weight @ (paths == c), atol=1e-10)
        for path, w in zip(paths, weight, strict=True):
            np.add.at(expected_counts, (path[:-1], path[1:]), w)
    np.testing.assert_allclose(counts, expected_counts, atol=1e-9)
    assert total == pytest.approx(expected_total)


def test_neighbours_help_and_how_long_labels_last_is_learned():
    votes, truth, sequences = recordings()
    model = ChainLabelModel().fit(votes, sequences)
    assert model.transition_.diagonal() == pytest.approx([0.95, 0.95], abs=0.03)
    alone = LabelModel().fit(votes).score(votes, truth, tie_break_policy="random")["accuracy"]
    assert (model.predict(votes, sequences) == truth).mean() > alone + 0.05
    assert (np.diff(model.objective_) >= -1e-6).all()


def test_a_record_without_votes_is_labeled_from_its_neighbours_and_a_silent_sequence_is_not():
    votes, truth, sequences = recordings(coverage=0.9)
    votes[25] = -1
    votes[sequences == 7] = -1
    model = ChainLabelModel().fit(votes, sequences)
    labels = model.predict(votes, sequences)
    assert labels[25] == truth[24]
    assert (labels[sequences == 7] == -1).all()
    np.testing.assert_allclose(
        model.predict_proba(votes, sequences)[sequences == 7], [model.model_.prior_] * 50
    )


@pytest.mark.filterwarnings("ignore:votes say next to nothing")
def test_sequences_may_be_interleaved():
    votes, _, sequences = recordings(n=6)
    order = np.argsort(np.tile(np.arange(50), 6), kind="stable")
    model = ChainLabelModel().fit(votes, sequences)
    np.testing.assert_allclose(
        model.predict_proba(votes[order], sequences[order]),
        model.predict_proba(votes, sequences)[order],
        atol=1e-9,
    )


def test_what_is_no_sequence_is_refused():
    votes, _, sequences = recordings(n=2)
    with pytest.raises(ValueError, match="one entry for each of 100"):
        ChainLabelModel().fit(votes, sequences[:3])
    with pytest.raises(ValueError, match="stay"):
        ChainLabelModel(stay=1.0)
