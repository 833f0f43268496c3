import json

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.crossmodal import Predictions, Queue
from sidelight.label_model import Labels, MajorityLabelVoter
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix, write_votes


@pytest.fixture
def labels(two_views, tmp_path, monkeypatch):
    """Labels, votes and predictions of 80 records; on the first ten the network says the opposite of a sure label."""
    monkeypatch.chdir(tmp_path)
    gold, values, _ = two_views(80)
    values[:10] = gold[:10, None]
    schema = LabelSchema(("slow", "fast"))
    ids = np.array([f"r{row}" for row in range(80)])
    functions = tuple(FunctionInfo(f"f{place}") for place in range(values.shape[1]))
    votes = VoteMatrix(values, schema, functions, ids=ids)
    write_votes(votes, "votes")
    table = Labels.from_model(MajorityLabelVoter(cardinality=2).fit(votes), votes)
    table.write("labels.parquet")
    proba = table.proba.copy()
    proba[:10] = 1 - proba[:10]
    shown = np.random.default_rng(0).permutation(80)
    Predictions(ids[shown], proba[shown], schema).write("predictions.parquet")
    rows = [f"{name},{schema.classes[value]}" for name, value in zip(ids[70:], gold[70:], strict=True)]
    (tmp_path / "gold.csv").write_text("\n".join(["id,truth", *rows]) + "\n")
    return table


def run(*options):
    return main(["select", "labels.parquet", "--out", "queue.parquet", "--json", *options])


def test_the_queue_holds_drawn_records_and_leaves_out_those_with_gold(labels, capsys):
    assert run("--budget", "20", "--gold", "gold.csv", "--gold-column", "truth") == 0
    told = json.loads(capsys.readouterr().out)
    queue = Queue.read("queue.parquet")
    assert told["records"] == len(queue) <= 20
    assert told["of"] == queue.n_pool == 70
    assert not set(queue.ids) & {f"r{row}" for row in range(70, 80)}
    assert (queue.chances > 0).all()


def test_what_the_network_contradicts_comes_first(labels, capsys):
    assert (
        run("--predictions", "predictions.parquet", "--score", "clash", "--budget", "10", "--audit", "0") == 0
    )
    chosen = {int(name[1:]) for name in Queue.read("queue.parquet").ids}
    assert len(chosen & set(range(10))) >= 5
    assert run("--votes", "votes", "--predictions", "predictions.parquet", "--overwrite") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["chosen by"] == "unsure, conflict, clash"


def test_a_score_whose_file_is_missing_is_refused(labels, capsys):
    assert run("--score", "conflict") == 2
    assert "--score conflict needs --votes" in capsys.readouterr().err
    assert run("--budget", "0") == 2
    assert run() == 0
    assert run() == 2
    assert "exists already" in capsys.readouterr().err
