import json
import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, precision_score, recall_score, roc_auc_score

from sidelight.labeling.statistics import (
    auroc,
    benjamini_hochberg,
    clustered_bootstrap,
    delong,
    fisher_mid_p,
    holm,
    interval_difference,
    proportion,
)
from sidelight.slicing import METRICS, Metric, Support, as_slices, audit


def simulate(n=600, seed=0, repeats=1, gap=0.0):
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(n // repeats), repeats)
    y = (rng.random(n) < 0.45).astype(int)
    old = rng.random(n) < 0.3
    signal = 2.0 * (y - 0.5) * np.where(old, 1 - gap, 1)
    p = 1 / (1 + np.exp(-(signal + rng.normal(size=n))))
    return y, p, old, patients


# -- numbers -------------------------------------------------------------------------------------------


def test_estimates_equal_those_of_scikit_learn():
    y, p, old, _ = simulate()
    report = audit(y, p, {"old": old}, metrics=tuple(METRICS))
    called = p >= 0.5
    for metric, expected in {
        "auroc": lambda m: roc_auc_score(y[m], p[m]),
        "accuracy": lambda m: np.mean(called[m] == y[m]),
        "sensitivity": lambda m: recall_score(y[m], called[m]),
        "specificity": lambda m: recall_score(1 - y[m], ~called[m]),
        "precision": lambda m: precision_score(y[m], called[m]),
        "brier": lambda m: brier_score_loss(y[m], p[m]),
    }.items():
        (row,) = report.of(metric)
        assert row.value.estimate == pytest.approx(expected(old))
        assert row.rest.estimate == pytest.approx(expected(~old))
        assert row.gap.estimate == pytest.approx(expected(old) - expected(~old))
    whole = {item.metric: item.value.estimate for item in report.overall}
    assert whole["auroc"] == pytest.approx(roc_auc_score(y, p))


def test_intervals_are_the_published_ones_when_patients_do_not_repeat():
    y, p, old, _ = simulate()
    report = audit(y, p, {"old": old}, metrics=("auroc", "sensitivity"))
    area, sensitivity = report.rows
    expected = delong(y[old], p[old]).interval()
    assert (area.value.low, area.value.high) == pytest.approx((expected.low, expected.high))
    hit, positive = ((p >= 0.5) & (y == 1)), y == 1
    inside = proportion(int((hit & old).sum()), int((positive & old).sum()))
    rest = proportion(int((hit & ~old).sum()), int((positive & ~old).sum()))
    assert (sensitivity.value.low, sensitivity.value.high) == pytest.approx((inside.low, inside.high))
    newcombe = interval_difference(inside, rest)
    assert (sensitivity.gap.low, sensitivity.gap.high) == pytest.approx((newcombe.low, newcombe.high))
    expected_p = fisher_mid_p(int((hit & old).sum()), inside.n, int((hit & ~old).sum()), rest.n)
    assert sensitivity.gap.p == pytest.approx(expected_p)
    assert (area.method, sensitivity.method) == ("DeLong", "Wilson")


def test_repeated_patients_widen_every_interval():
    y, p, old, _ = simulate(n=300, gap=0.5)
    once = audit(y, p, {"old": old}, metrics=("auroc", "accuracy", "brier"))
    four = [np.repeat(column, 4) for column in (y, p, old)]
    honest = audit(
        *four[:2], {"old": four[2]}, np.repeat(np.arange(300), 4), metrics=("auroc", "accuracy", "brier")
    )
    naive = audit(*four[:2], {"old": four[2]}, metrics=("auroc", "accuracy", "brier"))
    for one, many, wrong in zip(once.rows, honest.rows, naive.rows, strict=True):
        width = one.value.high - one.value.low
        assert many.value.high - many.value.low == pytest.approx(width, rel=0.12)
        assert wrong.value.high - wrong.value.low < 0.6 * width
        assert many.gap.high - many.gap.low == pytest.approx(one.gap.high - one.gap.low, rel=0.12)


def test_bootstrap_agrees_with_the_formulas():
    y, p, old, patients = simulate(n=900, repeats=3, gap=0.4)
    names = ("auroc", "accuracy", "sensitivity")
    formula = audit(y, p, {"old": old}, patients, metrics=names)
    resampled = audit(y, p, {"old": old}, patients, metrics=names, intervals="bootstrap", n_draws=1500)
    for one, other in zip(formula.rows, resampled.rows, strict=True):
        assert one.value.estimate == pytest.approx(other.value.estimate)
        for part in ("value", "rest", "gap"):
            a, b = getattr(one, part), getattr(other, part)
            assert (b.low, b.high) == pytest.approx((a.low, a.high), abs=0.025)
        assert other.method == "bootstrap of patients"


def test_resampled_areas_are_those_of_resampled_records():
    y, p, old, patients = simulate(n=300, repeats=3)
    report = audit(
        y, p, {"old": old}, patients, metrics=("auroc",), intervals="bootstrap", n_draws=400, seed=4
    )
    plain = clustered_bootstrap(auroc, patients, y, p, n_draws=400, seed=4)
    assert (report.overall[0].value.low, report.overall[0].value.high) == pytest.approx(
        (plain.low, plain.high), abs=1e-5
    )


def test_any_function_is_a_metric():
    def mean_error(y, p):
        return float(np.mean(np.abs(y - p)))

    y, p, old, patients = simulate(n=200)
    custom = Metric("spread", "Spread", function=lambda y, p: float(p.std()), higher_is_better=False)
    report = audit(y, p, {"old": old}, patients, metrics=[mean_error, custom], n_draws=200)
    first, second = report.rows
    assert first.value.estimate == pytest.approx(np.abs(y - p)[old].mean())
    assert first.value.low < first.value.estimate < first.value.high
    assert second.rest.estimate == pytest.approx(p[~old].std())
    with pytest.raises(ValueError, match="no metric called 'f2'"):
        audit(y, p, {"old": old}, metrics=["f2"])


def test_more_than_two_classes():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=400)
    proba = rng.dirichlet(np.ones(3), 400) + 1.2 * np.eye(3)[y]
    proba /= proba.sum(axis=1, keepdims=True)
    odd = np.arange(400) % 2 == 1
    report = audit(y, proba, {"odd": odd}, metrics=("accuracy", "auroc", "brier"), positive=2)
    accuracy, area, brier = report.rows
    assert accuracy.value.estimate == pytest.approx((proba.argmax(axis=1) == y)[odd].mean())
    assert area.value.estimate == pytest.approx(roc_auc_score(y[odd] == 2, proba[odd, 2]))
    assert brier.value.estimate == pytest.approx(((proba - np.eye(3)[y]) ** 2).sum(axis=1)[odd].mean())
    assert area.n_positive == (y[odd] == 2).sum()


# -- verdicts ------------------------------------------------------------------------------------------


def test_a_failing_slice_is_found_and_the_others_are_left_alone():
    y, p, old, _ = simulate(n=1200, gap=0.8)
    rng = np.random.default_rng(9)
    slices = {"old": old} | {f"random_{i}": rng.random(1200) < 0.3 for i in range(10)}
    report = audit(y, p, slices, metrics=("auroc",))
    verdicts = {row.slice: row.verdict for row in report.rows}
    assert verdicts.pop("old") == "worse"
    assert set(verdicts.values()) == {"no evidence"}
    assert report.verdict == "1 of 11 assessable slices is worse (old)."


def test_lower_is_better_where_it_is():
    y, p, old, _ = simulate(n=1200, gap=0.9)
    (row,) = audit(y, p, {"old": old}, metrics=("brier",), n_draws=300).rows
    assert row.gap.estimate > 0
    assert row.verdict == "worse"


def test_a_sure_but_small_gap_is_called_small():
    y, p, old, _ = simulate(n=20000, gap=0.2)
    (row,) = audit(y, p, {"old": old}, metrics=("auroc",), margin=0.2).rows
    assert row.verdict == "slightly worse"


def test_correction_covers_the_whole_family_and_only_what_was_assessed():
    y, p, old, _ = simulate(n=900, gap=0.3)
    slices = {"old": old, "young": ~old, "tiny": np.arange(900) < 5}
    report = audit(y, p, slices, metrics=("auroc", "sensitivity"))
    p_values = [row.gap.p for row in report.rows]
    np.testing.assert_allclose([row.q for row in report.rows], benjamini_hochberg(p_values))
    assert report.n_tests == 4


def test_slices_declared_beforehand_can_be_held_to_no_false_alarm_at_all():
    y, p, old, _ = simulate(n=900, gap=0.3)
    slices = {"old": old, "odd": np.arange(900) % 2 == 1}
    report = audit(y, p, slices, metrics=("auroc", "accuracy"), correction="holm")
    np.testing.assert_allclose([row.q for row in report.rows], holm([row.gap.p for row in report.rows]))
    with pytest.raises(ValueError, match="correction"):
        audit(y, p, slices, correction="none")


def test_rows_rank_by_the_records_that_are_surely_worse_off():
    y, p, old, _ = simulate(n=2000, gap=0.9)
    some = old & (np.arange(2000) % 4 == 0)
    report = audit(
        y, p, {"some": some, "odd": np.arange(2000) % 2 == 1, "old": old}, metrics=("accuracy", "brier")
    )
    assert report.ranked()[0].slice == "old"
    (row,) = [row for row in report.of("accuracy") if row.slice == "old"]
    assert row.excess == pytest.approx(-row.gap.high * old.sum())
    assert [row.excess for row in report.rows if row.slice == "odd"] == [0, 0]


def test_patients_that_are_all_unknown_are_not_called_known():
    y, p, old, _ = simulate()
    assert not audit(y, p, {"old": old}, np.full(600, ""), metrics=("auroc",)).patients_known
    assert audit(y, p, {"old": old}, np.arange(600).astype(str), metrics=("auroc",)).patients_known


@pytest.mark.parametrize(
    ("metric", "members", "reason"),
    [
        ("auroc", [0, 1, 2], "positive records, 10 are needed"),
        ("accuracy", range(15), "15 records, 20 are needed"),
        ("brier", range(15), "15 records, 20 are needed"),
        ("accuracy", [], "0 records, 20 are needed"),
        ("accuracy", range(600), "the rest has 0 records, 20 are needed"),
    ],
)
@pytest.mark.parametrize("intervals", ["auto", "bootstrap"])
def test_too_small_a_slice_says_why_and_what_it_would_take(metric, members, reason, intervals):
    y, p, _, _ = simulate()
    mask = np.zeros(600, dtype=bool)
    mask[list(members)] = True
    (row,) = audit(y, p, {"s": mask}, metrics=(metric,), intervals=intervals, n_draws=100).rows
    assert row.verdict == "not assessable"
    assert reason in row.reason
    assert math.isnan(row.gap.p)
    assert math.isnan(row.q)
    if len(list(members)) == 3 and intervals == "auto":
        assert row.n_needed > 20


def test_records_of_few_patients_are_not_enough():
    y, p, _, _ = simulate()
    members = np.arange(600) < 80
    patients = np.where(members, np.arange(600) % 3, np.arange(600))
    (row,) = audit(y, p, {"s": members}, patients, metrics=("accuracy",)).rows
    assert row.reason == "3 patients, 5 are needed"
    assert (
        audit(y, p, {"s": members}, patients, metrics=("accuracy",), support=Support(patients=2))
        .rows[0]
        .assessable
    )


def test_a_slice_with_one_class_does_not_crash():
    y, p, _, _ = simulate()
    (row,) = audit(y, p, {"sick": y == 1}, metrics=("auroc",)).rows
    assert row.reason == "0 negative records, 10 are needed"
    assert row.value.reason == "no negative record"


def test_no_slices_and_no_records_are_fine():
    y, p, _, _ = simulate()
    assert audit(y, p, {}).verdict == "No slices were given."
    empty = audit(np.full(600, -1), p, {"s": np.ones(600, dtype=bool)}, n_draws=50)
    assert empty.n_records == 0
    assert all(not row.assessable for row in empty.rows)


def test_a_slice_without_a_single_gold_is_told_the_size_it_would_need():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 600)
    proba = np.where(random.random(600) < 0.15, 1 - y, y) * 0.8 + 0.1
    y[:4] = -1
    row = audit(y, proba, {"pacemaker": np.arange(600) < 4}, metrics=["auroc"]).rows[0]
    assert (row.verdict, row.n, row.n_without_gold) == ("not assessable", 0, 4)
    assert row.n_needed is not None
    assert 50 < row.n_needed < 5000


# -- what is given -------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [-1, None, float("nan")])
def test_missing_gold_is_left_out_and_counted(missing):
    y, p, old, _ = simulate()
    given = np.array(y, dtype=object)
    given[:50] = missing
    report = audit(given, p, {"old": old}, metrics=("auroc",))
    plain = audit(y[50:], p[50:], {"old": old[50:]}, metrics=("auroc",))
    assert report.n_without_gold == 50
    assert report.rows[0].n_without_gold == old[:50].sum()
    assert report.rows[0].value == plain.rows[0].value


def test_missing_predictions_are_left_out_too():
    y, p, old, _ = simulate()
    p = np.where(np.arange(600) < 10, np.nan, p)
    assert audit(y, p, {"old": old}, metrics=("auroc",)).n_records == 590


def test_slices_with_ids_are_joined_by_them():
    y, p, old, _ = simulate()
    ids = np.array([f"r{i}" for i in range(600)])
    order = np.random.default_rng(0).permutation(600)
    S = as_slices({"old": old})
    S = type(S)(S.values, S.names, ids=ids).take_rows(order)
    assert (
        audit(y, p, S, ids=ids, metrics=("auroc",)).rows == audit(y, p, {"old": old}, metrics=("auroc",)).rows
    )


def test_order_of_records_does_not_matter():
    y, p, old, patients = simulate(n=300, repeats=3, gap=0.4)
    order = np.random.default_rng(1).permutation(300)
    one = audit(y, p, {"old": old}, patients, n_draws=200)
    two = audit(y[order], p[order], {"old": old[order]}, patients[order], n_draws=200)
    assert json.dumps(one.to_json()) == pytest.approx(json.dumps(two.to_json())) or all(
        a.gap.low == pytest.approx(b.gap.low) for a, b in zip(one.rows, two.rows, strict=True)
    )


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([0, 3], [0.1, 0.2], r"y\[1\] is 3"),
        ([0, 1], [0.1, 1.2], r"proba\[1\]"),
        ([0.5, 1], [0.1, 0.2], r"y\[0\] is 0.5"),
        ([0, 1], [0.1], "2 records"),
    ],
)
def test_wrong_input_is_named_by_row(y, p, message):
    with pytest.raises(ValueError, match=message):
        audit(y, p, {"s": [True] * len(y)})
