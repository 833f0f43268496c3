import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from sidelight.crossmodal import (
    BagEncoder,
    Bags,
    CrossModalClassifier,
    LinearHead,
    SignalSet,
    StudyFiles,
    export_onnx,
    instance_scores,
    link,
    load_bundle,
    save_bundle,
)
from sidelight.crossmodal.heads import Network
from sidelight.crossmodal.pooling import POOLS
from sidelight.labeling import LabelSchema
from sidelight.labeling.faults import UsageError
from sidelight.labeling.statistics import auroc


class Digit(nn.Module):
    """A small network for digits of 8 x 8."""

    n_features = 32
    n_dimensions = 2

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layers = nn.Sequential(
                nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()
            )

    def forward(self, images):
        return self.layers(images)


def digit_bags(n, seed):
    """Bags of about ten digits, positive when a 9 is among them."""
    random = np.random.default_rng(seed)
    images, digits = load_digits(return_X_y=True)
    others, nines = np.flatnonzero(digits != 9), np.flatnonzero(digits == 9)
    rows, owner = [], []
    for bag in range(n):
        size = max(3, round(random.normal(10, 2)))
        chosen = random.choice(others, size)
        if bag % 2:
            chosen[random.integers(size)] = random.choice(nines)
        rows += chosen.tolist()
        owner += [bag] * size
    bags = Bags.of((images[rows] / 16).reshape(-1, 1, 8, 8).astype(np.float32), np.array(owner))
    return bags, np.arange(n) % 2, digits[rows] == 9


def encoder(pool, **changes):
    return BagEncoder(2, pool=pool, instance_config={"width": 8, "n_blocks": 2}, **changes).eval()


def bag_of(n, seed=0):
    return torch.randn(1, n, 2, 40, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("pool", POOLS)
class TestPools:
    """What holds for every way of pooling."""

    def test_order_of_instances_and_empty_places_do_not_matter(self, pool):
        network, bag = encoder(pool), bag_of(5)
        whole = network(bag)
        torch.testing.assert_close(network(bag[:, [3, 1, 4, 0, 2]]), whole, atol=1e-6, rtol=1e-5)
        padded = torch.full((2, 9, 2, 40), torch.nan)
        padded[0, [0, 2, 3, 7, 8]] = bag[0]
        padded[1, 4] = bag[0, 0]
        torch.testing.assert_close(network(padded)[:1], whole, atol=1e-6, rtol=1e-5)

    def test_a_bag_of_one_is_its_instance(self, pool):
        network, bag = encoder(pool), bag_of(1)
        torch.testing.assert_close(network(bag), network.instance(bag[0]))

    def test_an_empty_bag_is_refused(self, pool):
        bags = torch.cat([bag_of(2), torch.full((1, 2, 2, 40), torch.nan)])
        with pytest.raises(ValueError, match="bag 1 of the batch holds no instance"):
            encoder(pool)(bags)

    def test_empty_places_get_no_gradient_and_do_not_touch_batch_norm(self, pool):
        states = []
        for n_empty in (0, 6):
            network = encoder(pool, instance_dropout=0.0).train()
            network.instance.dropout = nn.Identity()
            bags = torch.cat([bag_of(4), torch.full((1, n_empty, 2, 40), torch.nan)], dim=1)
            for module in network.modules():
                if isinstance(module, nn.Dropout):
                    module.p = 0.0
            network(bags).sum().backward()
            grads = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
            assert all(torch.isfinite(grad).all() for grad in grads.values())
            states.append({**network.state_dict(), **{f"grad {name}": grad for name, grad in grads.items()}})
        for name, value in states[0].items():
            torch.testing.assert_close(states[1][name], value, atol=1e-5, rtol=1e-4)


def test_attention_learns_which_instance_makes_the_bag_positive():
    bags, y, _ = digit_bags(300, 0)
    new, new_y, is_nine = digit_bags(150, 1)
    model = CrossModalClassifier(Digit(), augment=None, max_epochs=40, accelerator="cpu", seed=1).fit(bags, y)
    assert auroc(new_y, model.predict_proba(new)[:, 1]) >= 0.93
    positive = new.take(new_y == 1)
    values = torch.from_numpy(positive.batch(np.arange(len(positive))))
    scores = instance_scores(model.network_, values).numpy()
    truth = np.concatenate([is_nine[members] for members in positive.members])
    evidence = (scores[..., 1] - scores[..., 0])[~np.isnan(values.numpy()).any(axis=(2, 3, 4))]
    assert auroc(truth, evidence) >= 0.9
    head = model.network_.head.linear
    np.testing.assert_allclose(
        scores.sum(axis=1) + head.bias.detach().numpy(), model.predict_logits(positive), atol=1e-5
    )


@pytest.mark.parametrize("kind", ["signal", "image"])
def test_bags_train_and_predict_like_single_studies(kind, tmp_path):
    random = np.random.default_rng(0)
    shape = (70, 2, 40) if kind == "signal" else (70, 1, 16, 16)
    bags = Bags.of(random.normal(size=shape), random.permutation(np.arange(70) % 30))
    y = np.arange(30) % 2
    name = "dilated1d" if kind == "signal" else "resnet2d"
    model = CrossModalClassifier(name, max_epochs=2, batch_size=8, accelerator="cpu").fit(
        bags, y, validation=(bags, y)
    )
    bundle = load_bundle(save_bundle(tmp_path / "b", model, LabelSchema(("no", "yes"))))
    whole = bundle.predict_proba(bags)
    for size in (1, 7):
        np.testing.assert_allclose(bundle.predict_proba(bags, batch_size=size), whole, atol=1e-6)
    assert bundle.predict(bags).ids.tolist() == bags.ids.tolist()
    with pytest.raises(UsageError, match="these are single studies; the model needs bags"):
        bundle.predict_proba(random.normal(size=shape))
    with pytest.raises(UsageError, match="cannot be exported"):
        export_onnx(bundle, tmp_path / "m.onnx")


def test_all_files_of_a_study_make_its_bag(tmp_path):
    from PIL import Image

    random = np.random.default_rng(0)
    files = {}
    for study, n_views in (("s1", 2), ("s2", 1), ("s3", 3)):
        for view in range(n_views):
            path = tmp_path / f"{study}-{view}.png"
            Image.fromarray(random.integers(0, 255, (12, 10), dtype=np.uint8)).save(path)
            files.setdefault(study, []).append(path)
    bags = Bags.of(StudyFiles.open(files))
    assert bags.sizes.tolist() == [2, 1, 3]
    linked = link(["s3", "s1", "s4"], bags)
    assert linked.ids.tolist() == ["s3", "s1"]
    assert linked.report.unmatched_labels == (2,)
    assert linked.report.unmatched_signals == (1,)
    assert linked.signals.batch([0, 1]).shape == (2, 3, 1, 12, 10)
    assert np.isnan(linked.signals.batch([0, 1])[1, 2]).all()


def test_signals_are_cut_into_windows():
    signals = SignalSet.of(np.arange(40.0).reshape(2, 1, 20), ids=["a", "b"], sampling_hz=10)
    bags = Bags.windows(signals, 8, step=6)
    assert bags.sizes.tolist() == [3, 3]
    assert bags.batch([1])[0, :, 0, 0].tolist() == [20, 26, 32]
    assert bags.contract.bag
    assert bags.contract.shape == (8,)
    with pytest.raises(ValueError, match="do not fit"):
        Bags.windows(signals, 21)


def test_a_large_bag_is_sampled_evenly():
    bags = Bags.of(np.arange(100.0).reshape(100, 1, 1), np.zeros(100, int), limit=4)
    assert bags.batch([0]).ravel().tolist() == [0, 33, 66, 99]


def test_instance_scores_need_a_head_that_adds_up():
    network = Network(encoder("max"), LinearHead(8, 2))
    with pytest.raises(ValueError, match="need a BagEncoder"):
        instance_scores(network, bag_of(2))
