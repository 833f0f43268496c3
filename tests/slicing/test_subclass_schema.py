"""The schema of subclasses: a file that people write, what it may not say, and what its severities do."""

import math

import numpy as np
import pytest

from sidelight.labeling import InputError
from sidelight.slicing import Subclass, SubclassSchema, subclass_metrics

SCHEMA = SubclassSchema(
    (
        Subclass("subtle", "fracture", severity=4, share=0.1, values=("faint", "very subtle")),
        Subclass('a "quoted" name', severity=0.5),
    ),
    author="two radiologists",
    date="2026-11-02",
)


def test_it_is_written_and_read_back(tmp_path):
    assert SubclassSchema.read(SCHEMA.write(tmp_path / "subclasses.toml")) == SCHEMA


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[subclass]]\nname = 'a'\nseverity = -1", "subclass 1: severity"),
        ("[[subclass]]\nname = 'a'\n[[subclass]]\nname = 'b'\nshare = 2", "subclass 2: share"),
        ("[[subclass]]\nname = 'a'\nharm = 2", "subclass 1: unknown key 'harm'"),
        ("[[subclass]]\nname = 3", "subclass 1: name is a string"),
        ("[[subclass]]\nseverity = 3", "subclass 1: a subclass needs a name"),
        ("[[subclass]]\nname = 'a'\nseverity = nan", "subclass 1: severity"),
        ("[[subclass]]\nname = 'a'\nseverity = true", "severity is a number"),
        ("[[subclass]]\nname = 'a'\nvalues = 'b'", "values is a list"),
        ("[[subclass]]\nname = 'a'\n[[subclass]]\nname = 'b'\nvalues = ['a']", "'a' stands for two"),
        ("subclass = 3", "written as"),
        ("format = 9", "reads format 1"),
        ("strata = 1", "unknown key 'strata'"),
        ("author = 1 2\n[[subclass]]", "line 1"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, told):
    file = tmp_path / "subclasses.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=r"subclasses\.toml") as raised:
        SubclassSchema.read(file)
    assert told in str(raised.value)


def cases(n=2000, seed=0):
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    kind = np.where(y == 1, random.choice(["faint", "plain", "mild"], n, p=[0.1, 0.6, 0.3]), "")
    wrong = random.random(n) < np.select([kind == "faint", kind == "mild"], [0.4, 0.3], 0.05)
    return y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, kind.tolist(), wrong


def test_severities_order_the_gaps_and_weigh_the_errors():
    y, proba, kind, wrong = cases()
    table = subclass_metrics(y, proba, kind, classes=["normal", "fracture"], schema=SCHEMA)
    assert [row.subclass for row in table.hidden] == ["subtle", "mild"], "severity before size"
    assert table.rows[0].expected_share == 0.1
    weight = np.where(np.array(kind) == "faint", 4.0, 1.0)
    assert table.weighted_errors.estimate == pytest.approx((weight @ wrong) / weight.sum())
    assert table.weighted_errors.low < table.weighted_errors.estimate < table.weighted_errors.high
    assert table.errors.estimate == pytest.approx(wrong.mean())
    assert table.unlisted == ("mild", "plain")
    assert {row.subclass: row.verdict for row in table.rows}['a "quoted" name'] == "not seen"
    assert table.annotated == {"normal": 0.0, "fracture": 1.0}


def test_without_severities_nothing_is_weighed():
    y, proba, kind, _ = cases()
    table = subclass_metrics(y, proba, kind)
    assert not table.weighted
    assert table.weighted_errors.estimate == pytest.approx(table.errors.estimate)
    assert table.unlisted == ()


def test_intervals_of_weighted_errors_hold_the_truth():
    held, runs = 0, 300
    weight = np.array([4.0, 1.0, 1.0, 1.0])
    shares, rates = np.array([0.05, 0.3, 0.15, 0.5]), np.array([0.4, 0.05, 0.3, 0.05])
    truth = (weight * shares) @ rates / (weight @ shares)
    for seed in range(runs):
        y, proba, kind, _ = cases(500, seed)
        found = subclass_metrics(
            y, proba, kind, classes=["normal", "fracture"], schema=SCHEMA
        ).weighted_errors
        held += found.low <= truth <= found.high
    assert 0.92 <= held / runs <= 0.985


def test_the_schema_is_completed_with_what_is_seen():
    y, proba, kind, _ = cases()
    done = subclass_metrics(y, proba, kind, classes=["normal", "fracture"], schema=SCHEMA).completed()
    assert done.names == ("subtle", 'a "quoted" name', "mild", "plain")
    assert (done.subclasses[2].within, done.subclasses[2].severity) == ("fracture", 1.0)
    assert math.isnan(done.subclasses[2].share)
    assert done.author == "two radiologists"


def test_a_class_that_is_not_there_is_told():
    y, proba, kind, _ = cases(100)
    with pytest.raises(ValueError, match="names the class 'fracture'; there are a, b"):
        subclass_metrics(y, proba, kind, classes=["a", "b"], schema=SCHEMA)
