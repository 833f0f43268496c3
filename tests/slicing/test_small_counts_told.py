"""What is told of findings without small cells holds no count of a few, and lets nobody reckon one."""

import json

import numpy as np
import pytest

from sidelight.slicing import (
    withhold_small_cells,
)

from .audited_case import CLASSES, N, made, small_counts


@pytest.fixture(scope="module")
def full():
    return made(0)[1:]


def test_the_walker_finds_small_counts_where_nothing_is_withheld(full):
    found = {path.split(".")[1] for path, _ in small_counts(full[0].to_json())}
    assert {
        "rows",
        "subclasses",
        "calibration",
        "fairness",
        "intersections",
        "contrast",
        "confusion",
    } <= found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("smallest", [5, 11])
def test_no_count_in_the_json_is_small_in_itself_in_its_share_or_in_what_it_leaves(seed, smallest):
    _, found, records = made(seed)
    plain = json.loads(json.dumps(withhold_small_cells(found, records, smallest).to_json(), allow_nan=False))
    assert list(small_counts(plain, smallest=smallest)) == []
    told = [row for row in plain["rows"] if row["n"] is not None]
    assert len(told) > 10, "and much is left"
    assert plain["overall"][0]["value"]["estimate"] is not None


def told_groups(plain, case):
    """Return the groups whose sizes follow from what the JSON tells, read off it figure by figure."""
    y, right = case.y == 1, case.proba.argmax(axis=1) == case.y
    everyone, groups = np.ones(N, dtype=bool), []

    def tell(value, group, hits=None):
        if value is not None and not (isinstance(value, dict) and value["estimate"] is None):
            groups.extend([group] if hits is None else [group, group & hits])

    for item in plain["overall"]:
        own = {"sensitivity": (y, right), "specificity": (~y, right), "auroc": (y,)}.get(
            item["metric"], (everyone,)
        )
        tell(item["value"], *own)
    for row in plain["rows"]:
        inside = case.slices[row["slice"]]
        tell(row["n"], inside)
        tell(row["n_positive"], inside & y)
        for side, name in ((inside, "value"), (~inside, "rest")):
            own = {"sensitivity": (side & y, right), "specificity": (side & ~y, right), "auroc": (side & y,)}
            tell(row[name], *own.get(row["metric"], (side,)))
    for row in plain["calibration"]:
        inside = case.slices.get(row["slice"], everyone)
        tell(row["observed"], inside, y)
    for row in plain["contrast"]:
        own = y if row["subject"] == CLASSES[1] else ~y
        tell(row["value"], own & ~right, case.slices[row["group"]])
        tell(row["rest"], own & right, case.slices[row["group"]])
    table = plain["subclasses"]
    parts = np.array(case.subclasses, dtype=str)
    tell(table["n_without"], parts == "")
    tell(table["errors"], everyone, right)
    for row in table["rows"]:
        own = y if row["within"] == CLASSES[1] else ~y
        inside = own & (parts == row["subclass"])
        tell(row["n"], inside)
        tell(row["recall"], inside, right)
        tell(row["rest"], own & ~inside, right)
    for group, n in plain["fairness"]["sex"]["groups"].items():
        tell(n, case.sex == group)
    called = case.proba[:, 1] >= 0.5
    for row in plain["fairness"]["sex"]["rows"]:
        own = {
            "selection": (everyone, called), "sensitivity": (y, called), "false-positive rate": (~y, called),
            "precision": (called, y), "accuracy": (everyone, right), "calibration": (everyone, None),
        }[row["measure"]]  # fmt: skip
        for name, side in (("value", case.sex == row["group"]), ("rest", case.sex != row["group"])):
            tell(row[name], own[0] & side, own[1])
    for row in plain["intersections"]["rows"]:
        inside = np.all(
            [case.slices[s] == (s in row["slices"]) for s in plain["intersections"]["names"]], axis=0
        )
        tell(row["n"], inside)
        tell(row["errors"], inside, right)
    for table, rows in zip(plain["confusion"], (everyone, case.slices["good"]), strict=True):
        for i, line in enumerate(table["counts"]):
            for j, count in enumerate(line):
                tell(count, rows & (case.y == i) & (case.proba.argmax(axis=1) == j))
    return groups


def secret_groups(case, smallest):
    """Return the groups of a few records that have a name: slices, subclasses, care groups, and what is right of them."""
    y, right = case.y == 1, case.proba.argmax(axis=1) == case.y
    parts = np.array(case.subclasses, dtype=str)
    named = [side for members in case.slices.values() for side in (members, ~members)]
    named += (
        [parts == name for name in set(parts.tolist())]
        + [case.sex == name for name in "fm"]
        + [case.sex == "other"]
    )
    named += [
        outer & ~inner
        for outer in case.slices.values()
        for inner in case.slices.values()
        if not (inner & ~outer).any()
    ]
    cells = [np.ones(N, dtype=bool), y, ~y, y & right, y & ~right, ~y & right, ~y & ~right]
    found = [group & cell for group in named[: 2 * len(case.slices)] for cell in cells] + named
    return [group for group in found if 0 < group.sum() < smallest]


def could_be_reckoned(told, secret):
    """Return which secret groups are combinations of those told, by least squares."""
    basis = np.array([np.ones(N), *told], dtype=float).T
    targets = np.array(secret, dtype=float).T
    left = targets - basis @ np.linalg.lstsq(basis, targets, rcond=None)[0]
    return np.linalg.norm(left, axis=0) < 1e-6


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("smallest", [5, 11])
def test_no_small_group_can_be_reckoned_from_all_that_the_json_tells(seed, smallest):
    case, found, records = made(seed)
    secret = secret_groups(case, smallest)
    assert could_be_reckoned(told_groups(found.to_json(), case), secret).all(), "where nothing is withheld"
    told = told_groups(withhold_small_cells(found, records, smallest).to_json(), case)
    assert len(told) > 50
    assert not could_be_reckoned(told, secret).any()
