import inspect

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from sidelight.crossmodal import LOSSES, Batch, SoftCrossEntropy, cross_entropy_with_probs

sizes = st.tuples(st.integers(1, 8), st.integers(2, 5), st.integers(0, 10_000))


def drawn(n, k, seed):
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, k, generator=draw, dtype=torch.float64)
    target = torch.rand(n, k, generator=draw, dtype=torch.float64) + 1e-3
    return logits.requires_grad_(), target / target.sum(1, keepdim=True)


def batch_of(target, weight=None):
    n = len(target)
    return Batch(torch.zeros(n, 1, 1), target, torch.ones(n) if weight is None else weight, torch.arange(n))


@given(sizes)
def test_soft_loss_equals_hard_cross_entropy_for_one_hot_labels(size):
    n, k, seed = size
    logits, _ = drawn(n, k, seed)
    hard = torch.randint(k, (n,), generator=torch.Generator().manual_seed(seed))
    soft = F.one_hot(hard, k).to(logits.dtype)
    for reduction in ("mean", "sum", "none"):
        torch.testing.assert_close(
            cross_entropy_with_probs(logits, soft, reduction=reduction),
            F.cross_entropy(logits.float(), hard, reduction=reduction),
            check_dtype=False,
            rtol=1e-5,
            atol=1e-6,
        )


@given(sizes)
def test_soft_loss_is_entropy_plus_divergence_and_its_gradient_is_the_error(size):
    logits, target = drawn(*size)
    loss = cross_entropy_with_probs(logits, target)
    entropy = -(target * target.log()).sum(1).mean()
    divergence = F.kl_div(F.log_softmax(logits, 1), target, reduction="batchmean")
    torch.testing.assert_close(loss.double(), entropy + divergence, rtol=1e-5, atol=1e-6)
    loss.backward()
    torch.testing.assert_close(
        logits.grad, (logits.detach().softmax(1) - target) / size[0], rtol=1e-4, atol=1e-6
    )


def test_class_weights_count_as_in_snorkel():
    logits, target = drawn(4, 3, 0)
    weight = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    by_hand = -(target * weight * F.log_softmax(logits, 1)).sum(1)
    torch.testing.assert_close(
        cross_entropy_with_probs(logits, target, weight, "none"), by_hand, rtol=1e-5, atol=1e-6
    )
    assert list(inspect.signature(cross_entropy_with_probs).parameters) == [
        "input",
        "target",
        "weight",
        "reduction",
    ]


@pytest.mark.parametrize("wrong", [{"reduction": "median"}, {"target": torch.zeros(4, 2)}])
def test_wrong_arguments_are_refused(wrong):
    logits, target = drawn(4, 3, 0)
    with pytest.raises(ValueError):
        cross_entropy_with_probs(**{"input": logits, "target": target, **wrong})


def test_labels_near_a_coin_toss_count_less_with_confidence():
    target = torch.tensor([[0.5, 0.5], [0.75, 0.25], [1.0, 0.0]])
    logits = torch.zeros(3, 2)
    losses = SoftCrossEntropy(confidence=True).per_row(logits, batch_of(target))
    np.testing.assert_allclose(losses, np.log(2) * np.array([0.0, 0.5, 1.0]), rtol=1e-6)


@pytest.mark.parametrize("name", sorted(LOSSES))
class TestContract:
    """What holds for every loss in the registry."""

    def test_uncovered_rows_contribute_nothing(self, name):
        logits, target = drawn(6, 3, 1)
        weight = torch.tensor([1.0, 0, 1, 1, 0, 1])
        loss = LOSSES[name]()(logits, batch_of(target, weight))
        loss.backward()
        assert (logits.grad[weight == 0] == 0).all()
        assert (logits.grad[weight > 0] != 0).any(dim=1).all()
        kept = weight > 0
        again = LOSSES[name]()(logits[kept], batch_of(target[kept]))
        torch.testing.assert_close(loss, again)

    def test_an_uncovered_row_without_a_number_spoils_nothing(self, name):
        logits, target = drawn(3, 2, 2)
        broken = logits.detach().clone()
        broken[1] = torch.inf
        loss = LOSSES[name]()(broken, batch_of(target, torch.tensor([1.0, 0, 1])))
        assert torch.isfinite(loss)

    def test_a_batch_without_covered_rows_costs_nothing(self, name):
        logits, target = drawn(3, 2, 2)
        loss = LOSSES[name]()(logits, batch_of(target, torch.zeros(3)))
        loss.backward()
        assert loss == 0
        assert (logits.grad == 0).all()

    def test_order_of_rows_does_not_matter(self, name):
        logits, target = drawn(7, 3, 3)
        order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
        loss = LOSSES[name]()
        torch.testing.assert_close(
            loss(logits, batch_of(target)), loss(logits[order], batch_of(target[order]))
        )

    def test_a_right_and_sure_prediction_costs_less_than_a_wrong_one(self, name):
        target = torch.tensor([[0.9, 0.1]])
        loss = LOSSES[name]()
        right, wrong = torch.tensor([[3.0, -3.0]]), torch.tensor([[-3.0, 3.0]])
        assert loss(right, batch_of(target)) < loss(wrong, batch_of(target))
