import gc
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import Gazetteer, gazetteer_files

TERMS = ["heart", "heart failure", "acute heart failure", "Ödem", "x-ray", "ef 35 %"]
NOTE = "Acute heart failure; heart; x-ray; EF 35 %, ödem"
words = st.lists(st.text(st.characters(codec=None), max_size=3), max_size=4).map(" ".join)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SIDELIGHT_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(gazetteer_files, "FEWEST", 1)
    return tmp_path / "kept" / "gazetteers"


@pytest.fixture
def builds(monkeypatch):
    """Terms of each build since the test began; earlier gazetteers are forgotten."""
    lists = []
    build = Gazetteer.__init__

    def noted(self, terms, **keywords):
        lists.append(list(terms))
        build(self, lists[-1], **keywords)

    monkeypatch.setattr(Gazetteer, "__init__", noted)
    return lists


def made(terms=TERMS):
    gc.collect()  # nobody holds the one that was built before
    return Gazetteer.of(terms)


def test_a_list_is_built_once_and_then_read(folder, builds):
    first = made()
    expected = (first.find(NOTE), first.terms, first.digest, len(first))
    del first
    again = made()
    assert (again.find(NOTE), again.terms, again.digest, len(again)) == expected
    assert len(expected[0]) == 5
    assert builds == [TERMS]
    assert made([*TERMS, "one more"]).holds_any("one more")
    assert len(builds) == 2


def test_files_are_for_their_owner_alone_and_hold_no_code(folder):
    made()
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert path.read_bytes().startswith(b"sidelight-gazetteer-1\n")


@pytest.mark.parametrize("place", [0, 30, 60, 90, -1])
def test_a_damaged_file_is_built_anew(folder, builds, place):
    del_me = made()
    expected = del_me.find(NOTE)
    del del_me
    (path,) = folder.iterdir()
    good = path.read_bytes()
    bad = bytearray(good)
    bad[place] ^= 1
    for data in (bytes(bad), good[: len(good) // 2], b""):
        path.write_bytes(data)
        assert made().find(NOTE) == expected
        assert path.read_bytes() == good
    assert len(builds) == 4


@pytest.mark.skipif(os.name == "nt", reason="no such modes")
def test_a_file_that_others_may_touch_is_not_read(folder, builds):
    made()
    (path,) = folder.iterdir()
    path.chmod(0o666)
    made()
    assert len(builds) == 2


@pytest.mark.parametrize("told", ["off", "", "0", "no"])
def test_nothing_is_kept_where_the_user_says_so(folder, builds, monkeypatch, told):
    monkeypatch.setenv("SIDELIGHT_CACHE", told)
    made()
    made()
    assert len(builds) == 2
    assert not folder.exists()


def test_short_lists_are_not_kept_and_old_files_give_way(folder, monkeypatch):
    for n in range(gazetteer_files.MOST + 3):
        made([f"term{n}"])
    assert len(list(folder.iterdir())) == gazetteer_files.MOST
    monkeypatch.setattr(gazetteer_files, "FEWEST", 2)
    before = set(folder.iterdir())
    made(["alone"])
    assert set(folder.iterdir()) == before


def test_a_folder_that_cannot_be_written_stops_nothing(folder):
    folder.parent.mkdir()
    folder.write_text("a file")
    assert made().find("heart") == [(0, 5)]


@given(terms=st.lists(words, min_size=1, max_size=8), note=words)
def test_what_is_read_finds_what_was_built(terms, note):
    built = Gazetteer(terms)
    tables = gazetteer_files._decode(gazetteer_files._encode(built._tables()))
    read = Gazetteer._revived(tables)
    text = f"{note} {' '.join(terms)}"
    assert read.find(text) == built.find(text)
    assert (read.terms, len(read)) == (built.terms, len(built))
