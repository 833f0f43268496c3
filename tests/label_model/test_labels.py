"""The table of labels."""

from dataclasses import replace

import numpy as np
import pytest

from sidelight.label_model import Labels, MajorityLabelVoter, fingerprint_votes
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix, as_votes
from sidelight.labeling.faults import InputError


@pytest.fixture
def votes():
    return VoteMatrix(
        np.array([[0, -1], [1, 1], [-1, -1], [0, 1]], np.int8),
        LabelSchema(["normal", "abnormal"]),
        (FunctionInfo("says_normal", "f0"), FunctionInfo("says_abnormal", "f1")),
        ids=np.array(["a", "b", "c", "d"]),
        patient_ids=np.array(["p", "p", "q", "q"]),
    )


def test_columns_of_the_table(votes):
    table = Labels.from_model(MajorityLabelVoter().fit(votes), votes).to_table()
    assert table.column_names == [
        "id", "patient_id", "p_normal", "p_abnormal", "label", "covered", "n_votes", "entropy",
    ]  # fmt: skip
    assert table.column("label").to_pylist() == [0, 1, -1, -1]
    assert table.column("covered").to_pylist() == [True, True, False, True]
    assert table.column("n_votes").to_pylist() == [1, 2, 0, 2]
    np.testing.assert_allclose(table.column("entropy").to_numpy()[[0, 3]], [0, np.log(2)])


def test_equal_labels_make_equal_bytes(votes, tmp_path):
    files = [
        Labels.from_model(MajorityLabelVoter().fit(votes), votes).write(tmp_path / name)
        for name in ("x", "y")
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_is_no_table_of_labels_is_named_without_its_content(tmp_path):
    path = tmp_path / "labels.parquet"
    path.write_text("Mrs Smith has pneumonia")
    with pytest.raises(InputError, match=r"labels\.parquet: is no readable table of labels") as caught:
        Labels.read(path)
    assert "Smith" not in str(caught.value)


def test_votes_have_a_fingerprint_of_their_content(votes):
    assert fingerprint_votes(votes) == fingerprint_votes(votes)
    assert fingerprint_votes(votes) == fingerprint_votes(
        VoteMatrix(np.asarray(votes), votes.schema, votes.functions, ids=votes.ids)
    )
    flipped = np.asarray(votes).copy()
    flipped[0, 0] = 1
    assert fingerprint_votes(votes) != fingerprint_votes(
        VoteMatrix(flipped, votes.schema, votes.functions, ids=votes.ids)
    )
    assert fingerprint_votes(votes) != fingerprint_votes(
        VoteMatrix(
            np.asarray(votes),
            votes.schema,
            (votes.functions[0], FunctionInfo("says_abnormal", "f2")),
            votes.ids,
        )
    )


def test_sparse_and_dense_votes_share_a_fingerprint():
    dense = as_votes(np.where(np.random.default_rng(0).random((50, 20)) < 0.1, 1, -1).astype(np.int8))
    assert dense.compact().is_sparse
    assert fingerprint_votes(dense) == fingerprint_votes(dense.compact())


def test_an_id_cannot_stand_twice(votes):
    labels = Labels.from_model(MajorityLabelVoter().fit(votes), votes)
    with pytest.raises(ValueError, match="id twice"):
        Labels(
            np.array(["a", "a", "b", "c"]), labels.patient_ids, labels.proba, labels.label,
            labels.covered, labels.n_votes, labels.schema,
        )  # fmt: skip


def test_the_picture_of_labels_shows_no_id(votes):
    votes = replace(votes, ids=np.array(["ZEBRAFISH-4711", "b", "c", "d"]))
    shown = repr(Labels.from_model(MajorityLabelVoter().fit(votes), votes))
    assert shown == "Labels(4 records, 3 covered, classes ['normal', 'abnormal'])"


def test_some_records_are_taken_with_what_is_known_of_them(votes, tmp_path):
    labels = Labels.from_model(MajorityLabelVoter().fit(votes), votes)
    assert labels.take_rows(labels.covered).ids.tolist() == ["a", "b", "d"]
    assert labels.take_rows([0]).from_gold is None
    taught = replace(labels, from_gold=np.array([True, False, False, True]))
    taught.take_rows([3, 1]).write(tmp_path / "labels.parquet")
    read = Labels.read(tmp_path / "labels.parquet")
    assert (read.ids.tolist(), read.from_gold.tolist()) == (["d", "b"], [True, False])
    assert Labels.read(labels.write(tmp_path / "plain.parquet")).from_gold is None
    with pytest.raises(ValueError, match="from_gold has 1 entries for 4 records"):
        replace(labels, from_gold=np.array([True]))
