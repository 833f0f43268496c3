import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from sidelight.crossmodal import CrossModalClassifier, InstanceReweighting, ResNet1d
from sidelight.labeling.faults import InputError, UsageError


class Killed(Exception):
    """Stands for the plug being pulled."""


def kill_at(step):
    def progress(news):
        if news.step == step:
            raise Killed

    return progress


def trained(two_views, quick, progress=None, checkpoint=None, **changes):
    gold, _, signals = two_views(60)
    model = quick(max_epochs=4, batch_size=16, **changes)
    return model.fit(
        signals, gold, validation=(signals[:20], gold[:20]), progress=progress, checkpoint=checkpoint
    )


def same(one, other):
    left, right = one.network_.state_dict(), other.network_.state_dict()
    return all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("step", [1, 4, 5, 11, 15, 16])
@pytest.mark.parametrize("changes", [{}, {"loss": InstanceReweighting()}, {"schedule": "averaged"}])
def test_a_killed_training_ends_with_the_weights_of_one_that_ran_through(
    two_views, quick, tmp_path, step, changes
):
    file = tmp_path / "training.ckpt"
    with pytest.raises(Killed):
        trained(two_views, quick, kill_at(step), file, **changes)
    torch.randn(3)
    resumed = trained(two_views, quick, checkpoint=file, **changes)
    whole = trained(two_views, quick, **changes)
    assert same(resumed, whole)
    assert resumed.history_ == whole.history_
    assert (resumed.best_epoch_, resumed.temperature_) == (whole.best_epoch_, whole.temperature_)
    assert os.listdir(tmp_path) == ["training.ckpt"]
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("schedule", ["one-cycle", "averaged"])
def test_a_finished_training_is_not_done_again(two_views, quick, tmp_path, schedule):
    first = trained(two_views, quick, checkpoint=tmp_path / "c.ckpt", schedule=schedule)
    steps = []
    again = trained(two_views, quick, steps.append, tmp_path / "c.ckpt", schedule=schedule)
    assert steps == []
    assert same(first, again)
    stopped = trained(two_views, quick, checkpoint=tmp_path / "s.ckpt", patience=1, learning_rate=0.3)
    again = trained(two_views, quick, checkpoint=tmp_path / "s.ckpt", patience=1, learning_rate=0.3)
    assert again.history_ == stopped.history_
    assert same(stopped, again)


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"learning_rate": 1e-4}, {"loss": "symmetric-cross-entropy"}]
)
def test_a_checkpoint_of_another_training_is_refused(two_views, quick, tmp_path, changes):
    trained(two_views, quick, checkpoint=tmp_path / "c.ckpt")
    with pytest.raises(UsageError, match=r"^c\.ckpt: is of another training"):
        trained(two_views, quick, checkpoint=tmp_path / "c.ckpt", **changes)


def test_a_damaged_checkpoint_is_one_clear_error(two_views, quick, tmp_path):
    (tmp_path / "c.ckpt").write_bytes(b"half a fi")
    with pytest.raises(InputError, match=r"^c\.ckpt: is no checkpoint"):
        trained(two_views, quick, checkpoint=tmp_path / "c.ckpt")


PROGRAM = """
import os, signal, sys
import numpy as np
from sidelight.crossmodal import CrossModalClassifier, ResNet1d

random = np.random.default_rng(0)
signals, gold = random.normal(size=(60, 3, 64)), np.arange(60) % 2
model = CrossModalClassifier(
    ResNet1d(3, width=8, n_blocks=2), max_epochs=4, batch_size=16, accelerator="cpu"
)
def progress(news):
    if news.step == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
model.fit(signals, gold, progress=progress, checkpoint="training.ckpt")
np.save("logits.npy", model.predict_logits(signals))
"""


@pytest.mark.slow
def test_a_process_killed_without_warning_goes_on_in_the_next(tmp_path):
    def run(step):
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, str(step)], cwd=tmp_path, check=False
        ).returncode

    assert run(6) == -signal.SIGKILL
    assert run(13) == -signal.SIGKILL
    assert run(-1) == 0
    random = np.random.default_rng(0)
    signals, gold = random.normal(size=(60, 3, 64)), np.arange(60) % 2
    model = CrossModalClassifier(
        ResNet1d(3, width=8, n_blocks=2), max_epochs=4, batch_size=16, accelerator="cpu"
    ).fit(signals, gold)
    np.testing.assert_array_equal(np.load(tmp_path / "logits.npy"), model.predict_logits(signals))
