"""`sidelight fit` on several sites: counts add up, no row is needed, and what does not belong together is refused."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidelight.apps.cli.main import main
from sidelight.label_model import LabelModel, Labels, VoteModel
from sidelight.labeling import read_votes
from sidelight.labeling.engine import label_export
from sidelight.labeling.engine.folder_votes import stack as stack_parts

FUNCTIONS = """
from sidelight.labeling import LabelSchema, labeling_function

schema = LabelSchema(["no", "yes"])


@labeling_function
def a(record):
    return "yes" if "a" in record.text else "no"


@labeling_function
def b(record):
    return "yes" if "b" in record.text else "no"


@labeling_function
def c(record):
    return "yes" if "c" in record.text else "no"
"""


def stack(parts):
    return stack_parts(parts, parts[0].schema, parts[0].functions)


@pytest.fixture
def sites(tmp_path):
    chance = np.random.default_rng(0)
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    for number in range(2):
        truth = chance.random(300) < 0.5
        right = chance.random((300, 3)) < [0.9, 0.8, 0.7]
        says = np.where(right, truth[:, None], ~truth[:, None])
        texts = ["-" + "".join(np.array(list("abc"))[row]) for row in says]
        ids = [f"{number}-{row}" for row in range(300)]
        pq.write_table(pa.table({"id": ids, "text": texts}), tmp_path / f"notes{number}.parquet")
        label_export(tmp_path / f"notes{number}.parquet", tmp_path / "lfs.py", tmp_path / f"site{number}")
    return tmp_path


def test_a_model_is_learned_from_counts_without_any_row(sites, capsys):
    for number in range(2):
        (sites / f"sent{number}").mkdir()
        for name in ("manifest.json", "counts.npz"):
            shutil.copy(sites / f"site{number}" / name, sites / f"sent{number}" / name)
    sent = [str(sites / "sent0"), str(sites / "sent1")]
    assert main(["fit", *sent, "--model-out", str(sites / "model"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["records counted"] == 600
    votes = stack([read_votes(sites / f"site{number}") for number in range(2)])
    expected = LabelModel().fit(votes)
    learned = VoteModel.load(sites / "model")
    np.testing.assert_allclose(learned.predict_proba(votes), expected.predict_proba(votes), atol=1e-9)
    assert shown["accuracies"]["a"] > shown["accuracies"]["c"] > 0.5


def test_labels_of_all_sites_come_from_what_they_teach_together(sites):
    votes = [str(sites / "site0"), str(sites / "site1")]
    assert main(["fit", *votes, "--out", str(sites / "labels.parquet")]) == 0
    labels = Labels.read(sites / "labels.parquet")
    assert len(labels) == 600
    assert sorted(labels.ids.tolist())[0] == "0-0"


def test_what_does_not_belong_together_is_refused(sites, capsys):
    first, second = str(sites / "site0"), str(sites / "site1")
    assert main(["fit", first, first, "--out", str(sites / "labels.parquet")]) == 2
    assert "more than one" in capsys.readouterr().err
    (sites / "lfs.py").write_text(FUNCTIONS.replace('"c" in', '"d" in'))
    label_export(sites / "notes1.parquet", sites / "lfs.py", second)
    assert main(["fit", first, second, "--model-out", str(sites / "model")]) == 2
    assert "c of site1" in capsys.readouterr().err
    assert main(["fit", first]) == 2
    assert main(["fit", first, "--model", "majority", "--model-out", str(sites / "model")]) == 2
    assert not (sites / "model").exists()
