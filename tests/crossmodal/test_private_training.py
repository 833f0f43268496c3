import sys

import numpy as np
import pytest
import torch
from torch import nn

from sidelight.crossmodal import ArrayInputs, ResNet1d, SoftCrossEntropy, as_targets, fit_privately
from sidelight.crossmodal.private_training import _clipped_sum
from sidelight.labeling.faults import UsageError
from sidelight.labeling.statistics import auroc

pytest.importorskip("opacus")


def gradient(values, labels, patients, clip):
    """The clipped sum of a linear network's gradients over patients, flattened."""
    from sidelight.crossmodal.private_training import _opacus, _quiet

    torch.manual_seed(0)
    with _quiet():
        network = nn.Sequential(nn.Flatten(), nn.Linear(8, 2))
        wrapped = _opacus()[1](network, loss_reduction="sum")
        given = _clipped_sum(
            wrapped, SoftCrossEntropy(), ArrayInputs(values), as_targets(labels), patients, clip, None, None
        )
    return torch.cat([total.flatten() for total in given.values()])


def test_a_patient_weighs_no_more_for_having_many_copies():
    random = np.random.default_rng(0)
    values, labels = random.normal(size=(70, 1, 8)) * 20, np.arange(70) % 2
    values[6:], labels[6:] = values[5], labels[5]
    others = [np.array([row]) for row in range(5)]
    one = gradient(values, labels, [*others, np.array([5])], 1.0)
    many = gradient(values, labels, [*others, np.arange(5, 70)], 1.0)
    torch.testing.assert_close(one, many, rtol=1e-4, atol=1e-5)
    alone = gradient(values, labels, [np.arange(5, 70)], 1.0)
    assert float(alone.norm()) <= 1.0 + 1e-5


def test_without_a_bound_the_sum_is_the_plain_gradient():
    random = np.random.default_rng(1)
    values, labels = random.normal(size=(6, 1, 8)), np.array([0, 1, 1, 0, 1, 0])
    groups = [np.array([0, 1]), np.array([2]), np.array([3, 4, 5])]
    given = gradient(values, labels, groups, 1e9)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(8, 2))
    inputs, target = torch.tensor(values, dtype=torch.float32), torch.tensor(labels)
    loss = sum(nn.functional.cross_entropy(network(inputs[rows]), target[rows]) for rows in groups)
    loss.backward()
    plain = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])
    torch.testing.assert_close(given, plain, rtol=1e-4, atol=1e-5)


def test_the_guarantee_is_met_and_reckoned_as_opacus_reckons_it(two_views, quick):
    from opacus.accountants import RDPAccountant

    gold, _, signals = two_views(120)
    model = quick(max_epochs=2, batch_size=30, augment=None)
    spent = fit_privately(model, signals, gold, np.arange(120) // 2, epsilon=4.0)
    assert spent.n_patients == 60
    assert spent.n_steps == 4
    assert spent.delta == pytest.approx(1 / 600)
    assert 3.5 < spent.epsilon <= 4.0
    accountant = RDPAccountant()
    for _ in range(4):
        accountant.step(noise_multiplier=spent.noise, sample_rate=0.5)
    assert accountant.get_epsilon(spent.delta) == pytest.approx(spent.epsilon)
    assert not any(isinstance(module, nn.BatchNorm1d) for module in model.network_.modules())
    assert np.isfinite(model.predict_proba(signals)).all()
    again = quick(max_epochs=2, batch_size=30, augment=None)
    fit_privately(again, signals, gold, np.arange(120) // 2, epsilon=4.0)
    np.testing.assert_array_equal(model.predict_logits(signals), again.predict_logits(signals))


@pytest.mark.slow
def test_with_patients_enough_it_learns(two_views, quick):
    gold, _, signals = two_views(1000)
    new_gold, _, new = two_views(200, seed=1)

    def encoder(n_leads):
        return ResNet1d(n_leads, width=8, n_blocks=2, dropout=0.0)

    model = quick(encoder=encoder, max_epochs=15, batch_size=250, learning_rate=1e-2, augment=None)
    fit_privately(model, signals, gold, np.arange(1000), epsilon=8.0)
    assert auroc(new_gold, model.predict_proba(new)[:, 1]) > 0.8


class Following:
    def of_rows(self, inputs, rows, epoch, draw):
        return inputs


def test_what_breaks_the_guarantee_is_refused(two_views, quick, monkeypatch):
    gold, _, signals = two_views(20)
    for changes, words in (
        ({"loss": "instance-reweighting"}, "depend on each other"),
        ({"loss": "self-training"}, "depend on each other"),
        ({"sampler": lambda rows, targets, random: rows}, "other chances"),
        ({"augment": Following()}, "knows the records"),
    ):
        with pytest.raises(UsageError, match=words):
            fit_privately(quick(**changes), signals, gold, np.arange(20))
    with pytest.raises(ValueError, match="above 0"):
        fit_privately(quick(), signals, gold, np.arange(20), epsilon=0)
    with pytest.raises(ValueError, match="3 entries for 20"):
        fit_privately(quick(), signals, gold, np.arange(3))
    monkeypatch.setitem(sys.modules, "opacus", None)
    with pytest.raises(UsageError, match=r'pip install "sidelight\[privacy\]"'):
        fit_privately(quick(), signals, gold, np.arange(20))
