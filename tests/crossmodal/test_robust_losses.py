import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import optimize

from sidelight.crossmodal import (
    Batch,
    ClassReweighting,
    ForwardCorrection,
    GeneralizedCrossEntropy,
    InstanceReweighting,
    SoftCrossEntropy,
    SymmetricCrossEntropy,
)
from sidelight.crossmodal.reweighting import moved_labels, row_weights


def batch_of(target):
    n = len(target)
    return Batch(torch.zeros(n, 1, 1), target, torch.ones(n), torch.arange(n))


def drawn(n=16, k=3, seed=0):
    draw = torch.Generator().manual_seed(seed)
    target = torch.rand(n, k, generator=draw)
    return torch.randn(n, k, generator=draw) * 2, target / target.sum(1, keepdim=True)


def test_generalized_cross_entropy_lies_between_cross_entropy_and_absolute_error():
    logits, target = drawn()
    batch = batch_of(target)
    near = GeneralizedCrossEntropy(q=1e-4)(logits, batch)
    torch.testing.assert_close(near, SoftCrossEntropy()(logits, batch), rtol=1e-3, atol=1e-3)
    by_hand = (1 - (target * logits.softmax(1)).sum(1)).mean()
    torch.testing.assert_close(GeneralizedCrossEntropy(q=1.0)(logits, batch), by_hand)
    sure = torch.tensor([[60.0, -60.0]], requires_grad=True)
    loss = GeneralizedCrossEntropy()(sure, batch_of(torch.tensor([[0.0, 1.0]])))
    loss.backward()
    assert loss.item() == pytest.approx(1 / 0.7, rel=1e-3)
    assert torch.isfinite(sure.grad).all()


def test_symmetric_cross_entropy_is_the_sum_of_both_directions():
    logits, target = drawn()
    back = -(logits.softmax(1) * target.log()).sum(1).mean()
    forth = SoftCrossEntropy()(logits, batch_of(target))
    both = SymmetricCrossEntropy(alpha=0.5, beta=2.0)(logits, batch_of(target))
    torch.testing.assert_close(both, 0.5 * forth + 2.0 * back)


def test_forward_correction_is_least_at_the_true_class_probabilities():
    table = [[0.9, 0.1], [0.3, 0.7]]
    truth = torch.tensor([0.25, 0.75])
    labeled = batch_of((truth @ torch.tensor(table))[None])
    chances = torch.linspace(0.01, 0.99, 99)
    losses = [float(ForwardCorrection(table)(torch.stack([1 - p, p]).log()[None], labeled)) for p in chances]
    assert chances[int(np.argmin(losses))] == pytest.approx(0.75, abs=0.011)
    logits, target = drawn()
    plain = SoftCrossEntropy()(logits, batch_of(target))
    torch.testing.assert_close(ForwardCorrection()(logits, batch_of(target)), plain)
    torch.testing.assert_close(
        ForwardCorrection(np.eye(3).tolist())(logits, batch_of(target)), plain, rtol=1e-4, atol=1e-4
    )


def test_smoothing_mixes_in_the_even_distribution():
    logits, target = drawn()
    mixed = batch_of(0.9 * target + 0.1 / 3)
    torch.testing.assert_close(
        SoftCrossEntropy(smoothing=0.1)(logits, batch_of(target)), SoftCrossEntropy()(logits, mixed)
    )


@pytest.mark.parametrize("seed", range(5))
def test_weights_solve_the_constrained_problem(seed):
    excess = np.random.default_rng(seed).gamma(1.0, 0.5, 12)
    one_class = torch.ones(12, 1)
    given = row_weights(torch.tensor(excess), one_class, torch.ones(12), temperature=0.4).numpy() / 12

    def cost(w):  # the Lagrangian of min w.l subject to a bound on KL(w || uniform)
        return (w * excess).sum() + 0.4 * (w * np.log(np.maximum(w, 1e-300) * 12)).sum()

    found = optimize.minimize(
        cost,
        np.full(12, 1 / 12),
        bounds=[(1e-9, 1)] * 12,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(given, found.x, atol=1e-4)
    assert given.sum() == pytest.approx(1)


def test_weights_keep_each_class_and_never_fail():
    target = F.one_hot(torch.tensor([0] * 30 + [1] * 2), 2).float()
    excess = torch.cat([torch.zeros(30), torch.full((2,), 5.0)])
    weights = row_weights(excess, target, torch.ones(32), temperature=0.1)
    assert weights[30:].sum() == pytest.approx(2.0)
    assert torch.isfinite(row_weights(torch.full((4,), 1e30), target[:4], torch.ones(4), 0.02)).all()
    even = row_weights(torch.rand(32), target, torch.ones(32), float("inf"))
    assert (even == 1).all()


def test_all_rows_count_the_same_at_first_and_honest_doubt_is_not_punished():
    loss = InstanceReweighting()
    loss.begin(n_steps=100)
    target = torch.tensor([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]).repeat(10, 1)
    logits = torch.tensor([[0.0, 0.0], [3.0, -3.0], [3.0, -3.0]]).repeat(10, 1)
    batch = batch_of(target)
    torch.testing.assert_close(loss(logits, batch), SoftCrossEntropy()(logits, batch))
    for _ in range(60):
        loss(logits, batch)
    assert loss.temperature_ < 1
    excess = SoftCrossEntropy().per_row(logits, batch) - torch.special.entr(target).sum(1)
    weights = row_weights(excess, target, batch.weight, loss.temperature_)
    assert weights[0] >= weights[2]  # a label of one half fits; a contradicted one does not
    before = loss.temperature_
    loss.eval()
    loss(logits, batch)
    assert loss.temperature_ == before


@pytest.mark.parametrize("seed", range(20))
def test_labels_move_to_where_a_linear_program_moves_them(seed):
    random = np.random.default_rng(seed)
    label, cost, gamma = random.dirichlet(np.ones(4)), random.gamma(1.0, 1.0, 4), random.uniform(0, 0.8)
    given = moved_labels(torch.tensor(label)[None], torch.tensor(cost)[None], gamma)[0].numpy()
    # v = label + up - down, both at least 0, at most gamma in all
    steps = np.concatenate([cost, -cost])
    found = optimize.linprog(
        steps,
        A_ub=np.concatenate([np.ones((1, 4)), np.zeros((1, 4))], axis=1),
        b_ub=[gamma],
        A_eq=np.concatenate([np.ones(4), -np.ones(4)])[None],
        b_eq=[0],
        bounds=[(0, None)] * 4 + [(0, share) for share in label],
    )
    assert given.sum() == pytest.approx(1)
    assert (given >= 0).all()
    assert np.abs(given - label).sum() / 2 <= gamma + 1e-9
    assert given @ cost == pytest.approx(label @ cost + found.fun, abs=1e-8)


def test_labels_stay_until_rows_are_told_apart():
    logits, target = drawn(40)
    plain, moving = InstanceReweighting(), ClassReweighting(gamma=0.3)
    for loss in (plain, moving):
        loss.begin(n_steps=10)
    torch.testing.assert_close(moving(logits, batch_of(target)), plain(logits, batch_of(target)))
    for _ in range(8):
        plain(logits, batch_of(target)), moving(logits, batch_of(target))
    assert moving(logits, batch_of(target)) < plain(logits, batch_of(target))


@pytest.mark.parametrize(
    "name",
    ["class-reweighting", "generalized-cross-entropy", "instance-reweighting", "symmetric-cross-entropy"],
)
def test_classifier_takes_a_loss_by_name(two_views, quick, name):
    gold, _, signals = two_views(64)
    model = quick(loss=name, max_epochs=2).fit(signals, gold)
    assert np.isfinite(model.predict_proba(signals)).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: GeneralizedCrossEntropy(q=0),
        lambda: ForwardCorrection([[0.5, 0.4], [0, 1]]),
        lambda: InstanceReweighting(factor=0),
        lambda: ClassReweighting(gamma=1.1),
        lambda: SoftCrossEntropy(smoothing=1.0),
    ],
)
def test_senseless_settings_are_refused(make):
    with pytest.raises(ValueError):
        make()
