import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.crossmodal import LeakError, check_split, patient_folds, patient_split

patients = st.lists(st.sampled_from([*"abcdefghij", ""]), max_size=40)


@given(patients, st.sampled_from(["sidelight", "other"]))
def test_no_patient_stands_in_two_parts(ids, key):
    split = patient_split(ids, key=key)
    check_split(split.parts, ids)
    check_split(patient_folds(ids, 3, key=key), ids)
    assert sum(split.counts().values()) == len(ids)
    assert sorted(np.concatenate([split[name] for name in split]).tolist()) == list(range(len(ids)))


@given(patients, st.randoms())
def test_parts_depend_neither_on_order_nor_on_other_records(ids, random):
    rows = [(patient, f"record-{row}") for row, patient in enumerate(ids)]
    shuffled = random.sample(rows, len(rows) // 2 + 1) if rows else []
    whole = patient_split([patient for patient, _ in rows], ids=[name for _, name in rows])
    part = patient_split([patient for patient, _ in shuffled], ids=[name for _, name in shuffled])
    known = dict(zip([name for _, name in rows], whole.parts, strict=True))
    assert [known[name] for _, name in shuffled] == part.parts.tolist()


def test_fractions_are_met_on_average():
    split = patient_split([f"patient {number}" for number in range(4000)])
    shares = {name: count / 4000 for name, count in split.counts().items()}
    assert shares == pytest.approx({"train": 0.6, "dev": 0.2, "test": 0.2}, abs=0.03)
    assert np.bincount(patient_folds(np.arange(4000), 5)) == pytest.approx(np.full(5, 800), abs=90)


EXPECTED = ["dev", "dev", "test", "train"]


def test_the_split_of_today_is_the_split_of_next_year():
    assert patient_split(["15709", "13243", "20372", "17448"]).parts.tolist() == EXPECTED
    assert patient_split([15709.0, 13243.0, 20372.0, 17448.0]).parts.tolist() == EXPECTED


def test_another_key_cuts_another_split():
    ids = [str(number) for number in range(200)]
    assert (patient_split(ids).parts != patient_split(ids, key="second").parts).mean() > 0.3


@pytest.mark.parametrize("missing", ["", None, float("nan")])
def test_records_without_a_patient_are_patients_of_their_own(missing):
    split = patient_split([missing] * 300)
    assert min(split.counts().values()) > 30


def test_a_patient_in_two_parts_raises_and_names_rows_only():
    with pytest.raises(LeakError, match=r"^rows 0 and 2 are of one patient but in parts train and test$"):
        check_split(["train", "dev", "test"], ["secret", "other", "secret"])


@pytest.mark.parametrize("fractions", [{}, {"train": 0.5}, {"train": 1.5, "test": -0.5}])
def test_shares_that_do_not_add_up_are_refused(fractions):
    with pytest.raises(ValueError, match="add up to 1"):
        patient_split(["a"], fractions)
