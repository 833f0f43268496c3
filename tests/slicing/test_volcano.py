"""Two pictures of an audit: all tests at once, and where slices meet."""

import json
import re

import numpy as np
import pytest

from sidelight.slicing import audit, slice_intersections
from sidelight.slicing.volcano import volcano_plot


@pytest.fixture(scope="module")
def case():
    """Paced rhythms fail, and those of the old fail most."""
    random = np.random.default_rng(0)
    n = 2000
    y, paced, old = random.integers(0, 2, n), random.random(n) < 0.2, random.random(n) < 0.4
    wrong = random.random(n) < np.select([paced & old, paced], [0.5, 0.2], 0.05)
    slices = {"paced": paced, "old": old, "tiny": np.arange(n) < 4, "<b>": random.random(n) < 0.5}
    return y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, slices, wrong


def test_every_assessable_test_is_a_mark_and_what_is_called_is_named(case):
    y, proba, slices, _ = case
    result = audit(y, proba, slices)
    svg = volcano_plot(result, name="v")
    able = [row for row in result.rows if row.assessable and not np.isnan(row.gap.p)]
    marks = len(re.findall(r'class="mark ', svg))
    assert marks == len(able)
    assert "paced, " in svg
    assert "tiny" not in svg
    assert "<b>" not in svg


def test_a_metric_of_which_less_is_better_is_turned_round(case):
    y, proba, slices, _ = case
    svg = volcano_plot(
        audit(y, proba, {"paced": slices["paced"], "old": slices["old"]}, metrics=["brier"]), name="v"
    )
    x = [
        float(points.split(",")[0])
        for points in re.findall(r'<polygon points="([^"]*)" class="mark worse"', svg)
    ]
    assert x
    assert max(x) < 480, "a higher Brier score lies to the left, where worse lies"


def test_nothing_is_drawn_of_nothing(case):
    y, proba, slices, _ = case
    assert volcano_plot(audit(y, proba, {"tiny": slices["tiny"]}), name="v") == ""


def test_without_a_finding_no_line_is_drawn():
    random = np.random.default_rng(1)
    y = random.integers(0, 2, 400)
    result = audit(y, random.random(400), {"a": random.random(400) < 0.5, "b": random.random(400) < 0.3})
    assert "called from here on" not in volcano_plot(result, name="v")


def test_combinations_hold_every_record_once(case):
    y, proba, slices, wrong = case
    found = slice_intersections(y, proba, slices)
    assert sum(row.n for row in found.rows) + found.n_other == len(y)
    both = next(row for row in found.rows if row.slices == ("paced", "old"))
    inside = slices["paced"] & slices["old"] & ~slices["tiny"] & ~slices["<b>"]
    assert both.n == inside.sum()
    assert both.errors.estimate == pytest.approx(wrong[inside].mean())
    assert [row.n for row in found.rows] == sorted((row.n for row in found.rows), reverse=True)
    assert all(row.few == (row.n < 20) for row in found.rows)
    json.dumps(found.to_json(), allow_nan=False)


def test_the_picture_marks_what_is_surely_worse_and_keeps_names_as_words(case):
    y, proba, slices, _ = case
    found = slice_intersections(y, proba, slices, names=["paced", "old", "<b>"], most=7)
    assert found.n_other > 0
    svg = found.to_svg()
    worse = [row for row in found.rows if row.errors.low > found.errors.high]
    assert worse
    assert svg.count('class="mark worse"') == len(worse)
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg


def test_records_without_gold_belong_to_no_combination():
    y = np.array([0, 1, -1, 1] * 30)
    found = slice_intersections(y, np.full(120, 0.4), {"a": np.arange(120) < 60})
    assert sum(row.n for row in found.rows) == 90
