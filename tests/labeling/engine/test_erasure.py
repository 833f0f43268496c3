"""Erased patients stay out, by hashes that tell nothing to who lacks the site's key."""

import hashlib

import orjson
import pytest

from sidelight.labeling import UsageError
from sidelight.labeling.engine import PoolRunner, erase_patient, label_export, make_runner
from sidelight.labeling.engine.erasure import KEY, add_erased, read_erased

from .conftest import write_parts


def test_who_was_erased_is_known_by_name_only(tmp_path):
    add_erased(tmp_path, "p1")
    add_erased(tmp_path, "p2")
    known = read_erased(tmp_path)
    assert ("p1" in known, "p2" in known, "p3" in known, len(known)) == (True, True, False, 2)
    assert b"p1" not in (tmp_path / "erased.json").read_bytes()


def test_with_a_key_the_file_alone_tells_nothing_of_a_guessed_name(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY, "of the site")
    add_erased(tmp_path, "p1")
    assert "p1" in read_erased(tmp_path)
    data = orjson.loads((tmp_path / "erased.json").read_bytes())
    guess = hashlib.blake2b(b"p1", key=bytes.fromhex(data["salt"]), digest_size=16).hexdigest()
    assert guess not in data["patients"]
    for other in ("another", None):
        monkeypatch.delenv(KEY) if other is None else monkeypatch.setenv(KEY, other)
        with pytest.raises(UsageError, match=KEY):
            read_erased(tmp_path)
        with pytest.raises(UsageError, match=KEY):
            add_erased(tmp_path, "p2")


def test_a_folder_without_a_key_stays_readable_when_one_is_set_later(tmp_path, monkeypatch):
    add_erased(tmp_path, "p1")
    monkeypatch.setenv(KEY, "of the site")
    add_erased(tmp_path, "p2")
    assert {"p1" in read_erased(tmp_path), "p2" in read_erased(tmp_path)} == {True}


@pytest.mark.parametrize("runner", ["serial", "pool"])
def test_erased_patients_stay_out_when_the_folder_is_labeled_again(tmp_path, functions, monkeypatch, runner):
    monkeypatch.setenv(KEY, "of the site")
    export = write_parts(tmp_path / "export", 2, 10)
    label_export(export, functions, tmp_path / "votes", runner=make_runner("serial"))
    gone = erase_patient(tmp_path / "votes", "p1")
    assert len(gone) == 2
    functions.write_text(functions.read_text().replace("> 20", "> 21"))
    (export / "more.parquet").write_bytes(sorted(export.glob("*.parquet"))[0].read_bytes())
    chosen = PoolRunner(1) if runner == "pool" else make_runner("serial")
    manifest = label_export(export, functions, tmp_path / "votes", runner=chosen).manifest
    assert manifest["n_records"] == 18
    monkeypatch.delenv(KEY)
    functions.write_text(functions.read_text().replace("> 21", "> 22"))
    with pytest.raises(UsageError, match=KEY):
        label_export(export, functions, tmp_path / "votes", runner=chosen)
