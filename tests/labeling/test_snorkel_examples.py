"""Examples of Snorkel's documentation, with nothing changed but the imports."""

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sidelight.labeling import (
    ApplyAllPolicy,
    ApplyEachPolicy,
    ApplyOnePolicy,
    LabelingFunction,
    LFAnalysis,
    LFApplier,
    MeanFieldPolicy,
    PandasLFApplier,
    PandasTFApplier,
    Preprocessor,
    RandomPolicy,
    UsageError,
    labeling_function,
    preprocessor,
    transformation_function,
)

LambdaPreprocessor = Preprocessor


def test_labeling_functions():
    @labeling_function()
    def f(x):
        return 0 if x.a > 42 else -1

    x = SimpleNamespace(a=90, b=12)
    assert f(x) == 0

    @labeling_function(name="my_lf")
    def g(x):
        return 0 if x.a > 42 else -1

    assert g.name == "my_lf"
    assert g(x) == 0


def test_a_labeling_function_with_resources():
    def f(x, db):
        return 0 if x.a in db else -1

    lf = LabelingFunction("in_db", f, resources={"db": {90}})
    assert [lf(SimpleNamespace(a=a)) for a in (90, 1)] == [0, -1]


def test_preprocessors():
    @preprocessor()
    def combine_text_preprocessor(x):
        x.article = f"{x.title} {x.body}"
        return x

    @preprocessor(memoize=True)
    def square(x):
        x.num_squared = x.num**2
        return x

    @labeling_function(pre=[combine_text_preprocessor])
    def article_mentions_spouse(x):
        return 1 if "spouse" in x.article.lower() else 0

    assert article_mentions_spouse(SimpleNamespace(title="My spouse", body="and I")) == 1
    lowercase = LambdaPreprocessor("lower", lambda x: x.with_fields(text=x.text.lower()), memoize=True)

    @labeling_function(pre=[lowercase, square])
    def shouts(x):
        return 1 if x.text == "hi" and x.num_squared == 4 else 0

    assert shouts(SimpleNamespace(text="HI", num=2)) == 1


class SplitWords(Preprocessor):
    def __init__(self, name, text_field, lower_field, words_field):
        super().__init__(name, dict(text=text_field), dict(lower=lower_field, words=words_field))  # noqa: C408

    def run(self, text):
        return {"lower": text.lower(), "words": text.split()}


class Louder(Preprocessor):
    def __init__(self, sign):
        super().__init__("louder", memoize=True, pre=[])
        self.sign = sign

    def run(self, text):
        return {"text": text + self.sign}


def test_preprocessors_that_are_classes():
    split = SplitWords("split", "text", "text_lower", "text_words")
    made = split(SimpleNamespace(text="Hello World"))
    assert (made.text_lower, made.text_words) == ("hello world", ["Hello", "World"])
    loud = Louder("!")
    function = LabelingFunction("f", lambda x: 1 if x.text.endswith("!") else 0, pre=[loud])
    assert LFApplier([function]).apply([SimpleNamespace(text="a")]).dense().tolist() == [[1]]
    back = pickle.loads(pickle.dumps(loud))  # noqa: S301 - made just now
    assert back(SimpleNamespace(text="a")).text == "a!"
    assert back.fingerprint == loud.fingerprint != Louder("?").fingerprint
    with pytest.raises(UsageError, match="define run"):
        Preprocessor("empty")


def test_a_class_that_returns_no_mapping_is_named():
    class Broken(Preprocessor):
        def run(self, text):
            return text

    with pytest.raises(TypeError, match="'broken': run returned a str"):
        Broken("broken")({"text": "secret"})


def test_appliers():
    @labeling_function()
    def is_big_num(x):
        return 1 if x.num > 42 else 0

    applier = LFApplier([is_big_num])
    assert np.array_equal(applier.apply([SimpleNamespace(num=10), SimpleNamespace(num=100)]), [[0], [1]])

    @labeling_function()
    def is_big(x):
        return 1 if x.num > 42 else 0

    assert np.array_equal(
        PandasLFApplier([is_big]).apply(pd.DataFrame({"num": [10, 100], "text": ["hello", "hi"]})), [[0], [1]]
    )


def test_analysis():
    L = np.array([[-1, 0, 0], [-1, -1, -1], [1, 0, -1], [-1, 0, -1], [0, 0, 0]])
    Y = np.array([0, 1, 0, 1, 0])
    analysis = LFAnalysis(L)
    assert analysis.label_coverage() == 0.8
    assert analysis.label_overlap() == pytest.approx(0.6)
    assert analysis.label_conflict() == 0.2
    assert analysis.lf_polarities() == [[0, 1], [0], [0]]
    np.testing.assert_allclose(analysis.lf_coverages(), [0.4, 0.8, 0.4])
    np.testing.assert_allclose(analysis.lf_overlaps(), [0.4, 0.6, 0.4])
    np.testing.assert_allclose(analysis.lf_overlaps(normalize_by_coverage=True), [1, 0.75, 1])
    np.testing.assert_allclose(analysis.lf_conflicts(), [0.2, 0.2, 0])
    np.testing.assert_allclose(analysis.lf_conflicts(normalize_by_overlaps=True), [0.5, 1 / 3, 0])
    np.testing.assert_allclose(analysis.lf_empirical_accuracies(Y), [0.5, 0.75, 1])
    table = analysis.lf_summary(Y, est_weights=[0.1, 0.2, 0.3], style="snorkel")
    assert table.columns.tolist() == [
        "j", "Polarity", "Coverage", "Overlaps", "Conflicts", "Correct", "Incorrect", "Emp. Acc.", "Learned Weight",
    ]  # fmt: skip


def test_transformations():
    @transformation_function()
    def square(x):
        x.num = x.num**2
        return x

    @transformation_function(name="my_tf")
    def cube(x):
        x.num = x.num**3
        return x

    assert square(SimpleNamespace(num=2)).num == 4
    assert cube.name == "my_tf"
    frame = pd.DataFrame({"num": [2, 3]})
    assert PandasTFApplier([square], ApplyOnePolicy(keep_original=False)).apply(frame)["num"].tolist() == [
        4,
        9,
    ]


def test_policies():
    assert ApplyOnePolicy(n_per_original=2).generate_for_example() == [[], [0], [0]]
    assert ApplyAllPolicy(3, n_per_original=2, keep_original=False).generate_for_example() == [[0, 1, 2]] * 2
    assert ApplyEachPolicy(3, keep_original=True).generate_for_example() == [[], [0], [1], [2]]
    assert [
        len(s)
        for s in RandomPolicy(
            2, sequence_length=2, n_per_original=2, keep_original=False
        ).generate_for_example()
    ] == [2, 2]
    assert (
        MeanFieldPolicy(
            2, sequence_length=2, n_per_original=2, keep_original=False, p=[0, 1]
        ).generate_for_example()
        == [[1, 1]] * 2
    )
