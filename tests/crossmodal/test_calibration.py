import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.crossmodal import brier_score, fit_temperature, reliability, scaled_softmax


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(true_temperature):
    random = np.random.default_rng(0)
    logits = random.normal(0, 4, (4000, 3))
    proba = scaled_softmax(logits, true_temperature)
    assert fit_temperature(logits, proba) == pytest.approx(true_temperature, rel=1e-3)  # soft labels
    hard = (random.random((4000, 1)) > proba.cumsum(axis=1)).sum(axis=1)
    assert fit_temperature(logits, hard) == pytest.approx(true_temperature, rel=0.1)


def test_uncovered_and_unknown_rows_do_not_move_the_temperature():
    logits = np.random.default_rng(0).normal(0, 3, (50, 2))
    labels = (logits[:, 1] + np.random.default_rng(1).normal(0, 3, 50) > logits[:, 0]).astype(int)
    alone = fit_temperature(logits, labels)
    more, unknown = np.concatenate([logits, logits * 9]), np.full(50, -1)
    assert fit_temperature(more, np.concatenate([labels, unknown])) == pytest.approx(alone)
    mask = np.arange(100) < 50
    assert fit_temperature(more, np.concatenate([labels, 1 - labels]), mask) == pytest.approx(alone)
    assert fit_temperature(logits, np.full(50, -1)) == 1.0


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=60), st.integers(1, 12))
def test_bins_hold_every_record_once(pairs, n_bins):
    y, chance = (np.array(column) for column in zip(*pairs, strict=True))
    curve = reliability(y, chance, n_bins)
    assert curve.count.sum() == len(y)
    assert len(curve.count) <= n_bins
    np.testing.assert_allclose((curve.count * curve.observed).sum(), y.sum())
    np.testing.assert_allclose((curve.count * curve.predicted).sum(), chance.sum(), atol=1e-9)
    assert 0 <= curve.ece <= 1
    assert curve.brier == pytest.approx(((chance - y) ** 2).mean())


def test_a_perfect_forecast_has_no_error():
    assert (reliability([0, 1, 1], [0, 1, 1]).ece, reliability([0, 1], [0, 1]).brier) == (0, 0)
    assert brier_score([0, 2, -1], [[1, 0, 0], [0, 0, 1], [1, 0, 0]]) == 0
    assert np.isnan(reliability([], []).ece)


def test_what_is_no_outcome_is_refused():
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        reliability([0, -1], [0.5, 0.5])
    with pytest.raises(ValueError, match="shape"):
        reliability([0, 1], [0.5])
