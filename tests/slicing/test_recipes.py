"""What single recipes add to the contract: the worked step of group DRO, groups, corrections."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sidelight.crossmodal import load_bundle, save_bundle  # noqa: E402
from sidelight.crossmodal.batches import Batch  # noqa: E402
from sidelight.crossmodal.targets import as_targets  # noqa: E402
from sidelight.labeling import LabelSchema  # noqa: E402
from sidelight.slicing import GroupDRO, label_groups, train_robustly  # noqa: E402
from sidelight.slicing.membership import as_membership  # noqa: E402
from sidelight.slicing.recipes import MULTI_LABEL, emphasize  # noqa: E402

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


def test_only_recipes_of_one_training_can_be_set_up_beforehand():
    x, y, slices = studies()
    with pytest.raises(ValueError, match="set up beforehand are: balanced, slice-heads"):
        emphasize(plain(), x, as_targets(y), as_membership(slices, n_records=len(y)), "group-dro")


@pytest.mark.parametrize(("recipe", "schedule"), [("balanced", "averaged"), ("slice-heads", "constant")])
def test_weights_are_averaged_where_draws_alone_give_emphasis(recipe, schedule):
    model = plain()
    signals = np.zeros((4, 1, 8))
    emphasize(
        model, signals, as_targets([0, 1, 0, 1]), as_membership({"late": [0, 0, 1, 1]}, n_records=4), recipe
    )
    assert model.schedule == schedule


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


@pytest.mark.parametrize("name", ["expert-mixture", "hard-sharing", "multiaccuracy", "slice-heads"])
def test_heads_of_recipes_survive_the_bundle(name, tmp_path):
    x, y, slices = studies()
    model = train_robustly(plain("resnet1d", max_epochs=1), x, y, slices, recipe=name, validation=(x, y))
    path = save_bundle(tmp_path / "bundle", model, LabelSchema(["no", "yes"]))
    np.testing.assert_allclose(load_bundle(path).predict_proba(x), model.predict_proba(x), atol=1e-6)


@pytest.mark.parametrize("name", sorted(MULTI_LABEL))
def test_findings_that_do_not_exclude_one_another_are_learned(name):
    x, y, slices = studies(n=200)
    labels = np.column_stack([y, x[:, 0, 1] > 0, np.where(np.arange(200) % 2, -1, x[:, 0, 2] > 0)]).astype(
        float
    )
    model = train_robustly(plain(multi_label=True, max_epochs=30), x, labels, slices, recipe=name)
    assert np.mean(model.predict(x)[:, :2] == labels[:, :2]) > 0.85


def test_a_recipe_for_one_class_a_record_refuses_several_findings():
    x, y, slices = studies()
    with pytest.raises(ValueError, match="exclude each other"):
        train_robustly(plain(multi_label=True), x, np.column_stack([y, y]), slices, recipe="group-dro")


@pytest.mark.parametrize("name", ["balanced", "slice-heads", "up-weighting"])
def test_chances_of_membership_that_are_sure_are_membership(name):
    x, y, slices = studies()
    models = [
        train_robustly(plain(), x, y, {"rare": given}, recipe=name)
        for given in (slices["rare"], slices["rare"].astype(float), slices["rare"] * 0.4)
    ]
    logits = [model.predict_logits(x) for model in models]
    np.testing.assert_array_equal(logits[0], logits[1])
    assert np.abs(logits[0] - logits[2]).max() > 1e-3


@pytest.mark.parametrize(
    ("column", "message"),
    [([0.2, 1.5, 0.0], "1.5 in row 1"), (["a", "b", "c"], "no truth value"), ([1, 0], "2 rows")],
)
def test_membership_that_is_none_is_refused(column, message):
    with pytest.raises((ValueError, TypeError), match=message):
        as_membership({"rare": column}, n_records=3)


def test_an_expert_whose_slice_leaves_no_trace_is_switched_off():
    x, y, slices = studies(n=600)
    slices = {"traced": x[:, 0, 1] > 1, **slices}
    dev_x, dev_y, dev_slices = studies(1, 400)
    dev_slices = {"traced": dev_x[:, 0, 1] > 1, **dev_slices}
    keywords = {"recipe": "slice-heads", "validation": (dev_x, dev_y)}
    kept = train_robustly(plain(max_epochs=20), x, y, slices, **keywords)
    cut = train_robustly(plain(max_epochs=20), x, y, slices, validation_slices=dev_slices, **keywords)
    assert kept.network_.head.active.tolist() == [True, True]
    assert cut.network_.head.active.tolist() == [True, False]
