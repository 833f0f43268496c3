import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sidelight.crossmodal import LinearHead, SoftCrossEntropy  # noqa: E402
from sidelight.crossmodal.batches import Batch  # noqa: E402
from sidelight.slicing import SliceHeads, SliceSampler  # noqa: E402

from .test_sampling import targets_of  # noqa: E402

FORMS = ("gate", "paper", "snorkel")


def batch_of(target, membership, weight=None):
    target = torch.as_tensor(target, dtype=torch.float32)
    n = len(target)
    return Batch(
        inputs=torch.zeros(n, 0),
        target=target,
        weight=torch.ones(n) if weight is None else torch.as_tensor(weight, dtype=torch.float32),
        rows=torch.arange(n),
        membership=torch.as_tensor(membership, dtype=torch.float32),
    )


def example(n=64, d=12, n_classes=2, n_slices=2, seed=0):
    draw = torch.Generator().manual_seed(seed)
    features = torch.randn(n, d, generator=draw)
    target = torch.softmax(torch.randn(n, n_classes, generator=draw), dim=1)
    membership = (torch.rand(n, n_slices, generator=draw) < 0.3).float()
    return features, target, membership


def trained(head):
    """Make the experts say something: they start at zero."""
    draw = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draw) * 0.5)
    return head


# -- the module ----------------------------------------------------------------------------------------


def test_without_slices_it_is_a_linear_head():
    plain, head = LinearHead(12, 3, seed=4), SliceHeads(12, 3, (), seed=4)
    features, target, _ = example(n_classes=3)
    torch.testing.assert_close(head(features), plain(features))
    extra = head.extra_loss(features, head(features), batch_of(target, np.zeros((64, 0))), SoftCrossEntropy())
    assert extra.item() == 0
    assert head.attention(features).shape == (64, 1)


@pytest.mark.parametrize("attention", FORMS)
def test_experts_start_without_a_say(attention):
    features, _, _ = example()
    head = SliceHeads(12, 2, ["a", "b"], attention=attention)
    torch.testing.assert_close(head(features), head.final(features))


@pytest.mark.parametrize("attention", FORMS)
def test_attention_sums_to_one_and_predicting_needs_no_membership(attention):
    features, _, _ = example()
    head = trained(SliceHeads(12, 2, ["a", "b"], attention=attention)).eval()
    weights = head.attention(features)
    assert weights.shape == (64, 3)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(64))
    torch.testing.assert_close(head(features), head(features))


@pytest.mark.parametrize("attention", ["gate", "paper"])
def test_names_of_the_classes_do_not_matter(attention):
    features, _, _ = example()
    head = trained(SliceHeads(12, 2, ["a", "b"], attention=attention))
    logits, weights = head(features), head.attention(features)
    with torch.no_grad():
        for layer in (head.final, head.shared):
            layer.weight.copy_(layer.weight.flip(0))
            layer.bias.copy_(layer.bias.flip(0))
    torch.testing.assert_close(head.attention(features), weights)
    torch.testing.assert_close(head(features), logits.flip(1))


@pytest.mark.parametrize("attention", FORMS)
def test_order_of_slices_does_not_matter(attention):
    features, _, _ = example()
    head = trained(SliceHeads(12, 2, ["a", "b"], attention=attention))
    logits = head(features)
    with torch.no_grad():
        head.widen.copy_(head.widen.flip(0).clone())
        width = head.config["bottleneck"]
        for parameter in (head.enter.weight, head.enter.bias):
            indicators = len(parameter) - 2 * width
            parameter[indicators - 2 : indicators] = parameter[indicators - 2 : indicators].flip(0).clone()
            middles = parameter[indicators:].unflatten(0, (2, width))
            parameter[indicators:] = middles.flip(0).flatten(0, 1).clone()
    torch.testing.assert_close(head(features), logits)


def test_a_sure_member_goes_to_its_expert_and_a_stranger_to_none():
    head = trained(SliceHeads(12, 2, ["a", "b"]))
    with torch.no_grad():
        head.enter.weight[:2].zero_()
        head.enter.bias[:2] = torch.tensor([8.0, -8.0])
    weights = head.attention(torch.randn(3, 12))
    assert (weights[:, 1] > 0.95).all()
    with torch.no_grad():
        head.enter.bias[:2] = -8.0
    assert (head.attention(torch.randn(3, 12))[:, 0] > 0.99).all()


def n_parameters(d, n_slices):
    return sum(p.numel() for p in SliceHeads(d, 2, [str(k) for k in range(n_slices)]).parameters())


@pytest.mark.parametrize("d", [16, 24, 32, 64, 128, 256, 512])
def test_a_slice_costs_less_than_a_quarter_of_what_snorkel_spends(d):
    width = SliceHeads(d, 2, ["a"]).config["bottleneck"]
    added = n_parameters(d, 5) - n_parameters(d, 4)
    assert added == 2 * d * width + width + d + 1
    assert 1 <= width <= 16
    assert added <= 0.25 * ((d * d + d) + (2 * d + 2))  # there: a square map, and an indicator of two logits


@pytest.mark.parametrize("n_classes", [1, 3, 5])
def test_any_number_of_classes_and_labels(n_classes):
    features, _, membership = example()
    head = trained(SliceHeads(12, n_classes, ["a", "b"], attention="paper", multi_label=True))
    target = (torch.rand(64, n_classes) < 0.5).float()

    def each_label(logits, batch):
        terms = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.target, reduction="none")
        return (terms.mean(dim=1) * batch.weight).sum() / batch.weight.sum()

    assert head(features).shape == (64, n_classes)
    assert torch.isfinite(head.extra_loss(features, head(features), batch_of(target, membership), each_label))


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="share a name"):
        SliceHeads(4, 2, ["a", "a"])
    with pytest.raises(TypeError, match="one string"):
        SliceHeads(4, 2, "paced")
    with pytest.raises(ValueError, match="attention"):
        SliceHeads(4, 2, ["a"], attention="softmax")
    with pytest.raises(ValueError, match="two classes"):
        SliceHeads(4, 3, ["a"], attention="snorkel")
    with pytest.raises(ValueError, match="rates"):
        SliceHeads(4, 2, ["a"], rates=[0.1, 0.2])
    with pytest.raises(ValueError, match="without rates"):
        SliceHeads(4, 2, ["a"], drawn=[0.1])


# -- its losses ----------------------------------------------------------------------------------------


def expert_loss(head, features, target, membership, weight=None):
    head.indicator_weight = 0.0
    return head.extra_loss(features, head(features), batch_of(target, membership, weight), SoftCrossEntropy())


def test_experts_learn_from_their_members_alone():
    features, target, membership = example(n_slices=1)
    head = trained(SliceHeads(12, 2, ["a"]))
    other = torch.where(membership > 0, target, target.flip(1))
    torch.testing.assert_close(
        expert_loss(head, features, target, membership), expert_loss(head, features, other, membership)
    )


def test_experts_loss_is_the_mean_over_members_by_hand():
    features, target, membership = example()
    head = trained(SliceHeads(12, 2, ["a", "b"], expert_weight=1.0))
    by_hand = []
    for k in range(2):
        mine = membership[:, k] > 0
        hidden = head._enter(features)[1][:, k]
        logits = head.shared(features + hidden @ head.widen[k])[mine]
        by_hand.append(-(target[mine] * torch.log_softmax(logits, dim=1)).sum(dim=1).mean())
    torch.testing.assert_close(expert_loss(head, features, target, membership), torch.stack(by_hand).mean())


def test_a_batch_without_members_gives_zero_and_no_gradient():
    features, target, _ = example()
    head = trained(SliceHeads(12, 2, ["a", "b"]))
    loss = expert_loss(head, features, target, np.zeros((64, 2)))
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(head.enter.weight.grad).all()


def test_uncovered_rows_teach_experts_nothing():
    features, target, membership = example()
    head = trained(SliceHeads(12, 2, ["a", "b"]))
    weight = np.arange(64) % 2
    other = torch.where(torch.as_tensor(weight).bool().unsqueeze(1), target, target.flip(1))
    torch.testing.assert_close(
        expert_loss(head, features, target, membership, weight),
        expert_loss(head, features, other, membership, weight),
    )


def test_unknown_membership_teaches_nothing():
    features, target, membership = example()
    head = trained(SliceHeads(12, 2, ["a", "b"], expert_weight=0.0))
    gone = membership.clone()
    gone[:32] = torch.nan
    loss = head.extra_loss(features, head(features), batch_of(target, gone), SoftCrossEntropy())
    logits = head._indicators(features[32:])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, membership[32:])
    torch.testing.assert_close(loss, 0.3 * expected)


def test_heavier_members_do_not_make_membership_likelier():
    rng = np.random.default_rng(0)
    features = torch.as_tensor(rng.normal(size=(4000, 4)), dtype=torch.float32)
    membership = (features[:, :1] + torch.as_tensor(rng.normal(size=(4000, 1))) > 2.3).float()
    rate = float(membership.mean())
    head = SliceHeads(4, 2, ["a"], rates=[rate], expert_weight=0.0)
    target = np.full((4000, 2), 0.5)
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        head.extra_loss(features, head(features), batch_of(target, membership), SoftCrossEntropy()).backward()
        optimizer.step()
    assert head.membership(features).mean().item() == pytest.approx(rate, rel=0.25)
    assert torch.sigmoid(head._indicators(features)).mean().item() > 2 * rate


def test_members_that_are_drawn_more_often_do_not_make_membership_likelier():
    rng = np.random.default_rng(0)
    features = torch.as_tensor(rng.normal(size=(4000, 4)), dtype=torch.float32)
    membership = (features[:, :1] + torch.as_tensor(rng.normal(size=(4000, 1))) > 2.3).float()
    sampler, targets = SliceSampler(membership.numpy(), by_class=False), targets_of(4000)
    rates, drawn = membership.mean(dim=0).tolist(), sampler.drawn_rates(targets).tolist()
    rows = sampler(np.arange(4000), targets, rng)
    assert drawn[0] == pytest.approx(membership[rows].mean().item(), abs=0.01)
    assert drawn[0] > 5 * rates[0]
    head = SliceHeads(4, 2, ["a"], rates=rates, drawn=drawn, expert_weight=0.0)
    target = np.full((4000, 2), 0.5)
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        head.extra_loss(
            features[rows], head(features[rows]), batch_of(target, membership[rows]), SoftCrossEntropy()
        ).backward()
        optimizer.step()
    assert head.membership(features).mean().item() == pytest.approx(rates[0], rel=0.25)


def test_a_head_can_be_copied_between_its_two_losses():
    features, _, _ = example()
    features.requires_grad_()
    head = trained(SliceHeads(12, 2, ["a", "b"])).train()
    logits = head(features)
    torch.testing.assert_close(copy.deepcopy(head)(features), logits)


def test_soft_membership_teaches_in_part():
    features, target, membership = example()
    head = trained(SliceHeads(12, 2, ["a", "b"]))
    sure = expert_loss(head, features, target, membership)
    torch.testing.assert_close(
        expert_loss(head, features, target, membership * 0.5), sure
    )  # all halved: no change
    doubted = membership.clone()
    doubted[:32] *= 0.01
    late = torch.where(torch.arange(64).unsqueeze(1) >= 32, membership, 0.0)
    gaps = [
        abs(expert_loss(head, features, target, part) - expert_loss(head, features, target, late)).item()
        for part in (doubted, membership)
    ]
    assert gaps[0] < 0.1 * gaps[1]


def test_membership_is_asked_for_by_name():
    features, target, membership = example()
    head = SliceHeads(12, 2, ["a", "b"])
    with pytest.raises(ValueError, match="membership"):
        head.extra_loss(features, head(features), batch_of(target, membership[:, :1]), SoftCrossEntropy())
    missing = Batch(torch.zeros(64, 0), target, torch.ones(64), torch.arange(64))
    with pytest.raises(ValueError, match="pass membership="):
        head.extra_loss(features, head(features), missing, SoftCrossEntropy())


def test_warm_up_learns_plainly_first():
    features, target, membership = example()
    head = trained(SliceHeads(12, 2, ["a", "b"], warm_up=2))
    torch.testing.assert_close(head(features), head.final(features))
    for _ in range(2):
        head.extra_loss(features, head(features), batch_of(target, membership), SoftCrossEntropy())
    assert not torch.allclose(head(features), head.final(features))


def test_a_slice_that_cannot_be_seen_is_switched_off():
    rng = np.random.default_rng(0)
    features = torch.as_tensor(rng.normal(size=(500, 4)), dtype=torch.float32)
    seen, unseen = features[:, 0].numpy() > 1, rng.random(500) < 0.2
    head = trained(SliceHeads(4, 2, ["seen", "unseen", "empty"]))
    with torch.no_grad():
        head.enter.weight[:3].zero_()
        head.enter.weight[:3, 0] = 1
    areas = head.prune(features, np.column_stack([seen, unseen, np.zeros(500, dtype=bool)]))
    assert areas["seen"] == 1
    assert areas["unseen"] < 0.6
    assert head.active.tolist() == [True, False, True]
    assert (head.attention(features)[:, 2] == 0).all()
