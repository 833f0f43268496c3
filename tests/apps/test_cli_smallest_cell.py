"""`sidelight audit --smallest-cell` and `[audit] smallest_cell`: a folder that may be shared."""

import json
import re

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.crossmodal.predictions import Predictions
from sidelight.labeling import LabelSchema

N = 600


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Records whose device "quartz" four patients have, and "topaz" five."""
    folder = tmp_path_factory.mktemp("project")
    random = np.random.default_rng(0)
    rows = np.arange(N)
    y, paced = random.integers(0, 2, N), random.random(N) < 0.25
    device = np.where(rows < 4, "quartz", np.where(rows < 9, "topaz", np.where(rows < 250, "amber", "opal")))
    wrong = random.random(N) < np.where(paced & (y == 1), 0.6, 0.1)
    positive = np.where(wrong, 1 - y, y) * 0.8 + 0.1
    ids = np.array([f"study-{row}" for row in rows])
    lines = ["id,patient_id,text,state,device,kind,sex"]
    lines += [
        f"study-{row},person-{row},words,{y[row]},{device[row]},{'paced' if paced[row] else 'plain'},{'fm'[row % 2]}"
        for row in rows
    ]
    (folder / "notes.csv").write_text("\n".join(lines) + "\n")
    Predictions(ids, np.column_stack([1 - positive, positive]), LabelSchema(("0", "1"))).write(
        folder / "p.parquet"
    )
    np.savez(
        folder / "e.npz", ids=ids, model=np.column_stack([positive + random.normal(0, 0.1, N), 3 * paced])
    )
    return folder


def run(project, out, *more):
    return main(
        ["audit", str(project / "p.parquet"), "--records", str(project / "notes.csv"), "--gold-column", "state",
         "--strata", "device", "--strata", "kind", "--subclass", "kind", "--group", "sex", "--out", str(out), *more]
    )  # fmt: skip


def test_a_shared_folder_holds_no_figure_of_a_few_and_no_single_record(project, tmp_path, capsys):
    more = ["--discover", "--embeddings", str(project / "e.npz")]
    assert run(project, tmp_path / "own", *more) == 0
    open_table = capsys.readouterr().out
    assert run(project, tmp_path / "shared", *more, "--smallest-cell", "5") == 0
    table = capsys.readouterr().out
    assert {path.name for path in (tmp_path / "own").iterdir()} - {
        path.name for path in (tmp_path / "shared").iterdir()
    } == {"errors.csv", "records.npz"}
    rows = {row["slice"]: row for row in json.loads((tmp_path / "shared/audit.json").read_text())["rows"]}
    assert {name: row["n"] for name, row in rows.items()} == {
        "device = amber": 241, "device = opal": 350, "device = quartz": None, "device = topaz": None,
        "kind = paced": rows["kind = paced"]["n"], "kind = plain": N - rows["kind = paced"]["n"],
    }  # fmt: skip
    assert re.search(r"device = quartz +4 ", open_table)
    assert re.search(r"device = quartz +<5 +- +<5 +<5", table)
    assert re.search(r"device = topaz +withheld +- +withheld", table)
    page = (tmp_path / "shared/audit.html").read_text()
    assert "Map of the embedding" in (tmp_path / "own/audit.html").read_text()
    assert "Map of the embedding" not in page
    assert "“&lt;5” stands for" in page
    assert "Small cells are withheld" in (tmp_path / "shared/model_card.md").read_text()
    quartz = next(
        line for line in (tmp_path / "shared/slices.csv").read_text().splitlines() if "quartz" in line
    )
    assert quartz.startswith("device = quartz,auroc,,,,,,,")


def test_a_threshold_of_four_tells_four(project, tmp_path):
    assert run(project, tmp_path / "shared", "--smallest-cell", "4") == 0
    rows = {
        row["slice"]: row["n"] for row in json.loads((tmp_path / "shared/audit.json").read_text())["rows"]
    }
    assert (rows["device = quartz"], rows["device = topaz"]) == (4, 5)


def test_shared_audits_are_compared_either_way_round(project, tmp_path, capsys):
    assert run(project, tmp_path / "own") == 0
    assert run(project, tmp_path / "shared", "--smallest-cell", "5") == 0
    for old, more in (
        ("shared", []),
        ("own", ["--smallest-cell", "5"]),
        ("shared", ["--smallest-cell", "5"]),
    ):
        out = tmp_path / f"new-{old}-{len(more)}"
        capsys.readouterr()
        assert run(project, out, "--compare", str(tmp_path / old / "audit.json"), "--json", *more) == 0
        told = json.loads(capsys.readouterr().out)["comparison"]
        rows = {(row["slice"], row["metric"]): row for row in told["rows"]}
        assert rows["device = amber", "brier"]["change"]["estimate"] == 0
        assert rows["device = quartz", "brier"]["verdict"] == "not assessable"
        if more:
            assert rows["device = quartz", "brier"]["before"]["estimate"] is None
            assert not told["paired"]
        assert (out / "comparison.json").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--smallest-cell", "1"], "x>=2"),
        (["--smallest-cell", "5", "--show", "sex"], "--show is for errors.csv"),
        (["--smallest-cell", "601"], "fewer than 601 patients"),
    ],
)
def test_what_cannot_be_withheld_is_refused_and_nothing_is_written(project, tmp_path, capsys, more, told):
    assert run(project, tmp_path / "out", *more) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_page_without_words_of_reports_does_not_say_that_it_holds_them(project, tmp_path):
    more = ["--discover", "--with-text"]
    assert run(project, tmp_path / "own", *more) == 0
    assert run(project, tmp_path / "shared", *more, "--smallest-cell", "5") == 0
    told = [(tmp_path / name / "audit.html").read_text() for name in ("own", "shared")]
    assert ["told by words of reports" in page for page in told] == [True, False]
