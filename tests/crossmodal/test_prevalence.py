import numpy as np
import pytest

from sidelight.crossmodal import estimate_share, select_next


def pool(n=5000, seed=0):
    """Records of which a tenth are positive, with a calibrated but rough proxy."""
    random = np.random.default_rng(seed)
    proxy = random.beta(0.4, 3.4, n)
    return proxy, (random.random(n) < proxy).astype(float)


def repeated(n_labels, n_repeats, weighted=False):
    proxy, truth = pool()
    inside, estimates, plain = 0, [], []
    for seed in range(n_repeats):
        if weighted:
            queue = select_next(np.arange(5000), np.sqrt(proxy * (1 - proxy)), n_labels, seed=seed)
            rows, chances = queue.rows, queue.chances
        else:
            rows, chances = np.random.default_rng(seed).choice(5000, n_labels, replace=False), None
        found = estimate_share(truth[rows], rows, proxy, chances=chances)
        inside += not found.excludes(truth.mean())
        estimates.append(found.estimate)
        plain.append(truth[rows].mean())
    return inside / n_repeats, np.array(estimates), np.array(plain), truth.mean()


@pytest.mark.parametrize("weighted", [False, True])
def test_intervals_hold_the_truth_as_often_as_they_say(weighted):
    held, estimates, _, truth = repeated(200, 600, weighted)
    assert 0.92 <= held <= 0.975
    assert abs(estimates.mean() - truth) < 3 * estimates.std() / np.sqrt(600) + 5e-4


def test_a_guess_for_every_record_saves_hand_labels_and_choosing_saves_more():
    _, guided, plain, _ = repeated(200, 400)
    _, chosen, _, _ = repeated(200, 400, weighted=True)
    assert guided.std() < 0.9 * plain.std()
    assert chosen.std() < guided.std()


def test_a_useless_guess_does_little_harm():
    _, truth = pool()
    random = np.random.default_rng(1)
    noise = random.random(5000)
    draws = [random.choice(5000, 200, replace=False) for _ in range(300)]
    with_noise = np.std([estimate_share(truth[rows], rows, noise).estimate for rows in draws])
    assert with_noise < 1.1 * np.std([truth[rows].mean() for rows in draws])


def test_all_labels_known_leaves_nothing_to_be_unsure_of():
    proxy, truth = pool(200)
    found = estimate_share(truth, np.arange(200), proxy)
    assert found.estimate == pytest.approx(truth.mean())


@pytest.mark.parametrize(
    ("rows", "chances", "message"),
    [
        ([0, 0, 1, 2, 3], None, "twice"),
        ([0, 1, 2, 3, 9], None, "from 0 to 5"),
        ([0, 1, 2, 3, 4], [0] * 5, "chances"),
    ],
)
def test_what_cannot_be_is_refused(rows, chances, message):
    with pytest.raises(ValueError, match=message):
        estimate_share([1, 0, 1, 0, 1], rows, np.full(6, 0.5), chances=chances)


def test_too_few_labels_are_said_to_be_too_few():
    assert "too few" in estimate_share([1], [0], [0.5, 0.5]).reason
