import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from sidelight.slicing import (
    Confusion,
    confusion_difference,
    coupling,
    exact_match,
    node_interval,
    node_measure,
    within_node,
)

LEAVES = ("none", "fracture/hip/subtle", "fracture/hip/plain", "fracture/rib", "device/tube", "device/wire")
SIDES = ("left", "right")


def draw(n=400, seed=0, accuracy=0.7):
    rng = np.random.default_rng(seed)
    actual = rng.choice(LEAVES, n)
    observed = np.where(rng.random(n) < accuracy, actual, rng.choice(LEAVES, n))
    side = rng.choice(SIDES, n)
    told = np.where(rng.random(n) < 0.8, side, rng.choice(SIDES, n))
    return actual.tolist(), observed.tolist(), side.tolist(), told.tolist(), rng


def both(n=400, seed=0, **more):
    actual, observed, side, told, _ = draw(n, seed)
    return Confusion.of(
        {"finding": actual, "side": side}, {"finding": observed, "side": told},
        classes={"finding": LEAVES, "side": SIDES}, **more,
    )  # fmt: skip


# -- one flat dimension --------------------------------------------------------------------------------


def test_a_flat_dimension_is_the_usual_matrix_with_weights():
    actual, observed, _, _, rng = draw()
    weight = rng.random(400)
    flat = Confusion.of({"x": actual}, {"x": observed}, classes={"x": LEAVES}, weight=weight)
    expected = confusion_matrix(actual, observed, labels=LEAVES, sample_weight=weight)
    np.testing.assert_allclose(flat.table().values, expected)
    np.testing.assert_allclose(
        flat.table(normalize="row").values, expected / expected.sum(axis=1, keepdims=True)
    )
    np.testing.assert_allclose(flat.table(normalize="column").values.sum(axis=0), 1)
    assert flat.table(normalize="total").values.sum() == pytest.approx(1)
    for place, label in enumerate(LEAVES):
        for name, score in (("recall", recall_score), ("precision", precision_score), ("f1", f1_score)):
            by_label = score(actual, observed, labels=LEAVES, average=None, sample_weight=weight)
            assert node_measure(flat, "x", label, name) == pytest.approx(by_label[place])


def test_labels_seen_on_one_side_only_are_kept():
    table = Confusion.of({"x": ["a", "a"]}, {"x": ["b", None]}, classes={"x": ["c"]}).table()
    assert table.classes == ("c", "a", "b", "missing")
    assert table.values.tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_records_without_gold_are_left_out_and_without_prediction_are_wrong():
    confusion = Confusion.of({"x": ["a", None, "a"]}, {"x": ["a", "a", None]})
    assert confusion.mass == 2
    assert node_measure(confusion, "x", "a", "recall") == 0.5


# -- the algebra ---------------------------------------------------------------------------------------

labels = st.lists(
    st.tuples(*[st.sampled_from(["a/x", "a/y", "b/x/1", "b/x/2", "b/z", "c"])] * 2), min_size=1, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(labels)
def test_rolling_up_is_relabelling_first(pairs):
    actual, observed = map(list, zip(*pairs, strict=True))
    fine = Confusion.of({"x": actual}, {"x": observed})
    coarse = Confusion.of(
        {"x": [v.split("/")[0] for v in actual]}, {"x": [v.split("/")[0] for v in observed]}
    )
    rolled = fine.level("x", 1).table()
    assert sorted(rolled.classes) == sorted(coarse.table().classes)
    order = [rolled.classes.index(label) for label in coarse.table().classes]
    np.testing.assert_array_equal(rolled.values[np.ix_(order, order)], coarse.table().values)
    for node in {v.split("/")[0] for v in actual}:
        for name in ("recall", "precision", "specificity"):
            a, b = node_measure(fine, "x", node, name), node_measure(coarse, "x", node, name)
            assert a == b or (np.isnan(a) and np.isnan(b))


@settings(max_examples=60, deadline=None)
@given(labels)
def test_found_missed_false_and_left_alone_are_everything(pairs):
    actual, observed = map(list, zip(*pairs, strict=True))
    confusion = Confusion.of({"x": actual}, {"x": observed})
    for node in ("a", "b", "b/x", "c", *confusion.classes["x"]):
        if any(label == node or label.startswith(node + "/") for label in confusion.classes["x"]):
            np.testing.assert_array_equal(confusion.indicators("x", node).sum(axis=1), 1)


def test_conditioning_and_summing_out_commute():
    confusion = both(slices={"odd": np.arange(400) % 2 == 1})
    one = confusion.where("finding", "fracture").keep("finding").table()
    two = confusion.keep("finding").where("finding", "fracture").table()
    np.testing.assert_array_equal(one.values, two.values)
    assert confusion.where(slice="odd").mass + confusion.where(slice="odd").mass == 400
    assert (
        confusion.where("side", "left", side="observed", wrong="finding").mass
        <= confusion.where(wrong="finding").mass
    )
    np.testing.assert_array_equal(
        confusion.keep("finding", "side").table("side").values, confusion.table("side").values
    )


def test_nesting_loses_nothing():
    confusion = both()
    nested = confusion.nest("finding", "side")
    assert nested.mass == confusion.mass
    table = nested.table()
    assert table.values.sum() == pytest.approx(400)
    back = nested.collapse("finding/side", *LEAVES).table()
    np.testing.assert_array_equal(back.values, confusion.table("finding").values)
    assert node_measure(nested, "finding/side", "fracture", "recall") == node_measure(
        confusion, "finding", "fracture", "recall"
    )


def test_filtering_looks_at_both_sides_and_tells_what_it_dropped():
    confusion = both().keep("finding")
    strict, loose = (
        confusion.only("finding", "fracture"),
        confusion.only("finding", "fracture", side="either"),
    )
    actual, observed, *_ = draw()
    in_both = sum(
        a.startswith("fracture/") and o.startswith("fracture/") for a, o in zip(actual, observed, strict=True)
    )
    in_either = sum(
        a.startswith("fracture/") or o.startswith("fracture/") for a, o in zip(actual, observed, strict=True)
    )
    assert (strict.mass, loose.mass) == (in_both, in_either)
    assert strict.dropped == pytest.approx(1 - in_both / 400)


def test_whole_parts_of_a_path_match_and_never_their_beginnings():
    confusion = Confusion.of({"x": ["a", "ab/c", "ab/d"]}, {"x": ["a", "ab/c", "ab/c"]})
    assert confusion.where("x", "a").mass == 1
    assert confusion.where("x", "ab").mass == 2
    with pytest.raises(ValueError, match="'ab/e'"):
        confusion.where("x", "ab/e")


# -- measures ------------------------------------------------------------------------------------------


def test_confusion_below_a_node_is_right_at_the_node():
    confusion = Confusion.of(
        {"x": ["f/hip", "f/hip", "f/rib", "none"]}, {"x": ["f/hip", "f/rib", "f/rib", "none"]}
    )
    assert node_measure(confusion, "x", "f", "recall") == 1
    assert node_measure(confusion, "x", "f/hip", "recall") == 0.5
    assert within_node(confusion, "x", "f") == pytest.approx(1 / 3)


def test_a_label_that_stops_early_counts_at_its_node_and_says_nothing_below():
    confusion = Confusion.of({"x": ["f/?", "f/hip", "none"]}, {"x": ["f/rib", "f/hip", "none"]})
    assert node_measure(confusion, "x", "f", "recall") == 1
    assert node_measure(confusion, "x", "f/rib", "specificity") == 1
    assert within_node(confusion, "x", "f") == 0
    with pytest.raises(ValueError, match=r"f/\?"):
        Confusion.of({"x": ["f", "f/hip"]}, {"x": ["f/hip", "f/hip"]})


def test_errors_that_go_together_are_seen():
    wrong = np.random.default_rng(0).random(2000) < 0.2
    told = np.where(wrong, "b", "a").tolist()
    together = Confusion.of({"x": ["a"] * 2000, "y": ["a"] * 2000}, {"x": told, "y": told})
    assert coupling(together, "x", "y") == pytest.approx(1 / wrong.mean())
    assert exact_match(together) == pytest.approx(1 - wrong.mean())
    assert coupling(both(4000), "finding", "side") == pytest.approx(1, abs=0.2)


def test_soft_labels_that_are_certain_are_hard_ones():
    actual, observed, *_ = draw()
    onehot = np.eye(len(LEAVES))[[LEAVES.index(label) for label in actual]]
    soft = Confusion.expected(onehot, observed, LEAVES, dimension="finding")
    np.testing.assert_array_equal(soft.table().values, both().table("finding").values)


def test_expected_confusion_is_the_true_one_unless_the_model_knows_more_than_the_labels():
    rng = np.random.default_rng(0)
    chance = rng.random(40000)
    truth = rng.random(40000) < chance
    proba = np.column_stack([1 - chance, chance])

    def recalls(observed):
        told = np.where(observed, "yes", "no").tolist()
        soft = Confusion.expected(proba, told, ("no", "yes"))
        hard = Confusion.of({"label": np.where(truth, "yes", "no").tolist()}, {"label": told})
        return [node_measure(c, "label", "yes", "recall") for c in (soft, hard)]

    soft, hard = recalls(rng.random(40000) < np.where(chance > 0.5, 0.8, 0.1))  # sees what the labels see
    assert soft == pytest.approx(hard, abs=0.01)
    soft, hard = recalls(rng.random(40000) < np.where(truth, 0.8, 0.1))  # sees the truth itself
    assert hard == pytest.approx(0.8, abs=0.01)
    assert soft < hard - 0.15


# -- intervals -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_intervals_by_patient_cover_and_those_by_record_do_not():
    rng = np.random.default_rng(0)
    hits = {"patient": 0, "record": 0}
    for _ in range(200):
        patients = np.repeat(np.arange(150), rng.integers(1, 15, 150))
        ability = rng.beta(4, 1, 150)
        right = rng.random(len(patients)) < ability[patients]
        labels = {"x": ["a"] * len(patients)}, {"x": np.where(right, "a", "b").tolist()}
        for name, groups in (("patient", patients), ("record", None)):
            interval = node_interval(Confusion.of(*labels, patients=groups), "x", "a", "recall", n_draws=300)
            hits[name] += interval.low <= 0.8 <= interval.high
    assert hits["patient"] / 200 >= 0.9
    assert hits["record"] / 200 < hits["patient"] / 200 - 0.05


def test_interval_repeats_itself_and_says_when_there_is_none():
    confusion = both(patients=np.arange(400) // 2)
    one = node_interval(confusion, "finding", "fracture", "recall", n_draws=200)
    assert one == node_interval(confusion, "finding", "fracture", "recall", n_draws=200)
    assert one.low < one.estimate < one.high
    never = Confusion.of({"x": ["a"]}, {"x": ["b"]})
    assert node_interval(never, "x", "b", "recall").reason == "no record that counts"
    with pytest.raises(ValueError, match="no measure"):
        node_measure(never, "x", "a", "accuracy")


def test_difference_of_two_models_is_paired_by_patient():
    actual, observed, _, _, rng = draw(600)
    better = [a if rng.random() < 0.5 else o for a, o in zip(actual, observed, strict=True)]
    patients = np.arange(600) // 3
    make = lambda told: Confusion.of({"x": actual}, {"x": told}, classes={"x": LEAVES}, patients=patients)  # noqa: E731
    first, second = make(better), make(observed)
    paired = confusion_difference(first, second, "x", paired=True, n_draws=300)
    apart = confusion_difference(first, second, "x", n_draws=300)
    gap = first.table(normalize="row").values - second.table(normalize="row").values
    assert paired[0][0].estimate == pytest.approx(gap[0, 0])
    assert paired[0][0].high - paired[0][0].low < apart[0][0].high - apart[0][0].low
    same = confusion_difference(first, first, "x", paired=True, n_draws=100)
    assert same[0][0].estimate == 0
    assert "no resample differs" in same[0][0].reason


# -- on its way out ------------------------------------------------------------------------------------


def test_picture_and_csv_hold_every_label_escaped():
    table = Confusion.of({"x": ["<a>", "<a>", "b"]}, {"x": ["<a>", "b", "b"]}).table(normalize="row")
    svg, text = table.to_svg(), table.to_csv()
    assert "&lt;a&gt;" in svg
    assert "<a>" not in svg
    assert 'role="img"' in svg
    assert text.splitlines()[1:] == ["<a>,0.5,0.5", "b,0,1"]
    assert np.asarray(table).shape == (2, 2)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="dimensions"):
        Confusion.of({"x": ["a"]}, {"y": ["a"]})
    with pytest.raises(ValueError, match="must agree"):
        Confusion.of({"x": ["a"]}, {"x": ["a", "b"]})
    with pytest.raises(ValueError, match="weight"):
        Confusion.of({"x": ["a"]}, {"x": ["a"]}, weight=[-1])
    with pytest.raises(ValueError, match="non-empty"):
        Confusion.of({"x": ["a//b"]}, {"x": ["a"]})
    confusion = both()
    with pytest.raises(ValueError, match="which dimension"):
        confusion.table()
    with pytest.raises(ValueError, match="no slice"):
        confusion.where(slice="old")
    with pytest.raises(ValueError, match="no dimension"):
        confusion.keep("laterality")
    with pytest.raises(ValueError, match="normalize"):
        confusion.table("side", normalize="both")


@pytest.mark.slow
def test_a_million_rows_are_seen_in_two_seconds():
    import time

    rng = np.random.default_rng(0)
    names = tuple(f"n{i // 10}/leaf{i}" for i in range(50))
    codes = rng.integers(50, size=(1_000_000, 3))
    big = Confusion(
        {f"d{k}": names for k in range(3)}, codes, rng.integers(50, size=(1_000_000, 3)), np.ones(1_000_000),
        rng.integers(100_000, size=1_000_000), {},
    )  # fmt: skip
    start = time.process_time()
    big.where("d1", "n2").level("d0", 1).table("d0", normalize="row")
    assert time.process_time() - start < 2
