import numpy as np
import pytest
import torch

from sidelight.crossmodal import (
    Batch,
    MixedReweighting,
    SelfTraining,
    SignalAugment,
    UncoveredSampler,
    as_targets,
)
from sidelight.crossmodal.mixing import mixed
from sidelight.labeling.faults import UsageError
from sidelight.labeling.statistics import auroc


def batch_of(target, weight=None, inputs=None):
    n = len(target)
    given = torch.ones(n) if weight is None else weight
    return Batch(torch.randn(n, 2, 8) if inputs is None else inputs, target, given, torch.arange(n))


class Tells(torch.nn.Module):
    """A network whose logits are the sum of the first lead, times a weight."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, inputs):
        value = inputs[:, 0].sum(dim=1) * self.weight
        return torch.stack([-value, value], dim=1)


def same(inputs, draw):
    return inputs


class TestSelfTraining:
    def test_only_uncovered_rows_of_which_the_teacher_is_sure_teach(self):
        network, loss = Tells(), SelfTraining(strong=same, threshold=0.9, ramp=0.0)
        loss.begin(10)
        loss.attach(network)
        inputs = torch.zeros(3, 2, 8)
        inputs[:, 0, 0] = torch.tensor([5.0, 0.1, -3.0])
        weight = torch.tensor([0.0, 0.0, 1.0])
        cost = loss.beside(network, batch_of(torch.full((3, 2), 0.5), weight, inputs))
        sure = torch.tensor([[-5.0, 5.0]])
        by_hand = -(sure.softmax(1) * sure.log_softmax(1)).sum() / 2
        torch.testing.assert_close(cost, by_hand)
        assert loss.kept_ == 0.5
        assert all(not parameter.requires_grad for parameter in loss.teacher.parameters())

    def test_consistency_costs_nothing_where_nothing_changes(self):
        network = Tells()
        batch = batch_of(torch.full((4, 2), 0.5))
        for strong, least in ((same, None), (SignalAugment(noise=1.0), 1e-3)):
            loss = SelfTraining(strong=strong, consistency=1.0, ramp=0.0)
            loss.attach(network)
            cost = float(loss.beside(network, batch).detach())
            assert cost == pytest.approx(0, abs=1e-6) if least is None else cost > least

    def test_the_teacher_follows_slowly(self):
        network, loss = Tells(), SelfTraining(strong=same, decay=0.9)
        loss.attach(network)
        loss.step.fill_(10_000)
        with torch.no_grad():
            network.weight.fill_(2.0)
        loss.beside(network, batch_of(torch.full((2, 2), 0.5)))
        assert float(loss.teacher.weight) == pytest.approx(1.1)

    def test_uncovered_studies_make_a_better_network(self, two_views, quick):
        """Twelve labeled signals of 200: the others, told by the network itself, improve it."""
        gold, _, signals = two_views(200)
        new_gold, _, new = two_views(300, seed=1)
        random = np.random.default_rng(0)
        signals, new = (x + random.normal(0, 2.5, x.shape).astype(np.float32) for x in (signals, new))
        covered = np.arange(200) < 12
        areas = {}
        for name, loss in (
            ("plain", "soft-cross-entropy"),
            ("self", SelfTraining(threshold=0.8, ratio=3.0, ramp=0.5)),
        ):
            areas[name] = np.mean(
                [
                    auroc(
                        new_gold,
                        quick(loss=loss, max_epochs=25, batch_size=16, seed=seed, patience=None)
                        .fit(signals, np.eye(2)[gold], covered)
                        .predict_proba(new)[:, 1],
                    )
                    for seed in range(3)
                ]
            )
        assert areas["self"] > areas["plain"] + 0.05

    def test_a_killed_training_resumes_with_its_teacher(self, two_views, quick, tmp_path):
        gold, _, signals = two_views(40)
        covered = np.arange(40) % 2 == 0

        def stop(news):
            if news.step == 7:
                raise InterruptedError

        def fitted(**options):
            model = quick(loss=SelfTraining(threshold=0.5), max_epochs=4, batch_size=16)
            return model.fit(signals, np.eye(2)[gold], covered, **options)

        with pytest.raises(InterruptedError):
            fitted(progress=stop, checkpoint=tmp_path / "c.ckpt")
        torch.randn(5)
        resumed, whole = fitted(checkpoint=tmp_path / "c.ckpt"), fitted()
        np.testing.assert_array_equal(resumed.predict_logits(signals), whole.predict_logits(signals))

    def test_settings_out_of_range_are_refused(self):
        for wrong in ({"threshold": 0}, {"decay": 1.0}, {"ratio": -1}):
            with pytest.raises(ValueError, match=r"at (most|least)|below 1"):
                SelfTraining(**wrong)
        with pytest.raises(ValueError, match="attach first"):
            SelfTraining().beside(Tells(), batch_of(torch.full((2, 2), 0.5)))


def test_sampler_draws_every_covered_row_and_the_asked_share_of_others():
    targets = as_targets(np.full((10, 2), 0.5), np.arange(10) < 4)
    drawn = UncoveredSampler(0.5)(targets.used, targets, np.random.default_rng(0))
    assert sorted(drawn[drawn < 4]) == [0, 1, 2, 3]
    assert len(drawn) == 6
    many = UncoveredSampler(4.0)(targets.used, targets, np.random.default_rng(0))
    assert np.bincount(many)[4:].min() == 2
    all_covered = as_targets(np.full((3, 2), 0.5))
    assert len(UncoveredSampler()(all_covered.used, all_covered, np.random.default_rng(0))) == 3


class TestMixing:
    def loss(self, steps):
        loss = MixedReweighting()
        loss.begin(10)
        target = torch.eye(2).repeat(8, 1)
        for _ in range(steps):
            loss(torch.randn(16, 2), batch_of(target))
        return loss, target

    def test_rows_are_left_alone_at_first_and_mixed_later(self):
        network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
        early, target = self.loss(1)
        batch = batch_of(target)
        assert early.prepare(network, batch) is batch
        late, _ = self.loss(6)
        given = late.prepare(network, batch)
        torch.testing.assert_close(given.target.sum(1), torch.ones(16))
        assert ((given.target > 0) & (given.target < 1)).any()
        assert not torch.equal(given.inputs, batch.inputs)

    def test_what_is_trusted_more_has_the_larger_part(self):
        torch.manual_seed(0)
        parts = MixedReweighting()._parts(torch.full((4000,), 0.9), torch.full((4000,), 0.1))
        assert float(parts.mean()) == pytest.approx(0.9, abs=0.02)
        one, other = torch.ones(2, 1, 4), torch.zeros(2, 1, 4)
        assert mixed(one, other, torch.tensor([0.25, 1.0]))[:, 0, 0].tolist() == [0.25, 1.0]

    def test_bags_of_different_sizes_are_refused(self):
        late, target = self.loss(6)
        batch = batch_of(target, inputs=torch.full((16, 2, 2, 8), torch.nan))
        with pytest.raises(UsageError, match="cannot be mixed"):
            late.prepare(Tells(), batch)

    def test_it_trains_by_name(self, two_views, quick):
        gold, _, signals = two_views(64)
        model = quick(loss="class-reweighting-mixup", max_epochs=4).fit(signals, gold)
        assert np.isfinite(model.predict_proba(signals)).all()
        assert model.history_[-1].train_loss < model.history_[0].train_loss
