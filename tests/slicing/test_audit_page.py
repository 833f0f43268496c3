"""The page as a reader meets it: the worst first, numbers that tell, words that fit, and nothing a keyboard cannot reach."""

import re

import numpy as np
import pytest

from sidelight.labeling.statistics import Interval
from sidelight.slicing import (
    Findings,
    advise,
    audit,
    compare_audits,
    contrast_errors,
    fairness,
    slice_calibration,
)
from sidelight.slicing.embedding_map import MOST, embedding_map
from sidelight.slicing.forest import short_name, signed
from sidelight.slicing.model_card import model_card
from sidelight.slicing.page import (
    audit_page,
    in_reading_order,
    style_sheet,
    write_gap,
    write_interval,
    write_number,
)
from sidelight.slicing.volcano import volcano_plot

CLASSES = ("normal", "abnormal")
LONG = "x" * 300


@pytest.fixture(scope="module")
def model():
    """Predictions that are far too cautious, and worthless in one slice."""
    random = np.random.default_rng(0)
    n = 6000
    y, failing = random.integers(0, 2, n), random.random(n) < 0.1
    p = np.where(failing, 0.5, 0.35 + 0.3 * y) + random.normal(0, 0.05, n)
    slices = {"tiny": np.arange(n) < 5, LONG: random.random(n) < 0.3, "failing": failing}
    return y, p, slices


@pytest.fixture(scope="module")
def page(model):
    y, p, slices = model
    ages = np.array(["age ≤ 41", "41 < age ≤ 61", "age > 61"])[np.arange(len(y)) % 3]
    panel = fairness(y, np.where(ages == "age ≤ 41", 0.9, p), ages, order=["age ≤ 41", "41 < age ≤ 61"])
    findings = Findings(
        audit(y, p, slices),
        classes=CLASSES,
        calibration=slice_calibration(y, p, slices),
        fairness={"age": panel},
        contrast=contrast_errors(y, p, slices, classes=CLASSES),
    )
    return findings, audit_page(findings)


def test_slices_that_are_worse_come_first_and_those_too_small_last(model, page):
    y, p, slices = model
    result = audit(y, p, slices)
    for metric in result.metrics:
        assert [row.slice for row in in_reading_order(result, metric)] == ["failing", LONG, "tiny"]
    rows = re.findall(r'<th scope="row" class="name">([^<]+)</th>', page[1])
    assert rows[:3] == ["failing", LONG, "tiny"]


def test_the_page_says_what_sensitivity_is_about(page):
    assert "of class “abnormal”, which AUROC, Sensitivity and Specificity are about" in page[1]


def test_everything_that_scrolls_can_be_reached_and_every_header_says_something(page):
    for attributes in re.findall(r'<div class="(?:wide|scroll)"([^>]*)>', page[1]):
        assert 'tabindex="0"' in attributes
        assert "aria-label=" in attributes
    assert not re.search(r"<th[^>]*></th>", page[1])
    assert page[1].count('scope="rowgroup" rowspan="3"') == 6


def test_care_groups_are_told_in_their_order_and_their_column_once(page):
    findings, text = page
    assert list(findings.fairness["age"].groups) == ["age ≤ 41", "41 < age ≤ 61", "age > 61"]
    told = " ".join(f"{item.what} {item.why}" for item in advise(findings))
    assert "of age ≤ 41 " in told
    assert "age age" not in told + text


def test_probabilities_of_the_wrong_spread_are_off_though_their_mean_is_right(page):
    findings, text = page
    rows = {row.slice: row for row in findings.calibration}
    assert rows["all records"].off == ("too cautious",)
    assert rows["all records"].verdict == "no evidence"
    assert rows["all records"].slope_q < 0.001
    assert rows["failing"].off == ("too extreme",)
    assert rows["tiny"].off == ()
    assert "◆ too cautious" in text
    assert any("all records: too cautious" in item.why for item in advise(findings))


def test_probabilities_that_are_right_are_rarely_called_off():
    alarms = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        patients = np.repeat(np.arange(150), 2)
        p = random.uniform(0.05, 0.95, 150)[patients]
        y = (random.random(300) < p).astype(int)
        alarms += bool(slice_calibration(y, p, {"late": np.arange(300) < 120}, patients)[0].off)
    assert alarms <= 16, "twelve in two hundred would be six per cent of whole audits"


def test_narrow_intervals_have_three_digits_and_nought_no_sign():
    assert write_interval(Interval(0.9996, 0.9991, 0.9999)) == "1.000 [0.999, 1.000]"
    assert write_gap(Interval(-0.0004, -0.004, 0.003)) == "0.000 [−0.004, +0.003]"
    assert (write_number(-0.004), write_number(-0.2), signed(-0.001)) == ("0.00", "−0.20", "0.00")


def test_names_are_cut_to_their_room():
    assert short_name("device = CS-12") == "device = CS-12"
    assert len(short_name("W" * 99)) < len(short_name("i" * 99)) < 99
    assert len(short_name("日" * 99)) < 20


def test_errors_and_right_predictions_are_listed_by_how_sure_the_difference_is(model):
    y, p, slices = model
    rows = contrast_errors(y, p, slices, classes=CLASSES)
    known = [row.q for row in rows if not np.isnan(row.q)]
    assert known == sorted(known)
    assert all(np.isnan(row.q) for row in rows[len(known) :])


def test_a_map_says_when_it_leaves_marks_out_and_keeps_to_its_frame():
    random = np.random.default_rng(0)
    n = 3 * MOST
    wrong = np.arange(n) < n // 5
    points = random.standard_t(2, (n, 3))
    drawn = embedding_map(points, wrong, wrong, [("tail", points[:, 0] > np.quantile(points[:, 0], 0.99))])
    assert f"drawn: 1\u202f500 of {n - n // 5:,} right".replace(",", "\u202f") in drawn
    outline = re.search(r'<polygon points="([^"]+)" class="outline', drawn).group(1)
    places = np.array([pair.split(",") for pair in outline.split()], dtype=float)
    assert places.min() >= 3
    assert places[:, 0].max() <= 917
    assert "drawn:" not in embedding_map(points[:500], wrong[:500], wrong[:500])


def test_names_in_the_volcano_cover_no_mark():
    random = np.random.default_rng(0)
    y, failing = random.integers(0, 2, 20000), random.random(20000) < 0.1
    p = np.where(failing, 0.5, 0.15 + 0.7 * y) + random.normal(0, 0.1, 20000)
    drawn = volcano_plot(audit(y, p.clip(0, 1), {"failing": failing}), name="v")
    marks = [
        float(points.split()[1].split(",")[0])
        for points in re.findall(r'<polygon points="([^"]+)" class="mark worse"', drawn)
    ]
    starts = [float(x) for x in re.findall(r'<text x="([\d.]+)"[^>]*class="label worse"', drawn)]
    assert len(marks) == 4
    assert starts
    for start in starts:
        assert all(mark < start or mark > start + 100 for mark in marks)
    assert "10⁻⁶" in drawn


def test_the_model_card_says_what_it_is_about_and_lets_no_name_become_a_tag(model):
    y, p, slices = model
    names = {"<img src=x onerror=alert(1)>": slices["failing"], "[a](http://x) `b` *c*|d": slices["tiny"]}
    groups = np.where(np.arange(len(y)) % 2, "<b>f", "m")
    panel = fairness(y, np.where(groups == "m", p, 0.9), groups, reference="m")
    text = model_card(Findings(audit(y, p, names), classes=CLASSES, fairness={"sex": panel}))
    assert "AUROC, Sensitivity and Specificity are about the class “abnormal”." in text
    assert not re.search(r"<(?:img|b>)", text)
    assert "](http" not in text
    assert "Not assessable: [a]\\(http://x) \\`b\\` \\*c\\*|d (" in text
    assert "### Care groups that differ" in text
    assert "| sex &lt;b>f | Share of positives that are found (equal opportunity) |" in text
    assert re.search(r"\| Sensitivity \| \d+ \|", text)


def test_a_slice_of_all_records_is_told_to_have_no_rest(model):
    y, p, _ = model
    card = model_card(Findings(audit(y, p, {"everyone": np.ones(len(y), dtype=bool)})))
    assert "Not assessable: everyone (the rest has 0" in card


def test_a_comparison_shows_what_changed_before_what_did_not(model):
    y, p, slices = model
    both = {"failing": slices["failing"], "fine": ~slices["failing"]}
    before = np.where(slices["failing"], 0.15 + 0.7 * y, p)
    old = audit(y, before, {**both, "old": y == 1}, metrics=["auroc", "accuracy"])
    new = audit(y, p, {**both, "new": y == 0}, metrics=["auroc", "brier"])
    comparison = compare_audits(old, new)
    assert [row.verdict for row in comparison.changed][:1] == ["worse"]
    assert {row.slice for row in comparison.in_both} == {"all records", "failing", "fine"}
    assert "Measured only before: Accuracy." in comparison.notes
    assert "Measured only now: Brier score." in comparison.notes
    page = audit_page(Findings(new, comparison=comparison))
    section = page.split('id="changed"')[1].split('id="method"')[0]
    assert 0 < section.index("Changes that are sure.") < section.index("All comparisons.")
    assert "○ only" not in section


def test_names_on_the_map_do_not_cover_each_other():
    random = np.random.default_rng(0)
    points = random.normal(size=(400, 2))
    inside = points[:, 0] > 0
    drawn = embedding_map(points, inside, inside, [("found_1", inside), ("found_2", inside)])
    spots = [
        (float(x), float(y)) for x, y in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*class="tag', drawn)
    ]
    assert len(spots) == 2
    assert abs(spots[0][0] - spots[1][0]) > 60 or abs(spots[0][1] - spots[1][1]) > 17


def shine(colour):
    """Relative luminance of a colour, as accessibility guidelines reckon it."""
    parts = np.array(colour) / 255
    return float(
        np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_in_cells_of_any_shade_can_be_read(theme):
    style = style_sheet()
    roots = re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)
    names = dict(re.findall(r"--(\w+): #(\w{6})", roots[0 if theme == "light" else 1]))
    paper, ink, blue = (
        np.array([int(names[name][place : place + 2], 16) for place in (0, 2, 4)])
        for name in ("paper", "ink", "blue")
    )
    dark = style[style.index("text.mid") :]
    for step in range(1, 10):
        found = re.search(rf"\.heat-{step} {{ fill-opacity: (\S+);", dark if theme == "dark" else style)
        opacity = float((found or re.search(rf"\.heat-{step} {{ fill-opacity: (\S+);", style)).group(1))
        cell = shine(opacity * blue + (1 - opacity) * paper)
        on_paper = step >= 8 or (step >= 6 and theme == "dark")
        words = shine(paper if on_paper else ink)
        assert (max(cell, words) + 0.05) / (min(cell, words) + 0.05) >= 4.5, (step, theme)


def test_the_verdict_says_in_what_a_slice_is_worst_where_there_are_several_metrics(model):
    y, p, slices = model
    missed = (y == 1) & (np.arange(len(y)) % 7 == 0)
    score, given = np.where(missed, 0.2, p), {"failing": slices["failing"], "missed": missed}
    assert "(failing in AUROC)" in audit(y, p, slices).verdict
    assert "missed in sensitivity" in audit(y, score, given, metrics=["sensitivity", "brier"]).verdict
    assert "(failing)" in audit(y, p, slices, metrics=["auroc"]).verdict


def test_the_legend_of_a_map_tells_three_marks_apart_and_no_more():
    random = np.random.default_rng(0)
    points, gold = random.normal(size=(200, 4)), random.integers(0, 5, 200)
    drawn = embedding_map(points, gold, gold == 0, classes=[f"kind {code}" for code in range(5)])
    assert re.findall(r'class="tick">([^<]+)<', drawn) == [
        "kind 0",
        "kind 1",
        "other classes",
        "wrongly predicted",
    ]
    drawn = embedding_map(points, gold % 3, gold == 0, classes=["a", "b", "c" * 99])
    assert "c…" in drawn


def test_a_brier_score_stays_within_its_range_however_few_records_there_are():
    random = np.random.default_rng(0)
    y, p = random.integers(0, 2, 300), random.uniform(0.05, 0.95, 300)
    found = audit(y, p, {f"first {n}": np.arange(300) < n for n in (2, 3, 5, 9)}, metrics=["brier"])
    for row in found.rows:
        assert not row.value.high > 1
        assert not row.detectable_gap > 1
    assert found.rows[2].value.high > 0.5


def test_a_slice_of_another_prevalence_is_not_blamed_on_the_model_alone():
    rows = np.arange(600)
    y = (rows < 60).astype(int) | (rows % 4 == 0)
    p = np.where(rows < 60, 0.35, y * 0.8 + 0.1)
    result = audit(y, p, {"ill": rows < 60, "mixed": (rows >= 60) & (rows % 3 == 0)}, metrics=["brier"])
    why = advise(Findings(result, classes=("well", "ill")))[0].why
    assert "makes up 100% there and 25% of the rest" in why
    same = audit(y, np.where(rows % 3 == 0, 0.5, p), {"third": rows % 3 == 0}, metrics=["brier"])
    assert "makes up" not in advise(Findings(same))[0].why
    both = audit(y, p, {"ill": rows < 60}, metrics=["brier", "specificity"])
    assert "worse (ill in Brier score)" in both.verdict, "Brier is a name"


def test_a_slice_of_one_class_asks_for_no_more_records_to_rank():
    rows = np.arange(400)
    y, p = rows % 2, np.random.default_rng(0).uniform(0.1, 0.9, 400)
    found = Findings(
        audit(y, p, {"ill": (y == 1) & (rows < 60), "few": (y == 1) & (rows < 6)}, metrics=["auroc"])
    )
    needed = {row.slice: row.n_needed for row in found.audit.rows}
    assert needed["ill"] is None, "thirty ill records bring no well one"
    assert needed["few"] is not None, "three tell little of the next"
    told = " ".join(item.what for item in advise(found))
    assert "few (3 records" in told
    assert "ill (" not in told


def test_a_single_record_is_no_records_and_a_rest_too_small_needs_no_larger_slice():
    rows = np.arange(300)
    y = rows % 2
    page = audit_page(
        Findings(audit(y, y * 0.8 + 0.1, {"one": rows == 1, "most": rows > 3}, metrics=["sensitivity"]))
    )
    assert "1 positive record, 10 are needed" in page
    line = next(part for part in page.split("<tr") if 'class="name">most<' in part and "needed" in part)
    assert "a gap of" not in line.split("</tr>")[0]
