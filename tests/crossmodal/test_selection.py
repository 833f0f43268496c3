import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.crossmodal import Queue, clash, conflict, k_centers, select_next, uncertainty
from sidelight.labeling.faults import InputError


@given(st.integers(2, 5), st.integers(0, 100))
def test_a_coin_toss_is_the_least_sure_and_names_of_classes_do_not_matter(k, seed):
    random = np.random.default_rng(seed)
    proba = random.dirichlet(np.ones(k), 20)
    for kind in ("entropy", "margin", "least-confidence"):
        scores = uncertainty(proba, kind)
        assert (scores <= uncertainty(np.full((1, k), 1 / k), kind) + 1e-12).all()
        np.testing.assert_allclose(uncertainty(proba[:, random.permutation(k)], kind), scores)
        np.testing.assert_allclose(uncertainty(np.eye(k), kind), 0, atol=1e-12)


@given(st.integers(2, 4), st.integers(0, 100))
def test_conflict_is_none_at_unanimity_and_the_same_under_other_names(k, seed):
    random = np.random.default_rng(seed)
    votes = random.integers(-1, k, (30, 6))
    weights = random.uniform(0.1, 2, 6)
    found = conflict(votes, weights)
    names = np.append(random.permutation(k), -1)  # the last name is what -1 points at
    np.testing.assert_allclose(conflict(names[votes], weights), found)
    agreed = np.array([len(set(row[row >= 0])) <= 1 for row in votes])
    assert (found[agreed] == 0).all()
    assert (found[~agreed] > 0).all()
    assert (found <= 1 - 1 / k + 1e-12).all()


def test_clash_is_large_where_the_network_is_sure_of_another_class():
    labels = np.array([[0.9, 0.1]] * 3)
    found = clash(labels, [[0.9, 0.1], [0.5, 0.5], [0.05, 0.95]])
    assert found[0] == pytest.approx(0)
    assert found[2] > found[1] > 0


def test_centers_are_those_of_a_slow_search():
    points = np.random.default_rng(0).normal(size=(60, 5))
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    chosen = [3, 10]
    for _ in range(8):
        nearest = [min(np.linalg.norm(unit[i] - unit[c]) for c in chosen) for i in range(60)]
        chosen.append(int(np.argmax(nearest)))
    assert k_centers(points, 8, start=[3, 10]).tolist() == chosen[2:]
    assert len(set(k_centers(points, 100).tolist())) == 60


def test_each_record_is_drawn_with_the_chance_that_is_told():
    scores = np.r_[np.zeros(20), np.linspace(0.1, 1, 20)]
    counts, told = np.zeros(40), np.full(40, np.nan)
    n_draws = 3000
    for seed in range(n_draws):
        queue = select_next(np.arange(40), scores, 10, seed=seed)
        counts[queue.rows] += 1
        told[queue.rows] = queue.chances
    assert (abs(counts / n_draws - told) < 4 * np.sqrt(told * (1 - told) / n_draws)).all()
    assert told[39] > 3 * told[0] > 0


@given(st.integers(1, 30), st.integers(0, 50), st.floats(0, 1))
def test_what_is_labeled_or_kept_for_the_test_is_never_queued(n_out, seed, audit):
    random = np.random.default_rng(seed)
    out = np.arange(40) < n_out
    scores = random.random(40)
    queue = select_next(np.arange(40), scores, 12, exclude=out, audit=audit, seed=seed)
    assert not out[queue.rows].any()
    assert len(set(queue.rows.tolist())) == len(queue) <= 12
    changed = np.where(out, 5.0, scores)  # nor does it change what is
    again = select_next(np.arange(40), changed, 12, exclude=out, audit=audit, seed=seed)
    assert again.rows.tolist() == queue.rows.tolist()


def test_queue_is_read_as_it_was_written(tmp_path):
    queue = select_next([f"r{i}" for i in range(50)], np.arange(50.0), 10)
    again = Queue.read(queue.write(tmp_path / "queue.parquet"))
    assert again.to_table().equals(queue.to_table())
    assert again.n_pool == 50
    assert (np.diff(queue.scores) <= 0).all()
    assert set(queue.reasons) <= {"unsure", "audit"}
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no readable Parquet"):
        Queue.read(tmp_path / "bad.parquet")


@pytest.mark.parametrize("budget", [3, 40, 100])
def test_more_than_there_is_is_everything(budget):
    queue = select_next(np.arange(40), np.ones(40), budget, audit=0.0)
    assert len(queue) == min(budget, 40)


@pytest.mark.parametrize(("scores", "message"), [([1.0], "for 2 ids"), ([-1.0, 1.0], "at least 0")])
def test_scores_that_are_none_are_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        select_next(["a", "b"], scores, 1)
