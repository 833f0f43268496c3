"""Refinement by likelihood."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.label_model.likelihood import Pseudo, refine
from sidelight.labeling import as_votes
from sidelight.labeling.cast_votes import CastVotes


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), k=st.integers(2, 4))
def test_the_objective_never_falls(seed, k):
    rng = np.random.default_rng(seed)
    votes = as_votes(rng.integers(-1, k, (60, 5)).astype(np.int8), cardinality=k)
    emitted = rng.dirichlet(np.ones(k + 1), (5, k)).transpose(0, 2, 1)[:, 1:]
    pseudo = Pseudo(rng.random((5, k)), 3 * rng.random((5, k)), rng.random((5, k, k)))
    _, _, history = refine(
        CastVotes.of(votes),
        None,
        emitted,
        np.full(k, 1 / k),
        pseudo,
        balance_pull=np.full(k, 3.0 / k),
        tolerance=0.0,
    )
    assert (np.diff(history) >= -1e-8 * np.abs(history[1:])).all()


def test_counted_rows_equal_repeated_rows():
    rng = np.random.default_rng(0)
    values = rng.integers(-1, 2, (40, 4)).astype(np.int8)
    times = rng.integers(1, 5, 40)
    start = np.full((4, 2, 2), 0.2) + 0.3 * np.eye(2)
    pseudo = Pseudo.of_records(np.full((4, 3, 2), 0.1))
    prior = np.array([0.5, 0.5])
    once = refine(
        CastVotes.of(as_votes(values)),
        times.astype(float),
        start,
        prior,
        pseudo,
        balance_pull=np.full(len(prior), 1.0 / len(prior)),
    )
    repeated = np.repeat(values, times, axis=0)
    again = refine(
        CastVotes.of(as_votes(repeated)),
        None,
        start,
        prior,
        pseudo,
        balance_pull=np.full(len(prior), 1.0 / len(prior)),
    )
    np.testing.assert_allclose(once[0], again[0], atol=1e-9)
    np.testing.assert_allclose(once[1], again[1], atol=1e-9)
