"""Intervals and alarms of simulated audits keep the rates they promise."""

import math

import numpy as np
import pytest

from sidelight.slicing import audit

from .test_audit import simulate


@pytest.mark.slow
def test_intervals_of_slices_and_gaps_cover_as_often_as_they_say():
    rng = np.random.default_rng(0)
    hits: dict[str, list[bool]] = {}
    truth = {"auroc": 0.5 * math.erfc(-1.2 / 2), "sensitivity": 0.5 * math.erfc(-0.6 / math.sqrt(2))}
    for _ in range(300):
        n_patients, repeats = 250, 3
        patients = np.repeat(np.arange(n_patients), repeats)
        y = (rng.random(n_patients) < 0.45)[patients].astype(int)
        score = (
            0.7 * rng.normal(size=n_patients)[patients]
            + math.sqrt(0.51) * rng.normal(size=len(y))
            + 1.2 * (y - 0.5)
        )
        p = 1 / (1 + np.exp(-score))
        by_patient = (rng.random(n_patients) < 0.25)[patients]
        by_record = rng.random(len(y)) < 0.25
        report = audit(y, p, {"a": by_patient, "b": by_record}, patients, metrics=("auroc", "sensitivity"))
        for row in report.rows:
            name = row.metric
            hits.setdefault(name, []).append(row.value.low <= truth[name] <= row.value.high)
            hits.setdefault(name + " gap", []).append(row.gap.low <= 0 <= row.gap.high)
            hits.setdefault(name + " p", []).append(row.gap.p > 0.05)
    for name, found in hits.items():
        assert 0.925 <= np.mean(found) <= 0.98, (name, np.mean(found))


@pytest.mark.slow
def test_false_alarms_stay_below_q():
    rng = np.random.default_rng(1)
    alarms = 0
    for run in range(150):
        y, p, _, _ = simulate(n=800, seed=run)
        slices = {f"s{i}": rng.random(800) < 0.2 for i in range(15)}
        report = audit(y, p, slices, metrics=("auroc", "accuracy"))
        alarms += any(row.verdict not in ("no evidence", "not assessable") for row in report.rows)
    assert alarms / 150 <= 0.09
