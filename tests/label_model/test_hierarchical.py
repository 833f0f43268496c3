"""Classes within classes, and votes that stop half-way down."""

import numpy as np
import pytest

from sidelight.label_model import HierarchicalLabelModel, Hierarchy, LabelModel
from sidelight.label_model.base import LabelModelWarning
from sidelight.labeling import ABSTAIN, FunctionInfo, VoteMatrix
from sidelight.labeling.faults import InputError

TREE = Hierarchy(
    {
        "clear": None,
        "effusion": {"small": None, "large": None},
        "opacity": {"pneumonia": {"viral": None, "bacterial": None}, "edema": None},
    }
)
LEAVES = np.array([TREE.nodes.index(name) for name in TREE.leaves])


def reports(n=3000, seed=0, depth=0.5):
    """Records of known leaves, and six functions of which some name the kind and some only what it is a kind of."""
    rng = np.random.default_rng(seed)
    truth = LEAVES[rng.choice(len(LEAVES), n, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.1])]
    votes = np.full((n, 6), ABSTAIN, np.int8)
    for j, right in enumerate([0.9, 0.85, 0.8, 0.75, 0.7, 0.65]):
        vote = np.where(rng.random(n) < right, truth, rng.choice(LEAVES, n))
        above = np.array(TREE.parents)[vote]
        vote = np.where((rng.random(n) < depth) | (above < 0), vote, above)
        votes[:, j] = np.where(rng.random(n) < 0.7, vote, ABSTAIN)
    return votes, truth


def test_a_class_is_as_likely_as_the_classes_below_it():
    votes, _ = reports(500)
    proba = HierarchicalLabelModel(TREE).fit(votes).node_proba(votes)
    for node in TREE.inner:
        above = proba[:, node] if node >= 0 else np.ones(500)
        np.testing.assert_allclose(proba[:, list(TREE.children(node))].sum(axis=1), above, atol=1e-12)


def test_votes_half_way_down_help():
    votes, truth = reports()
    covered = (votes >= 0).any(axis=1)
    model = HierarchicalLabelModel(TREE).fit(votes)
    by_leaf = LEAVES[model.predict_proba(votes).argmax(axis=1)]
    leaf_of = np.full(len(TREE.nodes) + 1, ABSTAIN)
    leaf_of[LEAVES] = np.arange(len(LEAVES))
    flat = LabelModel(len(LEAVES)).fit(leaf_of[votes])  # hears votes for leaves alone
    by_flat = LEAVES[flat.predict_proba(leaf_of[votes]).argmax(axis=1)]
    ours, theirs = ((labels == truth)[covered].mean() for labels in (by_leaf, by_flat))
    assert ours > 0.8
    assert ours > theirs + 0.02


def test_labels_go_as_deep_as_the_votes():
    votes, _ = reports()
    model = HierarchicalLabelModel(TREE).fit(votes)
    name = TREE.nodes.index
    told = np.full((4, 6), ABSTAIN, np.int8)
    told[0, :3] = name("effusion")
    told[1, :3] = name("bacterial")
    told[2, :3] = name("pneumonia")
    assert model.predict(told).tolist() == [name("effusion"), name("bacterial"), name("pneumonia"), ABSTAIN]
    proba = model.predict_proba(told)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    table = model.labels(told)
    assert table.schema.classes == TREE.leaves
    assert table.covered.tolist() == [True, True, True, False]


def test_balance_of_the_leaves_and_gold_of_any_depth_reach_every_choice():
    votes, truth = reports()
    balance = dict(zip(TREE.leaves, [0.4, 0.2, 0.1, 0.1, 0.1, 0.1], strict=True))
    model = HierarchicalLabelModel(TREE).fit(votes, class_balance=balance)
    np.testing.assert_allclose(model.models_[-1].prior_, [0.4, 0.3, 0.3])
    np.testing.assert_allclose(model.models_[TREE.nodes.index("effusion")].prior_, [2 / 3, 1 / 3])
    empty = np.full((1, 6), ABSTAIN, np.int8)
    np.testing.assert_allclose(model.predict_proba(empty)[0], list(balance.values()))
    right = LEAVES[model.predict_proba(votes).argmax(axis=1)] == truth
    told = HierarchicalLabelModel(TREE).fit(votes, gold=np.where(np.arange(len(truth)) < 600, truth, -1))
    again = LEAVES[told.predict_proba(votes).argmax(axis=1)] == truth
    assert again.mean() > right.mean() - 0.01


def test_functions_are_known_by_name_and_order_does_not_matter():
    votes, _ = reports(400)
    named = VoteMatrix(votes, TREE.schema, tuple(FunctionInfo(f"f{j}", "", (0, 2, 3)) for j in range(6)))
    model = HierarchicalLabelModel(TREE).fit(named)
    turned = named.take_functions([f"f{j}" for j in reversed(range(6))])
    np.testing.assert_array_equal(model.predict_proba(turned), model.predict_proba(named))
    with pytest.raises(ValueError, match="missing here: f0"):
        model.predict(named.take_functions(["f1", "f2"]))


def test_a_model_is_kept_in_a_folder(tmp_path):
    votes, _ = reports(400)
    model = HierarchicalLabelModel(TREE).fit(votes)
    again = HierarchicalLabelModel.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(votes), model.predict_proba(votes))
    assert again.hierarchy.nodes == TREE.nodes
    with pytest.raises(InputError, match="hierarchical"):
        HierarchicalLabelModel.load(tmp_path)


def test_what_is_no_tree_or_no_vote_is_refused():
    with pytest.raises(ValueError, match=r"1 class\(es\) below effusion"):
        Hierarchy({"clear": None, "effusion": {"small": None}})
    with pytest.raises(ValueError, match="twice"):
        Hierarchy({"clear": None, "effusion": {"small": None, "clear": None}})
    with pytest.raises(TypeError, match="below effusion"):
        Hierarchy({"clear": None, "effusion": ["small", "large"]})
    with pytest.raises(ValueError, match="not fitted"):
        HierarchicalLabelModel(TREE).predict([[0]])
    with pytest.raises(ValueError, match=r"votes\[0, 0\] is 99"):
        HierarchicalLabelModel(TREE).fit([[99]])
    votes, _ = reports(50)
    sets = np.zeros((50, 6, 1), np.uint64)
    sets[0, 0] = 3
    votes[0, 0] = ABSTAIN
    functions = tuple(FunctionInfo(f"f{j}") for j in range(6))
    with pytest.raises(ValueError, match="set of classes"):
        HierarchicalLabelModel(TREE).fit(VoteMatrix(votes, TREE.schema, functions, class_sets=sets))


def test_too_few_functions_below_a_class_are_named():
    votes, _ = reports(300)
    above = np.array([*TREE.parents, ABSTAIN])
    votes[:, 2:] = np.where(
        above[votes[:, 2:]] == TREE.nodes.index("effusion"), above[votes[:, 2:]], votes[:, 2:]
    )
    with pytest.warns(LabelModelWarning, match="vote among small, large"):
        HierarchicalLabelModel(TREE).fit(votes)


def test_a_class_below_which_nobody_votes_keeps_its_balance():
    votes, _ = reports(300)
    top = np.array([TREE.route(-1)[v] if v >= 0 else -1 for v in range(len(TREE.nodes))] + [-1])
    places = np.array([*TREE.children(-1), ABSTAIN])
    with pytest.warns(LabelModelWarning, match="0 function"):
        model = HierarchicalLabelModel(TREE).fit(places[top[votes]])
    proba = model.node_proba(places[top[votes]])
    np.testing.assert_allclose(
        proba[:, TREE.nodes.index("small")], proba[:, TREE.nodes.index("effusion")] / 2
    )
    with pytest.warns(LabelModelWarning):
        HierarchicalLabelModel(TREE).fit(np.full((5, 3), ABSTAIN, np.int8))
    with pytest.warns(LabelModelWarning):
        HierarchicalLabelModel(TREE).fit(np.zeros((0, 3), np.int8))


def test_declared_and_expected_accuracies_reach_every_choice():
    votes, _ = reports(800)
    functions = [FunctionInfo(f"f{j}") for j in range(6)]
    plain = VoteMatrix(votes, TREE.schema, tuple(functions))
    told = VoteMatrix(votes, TREE.schema, (FunctionInfo("f0", accuracy=(0.55, 1e6)), *functions[1:]))

    def weights(votes, **beliefs):
        models = HierarchicalLabelModel(TREE).fit(votes, **beliefs).models_
        return np.array([model.get_weights()[0] for model in models.values()])

    assert (weights(plain) > 0.65).all()
    np.testing.assert_allclose(weights(told), 0.55, atol=0.02)
    np.testing.assert_allclose(weights(told, accuracies={"f0": (0.9, 1e6)}), 0.9, atol=0.02)
