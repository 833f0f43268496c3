"""Several tasks whose answers rule each other out."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel, LabelModelWarning, MultiTaskLabelModel, TaskGraph
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix
from sidelight.labeling.faults import InputError

TASKS = {
    "finding": ["none", "effusion", "nodule"],
    "side": ["none", "left", "right"],
    "size": ["none", "small", "large"],
}
GRAPH = TaskGraph.where(
    TASKS,
    lambda a: (
        len({a[t] == "none" for t in TASKS}) == 1 and not (a["finding"] == "nodule" and a["size"] == "large")
    ),
)


def simulated(n=2500, m=4, seed=0, accuracy=0.7, coverage=0.6):
    """Truth drawn from the combinations, and functions of each task that err evenly."""
    rng = np.random.default_rng(seed)
    members = GRAPH.members
    truth = members[rng.choice(len(members), n, p=rng.dirichlet(np.full(len(members), 3.0)))]
    votes = {}
    for t, task in enumerate(TASKS):
        wrong = (truth[:, [t]] + rng.integers(1, 3, (n, m))) % 3
        said = np.where(rng.random((n, m)) < accuracy, truth[:, [t]], wrong)
        votes[task] = np.where(rng.random((n, m)) < coverage, said, -1).astype(np.int8)
    return votes, {task: truth[:, t] for t, task in enumerate(TASKS)}


def test_what_can_go_together_helps_every_task():
    votes, truth = simulated()
    model = MultiTaskLabelModel(GRAPH).fit(votes)
    found = model.predict(votes)
    covered = np.any([(table >= 0).any(axis=1) for table in votes.values()], axis=0)
    for task in TASKS:
        alone = LabelModel(3).fit(votes[task]).predict_proba(votes[task]).argmax(axis=1)
        own = (found[task] == truth[task])[covered].mean()
        assert own > (alone == truth[task])[covered].mean() + 0.03


def test_answers_never_contradict_each_other_and_marginals_are_sums():
    votes, _ = simulated(400)
    model = MultiTaskLabelModel(GRAPH).fit(votes)
    found = model.predict(votes)
    rows = set(map(tuple, GRAPH.members.tolist())) | {(-1, -1, -1)}
    assert set(zip(*(found[task].tolist() for task in TASKS), strict=True)) <= rows
    joint, marginal = model.joint_proba(votes), model.predict_proba(votes)
    for t, task in enumerate(TASKS):
        np.testing.assert_allclose(marginal[task].sum(axis=1), 1)
        np.testing.assert_allclose(marginal[task][:, 0], joint[:, GRAPH.members[:, t] == 0].sum(axis=1))


def test_a_vote_on_one_task_tells_of_the_next():
    votes, _ = simulated()
    model = MultiTaskLabelModel(GRAPH).fit(votes)
    alone = {task: np.full((1, 4), -1, np.int8) for task in TASKS}
    nobody = model.predict_proba(alone)["side"][0, 0]
    alone["size"] = np.full((1, 4), 1, np.int8)
    assert model.predict_proba(alone)["side"][0, 0] < 0.3 * nobody
    assert model.predict({**alone, "size": np.full((1, 4), -1, np.int8)})["side"].tolist() == [-1]


def test_frequencies_are_learned_and_the_objective_never_falls():
    votes, truth = simulated(accuracy=0.9, coverage=0.9)
    model = MultiTaskLabelModel(GRAPH).fit(votes)
    true = np.mean(
        [[(row == np.array(r)).all() for r in GRAPH.members] for row in np.stack(list(truth.values()), 1)],
        axis=0,
    )
    apart = np.prod([m.prior_[GRAPH.members[:, t]] for t, m in enumerate(model.models_.values())], axis=0)
    apart /= apart.sum()
    assert np.abs(model.frequency_ - true).sum() < 0.7 * np.abs(apart - true).sum()
    assert (np.diff(model.objective_) > -1e-6).all()


def test_a_function_with_votes_on_every_task_is_one_witness():
    votes, _ = simulated()
    assert MultiTaskLabelModel(GRAPH).fit(votes).share_ == 1.0
    functions = tuple(FunctionInfo(f"f{j}") for j in range(4))
    named = {t: VoteMatrix(v, LabelSchema(TASKS[t]), functions) for t, v in votes.items()}
    assert 0.3 < MultiTaskLabelModel(GRAPH).fit(named).share_ < 0.7


def test_a_saved_model_says_the_same(tmp_path):
    votes, _ = simulated(300)
    model = MultiTaskLabelModel(GRAPH).fit(votes)
    again = MultiTaskLabelModel.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.joint_proba(votes), model.joint_proba(votes))
    assert again.graph == GRAPH
    with pytest.raises(InputError, match="no readable multi-task model"):
        MultiTaskLabelModel.load(tmp_path)


def test_what_is_no_graph_and_no_vote_is_refused():
    with pytest.raises(ValueError, match="no feasible combination has 'large'"):
        TaskGraph({"a": ["x", "y"], "b": ["small", "large"]}, [("x", "small"), ("y", "small")])
    with pytest.raises(ValueError, match=r"feasible\[0\] has 'z' for a"):
        TaskGraph({"a": ["x", "y"]}, [("z",)])
    with pytest.raises(ValueError, match="twice"):
        TaskGraph({"a": ["x", "y"]}, [("x",), ("x",)])
    with pytest.raises(ValueError, match="combinations of classes"):
        TaskGraph({f"t{i}": ["x", "y"] for i in range(20)})
    votes, _ = simulated(50)
    with pytest.raises(ValueError, match="the tasks are finding, side, size"):
        MultiTaskLabelModel(GRAPH).fit({"side": votes["side"]})
    with pytest.raises(ValueError, match="different numbers of records"):
        MultiTaskLabelModel(GRAPH).fit({**votes, "side": votes["side"][:10]})
    with pytest.raises(ValueError, match="not fitted"):
        MultiTaskLabelModel(GRAPH).predict(votes)
    with pytest.raises(ValueError, match="class_balance names colour"):
        MultiTaskLabelModel(GRAPH).fit(votes, class_balance={"colour": [1, 0]})


def test_tables_of_labels_leave_open_what_no_vote_tells():
    graph = TaskGraph.where(
        {"effusion": ["no", "yes"], "side": ["none", "left", "right"]},
        lambda answer: (answer["effusion"] == "no") == (answer["side"] == "none"),
    )
    rng = np.random.default_rng(1)
    side = rng.choice(3, 900, p=[0.3, 0.5, 0.2])
    right = rng.random((900, 4)) < 0.85
    votes = {
        "effusion": np.where(right, side[:, None] > 0, side[:, None] == 0).astype(np.int8),
        "side": np.where(right, side[:, None], (side[:, None] + 1) % 3).astype(np.int8),
    }
    votes["side"][:300] = -1
    votes["effusion"][:100] = -1
    found = MultiTaskLabelModel(graph).fit(votes).labels(votes)
    assert not found["side"].covered[:100].any()
    assert set(found["side"].label[100:300].tolist()) == {0, -1}
    np.testing.assert_array_equal(found["side"].label[100:300] == 0, found["effusion"].label[100:300] == 0)
    assert found["side"].n_votes[:300].max() == 0
    assert found["side"].label[300:].min() >= 0


def test_warnings_of_a_tasks_own_fit_name_the_task():
    votes, _ = simulated(200)
    votes["side"][:, 2:] = -1
    with pytest.warns(LabelModelWarning, match="^side: 2 function"):
        MultiTaskLabelModel(GRAPH).fit(votes)
