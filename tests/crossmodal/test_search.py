import sys

import numpy as np
import pytest

from sidelight.crossmodal import search_settings
from sidelight.labeling.faults import UsageError


@pytest.fixture
def search(two_views, quick):
    pytest.importorskip("optuna")
    gold, _, signals = two_views(200)
    new_gold, _, new = two_views(100, seed=1)

    def run(space, **options):
        def make(**settings):
            return quick(augment=None, **{"max_epochs": 5, **settings})

        given = {"validation": (new, new_gold), "n_again": 1, **options}
        return search_settings(make, space, signals, gold, **given)

    return run


@pytest.mark.slow
def test_a_rate_far_too_small_is_not_chosen_and_trials_are_repeatable(search):
    space = {"learning_rate": (1e-7, 1e-2), "batch_size": [16, 30]}
    found = search(space, n_trials=9)
    assert found.best["learning_rate"] > 1e-4
    assert found.loss == min(trial.loss for trial in found.trials if not trial.pruned)
    assert len(found.trials) == 9
    assert {trial.settings["batch_size"] for trial in found.trials} <= {16, 30}
    assert search(space, n_trials=9).trials == found.trials
    assert found.optimism == pytest.approx(found.again[0] - found.loss)


@pytest.mark.slow
def test_trials_that_fall_behind_are_stopped_and_kept_in_the_record(search):
    found = search({"learning_rate": (1e-7, 1e-2)}, n_trials=14)
    pruned = [trial for trial in found.trials if trial.pruned]
    assert pruned
    assert all(0 < trial.epochs < 5 for trial in pruned)
    assert all(trial.epochs == 5 for trial in found.trials if not trial.pruned)


def test_whole_numbers_stay_whole(search):
    found = search({"batch_size": (8, 20)}, n_trials=2, n_again=0)
    assert all(isinstance(trial.settings["batch_size"], int) for trial in found.trials)
    assert np.isnan(found.optimism)


def test_what_cannot_be_searched_is_refused(search, monkeypatch):
    with pytest.raises(ValueError, match="least, greatest"):
        search({"batch_size": (20, 8)}, n_trials=1)
    with pytest.raises(ValueError, match="nothing to try"):
        search({})
    with pytest.raises(UsageError, match="more minutes"):
        search({"batch_size": [8]}, minutes=-1.0)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r'pip install "sidelight\[tune\]"'):
        search({"batch_size": [8]})
