"""The page, the JSON and the model card of an audit with everything beside it."""

import json
import re

import numpy as np
import pytest

from sidelight.slicing import (
    Card,
    Confusion,
    Findings,
    Strip,
    TrainingView,
    advise,
    audit,
    audit_labels,
    compare_audits,
    contrast_errors,
    discover,
    explain_slice,
    fairness,
    read_audit,
    slice_calibration,
    slice_intersections,
    subclass_metrics,
)
from sidelight.slicing.embedding_map import embedding_map
from sidelight.slicing.model_card import model_card
from sidelight.slicing.page import audit_page
from sidelight.slicing.thumbnail import thumbnail

CLASSES = ("normal", "abnormal")
NASTY = '<script>alert("x")</script> & "site"'


@pytest.fixture(scope="module")
def findings():
    """A model that fails on paced rhythms, audited in every way there is."""
    random = np.random.default_rng(0)
    n = 1000
    y, paced = random.integers(0, 2, n), random.random(n) < 0.2
    wrong = random.random(n) < np.where(paced & (y == 1), 0.6, 0.05)
    positive = np.where(wrong, 1 - y, y) * 0.8 + 0.1
    proba = np.column_stack([1 - positive, positive])
    patients = np.array([f"patient-{row // 2}" for row in range(n)])
    slices = {"paced": paced, NASTY: random.random(n) < 0.3, "tiny": np.arange(n) < 4}
    result = audit(y, proba, slices, patients)
    embedding = np.column_stack([y + random.normal(0, 0.3, n), 3 * paced + random.normal(0, 0.3, n)])
    found = discover(y, proba, embeddings=embedding, metadata={"paced": paced}, patients=patients)
    training = TrainingView(labels=y, slices=paced & (np.arange(n) < 100), gold=y, proba=proba)
    table = Confusion.of(
        {"class": [CLASSES[c] for c in y]}, {"class": [CLASSES[c] for c in proba.argmax(axis=1)]}
    )
    card = Card(thumbnail(np.eye(8)), "called normal (0.90), gold abnormal", True)
    return Findings(
        result,
        "An audit",
        CLASSES,
        discovery=found,
        subclasses=subclass_metrics(
            y, proba, np.where(paced & (y == 1), "paced beats", "").tolist(), classes=CLASSES
        ),
        contrast=contrast_errors(y, proba, slices, classes=CLASSES),
        mechanisms={"paced": explain_slice(paced, y, proba, training)},
        intersections=slice_intersections(y, proba, slices, patients=patients),
        calibration=slice_calibration(y, proba, slices, patients),
        fairness={"sex": fairness(y, proba, np.where(random.random(n) < 0.5, "f", "m"))},
        confusion=[("All records", table.table(normalize="row"))],
        labels=audit_labels(np.column_stack([y, y]).astype(np.int8), slices, gold=y),
        comparison=compare_audits(result, result),
        map=embedding_map(
            embedding, y, wrong, [(part.name, part.members) for part in found.confirmed], classes=CLASSES
        ),
        strips=[Strip("paced", (card,))],
        notes=["A note."],
        provenance={"sidelight": "1"},
    )


def test_the_page_answers_in_order_and_loads_nothing(findings):
    page = audit_page(findings)
    headings = re.findall(r"<h2 id=\"\w+\">([^<]+)</h2>", page)
    assert headings == [
        "How good overall", "Where worse, and how sure", "What is hidden", "Why", "What to do", "What changed",
        "Methods and caveats",
    ]  # fmt: skip
    assert not re.search(r"(?:src|href)=\"(?!#|data:image/png)", page)
    assert "<script" not in page
    assert "patient-" not in page, "no patient's name"
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert page == audit_page(findings), "the same bytes each time"


def test_a_page_with_less_says_less(findings):
    page = audit_page(Findings(findings.audit))
    assert "What is hidden" not in page
    assert "no search was made" in page


def test_json_reads_back_as_an_audit_and_holds_everything(findings):
    plain = json.loads(json.dumps(findings.to_json(), allow_nan=False))
    assert read_audit(plain).to_csv() == findings.audit.to_csv()
    assert (plain["classes"], plain["provenance"], plain["notes"]) == (
        list(CLASSES),
        {"sidelight": "1"},
        ["A note."],
    )
    assert plain["confusion"][0]["heading"] == "All records"
    assert sum(map(sum, plain["confusion"][0]["counts"])) == findings.audit.n_records
    for part in (
        "discovery",
        "subclasses",
        "mechanisms",
        "calibration",
        "fairness",
        "labels",
        "comparison",
        "advice",
    ):
        assert plain[part]


def test_the_worst_slice_leads_the_advice_with_its_mechanism(findings):
    first = advise(findings)[0]
    assert first.why.startswith("paced:")
    assert "low prevalence" in first.why
    assert any("tiny (4 records" in item.what for item in advise(findings)), "a collection plan"


def test_the_model_card_tells_the_same(findings):
    text = model_card(findings)
    assert "| paced |" in text
    assert "paced beats" in text
    assert "Not assessable: tiny (" in text


def test_a_folder_is_written(findings, tmp_path):
    findings.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "audit.json",
        "slices.csv",
        "model_card.md",
        "audit.html",
        "subclasses.toml",
    }


def test_calibration_off_in_one_slice_is_told_there_alone():
    random = np.random.default_rng(1)
    p = random.uniform(0.05, 0.95, 3000)
    late = np.arange(3000) < 600
    y = (random.random(3000) < np.where(late, p**2, p)).astype(int)
    rows = {
        row.slice: row
        for row in slice_calibration(y, p, {"late": late, "early": ~late, "few": np.arange(3000) < 9})
    }
    assert rows["late"].verdict == "too high"
    assert rows["early"].verdict == "no evidence"
    assert rows["few"].verdict == "not assessable"
    assert rows["early"].slope.low < 1 < rows["early"].slope.high


@pytest.mark.parametrize("shape", [(0, 2), (3, 1), (50, 1), (5, 4)])
def test_a_map_of_any_embedding_is_drawn_or_refused(shape):
    points = np.random.default_rng(0).normal(size=shape)
    if not shape[0]:
        with pytest.raises(ValueError, match="embedding has shape"):
            embedding_map(points, np.zeros(0, dtype=int), np.zeros(0, dtype=bool))
        return
    drawn = embedding_map(
        points, np.zeros(shape[0], dtype=int), np.arange(shape[0]) == 0, [("a", np.arange(shape[0]) < 3)]
    )
    assert "nan" not in drawn
