from types import SimpleNamespace

import pytest

from sidelight.crossmodal import time_to_quality


def history(*losses):
    return [
        SimpleNamespace(epoch=n + 1, dev_loss=loss, seconds=3.0 * (n + 1)) for n, loss in enumerate(losses)
    ]


def test_a_quality_counts_when_it_is_held():
    found = time_to_quality(history(0.7, 0.3, 0.6, 0.4, 0.29, 0.31, 0.28), 0.3)
    assert (found.epoch, found.seconds, found.of) == (5, 15.0, 21.0)
    assert time_to_quality(history(0.7, 0.3), 0.3).epoch == 2


def test_not_reached_is_a_value():
    found = time_to_quality(history(0.7, 0.6), 0.3)
    assert found.to_json() == {"target": 0.3, "epoch": None, "seconds": None, "of": 6.0}
    assert "not reached" in str(found)


def test_without_a_target_it_is_nearly_the_best():
    found = time_to_quality(history(1.0, 0.52, 0.5, 0.5))
    assert found.target == pytest.approx(0.525)
    assert found.epoch == 2


def test_without_validation_there_is_none():
    assert time_to_quality(history(None, None)) is None
    assert time_to_quality([]) is None


def test_a_training_knows_its_time_without_validation(two_views, quick):
    gold, _, signals = two_views(60)
    model = quick().fit(signals, gold, validation=(signals, gold))
    seconds = [epoch.seconds for epoch in model.history_]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert time_to_quality(model.history_).of == seconds[-1]
