"""Which of several records with one id counts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling.readers.versions import (
    DUPLICATE,
    KEPT,
    NO_VERSION,
    RETRACTED,
    SUPERSEDED,
    Corrections,
    hash_ids,
    resolve,
)

records = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([NO_VERSION, 1, 2, 3])), max_size=12)


def fates(rows, replaced=(), retracted=(), by=("elsewhere", 1)):
    versions = np.array([version for _, version in rows], dtype=np.int64)
    corrections = Corrections()
    for name in replaced:
        corrections.replace(name, *by)
    for name, version in retracted:
        corrections.retract(name, version)
    told = Corrections.from_json(corrections.to_json())
    assert told == corrections
    return resolve(hash_ids(name for name, _ in rows), versions, told).tolist()


@given(records)
def test_one_record_an_id_is_kept_and_it_is_the_latest(rows):
    found = fates(rows)
    for name in {name for name, _ in rows}:
        mine = [(version, place) for place, (other, version) in enumerate(rows) if other == name]
        latest = max(version for version, _ in mine)
        places = [place for version, place in mine if version == latest]
        wanted = places[0] if latest == NO_VERSION else places[-1]
        assert [place for _, place in mine if found[place] == KEPT] == [wanted]
        reason = DUPLICATE if latest == NO_VERSION else SUPERSEDED
        assert {found[place] for _, place in mine} <= {KEPT, reason}


@given(records, st.sampled_from("abcd"))
def test_what_another_record_replaces_is_gone_in_all_versions(rows, gone):
    found = fates(rows, [gone])
    assert all((fate == SUPERSEDED) for (name, _), fate in zip(rows, found, strict=True) if name == gone)
    others = [row for row in rows if row[0] != gone]
    assert [fate for (name, _), fate in zip(rows, found, strict=True) if name != gone] == fates(others)


@given(records, st.sampled_from("abcd"), st.sampled_from([NO_VERSION, 1, 2, 3]))
def test_what_is_taken_back_is_gone_up_to_that_version(rows, name, upto):
    found = fates(rows, retracted=[(name, upto)])
    gone = [row[0] == name and (upto == NO_VERSION or row[1] <= upto) for row in rows]
    assert [fate == RETRACTED for fate in found] == gone
    others = [row for row, is_gone in zip(rows, gone, strict=True) if not is_gone]
    assert [fate for fate, is_gone in zip(found, gone, strict=True) if not is_gone] == fates(others)


def test_a_replacement_that_is_taken_back_replaces_nothing():
    rows = [("a", 1), ("b", 2)]
    assert fates(rows, ["a"], by=("b", 2)) == [SUPERSEDED, KEPT]
    assert fates(rows, ["a"], [("b", 3)], by=("b", 2)) == [KEPT, RETRACTED]
    assert fates(rows, ["b"], by=("b", 2)) == [KEPT, KEPT]


def test_receipts_of_earlier_versions_say_what_is_replaced():
    (name,) = hash_ids(["a"]).tolist()
    assert Corrections.from_json({"replaces": [f"{name:016x}"]}).gone().tolist() == [name]
