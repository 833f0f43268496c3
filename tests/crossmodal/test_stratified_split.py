import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.crossmodal import (
    Duplicates,
    check_split,
    find_duplicate_texts,
    joined_units,
    stratified_folds,
    stratified_split,
)
from sidelight.labeling.faults import UsageError

rows = st.lists(
    st.tuples(st.sampled_from([*"abcdefgh", ""]), st.integers(-1, 2), st.integers(0, 30)), max_size=40
)


@given(rows)
def test_patients_and_copies_stay_whole(drawn):
    patients = [patient for patient, _, _ in drawn]
    groups = np.unique([group for *_, group in drawn], return_inverse=True)[1] if drawn else np.empty(0, int)
    pairs = [(i, j) for i in range(len(drawn)) for j in range(i) if groups[i] == groups[j]]
    copies = Duplicates(groups, np.array(pairs, dtype=np.intp).reshape(-1, 2), np.ones(len(pairs)))
    split = stratified_split(patients, [label for _, label, _ in drawn], duplicates=copies, largest=1.0)
    check_split(split.parts, patients)
    copies.check(split.parts)
    check_split(split.parts, [str(unit) for unit in joined_units(patients, copies)])
    assert sum(split.counts().values()) == len(drawn)


def test_every_part_has_its_share_of_every_class_and_of_the_records():
    random = np.random.default_rng(0)
    patients = random.integers(0, 400, 1000)
    labels = np.where(random.random(400) < 0.05, 2, random.integers(0, 2, 400))[patients]
    split = stratified_split(patients, labels)
    for name, share in {"train": 0.6, "dev": 0.2, "test": 0.2}.items():
        part = split[name]
        assert len(part) / 1000 == pytest.approx(share, abs=0.02)
        for label in (0, 1, 2):
            assert (labels[part] == label).sum() / (labels == label).sum() == pytest.approx(share, abs=0.06)
    folds = stratified_folds(patients, np.eye(3)[labels], 5)
    assert np.bincount(folds) == pytest.approx(np.full(5, 200), abs=20)


def test_the_same_key_gives_the_same_split_and_another_another():
    patients, labels = np.arange(200), np.arange(200) % 3
    first = stratified_split(patients, labels).parts
    assert (first == stratified_split(patients, labels).parts).all()
    assert (first != stratified_split(patients, labels, key="second").parts).mean() > 0.2


def test_a_template_taken_for_a_copy_is_refused():
    groups = np.r_[np.zeros(30, int), np.arange(1, 71)]
    pairs = np.array([(row, row + 1) for row in range(29)])
    copies = Duplicates(groups, pairs, np.ones(29))
    with pytest.raises(UsageError, match="30 of 100 records"):
        stratified_split(np.arange(100), np.zeros(100), duplicates=copies)


def test_copies_that_leak_make_a_model_look_better_than_it_is():
    random = np.random.default_rng(0)
    words = np.array([f"{a}{b}word" for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst"])
    texts = [" ".join(random.choice(words, 40)) for _ in range(150)]
    texts += [text + " seen again" for text in texts]  # each note copied to another patient
    labels = np.tile(random.integers(0, 2, 150), 2)  # nothing in the text tells the label

    def nearest_neighbour_accuracy(parts):
        train, test = (np.flatnonzero(parts == name) for name in ("train", "test"))
        sets = [set(text.split()) for text in texts]
        nearest = [max(train, key=lambda row: len(sets[row] & sets[mine])) for mine in test]
        return (labels[nearest] == labels[test]).mean()

    fractions = {"train": 0.5, "test": 0.5}
    copies = find_duplicate_texts(texts)
    leaky = stratified_split(np.arange(300), labels, fractions).parts
    clean = stratified_split(np.arange(300), labels, fractions, duplicates=copies).parts
    assert len(copies.leaks(leaky)) > 30
    assert len(copies.leaks(clean)) == 0
    assert nearest_neighbour_accuracy(leaky) - nearest_neighbour_accuracy(clean) > 0.05


@pytest.mark.parametrize("labels", [[0], [[[0]]]])
def test_labels_of_another_length_are_refused(labels):
    with pytest.raises(ValueError, match="for 2 records"):
        stratified_split(["a", "b"], labels)
