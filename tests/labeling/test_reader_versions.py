"""Which of several records with one id counts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling.readers.versions import DUPLICATE, KEPT, NO_VERSION, SUPERSEDED, hash_ids, resolve

records = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([NO_VERSION, 1, 2, 3])), max_size=12)


def fates(rows, replaced=()):
    versions = np.array([version for _, version in rows], dtype=np.int64)
    return resolve(hash_ids(name for name, _ in rows), versions, hash_ids(replaced)).tolist()


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
