"""Findings without small cells: what stands in their place in each output, what is left out, what is refused."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from sidelight.labeling.statistics import Interval
from sidelight.slicing import (
    AuditedRecords,
    Findings,
    SubclassSchema,
    audit,
    audit_labels,
    compare_audits,
    read_audit,
    subclass_metrics,
    withhold_small_cells,
)
from sidelight.slicing.model_card import model_card
from sidelight.slicing.page import audit_page

from .audited_case import SMALLEST, Case, N, made, small_counts


@pytest.fixture(scope="module")
def case():
    return made(0)[0]


@pytest.fixture(scope="module")
def full():
    return made(0)[1:]


@pytest.fixture(scope="module")
def shared(case, full):
    found, records = full
    votes = np.column_stack([case.y, np.where(np.arange(N) % 7 < 3, case.y, -1)]).astype(np.int8)
    labels = audit_labels(votes, case.slices, gold=case.y, smallest_cell=SMALLEST)
    return replace(withhold_small_cells(found, records, SMALLEST), labels=labels)


def test_slices_at_the_threshold_are_told_and_below_it_marked(shared):
    rows = {row.slice: row for row in shared.audit.of("brier")}
    assert (rows["fours"].n, rows["fours"].withheld, rows["fours"].verdict) == (None, "<5", "not assessable")
    assert rows["site = tiny"].withheld == "<5"
    assert rows["nearly all"].withheld == "<5", "four records are outside of it"
    assert rows["paced"].n is not None
    assert rows["paced"].verdict == "worse"


def test_of_the_sites_one_more_is_withheld_and_of_nested_slices_one(shared):
    rows = {row.slice: row for row in shared.audit.of("brier")}
    sites = [rows[f"site = {name}"].withheld for name in ("tiny", "small", "east", "west")]
    assert sites == ["<5", "withheld", "", ""], "all records less the other three would be the tiny one"
    assert sorted([rows["wide"].withheld, rows["within wide"].withheld]) == ["", "withheld"]


def test_patients_are_what_counts():
    case = Case(patients=np.where(np.arange(N) < 60, np.arange(N) // 20, np.arange(N)))
    found, records = case.findings()
    rows = {row.slice: row for row in withhold_small_cells(found, records, SMALLEST).audit.of("brier")}
    assert rows["site = small"].withheld == "<5", "57 records of three patients"


def test_a_verdict_stays_where_its_figures_are_withheld():
    y = np.arange(400) % 2
    late = np.arange(400) < 60
    p = np.where(late & (y == 1) & (np.arange(400) > 4), 0.2, y * 0.8 + 0.1)
    found = audit(y, p, {"late": late}, metrics=["sensitivity"], smallest_cell=5)
    row = found.rows[0]
    assert (row.verdict, row.withheld, row.n) == ("worse", "<5", 60), "two of thirty were found"
    assert row.q != row.q
    assert "late" in found.verdict
    assert "1 of 1" in found.verdict
    assert "withheld" in audit_page(Findings(found)).split("What to do")[-1]


def test_a_rest_with_a_few_errors_is_withheld_with_its_slice():
    rows, y = np.arange(400), np.ones(400, dtype=int)
    y[300:] = 0
    missed = (rows < 40) | ((rows >= 200) & (rows < 202))
    found = audit(y, np.where(missed, 0.2, y * 0.8 + 0.1), {"early": rows < 100}, metrics=["sensitivity"])
    assert (found.rows[0].rest.n, round(200 * (1 - found.rows[0].rest.estimate))) == (200, 2)
    shared = audit(
        y,
        np.where(missed, 0.2, y * 0.8 + 0.1),
        {"early": rows < 100},
        metrics=["sensitivity"],
        smallest_cell=5,
    )
    assert shared.rows[0].withheld == "<5", "40 of 100 in the slice; all 42 less these are the rest's two"
    assert shared.overall[0].value.estimate == found.overall[0].value.estimate


def test_the_page_the_card_and_the_tables_hold_nothing_of_small_slices(full, shared):
    hidden = [row for row in full[0].audit.rows if row.slice in ("fours", "site = tiny", "nearly all")]
    page, card, table = audit_page(shared), model_card(shared), shared.audit.to_csv()
    for row in hidden:
        cells = re.findall(rf'<th scope="row" class="name">{row.slice}</th>(.*?)</tr>', page)
        assert cells
        for found in cells:
            text = re.sub(r"<[^>]+>|&lt;5|below 5", " ", found)
            assert not re.search(r"\d", text), (row.slice, text)
    for line in table.splitlines():
        if line.startswith(("fours,", "site = tiny,", "nearly all,")):
            assert not re.search(r"(?<![<\w])\d", re.sub(r"below 5|<5|0\.95|fours|\b[01]\.0\b", "", line)), (
                line
            )
    assert "Not assessable" in card
    for text in (page, card):
        assert "Small cells are withheld" in text
        assert "every record" not in text
        assert "gold abnormal" not in text
    assert shared.strips == ()
    assert "<5" in str(shared.audit)


def test_drawings_place_no_mark_for_what_is_withheld(full, shared):
    plot = audit_page(shared).split('class="figure forest"')[1].split("</svg>")[0]
    before = audit_page(full[0]).split('class="figure forest"')[1].split("</svg>")[0]
    withheld = [row for row in shared.audit.of("auroc") if row.withheld]
    shown = [row for row in full[0].audit.of("auroc") if row.value.estimate == row.value.estimate]
    lost = {row.slice for row in withheld} & {row.slice for row in shown}
    assert lost
    marks = [len(re.findall(r'class="mark|<(?:circle|polygon)', text)) for text in (before, plot)]
    assert marks[0] - marks[1] >= len(lost)
    assert "nan" not in audit_page(shared)
    written = re.findall(r">(&lt;5|withheld)</text>", plot)
    n_hidden = sum(row.n is None for row in withheld)
    assert len(written) == len(withheld) + n_hidden, "in place of each estimate, and of each count"


def test_what_shows_single_records_and_training_records_is_left_out(shared):
    assert (shared.map, shared.review, shared.comparison) == ("", None, None)
    assert all(part.evidence == "its figures are withheld" for part in shared.mechanisms["paced"])
    for part in shared.discovery.slices:
        assert part.terms == ()
        assert "%" not in part.description


def test_labels_of_slices_of_a_few_are_left_out(shared):
    groups = {row.group for row in shared.labels.rows}
    assert "paced" in groups
    assert not {"fours", "site = tiny", "nearly all"} & groups
    assert list(small_counts(shared.labels.to_json())) == []


def test_rare_subclasses_are_no_names_in_a_new_schema(shared):
    rows = {row.subclass: row for row in shared.subclasses.rows}
    assert (rows["rare"].n, rows["rare"].recall.reason) == (None, "<5")
    assert rows["paced beats"].verdict == "hidden gap"
    assert "rare" not in shared.subclasses.completed().names
    assert isinstance(shared.subclasses.completed(), SubclassSchema)


def test_a_hidden_gap_whose_size_is_withheld_says_so_in_the_card(full):
    findings = full[0]
    gap = findings.subclasses.hidden[0]
    nothing = Interval.missing("withheld")
    row = replace(gap, n=None, n_patients=None, recall=nothing, rest=nothing, gap=nothing, q=np.nan)
    card = model_card(replace(findings, subclasses=replace(findings.subclasses, rows=(row,))))
    assert f"| {gap.subclass} | {gap.within} | withheld | withheld | " in card
    assert "None" not in card


def test_a_subclass_with_a_few_misses_keeps_its_number_and_loses_its_share():
    case = Case()
    case.proba[:, 1] = np.where(np.arange(N) % 9 == 0, 1 - case.y, case.y) * 0.8 + 0.1
    case.proba[:, 0] = 1 - case.proba[:, 1]
    beats = np.flatnonzero((case.y == 1) & case.paced)
    case.proba[beats] = [0.1, 0.9]
    case.proba[beats[:2]] = [0.9, 0.1]
    case.subclasses = [name.replace("rare", "plain") for name in case.subclasses]
    found, records = case.findings()
    rows = {row.subclass: row for row in withhold_small_cells(found, records, SMALLEST).subclasses.rows}
    assert (rows["paced beats"].n, rows["paced beats"].recall.reason) == (len(beats), "<5")
    assert rows["paced beats"].verdict == "better"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("near 4 records in the embedding 'model'", "near fewer than 5 records in the embedding 'model'"),
        ("near 5 records in the embedding 'model'", "near 5 records in the embedding 'model'"),
        ('text holds "rare words" and age > 60', "text holds some word and age > 60"),
    ],
)
def test_a_found_slice_is_told_by_no_word_of_a_report_and_no_few_neighbours(full, words, told):
    class Rule:
        label, method = 1, "made up"

        def words(self):
            return words

    found, records = full
    part = replace(
        found.discovery.slices[0], rule=Rule(), description=f'class 1, {words}: sex is f (80% against 20%), "term"',
        traits=("sex is f (80% against 20%)",), terms=("term",), members=records.y == 1,
    )  # fmt: skip
    only = replace(found, discovery=replace(found.discovery, slices=(part,)))
    kept = withhold_small_cells(only, records, SMALLEST).discovery.slices
    assert [part.description for part in kept] == [f"class 1, {told}: sex is f"]
    assert json.loads(json.dumps(kept[0].to_json()))["terms"] == []


def test_the_order_of_what_is_withheld_tells_nothing():
    random = np.random.default_rng(0)
    y, names = np.ones(400, dtype=int), np.array(["many"] * 400, dtype=object)
    y[300:] = 0
    for place, name in enumerate(["d", "b", "a", "c"]):
        names[3 * place : 3 * place + 3] = name
    p = y * 0.8 + 0.1
    p[[0, 1, 2, 3, 4, 6]] = 0.1  # d, b and a are missed more and more rarely, c never
    p[20:60] = 0.1
    classes, slices = ("well", "ill"), {"any": random.random(400) < 0.5}
    found = Findings(
        audit(y, p, slices),
        classes=classes,
        subclasses=subclass_metrics(y, p, names.tolist(), classes=classes),
    )
    assert [row.subclass for row in found.subclasses.rows if row.n == 3] == ["d", "b", "a", "c"]
    shared = withhold_small_cells(found, AuditedRecords(y, p, slices, None, names.tolist()), SMALLEST)
    assert [row.subclass for row in shared.subclasses.rows if row.n is None][:4] == ["a", "b", "c", "d"]


def test_a_found_slice_that_leaves_a_few_of_its_class_is_dropped(case, full):
    found, records = full
    part = found.discovery.slices[0]
    names = []
    for left in (4, 5):
        inside = case.y == part.label if part.label is not None else np.ones(N, dtype=bool)
        inside[np.flatnonzero(inside)[-left:]] = False
        only = replace(found.discovery, slices=(replace(part, members=inside),))
        shared = withhold_small_cells(replace(found, discovery=only), records, SMALLEST)
        names.append([kept.name for kept in shared.discovery.slices])
    assert names == [[], [part.name]]


def test_an_audit_without_small_cells_is_read_back_and_compared(full, shared):
    again = read_audit(json.loads(json.dumps(shared.to_json())))
    assert again.to_csv() == shared.audit.to_csv()
    for old, new in ((again, full[0].audit), (full[0].audit, again), (again, again)):
        rows = {(row.slice, row.metric): row for row in compare_audits(old, new).rows}
        assert rows["paced", "brier"].change.estimate == 0
        assert rows["fours", "brier"].verdict == "not assessable"
    one = replace(
        full[0].audit, rows=tuple(replace(row, slice="gone") for row in full[0].audit.of("brier")[:1])
    )
    gone = [row.before for row in compare_audits(one, again).rows if row.slice == "gone"]
    assert [value.reason for value in gone] == ["withheld"], "nobody looked at what it would tell"
    told = compare_audits(full[0].audit, again)
    assert list(small_counts(told.to_json())) == []
    assert not told.paired
    assert "pairs would tell how few" in told.notes[0]


def test_the_sentence_on_what_is_withheld_is_there_only_when_something_may_be(full):
    assert "Small cells" not in audit_page(full[0])
    assert "Small cells" not in model_card(full[0])
    assert "smallest_cell" not in full[0].audit.settings


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ({"subclasses": None}, "subclasses"),
        ({"groups": {}}, "fairness"),
        ({"confusion": ()}, "2 tables of confusion"),
        ({"searched": np.arange(5)}, "900 records were searched"),
    ],
)
def test_findings_that_cannot_be_looked_into_are_refused(full, lost, told):
    found, records = full
    with pytest.raises(ValueError, match=told):
        withhold_small_cells(found, replace(records, **lost), SMALLEST)


def test_fewer_patients_than_the_threshold_in_all_are_refused():
    y = np.arange(4) % 2
    with pytest.raises(ValueError, match="fewer than 5 patients in all"):
        audit(y, y * 0.8 + 0.1, {"all": y >= 0}, metrics=["accuracy"], smallest_cell=5)
