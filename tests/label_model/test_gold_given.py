"""Gold labels reach a label model in whatever form people have them, and what is said of a model by itself."""

import numpy as np
import pytest

from sidelight.label_model import MODELS, LabelModel, compare
from sidelight.labeling import LabelSchema, LFApplier, keyword_lf

pd = pytest.importorskip("pandas")
SCHEMA = LabelSchema(classes=("absent", "present"))
NOTES = ["no effusion", "effusion", "clear", "no effusion, clear", "effusion and mass", "mass"] * 5
VOTES = LFApplier(
    [
        keyword_lf("effusion", ["effusion"], "present", unless=["no effusion"]),
        keyword_lf("none", ["no effusion"], "absent"),
        keyword_lf("clear", ["clear"], "absent"),
        keyword_lf("mass", ["mass"], "present"),
    ],
    SCHEMA,
).apply([{"id": f"r{n}", "text": note} for n, note in enumerate(NOTES)])
NUMBERS = np.array([0, 1, 0, 0, 1, -1] * 5)
FORMS = {
    "floats with gaps": np.where(NUMBERS < 0, np.nan, NUMBERS),
    "names": [None if n < 0 else SCHEMA.classes[n] for n in NUMBERS],
    "by id": {f"r{n}": int(label) for n, label in enumerate(NUMBERS)},
    "a series by id, in another order": pd.Series(
        NUMBERS[::-1], index=[f"r{n}" for n in range(len(NUMBERS))][::-1]
    ),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", ["matrix-completion", "gold-naive-bayes"])
def test_gold_in_any_form_teaches_the_same(name, form):
    expected = MODELS[name](cardinality=2).fit(VOTES, gold=NUMBERS)
    found = MODELS[name](cardinality=2).fit(VOTES, gold=form)
    np.testing.assert_array_equal(found.predict_proba(VOTES), expected.predict_proba(VOTES))
    assert found.score(VOTES, form) == expected.score(VOTES, NUMBERS)


def test_models_are_compared_on_gold_in_any_form():
    models = ["majority", "dawid-skene"]
    assert str(compare(VOTES, FORMS["names"], models=models)) == str(compare(VOTES, NUMBERS, models=models))


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"majority"}))  # which has nothing to learn
def test_an_unfitted_model_says_so(name):
    model = MODELS[name](cardinality=2)
    assert "not fitted" in repr(model)
    with pytest.raises(ValueError, match="not fitted"):
        model.predict_proba(VOTES)


def test_a_model_is_shown_with_what_was_chosen():
    assert repr(LabelModel(cardinality=2).fit(VOTES)) == "<LabelModel(cardinality=2), fitted on 4 functions>"


def test_a_misspelt_class_of_the_balance_is_named():
    with pytest.raises(ValueError, match="lacks present and names presnt"):
        LabelModel(cardinality=2).fit(VOTES, class_balance={"absent": 0.9, "presnt": 0.1})
