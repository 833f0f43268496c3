import numpy as np
import pytest

from sidelight.crossmodal import SignalSet, find_duplicate_studies


def beats(n, seed=0, length=1000, n_leads=3):
    """Strips that look alike: a pulse train whose rate, shape and leads differ from study to study."""
    random = np.random.default_rng(seed)
    time = np.arange(length) / 100
    strips = np.empty((n, n_leads, length))
    for row in range(n):
        onsets = np.arange(random.uniform(0, 1), 12, random.uniform(0.6, 1.1))
        onsets = onsets + random.normal(0, 0.03, len(onsets))
        width = random.uniform(0.02, 0.06, (n_leads, 1))
        height = random.uniform(0.3, 1.5, (n_leads, 1))
        late = random.uniform(0.15, 0.35)
        strips[row] = height * sum(np.exp(-(((time - t) / width) ** 2)) for t in onsets)
        strips[row] += 0.3 * height * sum(np.exp(-(((time - t - late) / 0.08) ** 2)) for t in onsets)
        strips[row] += random.normal(0, 0.02, (n_leads, length))
    return strips


def test_repeats_with_gain_shift_and_noise_are_found_and_nothing_else():
    strips = beats(300)
    random = np.random.default_rng(1)
    rows = random.choice(300, 30, replace=False)
    copies = []
    for row in rows:
        copy = np.roll(strips[row], random.integers(-40, 40), axis=1) * random.uniform(0.5, 2)
        noise = random.normal(0, 1, copy.shape)
        copies.append(copy + noise * np.sqrt((copy - copy.mean()).var() / 10))
    found = find_duplicate_studies(
        SignalSet.of(np.concatenate([strips, copies]), sampling_hz=100, derive=False), correlation=0.94
    )
    truth = {(row, 300 + k) for k, row in enumerate(rows)}
    pairs = {tuple(pair) for pair in found.pairs.tolist()}
    assert len(pairs & truth) >= 27
    assert pairs <= truth


def test_mains_hum_makes_no_copies():
    time = np.arange(1000) / 100
    strips = beats(100) + 5 * np.sin(2 * np.pi * 16.67 * time)
    noise = np.random.default_rng(3).normal(0, 1, (100, 3, 1000))
    assert not len(find_duplicate_studies(strips + noise.cumsum(axis=2) * 0.5).pairs)


def test_images_with_other_brightness_and_contrast_are_the_same_image():
    random = np.random.default_rng(0)
    common = np.add.outer(np.hanning(64), np.hanning(64))
    images = common + 0.3 * random.normal(size=(60, 1, 8, 8)).repeat(8, 2).repeat(8, 3)
    images[50] = 2 * images[10] + 3 + random.normal(0, 0.02, (1, 64, 64))
    assert find_duplicate_studies(images).pairs.tolist() == [[10, 50]]


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_studies_have_no_copies(n):
    assert len(find_duplicate_studies(np.zeros((n, 2, 50))).groups) == n


def test_flat_studies_do_no_harm():
    assert not len(find_duplicate_studies(np.zeros((4, 2, 50))).pairs)
