import numpy as np
import pytest

from sidelight.crossmodal import Duplicates, LeakError, find_duplicate_texts
from sidelight.crossmodal.minhash import candidate_pairs, minhash, mixed


def notes(n, n_words=60, seed=0):
    random = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    vocabulary = ["".join(random.choice(letters, 6)) for _ in range(3000)]
    return [[vocabulary[i] for i in random.integers(0, 3000, n_words)] for _ in range(n)]


def test_minimal_hashes_agree_as_often_as_sets_overlap():
    base = np.arange(3000, dtype=np.uint64)
    for shared in (0.3, 0.5, 0.9):
        size = 1000
        offset = round(size * (1 - shared) / (1 + shared))
        pair = minhash([mixed(base[:size]), mixed(base[offset : offset + size])], n_hashes=4000)
        jaccard = (size - offset) / (size + offset)
        spread = 4 * np.sqrt(jaccard * (1 - jaccard) / 4000)
        assert (pair[0] == pair[1]).mean() == pytest.approx(jaccard, abs=spread)


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.7, 0.9])
def test_bands_find_pairs_as_often_as_the_formula_says(similarity):
    random = np.random.default_rng(1)
    n_pairs = 1500
    one = random.integers(0, 2**32, (n_pairs, 125), dtype=np.uint32)
    other = np.where(random.random(one.shape) < similarity, one, one ^ np.uint32(1))
    found = candidate_pairs(np.concatenate([one, other]))
    rate = (found[:, 1] - found[:, 0] == n_pairs).sum() / n_pairs
    chance = 1 - (1 - similarity**5) ** 25
    assert rate == pytest.approx(chance, abs=3 * np.sqrt(chance * (1 - chance) / n_pairs) + 2e-3)


def test_copies_with_a_changed_passage_are_found_whatever_the_order():
    texts = notes(2000, 100)
    random = np.random.default_rng(2)
    copied = random.choice(2000, 100, replace=False)
    other = notes(100, seed=3)
    for row, copy in zip(copied, other, strict=True):
        changed = list(texts[row])
        start, n_changed = random.integers(0, 95), random.integers(0, 5)
        changed[start : start + n_changed] = copy[:n_changed]
        texts.append(changed)
    joined = [" ".join(words) for words in texts]
    found = find_duplicate_texts(joined)
    truth = {(row, 2000 + k) for k, row in enumerate(copied)}
    pairs = {tuple(pair) for pair in found.pairs.tolist()}
    assert len(pairs & truth) >= 97
    assert len(pairs - truth) == 0
    assert found.n_copies == len(pairs)
    order = random.permutation(len(joined))
    again = find_duplicate_texts([joined[i] for i in order])
    assert {tuple(sorted(order[list(pair)].tolist())) for pair in again.pairs} == pairs


def test_a_note_copied_forward_and_extended_is_found():
    first, added = notes(2, 80)
    found = find_duplicate_texts([" ".join(first), " ".join(first + added[:40]), " ".join(added[40:])])
    assert found.groups.tolist() == [0, 0, 1]
    assert found.similarity[0] < 0.8


def test_a_shared_header_makes_no_giant_group():
    header = " ".join(notes(1, 100, seed=9)[0])
    texts = [header + " " + " ".join(words) for words in notes(300, 12)] + [
        " ".join(w) for w in notes(200, seed=5)
    ]
    assert np.bincount(find_duplicate_texts(texts).groups).max() == 1
    assert np.bincount(find_duplicate_texts(texts, common=None).groups).max() >= 300


def test_changed_dates_do_not_hide_a_copy_and_phrases_are_no_copies():
    words = notes(1, 30)[0]
    texts = [
        "Seen 12.03.2019. " + " ".join(words),
        "Seen 14.04.2020. " + " ".join(words).upper(),
        "Sinus rhythm. Normal ECG.",
        "Sinus rhythm. Normal ECG.",
        "",
    ]
    assert find_duplicate_texts(texts).groups.tolist() == [0, 0, 1, 2, 3]


def test_weights_share_one_count_among_copies():
    copies = Duplicates(np.array([0, 0, 1, 0]), np.array([[0, 1], [1, 3]]), np.ones(2))
    assert copies.weights.tolist() == [1 / 3, 1 / 3, 1, 1 / 3]


def test_copies_across_parts_raise_and_name_rows_only():
    copies = Duplicates(np.array([0, 0, 1]), np.array([[0, 1]]), np.ones(1))
    copies.check(["train", "train", "test"])
    copies.check(["train", "", "test"])
    with pytest.raises(LeakError, match="rows 0 and 1, in parts train and test"):
        copies.check(["train", "test", "test"])
    with pytest.raises(ValueError, match="for 3 records"):
        copies.check(["train"])


@pytest.mark.parametrize("texts", [[], ["one"], ["", ""]])
def test_nothing_to_compare_is_no_error(texts):
    assert len(find_duplicate_texts(texts).groups) == len(texts)
