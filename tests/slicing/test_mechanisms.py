"""The four mechanisms: each planted alone, each named alone."""

import re

import numpy as np
import pytest

from sidelight.slicing import TrainingView, explain_slice


def planted(mechanism, seed=0, n=2000):
    """Audit and training data in which one mechanism makes a slice fail."""
    random = np.random.default_rng(seed)
    y, labels = random.integers(0, 2, n), random.integers(0, 2, n)
    inside, trained = random.random(n) < 0.2, random.random(n) < 0.2
    gold, tube = labels.copy(), random.random(n) < 0.5
    wrong = random.random(n) < np.where(inside, 0.4, 0.05)
    missed = random.random(n) < 0.05
    if mechanism == "low prevalence":
        trained = random.random(n) < 0.02
    elif mechanism == "label noise":
        labels = np.where(trained & (random.random(n) < 0.4), 1 - gold, labels)
    elif mechanism == "subtle features":
        missed = random.random(n) < np.where(trained, 0.4, 0.05)
    else:
        tube = random.random(n) < np.where(y == 1, 0.9, 0.1)
        inside, trained = (y == 1) & ~tube, (labels == 1) & (random.random(n) < 0.14)
        wrong = random.random(n) < np.where(tube != (y == 1), 0.5, 0.05)
    training = TrainingView(labels, trained, proba=np.eye(2)[np.where(missed, 1 - labels, labels)], gold=gold)
    return explain_slice(inside, y, np.eye(2)[np.where(wrong, 1 - y, y)], training, attributes={"tube": tube})


@pytest.mark.parametrize(
    "mechanism", ["low prevalence", "label noise", "subtle features", "spurious correlate"]
)
@pytest.mark.parametrize("seed", range(5))
def test_the_planted_mechanism_is_named_and_no_other(mechanism, seed):
    assert [found.name for found in planted(mechanism, seed) if found.fits] == [mechanism]


def test_what_was_not_given_is_not_judged():
    y = np.arange(100) % 2
    found = explain_slice(y == 1, y, np.eye(2)[y], TrainingView(y, y == 1))
    assert [part.fits for part in found] == [False, None, None, None]
    assert all("needs" in part.evidence for part in found[1:])


def test_each_mechanism_brings_numbers_and_a_remedy():
    for part in planted("label noise"):
        assert any(character.isdigit() for character in part.evidence)
        assert part.remedy


def test_lengths_that_differ_are_told():
    with pytest.raises(ValueError, match="2 memberships, 3 golds"):
        explain_slice([True, False], [0, 1, 1], np.eye(2)[[0, 1, 1]], TrainingView([0], [True]))


def test_a_share_that_chance_could_have_halved_is_not_called_rare():
    y = np.arange(200) % 2
    inside = np.arange(200) < 8
    small = explain_slice(inside, y, np.eye(2)[y], TrainingView(labels=y[:60], slices=np.arange(60) < 1))
    assert small[0].fits is False
    large = explain_slice(
        np.arange(4000) < 160, np.arange(4000) % 2, np.eye(2)[np.arange(4000) % 2],
        TrainingView(labels=np.arange(1200) % 2, slices=np.arange(1200) < 20),
    )  # fmt: skip
    assert large[0].fits


def test_records_of_two_patients_do_not_make_a_slice_rare():
    y = np.arange(400) % 2
    patients = np.where(np.arange(400) < 40, np.arange(400) % 2, np.arange(400))
    training = TrainingView(labels=y, slices=np.arange(400) < 12)
    own, together = (
        explain_slice(np.arange(400) < 40, y, np.eye(2)[y], training, patients=who)[0]
        for who in (None, patients)
    )
    assert own.fits
    assert together.fits is False


def test_nothing_is_said_of_prevalence_without_training_labels():
    y = np.arange(100) % 2
    found = explain_slice(y == 1, y, np.eye(2)[y], TrainingView(np.full(100, -1), y == 1))
    assert found[0].fits is None


def test_members_a_network_knows_by_heart_but_finds_hardest_are_subtle():
    random = np.random.default_rng(0)
    labels, trained = random.integers(0, 2, 1000), np.arange(1000) % 10 == 0
    doubt = np.where(trained, random.uniform(0.0, 0.4, 1000), random.uniform(0.0, 0.02, 1000))
    proba = np.eye(2)[labels] * (1 - 2 * doubt[:, None]) + doubt[:, None]
    assert (proba.argmax(axis=1) == labels).all()
    y, inside = random.integers(0, 2, 1000), random.random(1000) < 0.1
    training = TrainingView(labels, trained, proba=proba, gold=labels)
    found = explain_slice(
        inside, y, np.eye(2)[np.where(inside & (random.random(1000) < 0.3), 1 - y, y)], training
    )
    assert [part.name for part in found if part.fits] == ["subtle features"]
    assert "hardest tenth" in found[2].evidence
    rare = TrainingView(labels, trained & (np.arange(1000) < 80), proba=proba, gold=labels)
    assert [part.name for part in explain_slice(inside, y, np.eye(2)[y], rare) if part.fits] == [
        "low prevalence"
    ]


def test_a_sign_of_the_disease_does_not_explain_a_slice_that_fails_beside_it():
    """Records with the sign are right more often in one class and less in the other, members or not: not their cause."""
    random = np.random.default_rng(1)
    y = random.integers(0, 2, 4000)
    sign = random.random(4000) < np.where(y == 1, 0.8, 0.2)
    inside = random.random(4000) < np.where(sign == (y == 1), 0.05, 0.1)
    wrong = random.random(4000) < np.where(inside, 0.5, np.where(sign != (y == 1), 0.08, 0.01))
    training = TrainingView(y, inside, proba=np.eye(2)[y], gold=y)
    proba = np.eye(2)[np.where(wrong, 1 - y, y)]
    assert explain_slice(inside, y, proba, training, attributes={"sign": sign})[3].fits is False
    whole = (y == 1) & ~sign
    wrong = random.random(4000) < np.where(sign != (y == 1), 0.4, 0.05)
    proba = np.eye(2)[np.where(wrong, 1 - y, y)]
    training = TrainingView(y, whole, proba=proba, gold=y)
    found = explain_slice(whole, y, proba, training, attributes={"sign": sign}, classes=["well", "ill"])
    assert re.search(r"\(−0\.\d\d in well, \+0\.\d\d in ill\)", found[3].evidence)
    assert found[3].fits
    assert found[2].fits is False, "what the attribute explains is not subtle as well"


def test_an_attribute_that_hardly_anyone_has_is_not_judged():
    y = np.arange(400) % 2
    found = explain_slice(
        y == 1, y, np.eye(2)[y], TrainingView(y, y == 1), attributes={"tube": np.arange(400) < 6}
    )
    assert found[3].fits is None
    assert "often enough" in found[3].evidence
    both = {"tube": np.arange(400) < 6, "late": np.arange(400) > 200}
    found = explain_slice(y == 1, y, np.eye(2)[y], TrainingView(y, y == 1), attributes=both)
    assert found[3].fits is False
    assert "1 of them had or lacked too seldom to judge" in found[3].evidence
