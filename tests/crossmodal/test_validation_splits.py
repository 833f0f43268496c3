import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.crossmodal import check_split, site_split, time_split

visits = st.lists(
    st.tuples(st.sampled_from([*"abcdef", ""]), st.integers(1980, 2000), st.sampled_from(["A", "B"])),
    max_size=40,
)


@given(visits)
def test_test_patients_are_new_and_nothing_trained_on_is_later(rows):
    patients = [patient for patient, _, _ in rows]
    years = [f"{year}-03-01" for _, year, _ in rows]
    split = time_split(years, patients, "1990-01-01")
    kept = split.parts != ""
    check_split(split.parts[kept], np.array(patients, dtype=str)[kept])
    for part, year in zip(split.parts, years, strict=True):
        assert part == "" or (part == "test") == (year >= "1990")
    assert sum(split.counts().values()) == kept.sum()


@given(visits)
def test_no_patient_of_the_held_out_site_was_trained_on(rows):
    patients, sites = [patient for patient, _, _ in rows], [site for _, _, site in rows]
    if "B" not in sites:
        return
    split = site_split(sites, patients, ["B"])
    assert {site for site, part in zip(sites, split.parts, strict=True) if part in ("train", "dev")} <= {"A"}
    assert {site for site, part in zip(sites, split.parts, strict=True) if part == "test"} <= {"B"}
    kept = split.parts != ""
    check_split(split.parts[kept], np.array(patients, dtype=str)[kept])


@pytest.mark.parametrize("missing", [None, "", float("nan"), np.datetime64("NaT")])
def test_records_without_a_time_belong_nowhere(missing):
    split = time_split(["1980-01-01", missing, np.datetime64("1999-01-01")], ["a", "b", "c"], "1990", dev=0.0)
    assert split.parts.tolist() == ["train", "", "test"]


def test_what_is_no_time_or_site_is_refused_by_row():
    with pytest.raises(ValueError, match=r"^times\[1\] is no time") as caught:
        time_split(["1980-01-01", "secret words"], ["a", "b"], "1990")
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="no record is of"):
        site_split(["A"], ["a"], ["Z"])
    with pytest.raises(ValueError, match="2 entries for 1 records"):
        site_split(["A"], ["a", "b"], ["A"])
