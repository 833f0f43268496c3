"""The demo on the bundled data, with few epochs: what it writes, says and promises."""

import json

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.demo import DATA, REPORTS
from sidelight.apps.demo.functions import FUNCTIONS, schema
from sidelight.labeling import LFApplier, read, read_votes

CONTENDERS = [
    "labels from reports",
    "majority vote of the functions",
    "ECG network, labels from reports",
    "ECG network, majority-vote labels",
    "ECG network, gold labels",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    pytest.importorskip("torch", reason="the train extra is not installed")
    out = tmp_path_factory.mktemp("demo") / "demo"
    assert main(["demo", "--out", str(out), "--epochs", "2"]) == 0
    return out


def test_it_compares_the_five_contenders_with_intervals(demo):
    told = json.loads((demo / "demo.json").read_text())
    rows = told["comparison"]["rows"]
    assert [row["name"] for row in rows] == CONTENDERS
    for row in rows:
        assert 0 <= row["auroc"]["low"] <= row["auroc"]["estimate"] <= row["auroc"]["high"] <= 1
    assert rows[0]["auroc"]["estimate"] > 0.85, "labels from reports agree with the cardiologists' codes"


def test_it_leaves_every_step_on_disk(demo):
    names = {path.name for path in demo.iterdir()}
    assert names == {
        "votes", "label_model", "labels.parquet", "bundle", "predictions.parquet", "audit", "report.html", "demo.json",
    }  # fmt: skip
    assert read_votes(demo / "votes").n_functions == len(FUNCTIONS)


def test_the_report_stands_alone_and_shows_the_texts_it_may_show(demo):
    page = (demo / "report.html").read_text(encoding="utf-8")
    assert 'src="http' not in page
    assert "<script src" not in page
    assert "PTB-XL" in page
    assert "not a medical device" in page.lower() or "Research software" in page
    assert any(record.text in page for batch in read(REPORTS, id="ecg_id", text="report") for record in batch)


def test_without_text_no_report_is_quoted(tmp_path):
    pytest.importorskip("torch", reason="the train extra is not installed")
    assert main(["demo", "--out", str(tmp_path / "demo"), "--epochs", "1", "--without-text"]) == 0
    page = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    long_reports = [r.text for b in read(REPORTS, id="ecg_id", text="report") for r in b if len(r.text) > 40]
    assert not any(text in page for text in long_reports)


def test_a_folder_that_is_no_demo_is_not_replaced(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    assert main(["demo", "--out", str(tmp_path / "mine")]) == 2
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert "is no older demo" in capsys.readouterr().err


def test_the_bundled_sample_is_small_and_attributed():
    assert sum(file.stat().st_size for file in DATA.iterdir()) < 5_000_000
    assert "CC BY 4.0" in (DATA / "README.md").read_text(encoding="utf-8")
    assert b"Edit:" not in REPORTS.read_bytes()


@pytest.mark.parametrize(
    ("report", "votes"),
    [
        ("sinusrhythmus normales ekg", {"says_normal_ecg": "normal", "is_brief_or_long": "normal"}),
        ("sinusrhythmus linkstyp sonst normales ekg", {"says_otherwise_normal": "normal"}),
        ("sinusrytm inget sÄkert patologiskt", {"says_no_pathology": "normal", "is_brief_or_long": "normal"}),
        ("tachykardes vorhofflimmern", {"has_fibrillation": "abnormal"}),
        ("kein vorhofflimmern", {"has_fibrillation": None}),
        ("fÖrmaksflimmer med hÖg kammarfrekvens", {"has_fibrillation": "abnormal"}),
        ("inferiorer infarkt wahrscheinlich alt", {"has_infarct": "abnormal", "suspects_infarct": None}),
        ("septaler infarkt nicht auszuschliessen", {"has_infarct": None, "suspects_infarct": "abnormal"}),
        (
            "old anteroseptal infarction cannot be excluded",
            {"has_infarct": None, "suspects_infarct": "abnormal"},
        ),
        ("there is no ecg evidence of infarction", {"has_infarct": None, "suspects_infarct": None}),
        ("abnormal ecg", {"says_normal_ecg": None}),
        ("pacemaker ekg", {"is_paced": "abnormal", "says_normal_ecg": None}),
        ("sinusrhythmus unvollstÄndiger rechtsschenkelblock", {"has_bundle_branch_block": "abnormal"}),
        ("sinus rhythm. st segments are depressed in i, avl.", {"has_repolarisation_change": "abnormal"}),
        ("no st segment depression", {"has_repolarisation_change": None}),
        ("trace only requested.", {function.name: None for function in FUNCTIONS}),
    ],
)
def test_the_functions_read_german_english_and_swedish(report, votes):
    found = LFApplier(FUNCTIONS, schema=schema).apply([report])
    told = {
        name: schema.name(int(vote)) for name, vote in zip(found.names, np.asarray(found)[0], strict=True)
    }
    assert {name: told[name] for name in votes} == {name: vote or "abstain" for name, vote in votes.items()}


def test_there_are_at_least_twelve_functions_of_both_classes():
    assert len(FUNCTIONS) >= 12
    votes = LFApplier(FUNCTIONS, schema=schema).apply(read(REPORTS, id="ecg_id", text="report"))
    assert set(np.unique(votes.dense())) == {-1, 0, 1}
    assert votes.covered().mean() > 0.9
