"""A run of the engine: what is there is not computed again, what is damaged is accounted for."""

import errno
import os

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidelight.labeling import InputError, LFApplier, LimitError, UsageError, load_functions, read, read_votes
from sidelight.labeling.engine import PoolRunner, label_export, plan_export, read_moments
from sidelight.labeling.engine.lock import lock_folder
from sidelight.labeling.function import LabelingFunction
from sidelight.labeling.moments import Moments
from sidelight.labeling.vote_files import iter_votes

from .conftest import content, notes, write_parts


def test_votes_are_those_of_the_plain_applier(export, functions, tmp_path):
    report = label_export(export, functions, tmp_path / "votes")
    plain = LFApplier(
        load_functions(functions, LabelingFunction), schema=read_votes(tmp_path / "votes").schema
    )
    expected = plain.apply(read(export))
    votes = read_votes(tmp_path / "votes")
    np.testing.assert_array_equal(np.asarray(votes), np.asarray(expected))
    assert votes.ids.tolist() == expected.ids.tolist()
    assert votes.patient_ids.tolist() == expected.patient_ids.tolist()
    assert votes.functions == expected.functions
    assert report.n_parts == 6
    assert sum(part.n_records for part in iter_votes(tmp_path / "votes")) == 300


def test_counts_on_the_way_are_those_of_the_votes(export, functions, tmp_path):
    pq.write_table(pa.Table.from_pylist(notes(10, 15)), export / "q.parquet")
    label_export(export, functions, tmp_path / "votes")
    votes = read_votes(tmp_path / "votes")
    moments, patterns = read_moments(tmp_path / "votes")
    expected = Moments.of(votes)
    np.testing.assert_array_equal(moments.pairs, expected.pairs)
    assert (moments.n_records, moments.n_covered) == (expected.n_records, expected.n_covered)
    rows, counts = np.unique(np.asarray(votes), axis=0, return_counts=True)
    assert sorted(zip(map(tuple, patterns.values.tolist()), patterns.counts, strict=True)) == sorted(
        zip(map(tuple, rows.tolist()), counts, strict=True)
    )


def test_an_empty_file_ends_no_run_and_is_read_once_it_is_filled(export, functions, tmp_path):
    (export / "zz.jsonl").write_bytes(b"")
    report = label_export(export, functions, tmp_path / "votes")
    assert report.manifest["reasons"] == {"empty_file": 1}
    assert (report.manifest["n_records"], report.manifest["n_rows"]) == (300, 301)
    report.check_limits(limit=0)
    pool = label_export(export, functions, tmp_path / "pool", runner=PoolRunner(2))
    assert pool.manifest["n_records"] == 300
    (export / "zz.jsonl").write_bytes(orjson.dumps(notes(900, 901)[0]) + b"\n")
    later = label_export(export, functions, tmp_path / "votes")
    assert (later.manifest["n_records"], later.manifest["reasons"]) == (301, {})


def test_a_second_run_does_nothing_and_leaves_the_same_bytes(export, functions, tmp_path):
    label_export(export, functions, tmp_path / "votes")
    before = content(tmp_path / "votes")
    stamps = {f: f.stat().st_mtime_ns for f in (tmp_path / "votes").rglob("*.parquet")}
    report = label_export(export, functions, tmp_path / "votes")
    assert report.reasons == {}
    assert content(tmp_path / "votes") == before
    assert {f: f.stat().st_mtime_ns for f in (tmp_path / "votes").rglob("*.parquet")} == stamps


def test_a_changed_function_rewrites_its_column_alone(export, functions, tmp_path):
    label_export(export, functions, tmp_path / "votes")
    kept = {f.name: f.stat().st_mtime_ns for f in (tmp_path / "votes" / "parts").rglob("rows.parquet")}
    functions.write_text(functions.read_text().replace("> 20", "> 30"))
    assert {work.reason for work in plan_export(export, functions, tmp_path / "votes")} == {"changed: long"}
    report = label_export(export, functions, tmp_path / "votes")
    assert set(report.reasons.values()) == {"changed: long"}
    assert report.seconds["fever"] == 0 < report.seconds["long"]
    assert {
        f.name: f.stat().st_mtime_ns for f in (tmp_path / "votes" / "parts").rglob("rows.parquet")
    } == kept
    label_export(export, functions, tmp_path / "fresh")
    assert (tmp_path / "votes" / "manifest.json").read_bytes() == (
        tmp_path / "fresh" / "manifest.json"
    ).read_bytes()
    np.testing.assert_array_equal(
        np.asarray(read_votes(tmp_path / "votes")), np.asarray(read_votes(tmp_path / "fresh"))
    )


def test_a_comment_changes_nothing_and_a_function_taken_out_needs_no_reading(export, functions, tmp_path):
    label_export(export, functions, tmp_path / "votes")
    functions.write_text(functions.read_text() + "\n# a comment\n")
    assert label_export(export, functions, tmp_path / "votes").reasons == {}
    report = label_export(export, functions, tmp_path / "votes", names=["even", "fever"])
    assert set(report.reasons.values()) == {"counts of another set of functions"}
    assert read_votes(tmp_path / "votes").names == ("even", "fever")


def test_new_and_vanished_files_concern_themselves_alone(export, functions, tmp_path):
    label_export(export, functions, tmp_path / "votes")
    pq.write_table(pa.Table.from_pylist(notes(900, 910)), export / "p0010.parquet")
    report = label_export(export, functions, tmp_path / "votes")
    assert list(report.reasons.values()) == ["new input"]
    assert report.manifest["n_records"] == 310
    (export / "p003.parquet").unlink()
    report = label_export(export, functions, tmp_path / "votes")
    assert report.reasons == {}
    assert read_votes(tmp_path / "votes").n_records == 260
    assert len(list((tmp_path / "votes" / "parts").iterdir())) == 6
    label_export(export, functions, tmp_path / "fresh")
    assert (tmp_path / "votes" / "manifest.json").read_bytes() == (
        tmp_path / "fresh" / "manifest.json"
    ).read_bytes()


def test_a_file_that_changes_behind_its_stamp_is_found_when_asked(export, functions, tmp_path):
    label_export(export, functions, tmp_path / "votes")
    file = export / "p000.parquet"
    stamp, size = file.stat().st_mtime_ns, file.stat().st_size
    data = bytearray(file.read_bytes())
    place = data.index(b"fever")
    data[place : place + 5] = b"never"
    with file.open("r+b") as same:
        same.write(bytes(data))
    os.utime(file, ns=(stamp, stamp))
    assert file.stat().st_size == size
    assert label_export(export, functions, tmp_path / "votes").reasons == {}
    try:
        report = label_export(export, functions, tmp_path / "votes", verify=True)
        assert list(report.reasons.values()) == ["new input"]
    except InputError:  # the damage hit the file's own checks
        pass


def test_a_repeated_id_counts_once_wherever_it_is(tmp_path, functions):
    export = write_parts(tmp_path / "export", 2)
    pq.write_table(pa.Table.from_pylist(notes(40, 60)), export / "z.parquet")
    report = label_export(export, functions, tmp_path / "votes")
    assert report.manifest["reasons"] == {"duplicate_id:id": 20}
    assert report.manifest["n_rows"] == 120
    votes = read_votes(tmp_path / "votes")
    assert votes.ids.tolist() == [str(i) for i in range(100)]
    lines = (tmp_path / "votes" / "quarantine.jsonl").read_bytes().splitlines()
    assert [(row["source"], row["offset"]) for row in map(orjson.loads, lines)] == [
        ("z.parquet", i) for i in range(20)
    ]
    with pytest.raises(LimitError, match="duplicate_id:id 20"):
        report.check_limits()


def test_functions_that_raise_have_a_budget(export, functions, tmp_path):
    functions.write_text(
        functions.read_text() + "\n@labeling_function\ndef bad(record):\n    raise ValueError(record.text)\n"
    )
    report = label_export(export, functions, tmp_path / "votes")
    assert report.errors == {"bad": 300}
    with pytest.raises(LimitError, match="bad 300"):
        report.check_limits()
    with pytest.raises(Exception, match=r"bad.*raised ValueError") as caught:
        label_export(export, functions, tmp_path / "other", on_error="raise")
    assert "fever" not in str(caught.value)


def test_two_runs_in_one_folder_exclude_each_other(export, functions, tmp_path):
    with lock_folder(tmp_path / "votes"), pytest.raises(UsageError, match="another run"):
        label_export(export, functions, tmp_path / "votes")
    label_export(export, functions, tmp_path / "votes")


def test_a_full_disk_ends_the_run_cleanly_and_it_goes_on_later(export, functions, tmp_path, monkeypatch):
    label_export(export, functions, tmp_path / "whole")
    real, left = os.fsync, [23]

    def fsync(handle):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(Exception, match="No space left") as caught:
        label_export(export, functions, tmp_path / "votes")
    assert caught.value.exit_code == 3
    monkeypatch.setattr(os, "fsync", real)
    assert not list((tmp_path / "votes").rglob(".sidelight-*"))
    report = label_export(export, functions, tmp_path / "votes")
    assert 0 < len(report.reasons) <= 6
    assert content(tmp_path / "votes") == content(tmp_path / "whole")


def test_another_folder_is_not_written_into(export, functions, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="no folder of votes"):
        label_export(export, functions, tmp_path / "mine")


def test_a_changed_part_is_noticed(export, functions, tmp_path):
    label_export(export, functions, tmp_path / "votes")
    file = next(f for f in (tmp_path / "votes" / "parts").rglob("*.parquet") if f.name != "rows.parquet")
    table = pq.read_table(file)
    pq.write_table(table.set_column(0, table.column_names[0], pa.array([0] * len(table), pa.int8())), file)
    with pytest.raises(InputError, match="was changed"):
        read_votes(tmp_path / "votes")


def test_evidence_is_kept_and_is_a_column_of_its_own(export, functions, tmp_path):
    label_export(export, functions, tmp_path / "votes", evidence=True)
    votes = read_votes(tmp_path / "votes")
    row = votes.ids.tolist().index("1")
    assert votes.evidence[row, votes.names.index("fever")] == ((3, 8),)


def test_files_are_private(export, functions, tmp_path):
    label_export(export, functions, tmp_path / "votes")
    modes = {
        (f.is_dir(), f.stat().st_mode & 0o777) for f in [tmp_path / "votes", *(tmp_path / "votes").rglob("*")]
    }
    assert modes == {(True, 0o700), (False, 0o600)}
