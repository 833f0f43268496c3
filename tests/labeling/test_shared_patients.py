"""Intervals know that records of one patient say less than as many records of different ones."""

import numpy as np
import pytest

from sidelight.labeling import LFAnalysis, LFApplier, keyword_lf
from sidelight.labeling.statistics import clustered_proportion, shared_patients, wilson_interval

FUNCTIONS = [keyword_lf("fluid", ["fluid"], 1), keyword_lf("clear", ["clear"], 0)]


def summary(patients):
    rows = [{"id": f"r{n}", "text": "fluid" if n % 4 else "clear"} for n in range(40)]
    for row, patient in zip(rows, patients, strict=True):
        row["patient_id"] = patient
    gold = [int(n % 8 < 5) for n in range(40)]
    return LFAnalysis(LFApplier(FUNCTIONS).apply(rows)).lf_summary(gold)


def test_precision_is_wilsons_where_no_patient_recurs():
    for patients in ([f"p{n}" for n in range(40)], [None] * 40):
        row = summary(patients).loc["fluid"]
        low, high = wilson_interval(np.array([15]), np.array([30]))
        assert (row.correct, row.correct + row.incorrect) == (15, 30)
        assert (row.precision_lo, row.precision_hi) == pytest.approx((low[0], high[0]))


def test_precision_is_less_sure_where_patients_recur():
    alone = summary([f"p{n}" for n in range(40)]).loc["fluid"]
    together = summary([f"p{n % 8}" for n in range(40)]).loc["fluid"]
    assert together.precision == alone.precision
    assert together.precision_lo < alone.precision_lo
    assert together.precision_hi > alone.precision_hi
    judged = [n for n in range(40) if n % 4]
    known = clustered_proportion([n % 8 < 5 for n in judged], [n % 8 for n in judged])
    assert (together.precision_lo, together.precision_hi) == pytest.approx((known.low, known.high))


def test_a_record_without_a_patient_stands_alone():
    assert shared_patients(np.array(["b", "", "a", "b", ""])).tolist() == [1, 2, 0, 1, 3]
    assert shared_patients(np.array(["", ""])) is None
    assert shared_patients(None) is None
