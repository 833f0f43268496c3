"""Lines that most notebooks written for Snorkel hold: by keyword, by comparison with the matrix, by buckets."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel
from sidelight.labeling import (
    FunctionError,
    LabelingFunction,
    LFApplier,
    NLPLabelingFunction,
    PandasLFApplier,
    UsageError,
    VoteMatrix,
    get_label_buckets,
    nlp_labeling_function,
)
from sidelight.slicing import SlicingFunction

pd = pytest.importorskip("pandas")


def lookup(x, keywords, label):
    return label if any(word in x.text for word in keywords) else -1


def keyword(name, word, label):
    return LabelingFunction(name=name, f=lookup, resources={"keywords": [word], "label": label})


FRAME = pd.DataFrame({"text": ["fluid", "clear", "fluid, clear", "none"]})
FUNCTIONS = [keyword("fluid", "fluid", 1), keyword("clear", "clear", 0)]
L = np.array([[0, 0, -1], [1, 1, 1], [0, -1, 0], [1, 1, -1], [0, 0, 0]])


@pytest.fixture
def votes():
    return PandasLFApplier(lfs=FUNCTIONS).apply(df=FRAME)


def test_a_frame_is_given_by_its_name_there(votes):
    assert np.asarray(votes).tolist() == [[1, -1], [-1, 0], [1, 0], [-1, -1]]
    again, about = PandasLFApplier(FUNCTIONS).apply(FRAME, False, True, True)
    assert np.asarray(again).tolist() == np.asarray(votes).tolist()
    assert about.faults == {}


def test_the_matrix_is_compared_element_by_element(votes):
    assert (votes != -1).mean(axis=0).tolist() == [0.5, 0.5]
    assert (votes == 1).sum() == 2
    assert (votes == np.asarray(votes)).all()
    assert votes.dtype == np.int8


def test_two_tables_are_equal_only_to_themselves(votes):
    other = LFApplier(FUNCTIONS).apply(FRAME)
    assert votes == votes
    assert votes != other
    assert len({votes, other}) == 2
    assert votes is not None
    assert isinstance(votes, VoteMatrix)


def test_buckets_are_rows_by_labels(votes):
    buckets = get_label_buckets(votes[:, 0], votes[:, 1])
    assert {key: rows.tolist() for key, rows in buckets.items()} == {
        (1, -1): [0],
        (-1, 0): [1],
        (1, 0): [2],
        (-1, -1): [3],
    }
    assert FRAME.iloc[buckets[1, 0]].text.tolist() == ["fluid, clear"]
    with pytest.raises(ValueError, match="same records"):
        get_label_buckets([1], [1, 0])


def test_a_label_model_takes_what_it_has_no_use_for():
    model = LabelModel(cardinality=2, verbose=True, device="cpu")
    assert model.get_params() == LabelModel(cardinality=2).get_params()
    assert (
        model.fit(L_train=L, n_epochs=500, log_freq=100, seed=123).fingerprint
        == LabelModel(2).fit(L).fingerprint
    )


@pytest.mark.parametrize("kind", [LabelingFunction, NLPLabelingFunction])
def test_a_function_is_given_once(kind):
    with pytest.raises(UsageError, match="give one plain function"):
        kind("a")
    with pytest.raises(UsageError, match="give one plain function"):
        kind("a", lookup, f=lookup)


def test_slicing_functions_have_it_too():
    short = SlicingFunction(name="short", f=lambda x: len(x.text) < 5)
    assert short({"text": "abc"})


def test_a_pipeline_that_is_not_there_is_named():
    pytest.importorskip("spacy")

    @nlp_labeling_function(language="xx_no_such_pipeline")
    def person(x):
        return 1

    with pytest.raises(FunctionError, match="spaCy finds no pipeline called 'xx_no_such_pipeline'"):
        LFApplier([person]).apply(FRAME)
