import numpy as np
import pytest
import torch

from sidelight.crossmodal import (
    Batch,
    Distillation,
    ResNet1d,
    SignalAugment,
    corrections,
    cross_entropy_with_probs,
    fit_view_weights,
    mix_gold,
    remove_shortcut,
    search_gold_share,
    view_logits,
    weighted_logits,
)
from sidelight.crossmodal.gold_mixing import golden_section


def rows_of(n, k=3):
    draw = torch.Generator().manual_seed(0)
    target = torch.rand(n, k, generator=draw)
    batch = Batch(torch.zeros(n, 1, 1), target / target.sum(1, keepdim=True), torch.ones(n), torch.arange(n))
    return torch.randn(n, k, generator=draw), torch.randn(n, k, generator=draw), batch


def test_a_student_that_says_what_its_teacher_says_has_nothing_to_learn():
    teacher, student, batch = rows_of(5)
    assert float(Distillation(teacher, share=1.0)(teacher + 2.0, batch)) == pytest.approx(0, abs=1e-5)
    plain = cross_entropy_with_probs(student, batch.target)
    torch.testing.assert_close(Distillation(teacher, share=0.0)(student, batch), plain)


def test_the_teachers_pull_does_not_depend_on_the_temperature_to_first_order():
    teacher, student, batch = rows_of(20)
    pulls = []
    for temperature in (50.0, 100.0):
        logits = student.clone().requires_grad_()
        Distillation(teacher, share=1.0, temperature=temperature)(logits, batch).backward()
        pulls.append(logits.grad)
    torch.testing.assert_close(pulls[0], pulls[1], rtol=0.1, atol=1e-3)


def test_a_small_network_learns_from_a_large_one(two_views, quick):
    gold, _, signals = two_views(300)
    new_gold, _, new = two_views(200, seed=1)
    noisy = np.where(np.random.default_rng(0).random(300) < 0.3, 1 - gold, gold)
    teacher = quick(max_epochs=6).fit(signals, gold)

    def small(n_leads):
        return ResNet1d(n_leads, width=4, n_blocks=2, dropout=0.0)

    taught = quick(encoder=small, max_epochs=6, loss=Distillation(teacher.predict_logits(signals), share=0.9))
    alone = quick(encoder=small, max_epochs=6)
    surprise = [
        -np.log(m.fit(signals, noisy).predict_proba(new)[np.arange(200), new_gold]).mean()
        for m in (taught, alone)
    ]
    assert surprise[0] < surprise[1]


def test_a_teacher_of_fewer_records_is_refused():
    teacher, student, batch = rows_of(5)
    with pytest.raises(ValueError, match="spoke of 3 records"):
        Distillation(teacher[:3])(student, batch)


def test_weights_make_class_and_shortcut_independent():
    random = np.random.default_rng(0)
    drained = random.random(2000) < 0.5
    proba = random.dirichlet([1, 1], 2000)
    proba[:, 1] = np.clip(0.3 + 0.5 * drained + 0.2 * random.normal(size=2000), 0.02, 0.98)
    proba[:, 0] = 1 - proba[:, 1]
    found = remove_shortcut(proba, drained)
    shares = [np.average(found.proba[drained == v, 1], weights=found.weight[drained == v]) for v in (0, 1)]
    assert shares[0] == pytest.approx(shares[1], abs=1e-5)
    assert found.weight.mean() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(remove_shortcut(proba, np.zeros(2000)).proba, proba, atol=1e-6)


def test_a_model_without_the_shortcut_stands_its_loss():
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)

    def cases(n, aligned):
        y = random.integers(0, 2, n)
        v = np.where(random.random(n) < aligned, y, 1 - y)
        return np.column_stack([y + random.normal(0, 1.2, n), v + random.normal(0, 0.3, n)]), y, v

    x, y, v = cases(4000, 0.9)
    new_x, new_y, _ = cases(2000, 0.1)
    weight = remove_shortcut(y, v).weight
    plain = LogisticRegression().fit(x, y).score(new_x, new_y)
    freed = LogisticRegression().fit(x, y, sample_weight=weight).score(new_x, new_y)
    assert freed > plain + 0.1


def test_uncovered_records_keep_no_weight():
    found = remove_shortcut([0, 1, 1, -1], ["a", "b", "a", "b"])
    assert found.weight[3] == 0
    with pytest.raises(ValueError, match="for 2 records"):
        remove_shortcut([0, 1], ["a"])


def gold_case(weak_is_right, n=600, n_gold=60):
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, n)
    features = random.normal(size=(n, 20))
    features[:, 0] += truth
    says = truth if weak_is_right else random.integers(0, 2, n)
    return features, np.eye(2)[says] * 0.8 + 0.1, np.where(np.arange(n) < n_gold, truth, -1)


def test_useless_labels_from_reports_are_given_little_weight_and_good_ones_much():
    good, bad = (search_gold_share(*gold_case(right)) for right in (True, False))
    assert bad.share >= 0.7
    assert good.share < bad.share
    assert bad.scores[-1] > bad.scores[0]
    assert search_gold_share(*gold_case(False)).scores.tolist() == bad.scores.tolist()


@pytest.mark.parametrize("peak", [0.0, 0.004, 0.13, 0.5, 0.77, 1.0])
def test_a_peak_is_found_to_within_a_hundredth_and_few_are_tried(peak):
    known = golden_section(lambda share: -(abs(share - peak) ** 1.5))
    assert abs(max(known, key=known.get) - peak) <= 0.01
    assert len(known) <= 20


def test_a_finer_search_is_no_worse_than_the_grid():
    grid, fine = (search_gold_share(*gold_case(False, n_gold=200), **m) for m in ({}, {"shares": None}))
    assert fine.scores.max() >= grid.scores.max() - 0.01
    assert fine.share in fine.shares
    assert (np.diff(fine.shares) > 0).all()


def test_shares_of_the_weight_are_what_was_asked_for():
    _, weak, gold = gold_case(True)
    for share in (0.2, 0.7, 1.0):
        mixed = mix_gold(weak, gold, share, np.arange(600) % 2)
        by_hand = gold >= 0
        assert mixed.weight[by_hand].sum() / mixed.weight.sum() == pytest.approx(share, abs=1e-5)
        assert (mixed.weight[~by_hand & (np.arange(600) % 2 == 0)] == 0).all()
    np.testing.assert_allclose(mix_gold(weak, gold, 0.0).proba, weak, atol=1e-6)


def test_equal_views_change_nothing_and_a_bad_view_gets_no_weight():
    random = np.random.default_rng(0)
    gold = random.integers(0, 2, 200)
    one = np.eye(2)[gold] * 2 + random.normal(size=(200, 2))
    same = np.stack([one, one, one], axis=1)
    weights = fit_view_weights(same, gold)
    np.testing.assert_allclose(weighted_logits(same, weights), one)
    bad = np.stack([one, random.normal(size=(200, 2)) * 3], axis=1)
    weights = fit_view_weights(bad, gold)
    assert weights[0] > 0.9
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)


def test_views_of_a_classifier_start_with_the_study_itself(two_views, quick):
    gold, _, signals = two_views(60)
    model = quick().fit(signals, gold)
    views = view_logits(model, signals, SignalAugment(), 4)
    assert views.shape == (60, 4, 2)
    np.testing.assert_array_equal(views[:, 0], model.predict_logits(signals))
    np.testing.assert_array_equal(views, view_logits(model, signals, SignalAugment(), 4))
    assert not np.allclose(views[:, 1], views[:, 2])
    before, after = views[:, 0].argmax(1), views.mean(axis=1).argmax(1)
    right, wrong = corrections(gold, before, after)
    assert right - wrong == (after == gold).sum() - (before == gold).sum()
