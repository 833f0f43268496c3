"""What single recipes add to the contract: the worked step of group DRO, groups, corrections."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sidelight.crossmodal.batches import Batch  # noqa: E402
from sidelight.slicing import GroupDRO, label_groups, train_robustly  # noqa: E402

from .test_recipes_contract import plain, studies  # noqa: E402


def batch(rows, target):
    return Batch(torch.zeros(len(rows), 1), torch.tensor(target), torch.ones(len(rows)), torch.tensor(rows))


def test_group_dro_takes_the_papers_step():
    loss = GroupDRO([0, 1], step=1.0, adjustment=0.0)
    logits = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    value = loss(logits, batch([0, 1], [[1.0, 0.0], [0.0, 1.0]]))
    losses = np.array([np.log(2), np.log(1 + np.exp(2))])
    weights = np.exp(losses) / np.exp(losses).sum()
    assert loss.weights_.tolist() == pytest.approx(weights.tolist(), rel=1e-5)
    assert float(value) == pytest.approx(float(weights @ losses), rel=1e-5)


def test_group_dro_leaves_rows_of_no_group_out():
    loss = GroupDRO([0, -1])
    target = [[1.0, 0.0], [0.0, 1.0]]
    first, second = (
        loss.eval()(torch.tensor([[0.0, 0.0], [x, 0.0]]), batch([0, 1], target)) for x in (0.0, 9.0)
    )
    assert float(first) == float(second)


def test_groups_are_label_and_slices():
    groups = label_groups([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], np.array([[1], [0], [1]]))
    assert len(set(groups.tolist())) == 3


@pytest.mark.parametrize("groups", [[[0]], [0.5, 1.0], [-1, -1]])
def test_groups_that_are_none_are_refused(groups):
    with pytest.raises(ValueError, match="one number of a group"):
        GroupDRO(groups)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"recipe": "magic"}, "known by name"),
        ({"recipe": "balanced", "slices": None}, "needs slices"),
        ({"recipe": "multiaccuracy"}, "needs validation"),
    ],
)
def test_what_a_recipe_lacks_is_told(keywords, message):
    x, y, slices = studies()
    with pytest.raises(ValueError, match=message):
        train_robustly(plain(), x, y, **({"slices": slices} | keywords))


def test_multiaccuracy_corrects_a_model_that_is_off():
    x, y, _ = studies()
    dev_x, dev_y, _ = studies(1, 400)
    weak = {"max_epochs": 1, "learning_rate": 1e-4, "calibrate": False}
    before = train_robustly(plain(**weak), x, y, recipe="plain", validation=(dev_x, dev_y))
    after = train_robustly(plain(**weak), x, y, recipe="multiaccuracy", validation=(dev_x, dev_y))
    test_x, test_y, _ = studies(2, 400)
    losses = [
        -np.mean(np.log(model.predict_proba(test_x)[np.arange(400), test_y])) for model in (before, after)
    ]
    assert losses[1] < 0.6 * losses[0]
