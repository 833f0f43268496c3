import numpy as np
import pytest

from sidelight.crossmodal import RecurrentTextModel, TextModel, decide_labels
from sidelight.labeling.statistics import auroc

NEITHER = [
    "the",
    "of",
    "and",
    "seen",
    "today",
    "on",
    "with",
    "film",
    "view",
    "compared",
    "chest",
    "prior",
    "as",
]
SICK = ["effusion", "blunted", "fluid", "costophrenic", "meniscus", "layering"]
WELL = ["clear", "unremarkable", "normal", "sharp", "aerated", "expanded"]


def reports(n, seed=0):
    random = np.random.default_rng(seed)
    gold = random.integers(0, 2, n)
    texts = []
    for y in gold:
        own = random.choice(SICK if y else WELL, 4)
        other = random.choice(WELL if y else SICK, int(random.random() < 0.3))
        texts.append(" ".join(random.permutation([*own, *other, *random.choice(NEITHER, 10)])))
    return texts, gold


def says(texts):
    """One function a class, each looking for a single word."""
    votes = np.array([["effusion" in text.split(), "clear" in text.split()] for text in texts])
    proba = np.select(
        [votes[:, :1] & ~votes[:, 1:], votes[:, 1:] & ~votes[:, :1]], [[0.1, 0.9], [0.9, 0.1]], 0.5
    )
    return proba.reshape(-1, 2), votes.any(axis=1)


def test_it_generalises_to_reports_that_no_function_covers():
    texts, gold = reports(600)
    proba, covered = says(texts)
    model = TextModel(triggers=["effusion", "clear"]).fit(texts, proba, covered)
    guess = model.predict_proba(texts)
    assert 0.3 < covered.mean() < 0.8
    assert auroc(gold[~covered], guess[~covered, 1]) > 0.8
    np.testing.assert_allclose(guess.sum(axis=1), 1)


def test_striking_out_triggers_makes_it_look_at_their_neighbours():
    texts, gold = reports(600)
    proba, covered = says(texts)
    struck = [text.replace("effusion", "").replace("clear", "") for text in texts]
    areas = {
        dropout: auroc(
            gold,
            TextModel(["effusion", "clear"], dropout=dropout)
            .fit(texts, proba, covered)
            .predict_proba(struck)[:, 1],
        )
        for dropout in (0.0, 0.5)
    }
    assert areas[0.5] > areas[0.0]


def test_soft_labels_are_reports_counted_twice():
    texts, _ = reports(60)
    soft = np.tile([[0.25, 0.75], [0.6, 0.4]], (30, 1))
    model = TextModel().fit(texts, soft)
    doubled = TextModel().fit(
        texts + texts, np.r_[np.zeros(60, int), np.ones(60, int)], np.r_[soft[:, 0], soft[:, 1]]
    )
    np.testing.assert_allclose(model.predict_proba(texts), doubled.predict_proba(texts), atol=1e-3)


def test_same_seed_same_model_and_uncovered_reports_teach_nothing():
    texts, _ = reports(80)
    proba, covered = says(texts)
    first, again = (TextModel(["clear"]).fit(texts, proba, covered) for _ in range(2))
    np.testing.assert_array_equal(first.weights_, again.weights_)
    lies = np.where(covered[:, None], proba, 1 - proba)
    nonsense = [text if here else "nonsense" for text, here in zip(texts, covered, strict=True)]
    np.testing.assert_array_equal(TextModel(["clear"]).fit(nonsense, lies, covered).weights_, first.weights_)


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_classes_without_a_report_get_no_chance(n_classes):
    texts, _ = reports(30)
    labels = np.eye(n_classes)[np.arange(30) % max(1, n_classes - 1)]
    proba = TextModel().fit(texts, labels).predict_proba(texts)
    assert proba.shape == (30, n_classes)
    assert (proba[:, -1] < 1e-6).all()


class TestRule:
    """When the text model's probabilities are taken."""

    def case(self, covered_share, area_is_high, gold_known=True, n=400):
        texts, gold = reports(n)
        random = np.random.default_rng(1)
        sure = 0.93 if area_is_high else 0.7
        right = random.random(n) < sure
        proba = np.eye(2)[np.where(right, gold, 1 - gold)] * 0.8 + 0.1
        covered = random.random(n) < covered_share
        proba[~covered] = 0.5
        dev = (texts[-100:], proba[-100:], np.where(gold_known, gold[-100:], -1))
        return (
            decide_labels(texts[:-100], proba[:-100], covered[:-100], dev=dev),
            proba[:-100],
            covered[:-100],
        )

    def test_low_coverage_calls_for_it(self):
        found, _, _ = self.case(0.6, True, n=900)
        assert found.used
        assert found.covered.all()
        assert "coverage 0.6" in found.reason
        assert found.dev_loss["text model"] < found.dev_loss["label model"]

    def test_low_area_calls_for_it(self):
        found, *_ = self.case(1.0, False)
        assert found.used
        assert found.auroc < 0.9

    def test_good_labels_need_none(self):
        found, proba, covered = self.case(1.0, True)
        assert not found.used
        assert found.model is None
        assert (found.proba == proba).all()
        assert (found.covered == covered).all()

    def test_without_dev_gold_coverage_decides_alone(self):
        texts, _ = reports(100)
        proba, _ = says(texts)
        for covered, used in ((np.arange(100) < 95, False), (np.arange(100) < 80, True)):
            assert decide_labels(texts, proba, covered).used is used
        assert np.isnan(decide_labels(texts, proba, np.ones(100, bool)).auroc)

    def test_it_is_dropped_when_dev_says_it_is_worse(self):
        texts, gold = reports(200)
        mixed = list(np.random.default_rng(0).permutation(texts))  # reports that tell nothing
        proba = np.eye(2)[gold] * 0.9 + 0.05
        found = decide_labels(
            mixed[:150], proba[:150], np.arange(150) < 100, dev=(mixed[150:], proba[150:], gold[150:])
        )
        assert not found.used
        assert "the label model stays" in found.reason
        assert found.to_json()["dev_loss"]["text model"] > found.to_json()["dev_loss"]["label model"]

    def test_it_can_speak_for_uncovered_records_alone(self):
        texts, gold = reports(300)
        texts = ["" if row % 10 == 9 else text for row, text in enumerate(texts)]
        covered = np.arange(300) % 3 == 0
        proba = np.where(covered[:, None], np.eye(2)[gold] * 0.9 + 0.05, 0.5)
        dev = (texts[200:], proba[200:], gold[200:], covered[200:])
        found = decide_labels(texts[:200], proba[:200], covered[:200], dev=dev, fill=True)
        blank = np.array([not text for text in texts[:200]])
        assert found.used
        assert (found.proba[covered[:200]] == proba[:200][covered[:200]]).all()
        assert (found.covered == covered[:200] | ~blank).all()
        told = ~covered[:200] & ~blank
        assert auroc(gold[:200][told], found.proba[told, 1]) > 0.95
        # without it, every record that has a text gets the text model's
        whole = decide_labels(texts[:200], proba[:200], covered[:200], dev=dev[:3])
        assert (whole.proba[~blank] != proba[:200][~blank]).all()
        assert (whole.proba[blank] == proba[:200][blank]).all()


@pytest.mark.parametrize(
    ("texts", "proba", "covered", "message"),
    [
        (["a"], [[0.5, 0.5]] * 2, None, "1 texts but 2 rows"),
        (["a"], [[0.5, 0.5]], [False], "no row is covered"),
    ],
)
def test_what_does_not_fit_together_is_refused(texts, proba, covered, message):
    with pytest.raises(ValueError, match=message):
        TextModel().fit(texts, proba, covered)


def ordered(n, seed=0):
    """Reports whose class is told by the order of two words alone."""
    random = np.random.default_rng(seed)
    gold = random.integers(0, 2, n)
    texts = []
    for value in gold:
        first, second = ("before", "after") if value else ("after", "before")
        filler = random.choice(NEITHER, 6).tolist()
        texts.append(" ".join([*filler[:2], first, *filler[2:4], second, *filler[4:]]))
    return texts, gold


class TestRecurrentTextModel:
    @pytest.mark.slow
    def test_it_reads_words_in_order(self):
        texts, gold = ordered(300)
        new, new_gold = ordered(200, seed=1)
        model = RecurrentTextModel(n_epochs=12).fit(texts, gold)
        assert auroc(new_gold, model.predict_proba(new)[:, 1]) > 0.95
        assert auroc(new_gold, TextModel().fit(texts, gold).predict_proba(new)[:, 1]) < 0.7

    def test_the_same_seed_gives_the_same_model_and_empty_reports_are_answered(self):
        texts, gold = ordered(60)
        one, other = (RecurrentTextModel(n_epochs=2).fit(texts, gold) for _ in range(2))
        given = one.predict_proba([*texts[:3], "", "\n"])
        np.testing.assert_array_equal(given, other.predict_proba([*texts[:3], "", "\n"]))
        np.testing.assert_allclose(given.sum(axis=1), 1)
        np.testing.assert_allclose(given[:1], one.predict_proba(texts[:1]), atol=1e-6)
        assert one.predict_proba([]).shape == (0, 2)

    def test_uncovered_reports_teach_nothing(self):
        texts, gold = ordered(40)
        covered = np.arange(40) < 30
        proba = np.where(covered[:, None], np.eye(2)[gold], 0.5)
        one = RecurrentTextModel(n_epochs=2).fit(texts, proba, covered)
        other = RecurrentTextModel(n_epochs=2).fit(texts[:30] + ["nothing"] * 10, proba, covered)
        np.testing.assert_array_equal(one.predict_proba(texts), other.predict_proba(texts))
        with pytest.raises(ValueError, match="no row is covered"):
            RecurrentTextModel().fit(texts, proba, np.zeros(40, bool))

    def test_it_is_taken_where_it_is_better_on_dev(self):
        texts, gold = ordered(300)
        covered = np.arange(300) % 2 == 0
        proba = np.where(covered[:, None], np.eye(2)[gold] * 0.9 + 0.05, 0.5)
        dev = (texts[200:], proba[200:], gold[200:])
        found = decide_labels(texts[:200], proba[:200], covered[:200], dev=dev, recurrent=True)
        assert isinstance(found.model, RecurrentTextModel)
        plain = decide_labels(texts[:200], proba[:200], covered[:200], dev=dev)
        assert found.dev_loss["text model"] < plain.dev_loss["text model"]
