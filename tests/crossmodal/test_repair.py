import numpy as np
import pytest
from scipy import special

from sidelight.crossmodal import bootstrap_uncertainty, fit_repaired, repair_scores, select_next
from sidelight.crossmodal.repair import corrected


def blobs(n=400, seed=0):
    random = np.random.default_rng(seed)
    gold = np.arange(n) % 2
    return random.normal(size=(n, 3)) + 1.5 * (2 * gold[:, None] - 1) * np.array([1, 0, 0]), gold


def test_models_disagree_near_the_border_and_agree_far_from_it():
    points, gold = blobs()
    labels = np.where(np.arange(400) % 10 < 2, gold, -1)
    unsure = bootstrap_uncertainty(points, labels, n_models=20)
    near, far = np.abs(points[:, 0]) < 0.3, np.abs(points[:, 0]) > 2.5
    assert unsure[near].mean() > 5 * unsure[far].mean()
    assert 0 <= unsure.min() <= unsure.max() <= 0.25
    np.testing.assert_array_equal(unsure, bootstrap_uncertainty(points, labels, n_models=20))


def test_a_persons_habit_shows_when_people_are_resampled():
    """One of three people calls all records with a high second feature positive: only they are unsure together."""
    points, gold = blobs()
    said = np.tile(gold[:, None], (1, 3))
    said[points[:, 1] > 1, 2] = 1
    said[np.arange(400) % 4 > 0] = -1
    by_person = bootstrap_uncertainty(points, said, n_models=30)
    habit = (points[:, 1] > 1) & (points[:, 0] < -0.5)
    rest = (points[:, 1] < 0) & (points[:, 0] < -1.5)
    assert by_person[habit].mean() > by_person[rest].mean() + 0.02


def test_what_cannot_be_resampled_is_refused():
    points, gold = blobs(10)
    with pytest.raises(ValueError, match="less than two classes"):
        bootstrap_uncertainty(points, np.zeros(10, int))
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        bootstrap_uncertainty(points, gold[:3])
    with pytest.raises(ValueError, match="above 0"):
        fit_repaired(points, np.eye(2)[gold], gold, chances=np.zeros(10))


def test_repairs_drawn_with_known_chances_give_a_gradient_without_bias():
    points, gold = blobs(200)
    random = np.random.default_rng(1)
    wrong = np.where(random.random(200) < 0.3, 1 - gold, gold)
    chances = random.uniform(0.2, 0.9, 200)
    labels, right = np.eye(2)[wrong], np.eye(2)[gold]
    sums = []
    for _ in range(3000):
        repaired = np.where(random.random(200) < chances, gold, -1)
        sums.append(points.T @ corrected(labels, repaired, chances))
    gap = np.abs(np.mean(sums, axis=0) - points.T @ right)
    error = np.std(sums, axis=0) / np.sqrt(len(sums))
    assert (gap < 4 * error).all()
    assert (np.abs(points.T @ labels - points.T @ right) > 20 * error)[0].all()


def test_all_repaired_is_as_good_as_never_wrong():
    points, gold = blobs(100)
    none = np.full(100, -1)
    clean = fit_repaired(points, np.eye(2)[gold], none)
    np.testing.assert_allclose(fit_repaired(points, np.eye(2)[1 - gold], gold), clean, atol=1e-9)


def test_repairing_by_score_cleans_faster_than_evenly():
    points, gold = blobs(600)
    random = np.random.default_rng(2)
    hard = points[:, 1] > 0.8
    wrong = np.where(hard & (random.random(600) < 0.6), 1 - gold, gold)
    scores = repair_scores(points, np.eye(2)[wrong] * 0.9 + 0.05)
    queue = select_next(np.arange(600), scores, 120, audit=0.0)
    assert (wrong[queue.rows] != gold[queue.rows]).mean() > 1.5 * (wrong != gold).mean()
    repaired = np.full(600, -1)
    repaired[queue.rows] = gold[queue.rows]
    chances = np.ones(600)
    chances[queue.rows] = queue.chances
    weights = fit_repaired(points, np.eye(2)[wrong], repaired, chances)
    clean = special.softmax(np.c_[points, np.ones(600)] @ weights, axis=1)[:, 1]
    dirty = fit_repaired(points, np.eye(2)[wrong], np.full(600, -1))
    before = special.softmax(np.c_[points, np.ones(600)] @ dirty, axis=1)[:, 1]
    assert ((clean > 0.5) == gold).mean() >= ((before > 0.5) == gold).mean()
    assert (repair_scores(points, np.eye(2)[wrong], repaired)[queue.rows] == 0).all()
