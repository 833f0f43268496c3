"""Agreement between annotators: published numbers, properties, and intervals that keep patients together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sidelight.labeling.statistics.agreement import cohen_kappa, krippendorff_alpha

# Krippendorff's own example of four observers and twelve units (Content Analysis, section 11.3), nominal: 0.743.
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, -1, -1, -1],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, -1, 3],
    [-1, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, -1],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, -1],
]

ratings = arrays.arrays(
    np.int64, st.tuples(st.integers(2, 20), st.integers(2, 4)), elements=st.integers(-1, 3)
)


def test_alpha_of_the_published_example():
    assert krippendorff_alpha(np.array(KRIPPENDORFF).T, n_draws=20).estimate == pytest.approx(
        0.743, abs=0.001
    )


def test_kappa_of_a_table_worked_by_hand():
    first = [0] * 45 + [0] * 15 + [1] * 25 + [1] * 15
    second = [0] * 45 + [1] * 15 + [0] * 25 + [1] * 15
    assert cohen_kappa(first, second, n_draws=20).estimate == pytest.approx((0.6 - 0.54) / 0.46)


def test_chance_gives_nothing_and_accord_gives_one():
    random = np.random.default_rng(0)
    first, second = random.integers(0, 3, (2, 4000))
    assert abs(cohen_kappa(first, second, n_draws=20).estimate) < 0.05
    assert abs(krippendorff_alpha(np.stack([first, second], 1), n_draws=20).estimate) < 0.05
    assert krippendorff_alpha(np.stack([first, first], 1), n_draws=20).estimate == 1


def test_kappa_agrees_with_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(1)
    first = random.integers(0, 4, 300)
    second = np.where(random.random(300) < 0.6, first, random.integers(0, 4, 300))
    assert cohen_kappa(first, second, n_draws=20).estimate == pytest.approx(
        sklearn.cohen_kappa_score(first, second)
    )


@given(ratings=ratings, order=st.randoms(use_true_random=False))
def test_names_and_orders_do_not_matter(ratings, order):
    rows, people = list(range(ratings.shape[0])), list(range(ratings.shape[1]))
    order.shuffle(rows)
    order.shuffle(people)
    renamed = np.where(ratings >= 0, (ratings + 1) % 4, -1)[rows][:, people]
    before, after = (krippendorff_alpha(table, n_draws=2).estimate for table in (ratings, renamed))
    assert before == pytest.approx(after, nan_ok=True)


def test_records_without_a_pair_of_labels_do_not_count():
    table = [[0, 0], [1, 1], [0, 1], [0, 0]]
    more = [*table, [1, -1], [-1, -1]]
    assert krippendorff_alpha(table, n_draws=2).estimate == krippendorff_alpha(more, n_draws=2).estimate
    assert krippendorff_alpha(more, n_draws=2).n == 4


def test_nothing_in_common_is_said_and_not_guessed():
    assert "both" in cohen_kappa([0, -1], [-1, 1]).reason
    assert "two" in krippendorff_alpha([[0, -1], [-1, 1]]).reason
    assert np.isnan(cohen_kappa([0, 0], [0, 0], n_draws=5).estimate), (
        "one class alone leaves no room for chance"
    )


def test_records_of_few_patients_widen_the_interval():
    random = np.random.default_rng(2)
    gold = np.repeat(random.integers(0, 2, 20), 10)
    slip = np.repeat(random.random(20) < 0.25, 10)
    second = np.where(slip, 1 - gold, gold)
    alone = cohen_kappa(gold, second)
    grouped = cohen_kappa(gold, second, np.repeat(np.arange(20), 10))
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)
    assert grouped.low < alone.estimate < grouped.high
