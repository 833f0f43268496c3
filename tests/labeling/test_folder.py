"""Files and folders appear whole or not at all."""

import os
import stat

import pytest

from sidelight.labeling import InputError, UsageError, write_file, write_folder

as_root = os.geteuid() == 0 if hasattr(os, "geteuid") else False


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_appears_when_the_block_ends_well(tmp_path):
    with write_folder(tmp_path / "votes") as folder:
        (folder / "parts").mkdir()
        (folder / "parts" / "a").write_text("1")
        assert not (tmp_path / "votes").exists()
    assert (tmp_path / "votes" / "parts" / "a").read_text() == "1"
    assert [entry.name for entry in tmp_path.iterdir()] == ["votes"]


@pytest.mark.parametrize("fault", [ValueError("x"), OSError("x"), KeyboardInterrupt(), SystemExit(1)])
def test_a_failure_leaves_nothing_behind(tmp_path, fault):
    with pytest.raises((type(fault), InputError)), write_folder(tmp_path / "votes") as folder:  # noqa: PT012
        (folder / "half").write_text("1")
        raise fault
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_old_folder(tmp_path):
    with write_folder(tmp_path / "votes") as folder:
        (folder / "old").write_text("old")
    with pytest.raises(ValueError, match="x"), write_folder(tmp_path / "votes", overwrite=True) as folder:  # noqa: PT012
        (folder / "new").write_text("new")
        raise ValueError("x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["votes"]
    assert [entry.name for entry in (tmp_path / "votes").iterdir()] == ["old"]


def test_overwriting_replaces_the_whole_folder(tmp_path):
    for name in ("old", "new"):
        with write_folder(tmp_path / "votes", overwrite=True) as folder:
            (folder / name).write_text(name)
            (folder / "manifest").write_text(name)
    assert {entry.name for entry in (tmp_path / "votes").iterdir()} == {"manifest", "new"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["votes"]


def test_a_folder_of_other_files_is_not_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.csv").write_text("mine")
    fault = "holds other files than are to be written"
    with pytest.raises(UsageError, match=fault), write_folder(tmp_path / "mine", overwrite=True) as folder:
        (folder / "manifest").write_text("new")
    assert (tmp_path / "mine" / "notes.csv").read_text() == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]
    (tmp_path / "mine" / "notes.csv").unlink()
    with write_folder(tmp_path / "mine", overwrite=True) as folder:
        (folder / "manifest").write_text("new")
    assert (tmp_path / "mine" / "manifest").read_text() == "new"


def test_a_folder_in_the_way_is_not_touched(tmp_path):
    (tmp_path / "votes").mkdir()
    with pytest.raises(UsageError, match="exists already"), write_folder(tmp_path / "votes"):
        pytest.fail("the block must not run")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is a file"), write_folder(tmp_path / "file", overwrite=True):
        pytest.fail("the block must not run")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("path", [".", "..", "inner/.."])
def test_the_folder_one_is_in_is_not_replaced(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/kept").write_text("")
    with pytest.raises(UsageError, match="choose another folder"), write_folder(path, overwrite=True):
        pass
    assert [entry.name for entry in tmp_path.rglob("*")] == ["inner", "kept"]


def test_missing_parents_are_made(tmp_path):
    with write_folder(tmp_path / "a" / "b" / "votes") as folder:
        (folder / "x").write_text("1")
    assert (tmp_path / "a" / "b" / "votes" / "x").exists()


def test_only_the_owner_may_read(tmp_path):
    with write_folder(tmp_path / "votes") as folder:
        (folder / "parts").mkdir()
        (folder / "parts" / "a").write_text("1")
    assert mode(tmp_path / "votes") == mode(tmp_path / "votes" / "parts") == 0o700
    assert mode(tmp_path / "votes" / "parts" / "a") == 0o600
    assert mode(write_file(tmp_path / "labels.csv", "x")) == 0o600


@pytest.mark.parametrize("data", ["Ä\n", b"\x00\xff", "", b""])
def test_a_file_holds_what_was_given(tmp_path, data):
    written = write_file(tmp_path / "deep" / "file", data)
    assert written.read_bytes() == (data.encode() if isinstance(data, str) else data)
    write_file(written, "again")
    assert written.read_text() == "again"
    assert [entry.name for entry in written.parent.iterdir()] == ["file"]


def test_a_file_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path):
    (tmp_path / "wall").write_text("x")
    with pytest.raises(InputError, match=r"^labels.csv: cannot be written"):
        write_file(tmp_path / "wall" / "labels.csv", "x")
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match=r"^taken: cannot be written"):
        write_file(tmp_path / "taken", "x")
    with pytest.raises(InputError, match="cannot be written"), write_folder(tmp_path / "wall" / "votes"):
        pytest.fail("the block must not run")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["taken", "wall"]


@pytest.mark.skipif(as_root, reason="root may write anywhere")
def test_a_folder_without_permission_is_a_fault_of_the_output(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"), write_folder(tmp_path / "votes"):
        pytest.fail("the block must not run")
    tmp_path.chmod(0o700)
