"""`sidelight audit`: strata, subclasses, care groups, the search, sheets, and what stays out of the page."""

import csv
import json

import numpy as np
import pytest

from sidelight.apps.audits import Material, Wishes, study
from sidelight.apps.cli.main import main
from sidelight.crossmodal.predictions import Predictions
from sidelight.labeling import LabelSchema
from sidelight.slicing import SliceMatrix

N = 800


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    random = np.random.default_rng(0)
    y, paced, age = random.integers(0, 2, N), random.random(N) < 0.25, random.integers(20, 90, N)
    site = random.choice(["north", "south"], N)
    kind = np.where(y == 1, np.where(paced, "paced", "plain"), "")
    wrong = random.random(N) < np.where(paced & (y == 1), 0.6, 0.05)
    positive = np.where(wrong, 1 - y, y) * 0.8 + 0.1
    ids = np.array([f"study-{row}" for row in range(N)])
    lines = ["id,patient_id,text,state,site,age,device,kind"]
    lines += [
        f"study-{row},person-{row},secretword {row},{y[row]},{site[row]},{age[row]},{'paced' if paced[row] else 'other'},{kind[row]}"
        for row in range(N)
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
         "--out", str(out), *more]
    )  # fmt: skip


def test_everything_is_looked_into_and_no_id_or_word_stands_on_the_page(project, tmp_path, capsys):
    out = tmp_path / "audit"
    more = [
        "--strata",
        "device",
        "--subclass",
        "kind",
        "--expect",
        "burst",
        "--group",
        "site",
        "--group",
        "age",
    ]
    more += ["--discover", "--embeddings", str(project / "e.npz"), "--json"]
    assert run(project, out, *more) == 0
    told = json.loads(capsys.readouterr().out)
    assert {row["slice"] for row in told["rows"]} == {"device = other", "device = paced"}
    hidden = {row["subclass"]: row["verdict"] for row in told["subclasses"]["rows"]}
    assert hidden == {"paced": "hidden gap", "plain": "better", "burst": "not seen"}
    assert told["discovery"]["slices"][0]["confirmed"]
    assert set(told["fairness"]) == {"site", "age"}
    assert json.loads((out / "audit.json").read_text())["subclasses"] == told["subclasses"]
    for name in ("audit.html", "audit.json", "model_card.md", "slices.csv"):
        text = (out / name).read_text()
        assert "study-" not in text
        assert "person-" not in text
        assert "secretword" not in text
    assert b"study-" not in (out / "records.npz").read_bytes()
    assert {path.stat().st_mode & 0o077 for path in out.iterdir()} == {0}, "readable by the owner alone"


def test_the_page_says_that_nobody_knows_whom_the_model_learned_from(project, tmp_path):
    assert run(project, tmp_path / "audit") == 0
    page = (tmp_path / "audit/audit.html").read_text()
    assert "<li>Whether the model learned from some of these patients" in page
    assert "called from a probability of 0.5 on" in page
    assert any(
        "learned from" in told for told in json.loads((tmp_path / "audit/audit.json").read_text())["notes"]
    )


def test_a_sheet_goes_out_is_filled_in_and_comes_back(project, tmp_path, capsys):
    assert run(project, tmp_path / "first", "--show", "age") == 0
    with (tmp_path / "first/errors.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"id", "kind", "age", "subclass", "gold_is_wrong", "note"} <= set(rows[0])
    for number, row in enumerate(rows[:40]):
        row |= {"subclass": "wide beats", "gold_is_wrong": "yes" if number < 4 else "no"}
    rows[41]["gold_is_wrong"] = "who knows"
    with (tmp_path / "filled.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    capsys.readouterr()
    assert run(project, tmp_path / "second", "--sheet", str(tmp_path / "filled.csv"), "--json") == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert told["review"]["n_reviewed"] == 40
    assert told["review"]["gold_is_wrong"]["estimate"] == pytest.approx(0.1)
    assert "reviewed = wide beats" in {row["slice"] for row in told["rows"]}
    assert "row 43: gold_is_wrong is neither yes nor no" in printed.err


def test_an_audit_of_the_same_records_is_compared_in_pairs(project, tmp_path, capsys):
    assert run(project, tmp_path / "first", "--strata", "device") == 0
    capsys.readouterr()
    more = ["--strata", "device", "--compare", str(tmp_path / "first/audit.json"), "--json"]
    assert run(project, tmp_path / "second", *more) == 0
    told = json.loads(capsys.readouterr().out)["comparison"]
    assert (told["paired"], told["n_shared"]) == (True, N)
    assert {row["verdict"] for row in told["rows"]} == {"no evidence"}
    (tmp_path / "first/records.npz").write_bytes(b"broken")
    assert run(project, tmp_path / "third", *more) == 3
    assert "records.npz" in capsys.readouterr().err
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["--discover"], 2, "--discover needs"),
        (["--strata", "devise"], 3, "did you mean 'device'"),
        (["--subclass", "none"], 3, "has no column 'none'"),
        (["--embeddings", "missing.npz"], 3, "does not exist"),
        (["--sheet", "missing.csv"], 3, "does not exist"),
        (["--subclass-schema", "missing.toml"], 2, "needs --subclass"),
        (["--subclass", "kind", "--subclass-schema", "missing.toml"], 3, "does not exist"),
    ],
)
def test_what_is_asked_wrongly_is_told_and_nothing_is_written(project, tmp_path, capsys, more, code, told):
    assert run(project, tmp_path / "out", *more) == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_schema_of_subclasses_is_written_weighed_by_people_and_read_back(project, tmp_path, capsys):
    assert run(project, tmp_path / "first", "--subclass", "kind") == 0
    file = tmp_path / "first/subclasses.toml"
    weighed = file.read_text().replace(
        'name = "paced"\nclass = "1"\nseverity = 1', 'name = "paced"\nclass = "1"\nseverity = 5'
    )
    assert weighed != file.read_text()
    file.write_text(weighed)
    capsys.readouterr()
    more = ["--subclass", "kind", "--subclass-schema", str(file)]
    assert run(project, tmp_path / "second", *more, "--json") == 0
    told = json.loads(capsys.readouterr().out)["subclasses"]
    assert {row["subclass"]: row["severity"] for row in told["rows"]}["paced"] == 5
    assert told["weighted_errors"]["estimate"] > told["errors"]["estimate"]
    assert "Counted by severity" in (tmp_path / "second/audit.html").read_text()
    assert (tmp_path / "second/subclasses.toml").read_text() == weighed
    file.write_text(weighed.replace('class = "1"', 'class = "2"'))
    assert run(project, tmp_path / "third", *more) == 2
    assert "names the class '2'" in capsys.readouterr().err


def test_ids_that_a_spreadsheet_rewrote_are_told(project, tmp_path, capsys):
    assert run(project, tmp_path / "first") == 0
    text = (tmp_path / "first/errors.csv").read_text().splitlines()
    rows = [line.replace("study-", "study ").removesuffix(",,,") + ",wide beats,no," for line in text[1:11]]
    (tmp_path / "filled.csv").write_text("\n".join([text[0], *rows]) + "\n")
    capsys.readouterr()
    assert run(project, tmp_path / "second", "--sheet", str(tmp_path / "filled.csv")) == 0
    assert "10 of 10 reviewed rows are of no predicted record" in capsys.readouterr().err


@pytest.fixture(scope="module")
def several(project):
    """Predictions of three findings that may be present together; the third's are upside down."""
    random = np.random.default_rng(1)
    present = random.random((N, 3)) < 0.4
    proba = (present * 0.6 + 0.4 * random.random((N, 3))).clip(0, 1)
    proba[:, 2] = 1 - proba[:, 2]
    ids = np.array([f"study-{row}" for row in range(N)])
    names = ("effusion", "oedema", "nodule")
    Predictions(ids, proba, LabelSchema(names), multi_label=True).write(project / "several.parquet")
    lines = ["id,patient_id,effusion,oedema,nodule,gold_oedema"]
    lines += [
        f"study-{row},person-{row},{','.join(str(int(value)) for value in present[row])},{int(present[row, 1])}"
        for row in range(N)
    ]
    (project / "several.csv").write_text("\n".join(lines) + "\n")
    return project


def of_several(several, out, *more):
    return main(
        ["audit", str(several / "several.parquet"), "--records", str(several / "several.csv"), "--out", str(out), *more]
    )  # fmt: skip


def test_findings_that_occur_together_are_audited_one_by_one(several, tmp_path, capsys):
    areas = {}
    for number, given in enumerate(
        (["effusion"], ["nodule"], ["gold_oedema", "--finding", "oedema"]),
    ):
        assert of_several(several, tmp_path / str(number), "--gold-column", *given, "--json") == 0
        told = json.loads(capsys.readouterr().out)
        areas[given[-1]] = {item["metric"]: item["value"]["estimate"] for item in told["overall"]}["auroc"]
    assert areas == {"effusion": 1.0, "nodule": 0.0, "oedema": 1.0}
    assert "of class “oedema”" in (tmp_path / "2/audit.html").read_text()
    assert of_several(several, tmp_path / "none", "--gold-column", "gold_oedema") == 2
    assert "--finding is one of effusion, oedema, nodule" in capsys.readouterr().err
    assert run(several, tmp_path / "none", "--finding", "oedema") == 2
    assert "are of one task" in capsys.readouterr().err


def test_many_classes_are_measured_by_accuracy_and_not_by_one_of_them(project, tmp_path, capsys):
    random = np.random.default_rng(2)
    kinds = random.integers(0, 4, N)
    proba = np.eye(4)[np.where(random.random(N) < 0.2, (kinds + 1) % 4, kinds)] * 0.8 + 0.05
    names = tuple(f"kind {code}" for code in range(4))
    Predictions(
        np.array([f"study-{row}" for row in range(N)]), proba / proba.sum(axis=1, keepdims=True), LabelSchema(names)
    ).write(tmp_path / "four.parquet")  # fmt: skip
    (tmp_path / "four.csv").write_text(
        "\n".join(["id,gold,site", *(f"study-{row},kind {kinds[row]},{'ab'[row % 2]}" for row in range(N))])
    )
    given = ["--records", str(tmp_path / "four.csv"), "--gold-column", "gold", "--strata", "site"]
    assert main(["audit", str(tmp_path / "four.parquet"), *given, "--out", str(tmp_path / "out")]) == 0
    assert "prevalence" not in capsys.readouterr().out.split("Slices")[0]
    assert {row["metric"] for row in json.loads((tmp_path / "out/audit.json").read_text())["rows"]} == {
        "accuracy",
        "brier",
    }
    page = (tmp_path / "out/audit.html").read_text()
    assert "Sensitivity" not in page
    assert "of class" not in page


def test_of_many_classes_one_may_be_named():
    random = np.random.default_rng(3)
    gold = random.integers(0, 3, N)
    material = Material(
        np.arange(N).astype(str), np.full(N, ""), np.eye(3)[gold] * 0.7 + 0.1, gold, LabelSchema(("a", "b", "c")),
        np.arange(N), np.zeros(0, dtype=int), {}, SliceMatrix((np.arange(N) % 2 == 0)[:, None], ("even",)), 0,
    )  # fmt: skip
    of_none, of_c = (study(material, Wishes(positive=positive))[0].audit for positive in (None, 2))
    assert of_none.metrics == ("accuracy", "brier")
    assert of_c.metrics == ("accuracy", "auroc", "sensitivity", "specificity", "brier")
    assert of_c.prevalence == pytest.approx((gold == 2).mean())


@pytest.mark.parametrize("smallest", [0, 5])
def test_a_group_without_gold_is_no_group_to_compare_with(project, tmp_path, smallest):
    export = (project / "notes.csv").read_text()
    without = export.splitlines()[0] + "\n"
    for line in export.splitlines()[1:]:
        cells = line.split(",")
        cells[3] = "" if cells[4] == "north" else cells[3]
        without += ",".join(cells) + "\n"
    (tmp_path / "notes.csv").write_text(without)
    more = ["--records", str(tmp_path / "notes.csv"), "--group", "site"]
    more += ["--smallest-cell", str(smallest)] if smallest else []
    assert run(project, tmp_path / "audit", *more) == 0
    assert "fairness" not in json.loads((tmp_path / "audit/audit.json").read_text())
