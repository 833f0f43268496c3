"""Labeling functions made of plain ones."""

import pickle

import pytest

from sidelight.labeling import FunctionError, LabelingFunction, LFApplier, UsageError, Vote, labeling_function


@labeling_function
def says_normal(record):
    """Vote normal where a normal ECG is named."""
    return 0 if "normal ecg" in record.text.lower() else -1


@labeling_function()
def says_paced(record):
    return 1 if "paced" in record.text.lower() else -1


@labeling_function(name="words", resources={"words": ["stemi", "nstemi"]})
def says_one_of(record, words):
    return 1 if any(word in record.text.lower() for word in words) else None


@labeling_function(requires=["ÖDEM", "edema"])
def says_oedema(record):
    return 1


def test_the_decorator_works_with_and_without_parentheses():
    assert isinstance(says_normal, LabelingFunction)
    assert isinstance(says_paced, LabelingFunction)
    assert (says_normal.name, says_paced.name, says_one_of.name) == ("says_normal", "says_paced", "words")
    assert says_normal.__doc__ == "Vote normal where a normal ECG is named."


def test_a_function_can_be_called_on_any_row():
    assert says_normal({"text": "Normal ECG."}) == 0
    assert says_paced("Paced rhythm") == 1
    assert says_one_of({"text": "Acute STEMI"}) == 1
    assert says_one_of({"text": "none"}) is None


@pytest.mark.parametrize("text", ["Lungenödem", "EDEMA of the legs", "Pulmonary edema"])
def test_required_words_are_found_in_any_case(text):
    assert says_oedema({"text": text}) == 1


@pytest.mark.parametrize("text", ["No effusion.", "", None])
def test_without_required_words_the_function_is_not_asked(text):
    assert says_oedema({"text": text}) is None


def test_a_decorated_function_pickles_by_its_name():
    assert pickle.loads(pickle.dumps(says_normal)) is says_normal  # noqa: S301


@pytest.mark.parametrize(
    "make",
    [
        lambda: labeling_function("says_normal"),
        lambda: labeling_function(name="")(lambda record: 0),
        lambda: LabelingFunction(" ", lambda record: 0),
        lambda: labeling_function(requires="edema")(lambda record: 0),
        lambda: labeling_function(on_error="ignore")(lambda record: 0),
    ],
    ids=["a name for the function", "empty name", "blank name", "one required string", "unknown on_error"],
)
def test_wrong_options_are_refused_when_the_function_is_made(make):
    with pytest.raises((UsageError, TypeError)):  # noqa: PT012
        made = make()
        assert made.name


class Broken(LabelingFunction):
    def setup(self):
        self.ready = True


def test_setup_runs_before_the_first_record():
    function = Broken("needs_setup", lambda record: int(function.ready))
    assert LFApplier([function]).apply(["a", "b"]).dense().tolist() == [[1], [1]]


def raises(record):
    return int(record.text)  # the message of int() quotes its argument


def test_a_function_that_raises_stops_the_run_with_its_name_row_and_line():
    function = labeling_function(raises)
    with pytest.raises(FunctionError, match="function 'raises', row 2: raised ValueError in line") as caught:
        LFApplier([function]).apply([{"text": "0"}, {"text": "1"}, {"text": "ZEBRAFISH-4711"}])
    assert f"line {raises.__code__.co_firstlineno + 1} " in str(caught.value)


def test_a_function_may_abstain_where_it_raises():
    function = labeling_function(raises)
    votes, meta = LFApplier([function]).apply(
        ["0", "x", "1", "y"], fault_tolerant=True, return_meta=True
    )  # Snorkel's way
    assert votes.dense().ravel().tolist() == [0, -1, 1, -1]
    assert votes.statistics.errors.tolist() == [2]
    assert meta.faults == {"raises": 2}


def test_the_functions_own_policy_goes_before_the_runs():
    patient = labeling_function(on_error="abstain")(raises)
    assert LFApplier([patient]).apply(["x", "1"]).dense().ravel().tolist() == [-1, 1]
    strict = labeling_function(on_error="raise")(raises)
    with pytest.raises(FunctionError, match="row 0"):
        LFApplier([strict]).apply(["x"], on_error="abstain")


@pytest.mark.parametrize("fault", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_no_fault_of_the_function(fault):
    @labeling_function
    def interrupts(record):
        raise fault

    with pytest.raises(fault):
        LFApplier([interrupts]).apply(["x"], on_error="abstain")


def test_votes_may_bring_spans_and_confidence():
    @labeling_function
    def says_stemi(record):
        start = record.text.find("STEMI")
        return Vote(1, spans=[(start, start + 5)], confidence=0.75) if start >= 0 else None

    votes = LFApplier([says_stemi]).apply(["Old scar", "Acute STEMI"])
    assert votes.dense().ravel().tolist() == [-1, 1]
    assert dict(votes.evidence) == {(1, 0): ((6, 11),)}
    assert votes.confidence.ravel().tolist() == [1, 0.75]


def test_a_function_may_leave_open_which_of_some_classes():
    @labeling_function
    def not_normal(record):
        return {1, 2} if "abnormal" in record.text else {0}

    votes = LFApplier([not_normal]).apply(["abnormal", "fine"])
    assert votes.dense().ravel().tolist() == [-1, 0]
    assert votes.class_sets[:, 0, 0].tolist() == [0b110, 0]


def test_the_picture_of_a_function_is_its_name():
    assert repr(says_normal) == "LabelingFunction(says_normal)"
