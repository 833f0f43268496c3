"""Folders of votes that were written once, one a format version, stay readable as they stand."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from sidelight.label_model import LabelModel
from sidelight.labeling import read_votes
from sidelight.labeling.engine import read_lineage, read_moments

GOLDEN = Path(__file__).parent / "golden"
VOTES = [[-1, -1, 0], [1, -1, -1], [1, 1, 0], [-1, 1, -1], [1, -1, 0], [1, -1, -1]]
FOLDERS = sorted(folder.name for folder in GOLDEN.iterdir())


@pytest.mark.parametrize("name", FOLDERS)
def test_an_older_folder_gives_the_votes_it_was_written_with(name):
    votes = read_votes(GOLDEN / name)
    assert np.asarray(votes).tolist() == VOTES
    assert votes.ids.tolist() == list("012345")
    assert votes.patient_ids.tolist() == ["p0", "p0", "p1", "p1", "p2", "p2"]
    assert votes.names == ("fever", "long", "even")
    assert votes.schema.classes == ("no", "yes")


WRITTEN = {"votes-1": "9ae9b627964ccf5b", "votes-2": "6e6cff6bfffc65a0"}
"""Hashes of the folders as they were written; a version of today's adds a folder and leaves these alone."""


def content_hash(folder):
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    lines = [
        f"{file.relative_to(folder).as_posix()} {sha256(file.read_bytes()).hexdigest()}" for file in files
    ]
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", FOLDERS)
def test_an_older_folder_is_what_was_written_then_before_and_after_it_is_read(name):
    assert content_hash(GOLDEN / name) == WRITTEN[name]
    read_votes(GOLDEN / name)
    read_moments(GOLDEN / name)
    read_lineage(GOLDEN / name)
    assert content_hash(GOLDEN / name) == WRITTEN[name]


@pytest.mark.parametrize("name", FOLDERS)
def test_an_older_folder_tells_its_counts_and_where_it_comes_from(name):
    moments, patterns = read_moments(GOLDEN / name)
    assert (moments.n_records, patterns.n_records) == (6, 6)
    assert moments.singles.tolist() == [[0, 4], [0, 2], [3, 0]]
    assert [entry["name"] for entry in read_lineage(GOLDEN / name).functions] == ["fever", "long", "even"]
    assert LabelModel().fit_moments(moments).n_fitted_ == 6
