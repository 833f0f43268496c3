"""Votes on disk."""

import json
import stat
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidelight.labeling import (
    FunctionInfo,
    InputError,
    LabelSchema,
    QuarantinedRow,
    RunStatistics,
    UsageError,
    VoteMatrix,
    read_votes,
    write_votes,
)

names = st.text(min_size=1, max_size=5).filter(lambda s: s.strip() and not s.endswith("\x00"))


@st.composite
def vote_matrices(draw):
    n, m, k = draw(st.integers(0, 8)), draw(st.integers(1, 4)), draw(st.sampled_from([2, 3, 100]))
    cells = st.tuples(st.integers(0, max(0, n - 1)), st.integers(0, m - 1))
    span = st.tuples(st.integers(0, 50), st.integers(50, 99))
    texts = [draw(st.lists(names, min_size=size, max_size=size, unique=True)) for size in (m, n)]
    polarities = st.lists(st.integers(0, k - 1), unique=True).map(sorted).map(tuple)
    return VoteMatrix(
        draw(hnp.arrays(np.int8, (n, m), elements=st.integers(-1, k - 1), fill=st.just(-1))),
        LabelSchema([f"class {c}" for c in range(k)], task="Aufgabe"),
        [FunctionInfo(name, draw(st.text(max_size=3)), draw(polarities)) for name in texts[0]],
        ids=draw(st.sampled_from([None, np.array(texts[1], dtype=np.str_)])),
        patient_ids=draw(
            st.sampled_from([None, np.array(["p"] * (n // 2) + [""] * (n - n // 2), dtype=np.str_)])
        ),
        confidence=draw(st.none() | hnp.arrays(np.float32, (n, m), elements=st.floats(0.125, 1, width=32))),
        class_sets=draw(
            st.none() | hnp.arrays(np.uint64, (n, m, 1 + (k > 64)), elements=st.integers(0, 2**64 - 1))
        ),
        evidence=draw(st.dictionaries(cells, st.lists(span, min_size=1).map(tuple), max_size=5)) if n else {},
    )


@settings(max_examples=30)
@given(vote_matrices())
def test_votes_come_back_with_all_they_carried_and_the_same_bytes(tmp_path_factory, votes):
    folder = tmp_path_factory.mktemp("votes")
    found = read_votes(write_votes(votes, folder / "one"))
    np.testing.assert_array_equal(found.dense(), votes.dense())
    assert found.schema == votes.schema
    assert found.functions == votes.functions
    assert dict(found.evidence) == dict(votes.evidence)
    for name in ("ids", "patient_ids", "confidence", "class_sets"):
        one, other = getattr(found, name), getattr(votes, name)
        assert (one is None) == (other is None), name
        if one is not None:
            np.testing.assert_array_equal(one, other)
            assert one.dtype.kind == other.dtype.kind
    write_votes(found, folder / "two")
    write_votes(votes.compact(), folder / "three")
    assert contents(folder / "one") == contents(folder / "two") == contents(folder / "three")


def contents(folder):
    """Return all files of a folder but the log, by name."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "run.log.jsonl")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


VOTES = VoteMatrix(
    np.array([[0, -1], [1, 1]], np.int8),
    LabelSchema(["normal", "abnormal"]),
    [FunctionInfo("f", "x"), FunctionInfo("g", "y")],
    ids=np.array(["r1", "r2"]),
    statistics=RunStatistics(np.array([0, 1]), np.array([0.5, 0.25])),
)


def test_statistics_come_back_and_times_stand_in_the_log_alone(tmp_path):
    found = read_votes(write_votes(VOTES, tmp_path / "votes", log={"host": "ward-7"}))
    assert found.statistics.errors.tolist() == [0, 1]
    assert found.statistics.seconds.tolist() == [0.5, 0.25]
    slower = replace(VOTES, statistics=RunStatistics(np.array([0, 1]), np.array([5.0, 2.0])))
    write_votes(slower, tmp_path / "slower", log={"host": "ward-8"})
    assert contents(tmp_path / "slower") == contents(tmp_path / "votes")
    assert "ward-7" in (tmp_path / "votes" / "run.log.jsonl").read_text()


def test_rows_set_aside_are_listed_without_their_text(tmp_path):
    rows = [QuarantinedRow("notes.csv", 7, "bad_utf8", "text", "ab" * 32)]
    write_votes(VOTES, tmp_path / "votes", quarantine=rows)
    line = json.loads((tmp_path / "votes" / "quarantine.jsonl").read_text())
    told = {"source": "notes.csv", "offset": 7, "reason": "bad_utf8", "field": "text", "sha256": "ab" * 32}
    assert line | told == line


def test_only_the_owner_may_read_votes(tmp_path):
    folder = write_votes(VOTES, tmp_path / "votes")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_an_older_folder_stays_unless_it_may_be_replaced(tmp_path):
    write_votes(VOTES, tmp_path / "votes")
    before = contents(tmp_path / "votes")
    with pytest.raises(UsageError, match="exists already"):
        write_votes(VOTES.take_functions(["f"]), tmp_path / "votes")
    assert contents(tmp_path / "votes") == before
    write_votes(VOTES.take_functions(["f"]), tmp_path / "votes", overwrite=True)
    assert read_votes(tmp_path / "votes").names == ("f",)


def damage_part(folder):
    part = next(folder.rglob("*.parquet"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)


def remove_part(folder):
    next(folder.rglob("*.parquet")).unlink()


def rewrite_manifest(**changed):
    def rewrite(folder):
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    return rewrite


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (damage_part, "was changed"),
        (remove_part, "missing"),
        (lambda folder: (folder / "manifest.json").unlink(), "no folder of votes"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "no folder of votes"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "no folder of votes"),
        (rewrite_manifest(format="something else"), "no folder of votes"),
        (rewrite_manifest(version=99), "newer sidelight"),
    ],
    ids=[
        "damaged part",
        "missing part",
        "no manifest",
        "half a manifest",
        "another JSON",
        "another format",
        "newer",
    ],
)
def test_a_folder_that_was_harmed_is_refused(tmp_path, harm, message):
    harm(write_votes(VOTES, tmp_path / "votes"))
    with pytest.raises(InputError, match=message):
        read_votes(tmp_path / "votes")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder of votes"):
        read_votes(tmp_path / "votes")


def test_partial_votes_of_no_records_come_back(tmp_path):
    none = VOTES.take_rows([])
    none = replace(none, class_sets=np.zeros((0, 2, 2), np.uint64), confidence=np.ones((0, 2), np.float32))
    assert read_votes(write_votes(none, tmp_path / "votes")).shape == (0, 2)


def test_votes_of_no_functions_come_back(tmp_path):
    assert read_votes(write_votes(VOTES.take_functions([]), tmp_path / "votes")).shape == (2, 0)
