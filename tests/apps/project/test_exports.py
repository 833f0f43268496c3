"""From the exports of a hospital's systems to a report, with functions that take minutes to write."""

import csv
import json

import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project
from sidelight.apps.project.checks import open_export
from sidelight.apps.project.runs import find_run

BRONCHITIS = '''
from sidelight.labeling import LabelSchema, keyword_lf, labeling_function, regex_lf

schema = LabelSchema(classes=("other", "bronchitis"))

presents_with_it = regex_lf("presents_with_it", r"presenting with [^.]*bronchitis", "bronchitis")
presents_with_another = regex_lf(
    "presents_with_another", r"presenting with", "other", unless=r"presenting with [^.]*bronchitis"
)
no_complaint = regex_lf("no_complaint", r"no complaints", "other")
quiets_a_cough = keyword_lf("quiets_a_cough", ["dextromethorphan"], "bronchitis")


@labeling_function
def complaint(record):
    """What the patient came with."""
    said = record.text.partition("# Chief Complaint")[2].partition("# History")[0]
    return "bronchitis" if "Cough" in said else "other" if said.strip() else None


@labeling_function(polarity=["other"])
def well_child(record):
    same_day = (e for e in record.events if e.kind == "visit" and e.time.date() == record.time.date())
    return "other" if any("Well child" in e.name or "check up" in e.name for e in same_day) else None
'''

HYPERTENSION = '''
from sidelight.labeling import LabelSchema, labeling_function

schema = LabelSchema(classes=("none", "hypertension"))
PILLS = ("hydrochlorothiazide", "lisinopril", "amlodipine", "losartan", "metoprolol")


def newest(record, name):
    """Return the newest values of a measurement."""
    return [e.value for e in record.events if e.name.startswith(name) and e.value is not None][-3:]


def above(values, low, high):
    if not values:
        return None
    mean = sum(values) / len(values)
    return "hypertension" if mean > high else "none" if mean < low else None


@labeling_function
def systolic(record):
    return above(newest(record, "Systolic"), 130, 140)


@labeling_function
def diastolic(record):
    return above(newest(record, "Diastolic"), 85, 90)


@labeling_function(polarity=["hypertension"])
def takes_pills(record):
    drugs = (e.name.lower() for e in record.events if e.kind == "drug")
    return "hypertension" if any(pill in drug for drug in drugs for pill in PILLS) else None


@labeling_function(polarity=["none"])
def takes_none(record):
    return None if takes_pills(record) is not None else "none"
'''


def rewritten(home, functions, task, classes):
    """Do by program what a person does with the draft: another question, other functions."""
    text = (home / "sidelight.toml").read_text()
    text = text.replace("tasks.abnormal", f"tasks.{task}").replace('task = "abnormal"', f'task = "{task}"')
    text = text.replace('classes = ["normal", "abnormal"]', f"classes = {json.dumps(classes)}")
    gold = (
        f'[sources.coded]\ntask = "{task}"\nrole = "gold"\nlabels = "coded.csv"\ncolumn = "label"\n\n[splits]'
    )
    (home / "sidelight.toml").write_text(text.replace("[splits]", gold))
    (home / "functions.py").write_text(functions)


def write_gold(home, classes, holds):
    """Write what the export codes of each record: what functions are measured by, and must not read."""
    project_lines = (home / "sidelight.toml").read_text()
    assert "coded.csv" in project_lines
    (home / "coded.csv").write_text("id,label\n")
    rows = [
        (record.id, classes[int(holds(record))])
        for batch in open_export(load_project(home))
        for record in batch
    ]
    with (home / "coded.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "label"), *rows])


def is_coded(kind, words, *, same_day=False):
    def holds(record):
        return any(
            e.kind == kind and words in e.name and (not same_day or e.time.date() == record.time.date())
            for e in record.events
        )

    return holds


CASES = [
    ("fhir_bulk_synthea", "bronchitis", ["other", "bronchitis"], BRONCHITIS, is_coded("condition", "Acute bronchitis", same_day=True), 1060, 0.9),
    ("omop_synthea27", "hypertension", ["none", "hypertension"], HYPERTENSION, is_coded("condition", "Essential hypertension"), 1372, 0.8),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "task", "classes", "functions", "holds", "n", "least"), CASES)
def test_an_export_becomes_a_report(
    shared_data, tmp_path, capsys, folder, task, classes, functions, holds, n, least
):
    home = tmp_path / "project"
    assert main(["init", str(home), "--from", str(shared_data(folder)), "--json"]) == 0
    look = json.loads(capsys.readouterr().out)
    assert look["text"] == ("yes" if folder.startswith("fhir") else "no")
    assert main(["run", "--project", str(home), "--json"]) == 0  # the draft runs as it is
    assert json.loads(capsys.readouterr().out)["records"] == n
    rewritten(home, functions, task, classes)
    write_gold(home, classes, holds)
    assert main(["check", str(home)]) == 0
    assert main(["run", "--project", str(home), "--json"]) == 0
    shown = capsys.readouterr()
    figures = json.loads(shown.out.splitlines()[-1])
    assert figures["run"] == "0002"
    assert not any(name.startswith(("train", "bundle")) for name in find_run(load_project(home)).keys)
    assert "train:" not in shown.err
    right = [m for m in find_run(load_project(home)).metrics() if m["metric"] == "label accuracy"]
    total = sum(m["n"] for m in right)
    assert total > 0.7 * n
    accuracy = sum(m["value"] * m["n"] for m in right if m["n"]) / total
    assert accuracy > least, f"{folder}: {accuracy:.3f} of {total} labels as coded"
    assert "<h2" in (home / "runs/0002/report.html").read_text()


def test_a_draft_lists_the_codes_of_several_patients_and_of_no_single_one(tmp_path, capsys):
    folder = tmp_path / "export"
    folder.mkdir()
    visits = ["visit_occurrence_id,person_id,visit_concept_id,visit_start_date"]
    conditions = [
        "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_source_value"
    ]
    for n in range(12):
        visits.append(f"{n},{n},9202,2020-02-01")
        conditions.append(f"{n},{n},320128,2019-03-01,I10")
    conditions.append("99,3,777,2019-03-01,RARE")
    (folder / "visit_occurrence.csv").write_text("\n".join(visits) + "\n")
    (folder / "condition_occurrence.csv").write_text("\n".join(conditions) + "\n")
    (folder / "person.csv").write_text(
        "person_id,gender_concept_id\n" + "".join(f"{n},8507\n" for n in range(12))
    )
    assert main(["init", str(tmp_path / "p"), "--from", str(folder)]) == 0
    written = (tmp_path / "p" / "functions.py").read_text()
    assert "#   condition 320128: " in written
    assert "(12 patients)" in written
    assert "777" not in written
    assert "RARE" not in written
