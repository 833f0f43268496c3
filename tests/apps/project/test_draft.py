"""Drafts of projects: on the bundled sample, on tables, on FHIR and OMOP exports; each runs as it is."""

import json

import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.draft import init_export, init_sample
from sidelight.labeling import UsageError


def test_the_sample_project_is_in_order_and_says_what_it_would_do(tmp_path, capsys):
    assert main(["init", str(tmp_path / "ecg"), "--json"]) == 0
    assert "sidelight.toml" in json.loads(capsys.readouterr().out)["written"]
    assert main(["run", "--project", str(tmp_path / "ecg"), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "train:abnormal" in shown
    assert "not done yet" in shown


@pytest.mark.slow
def test_the_sample_project_runs_at_once(tmp_path, capsys):
    init_sample(tmp_path)
    assert main(["run", "--project", str(tmp_path), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["records"] == 367
    assert figures["abnormal: auroc of the network (test)"]["estimate"] > 0.7


def test_a_project_is_not_written_over(tmp_path):
    init_sample(tmp_path)
    with pytest.raises(UsageError, match="is there already"):
        init_sample(tmp_path)


LAYOUTS = {
    "plain.csv": ("id,patient_id,text", "{n},p{n},{text}"),
    "notes.csv": ("note_id,subject_id,charttime,note_text", "{n},{p},2020-01-0{d},{text}"),
    "reports.tsv": ("report_id\tpat\treport", "{n}\t{p}\t{text}"),
    "exams.csv": ("accession,mrn,exam_date,sex,impression", "{n},{p},2021-03-0{d},{s},{text}"),
    "studies.jsonl": (None, '{{"study_id": {n}, "patient": "{p}", "narrative": "{text}"}}'),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_drafted_project_runs_on_common_layouts(tmp_path, name):
    head, line = LAYOUTS[name]
    texts = [
        "normal study",
        "severe worsening effusion",
        "no evidence of disease",
        "abnormal and marked",
        "see above",
    ]
    lines = [] if head is None else [head]
    lines += [
        line.format(n=n, p=f"p{n // 2}", d=n % 9 + 1, s="MF"[n % 2], text=texts[n % 5]) for n in range(60)
    ]
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    _, look = init_export(tmp_path, tmp_path / name)
    assert look.has_text
    assert look.has_patient
    run = run_project(tmp_path)
    assert run.new
    assert {m["value"] for m in run.metrics() if m["metric"] == "covered"} == {0.8}
    assert 'export = "' + name in (tmp_path / "sidelight.toml").read_text()


@pytest.mark.parametrize("head", ["Nr,Befund", "study,words", "Befund,Nr", "id,text"])
def test_two_columns_of_any_name_are_enough(tmp_path, head):
    names = head.split(",")
    text = next(name for name in names if name in ("Befund", "words", "text"))
    rows = [
        {
            text: "The lungs are clear, no evidence of effusion."
            if n % 2
            else "Severe left effusion, concerning."
        }
        for n in range(40)
    ]
    rows = [{**row, next(n for n in names if n != text): str(place)} for place, row in enumerate(rows)]
    lines = [head, *(",".join(f'"{row[name]}"' for name in names) for row in rows)]
    (tmp_path / "reports.csv").write_text("\n".join(lines) + "\n")
    init_export(tmp_path, tmp_path / "reports.csv")
    run = run_project(tmp_path)
    labeled = {m["class"]: m["value"] for m in run.metrics() if m["metric"] == "labeled"}
    assert labeled == {"normal": 20, "abnormal": 20}


def test_german_reports_get_german_functions(tmp_path):
    texts = [
        "Unauffälliger Befund, kein Hinweis auf einen Erguss.",
        "Es zeigt sich ein ausgeprägter Erguss, pathologisch.",
    ]
    lines = [f'{n},"{texts[n % 2]}"' for n in range(40)]
    (tmp_path / "befunde.csv").write_text("id,text\n" + "\n".join(lines) + "\n")
    init_export(tmp_path, tmp_path / "befunde.csv")
    assert 'language="de"' in (tmp_path / "functions.py").read_text()
    labeled = {m["class"]: m["value"] for m in run_project(tmp_path).metrics() if m["metric"] == "labeled"}
    assert labeled == {"normal": 20, "abnormal": 20}


def test_the_labels_of_a_project_go_out_by_its_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    texts = ["The lungs are clear, no evidence of effusion.", "Severe left effusion, concerning."]
    (tmp_path / "t.csv").write_text("id,text\n" + "".join(f'{n},"{texts[n % 2]}"\n' for n in range(40)))
    assert main(["init", "p", "--from", "t.csv"]) == 0
    assert main(["export", "p", "--to", "csv", "--out", "labels.csv"]) == 2  # there is no run yet
    assert main(["run", "--project", "p"]) == 0
    assert "sidelight export p --to csv --out labels.csv" in capsys.readouterr().out
    assert main(["export", "p", "--to", "csv", "--out", "labels.csv"]) == 0
    labels = [line.split(",")[2] for line in (tmp_path / "labels.csv").read_text().splitlines()[1:]]
    assert labels == ["normal", "abnormal"] * 20
    assert main(["export", "p", "--to", "csv", "--out", "other.csv", "--task", "weather"]) == 2
    assert "no task 'weather'; there are abnormal" in capsys.readouterr().err
    assert main(["export", "t.csv", "--to", "csv", "--out", "other.csv", "--task", "abnormal"]) == 2


def test_columns_can_be_said_and_are_checked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,b,c\n" + "".join(f"{n},{n},normal study {n}\n" for n in range(9)))
    assert main(["init", "p", "--from", "t.csv", "--id", "b", "--text", "c", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == {"id": "b", "text": "c"}
    assert load_project(tmp_path / "p").config.data.id == "b"
    assert main(["init", "q", "--from", "t.csv", "--text", "body"]) == 2
    assert "--text body: there is no such column in t.csv (columns: a, b, c)" in capsys.readouterr().err
    assert main(["init", "q", "--id", "b"]) == 2
    assert "--from" in capsys.readouterr().err
    (tmp_path / "only.csv").write_text("text\nsame\nsame\n")
    assert main(["init", "q", "--from", "only.csv"]) == 2
    assert "no column that tells its records apart" in capsys.readouterr().err
    assert not (tmp_path / "q").exists()


def test_columns_of_few_values_are_offered_and_others_kept_back(tmp_path):
    lines = ["id,text,ward,phone"]
    lines += [f"{n},normal,{'east' if n % 2 else 'west'},555-{n}" for n in range(40)]
    (tmp_path / "notes.csv").write_text("\n".join(lines) + "\n")
    init_export(tmp_path, tmp_path / "notes.csv")
    text = (tmp_path / "sidelight.toml").read_text()
    assert "ward: east, west" in text
    assert "555" not in text


def test_an_export_without_words_and_events_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("id,age\n1,2\n2,3\n")
    with pytest.raises(UsageError, match="neither text nor events"):
        init_export(tmp_path, tmp_path / "t.csv")


def write_fhir(folder):
    """Write a small FHIR bulk export: documents, patients, conditions."""
    import base64

    folder.mkdir()
    texts = ["normal study", "severe worsening effusion", "no evidence of disease", "abnormal and marked"]
    documents, conditions, patients = [], [], []
    for n in range(40):
        patient = f"p{n // 2}"
        content = base64.b64encode(texts[n % 4].encode()).decode()
        documents.append(
            {
                "resourceType": "DocumentReference", "id": f"d{n}", "status": "current",
                "subject": {"reference": f"Patient/{patient}"}, "date": f"2020-01-{n % 28 + 1:02d}T10:00:00Z",
                "content": [{"attachment": {"contentType": "text/plain", "data": content}}],
            }
        )  # fmt: skip
        if n % 2:
            patients.append({"resourceType": "Patient", "id": patient})
            conditions.append(
                {
                    "resourceType": "Condition", "id": f"c{n}", "subject": {"reference": f"Patient/{patient}"},
                    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10"}]},
                    "onsetDateTime": "2019-05-01T00:00:00Z",
                }
            )  # fmt: skip
    for name, rows in (("DocumentReference", documents), ("Condition", conditions), ("Patient", patients)):
        (folder / f"{name}.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_omop(folder):
    """Write the tables of a small OMOP CDM without notes."""
    folder.mkdir()
    visits = ["visit_occurrence_id,person_id,visit_concept_id,visit_start_date"]
    conditions = [
        "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_source_value"
    ]
    people = ["person_id,gender_concept_id,year_of_birth"]
    for n in range(40):
        people.append(f"{n},8507,19{n + 30}")
        visits.append(f"{n},{n},9202,2020-02-0{n % 9 + 1}")
        if n % 3:
            conditions.append(f"{n},{n},320128,2019-03-01,I10")
    for name, lines in (
        ("visit_occurrence", visits),
        ("condition_occurrence", conditions),
        ("person", people),
    ):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(("kind", "write"), [("fhir", write_fhir), ("omop", write_omop)])
def test_from_an_export_of_a_hospital_to_a_report(tmp_path, kind, write, capsys):
    write(tmp_path / "export")
    project = tmp_path / "project"
    assert main(["init", str(project), "--from", str(tmp_path / "export"), "--json"]) == 0
    look = json.loads(capsys.readouterr().out)
    assert look["format"] == kind
    assert look["text"] == ("yes" if kind == "fhir" else "no")
    assert "condition" in look["events"]
    assert main(["run", "--project", str(project), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 40
    assert load_project(project).runs.joinpath("0001/report.html").is_file()


@pytest.mark.parametrize(
    ("more", "said"), [([], "neither text nor events"), (["--text", "body"], "seems to hold no names")]
)
def test_a_first_line_of_notes_is_neither_guessed_nor_repeated(tmp_path, capsys, more, said):
    export = tmp_path / "notes.csv"
    export.write_text('id,"Jane Doe was seen today, no pneumothorax"\n1,"clear lungs and a normal heart"\n')
    assert main(["init", str(tmp_path / "project"), "--from", str(export), *more]) == 2
    told = "".join(capsys.readouterr())
    assert said in told
    assert "Jane" not in told
