import numpy as np
import pytest
import torch
from torch import nn

from sidelight.crossmodal import LOSSES, CrossModalClassifier, InstanceReweighting
from sidelight.labeling.statistics import auroc


class Plain(nn.Module):
    """A network without batch norm and dropout, whose gradient is the sum of its rows'."""

    def __init__(self):
        super().__init__()
        self.n_features = 4
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.convolution = nn.Conv1d(3, 4, 5)

    def forward(self, signals):
        return torch.tanh(self.convolution(signals)).square().mean(dim=-1)


def fitted(two_views, **changes):
    gold, _, signals = two_views(53)
    weight = np.where(np.arange(53) % 4 == 0, 0.3, 1.0)
    model = CrossModalClassifier(
        Plain(), accelerator="cpu", augment=None, max_epochs=3, batch_size=20, **changes
    )
    return model.fit(signals, gold, weight)


@pytest.mark.parametrize("pieces", [2, 5, 17])
def test_a_step_in_pieces_is_the_same_step(two_views, pieces):
    whole, cut = fitted(two_views), fitted(two_views, accumulate=pieces)
    for name, value in whole.network_.state_dict().items():
        torch.testing.assert_close(cut.network_.state_dict()[name], value, rtol=1e-4, atol=1e-6)
    assert len(cut.history_) == len(whole.history_)


def test_steps_are_counted_as_steps_not_as_pieces(two_views, quick):
    gold, _, signals = two_views(60)
    told = []
    quick(batch_size=20, accumulate=4, max_epochs=2).fit(signals, gold, progress=told.append)
    assert told[-1].step == told[-1].n_steps == 6


def test_a_step_too_small_to_cut_is_refused(two_views, quick):
    gold, _, signals = two_views(60)
    with pytest.raises(ValueError, match="only 20 rows to cut"):
        quick(batch_size=20, accumulate=21).fit(signals, gold)


@pytest.mark.parametrize("loss", [*sorted(LOSSES), "two pieces"])
def test_half_precision_learns_as_full_precision_does(two_views, quick, loss):
    gold, _, signals = two_views(200)
    changes = {"loss": InstanceReweighting(), "accumulate": 2} if loss == "two pieces" else {"loss": loss}
    full, half = (
        quick(precision=precision, augment=None, **changes).fit(signals, gold)
        for precision in ("32-true", "bf16-mixed")
    )
    assert half.history_[-1].train_loss == pytest.approx(full.history_[-1].train_loss, rel=0.1)
    assert auroc(gold, half.predict_proba(signals)[:, 1]) == pytest.approx(
        auroc(gold, full.predict_proba(signals)[:, 1]), abs=0.03
    )
    assert all(value.dtype != torch.bfloat16 for value in half.network_.state_dict().values())


def test_an_unknown_precision_is_refused(quick):
    with pytest.raises(ValueError, match="32-true, bf16-mixed, 16-mixed"):
        quick(precision="8-bit").fit(np.zeros((2, 1, 8)), [0, 1])
