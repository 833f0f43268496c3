import pytest

from sidelight.crossmodal import trade_off
from sidelight.crossmodal.learning_rate import restarts
from sidelight.crossmodal.training import EpochRecord


def history(losses):
    return [EpochRecord(n + 1, 1.0, loss, n + 1.0) for n, loss in enumerate(losses)]


def test_the_rate_restarts_after_two_six_and_fourteen_epochs():
    rates = [restarts(step, steps_per_epoch=5) for step in range(30 * 5 + 1)]
    assert [step / 5 for step, rate in enumerate(rates) if rate == 1.0] == [0, 2, 6, 14, 30]
    assert all(rate < 0.03 for rate in (rates[9], rates[29], rates[69], rates[149]))
    assert rates[20] == pytest.approx(0.5)


def test_only_whole_cycles_count():
    losses = [1.0 - 0.05 * n for n in range(13)]
    assert trade_off(history(losses)).epochs == (2, 6)
    assert trade_off(history([*losses, 0.1])).epochs == (2, 6, 14)
    assert trade_off(history(losses[:1])) is None
    assert trade_off(history([None] * 6)) is None


def test_a_loss_is_reached_between_the_ends_of_cycles():
    found = trade_off(history([9, 0.8, 9, 9, 9, 0.6]))
    assert found.seconds_to(0.8) == 2.0
    assert found.seconds_to(0.7) == pytest.approx(4.0)
    assert found.seconds_to(0.5) is None
    assert found.to_json() == {"epochs": [2, 6], "seconds": [2.0, 6.0], "losses": [0.8, 0.6]}


def test_a_training_in_cycles_is_not_stopped_early_and_leaves_one_row_a_cycle(two_views, quick):
    gold, _, signals = two_views(60)
    model = quick(max_epochs=7, schedule="cycles", patience=1, learning_rate=0.3)
    model.fit(signals, gold, validation=(signals[:20], gold[:20]))
    assert len(model.history_) == 7
    assert trade_off(model.history_).epochs == (2, 6)
