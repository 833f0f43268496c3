"""The plain model where training for slices did not pay."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sidelight.crossmodal import BinaryCrossEntropy, SoftCrossEntropy  # noqa: E402
from sidelight.crossmodal.batches import Batch  # noqa: E402
from sidelight.crossmodal.targets import as_targets  # noqa: E402
from sidelight.slicing import keep_better, train_robustly  # noqa: E402
from sidelight.slicing.doubt import DoubtedLabels  # noqa: E402
from sidelight.slicing.membership import as_membership  # noqa: E402
from sidelight.slicing.recipes import emphasize  # noqa: E402

from .test_recipes_contract import plain, studies  # noqa: E402


def opposed(seed, n=600, rate=0.05):
    """A rare slice in which the signal means the other class."""
    x, y, _ = studies(seed, n)
    rare = np.random.default_rng(100 + seed).random(n) < rate
    x[:, 0, 1] = np.where(rare, 3.0, -1.0)
    return x, np.where(rare, 1 - y, y), {"rare": rare}


def test_emphasis_that_pays_is_kept():
    x, y, slices = opposed(0)
    dev_x, dev_y, dev_slices = opposed(1)
    keywords = {"validation": (dev_x, dev_y), "validation_slices": dev_slices}
    short = plain(max_epochs=4, patience=None)
    kept = train_robustly(short, x, y, slices, fall_back=True, **keywords)
    balanced = train_robustly(short, x, y, slices, **keywords)
    np.testing.assert_array_equal(kept.predict_logits(x), balanced.predict_logits(x))


def test_emphasis_on_wrong_labels_is_left():
    x, y, slices = opposed(0)
    wrong = np.where(slices["rare"], 1 - y, y)  # as if the slice were like the rest
    dev_x, dev_y, dev_slices = opposed(1)
    keywords = {"validation": (dev_x, dev_y), "validation_slices": dev_slices}
    short = plain(max_epochs=4, patience=None)
    kept = train_robustly(short, x, wrong, slices, fall_back=True, **keywords)
    unmoved = train_robustly(short, x, wrong, slices, recipe="plain", **keywords)
    np.testing.assert_array_equal(kept.predict_logits(x), unmoved.predict_logits(x))


@pytest.mark.parametrize("multi_label", [False, True])
def test_the_better_model_is_kept_whichever_it_is_and_the_plain_one_in_doubt(multi_label):
    x, y, slices = studies(n=200)
    labels = np.column_stack([y, np.where(np.arange(200) % 2, -1, y)]).astype(float) if multi_label else y
    models = [
        plain(multi_label=multi_label, max_epochs=epochs, learning_rate=rate).fit(x, labels)
        for epochs, rate in ((1, 1e-6), (8, 0.02))
    ]
    dev = (x, labels)
    assert keep_better(*models, dev, slices) is models[1]
    assert keep_better(*models[::-1], dev, slices) is models[1]
    assert keep_better(models[0], models[0], dev, {"nobody": np.zeros(200)}) is models[0]


def test_falling_back_needs_records_to_judge_by():
    x, y, slices = studies()
    with pytest.raises(ValueError, match="needs validation rows and validation_slices"):
        train_robustly(plain(), x, y, slices, validation=(x, y), fall_back=True)


@pytest.mark.parametrize(("multi_label", "kind"), [(False, SoftCrossEntropy), (True, BinaryCrossEntropy)])
def test_labels_are_smoothed_unless_the_loss_was_chosen(multi_label, kind):
    x, y = np.zeros((4, 1, 8)), np.eye(2)[[0, 1, 0, 1]]
    slices = as_membership({"late": [0, 0, 1, 1]}, n_records=4)
    network = plain(multi_label=multi_label)
    emphasize(network, x, as_targets(y), slices, "balanced")
    assert isinstance(network.loss, DoubtedLabels)
    assert isinstance(network.loss.loss, kind)
    assert network.loss.smoothing == 0.45
    own = plain(loss=SoftCrossEntropy(confidence=True))
    given = own.loss
    emphasize(own, x, as_targets(y), slices, "balanced")
    assert own.loss is given


def test_smoothed_findings_by_hand():
    batch = Batch(torch.zeros(1, 1), torch.tensor([[1.0, float("nan")]]), torch.ones(1), torch.zeros(1))
    logits = torch.tensor([[2.0, 5.0]])
    expected = -(0.9 * np.log(1 / (1 + np.exp(-2))) + 0.1 * np.log(1 / (1 + np.exp(2))))
    assert float(BinaryCrossEntropy(smoothing=0.2)(logits, batch)) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="smoothing is 1"):
        BinaryCrossEntropy(smoothing=1.0)
