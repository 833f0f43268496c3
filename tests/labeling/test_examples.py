import pytest

from sidelight.labeling import (
    LabelSchema,
    UsageError,
    assert_examples,
    check_examples,
    discover,
    keyword_lf,
    labeling_function,
    packs,
)

SOURCE = """
from sidelight.labeling import keyword_lf
FUNCTIONS = [
    keyword_lf("says_paced", ["paced"], 1, tags=["rhythm"], author="A. Reader", examples={"Paced.": 1, "Unpaced": None}),
    keyword_lf("says_scar", ["scar"], 0, tags=["structure"], examples={"old scar": 0}),
    keyword_lf("finds_af", ["af"], 1, tags=["rhythm"]),
]
"""


@pytest.fixture
def lfs(tmp_path):
    path = tmp_path / "lfs.py"
    path.write_text(SOURCE)
    return path


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["says_paced", "says_scar", "finds_af"]),
        ({"names": "says_*"}, ["says_paced", "says_scar"]),
        ({"names": ["finds_af", "*scar"]}, ["says_scar", "finds_af"]),
        ({"tags": "rhythm"}, ["says_paced", "finds_af"]),
        ({"tags": ["rhythm"], "names": "says_*"}, ["says_paced"]),
    ],
)
def test_functions_are_selected_by_name_and_tag(lfs, options, names):
    assert [function.name for function in discover(lfs, **options)] == names


def test_a_selection_that_leaves_nothing_is_refused(lfs):
    with pytest.raises(
        UsageError, match=r"none of the 3 functions of lfs\.py is called says_\* and tagged imaging"
    ):
        discover(lfs, names="says_*", tags="imaging")


def test_installed_packages_offer_packs(lfs, monkeypatch):
    import importlib.metadata

    functions = discover(lfs)

    class Entry:
        name = "rhythms"

        def load(self):
            return functions

    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [Entry()] if "sidelight" in group else []
    )
    assert packs() == ["rhythms"]
    assert discover("pack:rhythms", tags="structure")[0].name == "says_scar"
    with pytest.raises(UsageError, match="there are rhythms"):
        discover("pack:other")


def test_examples_that_hold_pass(lfs):
    assert_examples(lfs)


def test_a_failing_example_is_named_without_its_text():
    function = keyword_lf(
        "effusion", ["effusion"], "yes", examples=[("no effusion in ZEBRA-4711", None), ("Clear", None)]
    )
    (failure,) = check_examples([function])
    assert str(failure) == "function 'effusion', example 1: expected an abstention, voted 'yes'"
    with pytest.raises(AssertionError, match="example 1"):
        assert_examples([function])


def test_class_names_and_numbers_are_the_same_under_a_schema():
    function = keyword_lf("effusion", ["effusion"], "yes", examples={"effusion": 1})
    assert check_examples([function])
    assert not check_examples([function], LabelSchema(["no", "yes"]))


def test_an_example_that_raises_fails():
    @labeling_function(examples={"x": 1})
    def breaks(record):
        return int(record.text)

    (failure,) = check_examples([breaks])
    assert "raised ValueError" in failure.problem


@pytest.mark.parametrize("examples", [[("x",)], ["x"], [1]])
def test_malformed_examples_are_refused(examples):
    with pytest.raises(UsageError, match="examples is a mapping"):
        keyword_lf("f", ["x"], 1, examples=examples)


def test_declared_accuracy_and_metadata():
    function = keyword_lf("f", ["x"], 1, accuracy=(0.9, 40), author="A", tags=["t"])
    assert (function.accuracy.mean, function.accuracy.strength, function.author, function.tags) == (
        0.9,
        40,
        "A",
        ("t",),
    )
    assert keyword_lf("f", ["x"], 1, accuracy=0.9).accuracy.strength == 10
    assert function.fingerprint == keyword_lf("f", ["x"], 1).fingerprint
    with pytest.raises(UsageError, match="accuracy"):
        keyword_lf("f", ["x"], 1, accuracy=1.2)


def test_setup_loads_once_and_is_part_of_the_fingerprint():
    loads = []

    def load():
        loads.append(1)
        return {"model": str.upper}

    @labeling_function(setup=load)
    def shouts(record, model):
        return 1 if model(record.text) == record.text else None

    assert [shouts("A"), shouts("a")] == [1, None]
    assert loads == [1]
    assert shouts.fingerprint

    @labeling_function(setup=lambda: None)
    def wrong(record):
        return 1

    with pytest.raises(UsageError, match="setup returned a NoneType"):
        wrong("x")


def test_declared_accuracy_stays_with_the_votes(tmp_path):
    from sidelight.labeling import LFApplier, read_votes, write_votes

    votes = LFApplier([keyword_lf("f", ["x"], 1, accuracy=(0.9, 40)), keyword_lf("g", ["x"], 1)]).apply(
        [{"id": "1", "text": "x"}]
    )
    again = read_votes(write_votes(votes, tmp_path / "votes"))
    assert [info.accuracy for info in again.functions] == [(0.9, 40.0), None]
