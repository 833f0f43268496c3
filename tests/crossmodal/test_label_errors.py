import numpy as np
import pytest

from sidelight.crossmodal import check_label_errors


def case(errors_follow_signal, n=600, seed=0):
    """Embeddings that show the class and the device; errors come with the device, or at random, more in class 1."""
    random = np.random.default_rng(seed)
    gold = random.integers(0, 2, n)
    portable = random.random(n) < 0.4
    features = random.normal(size=(n, 6))
    features[:, 0] += 2 * gold
    features[:, 1] += 2 * portable
    chance = np.where(portable, 0.4, 0.05) if errors_follow_signal else np.where(gold == 1, 0.3, 0.05)
    return features, np.where(random.random(n) < chance, 1 - gold, gold), gold


def test_errors_that_follow_the_signal_are_found():
    features, labels, gold = case(True)
    found = check_label_errors(features, labels, gold, n_draws=200)
    assert found.warns
    assert "can be told from the signal" in found.message
    assert found.to_json()["n_wrong"] == (labels != gold).sum()
    assert check_label_errors(features, np.eye(2)[labels], gold, n_draws=200).auroc == found.auroc


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_errors_that_depend_on_the_class_alone_are_no_alarm(seed):
    found = check_label_errors(*case(False, seed=seed), n_draws=200)
    assert not found.warns
    assert found.auroc.low < 0.5 < found.auroc.high


def test_patients_are_kept_whole_and_rows_without_gold_left_out():
    features, labels, gold = case(True)
    patients = np.arange(600) // 3
    doubled = check_label_errors(
        np.r_[features, features],
        np.r_[labels, labels],
        np.r_[gold, np.full(600, -1)],
        np.r_[patients, patients],
        n_draws=100,
    )
    alone = check_label_errors(features, labels, gold, patients, n_draws=100)
    assert doubled.n_records == alone.n_records == 600
    assert doubled.auroc.estimate == alone.auroc.estimate


def test_too_few_errors_are_said_to_be_too_few():
    features, _, gold = case(True)
    found = check_label_errors(features, gold, gold)
    assert not found.warns
    assert "too few wrong labels" in found.message


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="differ"):
        check_label_errors(np.zeros((3, 2)), [0, 1], [0, 1, 1])
