import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from sidelight.crossmodal import ArrayInputs, BatchLoader, as_targets
from sidelight.labeling.faults import UsageError


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_devices_pieces_make_the_whole_step(accumulate):
    values = np.arange(53, dtype=np.float32).reshape(53, 1, 1)
    targets = as_targets(np.arange(53) % 2, np.where(np.arange(53) % 4 == 0, 0.3, 1.0))

    def batches(device, n_devices):
        loader = BatchLoader(
            ArrayInputs(values), targets, targets.used, 20, accumulate=accumulate, n_devices=n_devices
        )
        loader.device = device
        assert len(loader) == 3 * accumulate
        return list(loader)

    whole = batches(0, 1)
    parts = [batches(device, 2) for device in range(2)]
    for step in range(0, len(whole), accumulate):
        mine = [batch for part in parts for batch in part[step : step + accumulate]]
        rows = torch.cat([batch.rows for batch in mine])
        assert sorted(rows.tolist()) == torch.cat([b.rows for b in whole[step : step + accumulate]]).tolist()
        # each device's mean over its pieces, averaged over devices, weighs every row as the whole step does
        weight = torch.cat([b.weight * b.share / b.weight.sum() / len(mine) for b in mine])
        torch.testing.assert_close(weight, (w := torch.cat([b.weight for b in mine])) / w.sum())


PROGRAM = """
import sys
import numpy as np
import torch
from torch import nn

from sidelight.crossmodal import CrossModalClassifier, SignalAugment


class Plain(nn.Module):
    n_features = 4

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv1d(3, 4, 5)

    def forward(self, signals):
        return torch.tanh(self.convolution(signals)).square().mean(dim=-1)


if __name__ == "__main__":
    random = np.random.default_rng(0)
    gold = np.arange(53) % 2
    signals = random.normal(size=(53, 3, 64)) * (1 + gold[:, None, None])
    settings = {"max_epochs": 3, "batch_size": 20, "accelerator": "cpu", "augment": None}
    models = [
        CrossModalClassifier(Plain(), devices=devices, **settings).fit(
            signals, gold, validation=(signals[:20], gold[:20]), checkpoint=f"{devices}.ckpt"
        )
        for devices in (1, 2)
    ]
    again = CrossModalClassifier(Plain(), devices=2, **settings).fit(
        signals, gold, validation=(signals[:20], gold[:20]), checkpoint="2.ckpt"
    )
    np.savez(
        "found.npz",
        logits=[model.predict_logits(signals) for model in [*models, again]],
        losses=[[epoch.train_loss for epoch in model.history_] for model in [*models, again]],
        dev=[[epoch.dev_loss for epoch in model.history_] for model in [*models, again]],
    )
    settings["augment"] = lambda inputs, draw: inputs
    try:
        CrossModalClassifier(Plain(), devices=2, **settings).fit(signals, gold)
    except Exception as error:
        print(type(error).__name__, error)
"""


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_and_are_quiet(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("UsageError augment cannot be sent to the processes of other devices")
    found = np.load(tmp_path / "found.npz")
    for name in ("logits", "losses", "dev"):
        np.testing.assert_allclose(found[name][1], found[name][0], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(found[name][2], found[name][1])
    assert sorted(os.listdir(tmp_path)) == ["1.ckpt", "2.ckpt", "found.npz", "program.py"]


def test_devices_that_are_not_there_are_refused(two_views, quick):
    if torch.cuda.is_available():
        pytest.skip("a GPU is at hand")
    gold, _, signals = two_views(60)
    model = quick(devices=2).set_params(accelerator="gpu")
    with pytest.raises(UsageError, match="there are no such devices here"):
        model.fit(signals, gold)
    with pytest.raises(ValueError, match="devices is 0; at least 1"):
        quick(devices=0).fit(signals, gold)
