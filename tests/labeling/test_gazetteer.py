import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import Gazetteer, InputError, UsageError, gazetteer_lf
from sidelight.labeling.gazetteer import _ASCII_TOKEN, _TOKEN

words = st.sampled_from(["heart", "failure", "left", "x", "-", "ray", "ödem", "a"])


def found(gazetteer, text):
    return [text[start:end] for start, end in gazetteer.find(text)]


def test_the_longest_term_wins_and_terms_are_whole_words():
    terms = Gazetteer(["heart", "heart failure", "acute heart failure syndrome"])
    assert found(terms, "Acute HEART  failure; hearty.") == ["HEART  failure"]


def test_signs_are_tokens_of_their_own():
    assert found(Gazetteer(["x-ray", "s/p"]), "X-ray, s/p fall") == ["X-ray", "s/p"]


@given(
    st.lists(st.lists(words, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=6),
    st.lists(words, max_size=10).map(" ".join),
)
def test_a_gazetteer_finds_what_an_alternation_finds(terms, text):
    bodies = sorted(
        {" ".join(re.findall(r"\w+|[^\w\s]", t)) for t in terms}, key=lambda t: (-t.count(" "), -len(t))
    )
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(body)}(?!\w)" for body in bodies))
    assert found(Gazetteer(terms), text) == [m.group() for m in pattern.finditer(text)]


@given(
    st.lists(st.lists(words, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=8),
    st.lists(words, max_size=10).map(" ".join),
)
def test_the_vote_agrees_with_the_spans_and_the_terms_are_known(terms, text):
    gazetteer = Gazetteer(terms)
    assert gazetteer.holds_any(text) == bool(gazetteer.find(text))
    assert gazetteer.terms == {" ".join(re.findall(r"\w+|[^\w\s]", term)) for term in terms}
    assert len(gazetteer) == len(gazetteer.terms)


def test_tokens_in_plain_ascii_are_those_of_any_text():
    text = "".join(map(chr, range(128))) + "a_1 b"
    assert _ASCII_TOKEN.findall(text) == _TOKEN.findall(text)
    assert found(Gazetteer(["heart failure"]), "heart\x1cfailure") == ["heart\x1cfailure"]


def test_short_and_blocked_terms_are_left_out():
    terms = Gazetteer(["a", "as", "asthma", "cold"], min_length=3, blocked=["COLD"])
    assert sorted(terms.terms) == ["asthma"]


def test_equal_lists_are_built_once():
    assert Gazetteer.of(["asthma", "copd"]) is Gazetteer.of(["asthma", "copd"])


def test_a_file_of_terms(tmp_path):
    path = tmp_path / "terms.txt"
    path.write_text("asthma\ncopd\n")
    assert found(Gazetteer.of(path), "COPD") == ["COPD"]
    with pytest.raises(InputError, match=r"none\.txt"):
        Gazetteer.of(tmp_path / "none.txt")


def test_functions_of_terms_pickle_and_know_their_content():
    function = gazetteer_lf("lungs", ["copd", "asthma"], 1, negated=False)
    again = pickle.loads(pickle.dumps(function))  # noqa: S301
    assert (
        again.fingerprint
        == function.fingerprint
        == gazetteer_lf("lungs", ["asthma", "copd"], 1, negated=False).fingerprint
    )
    assert function.fingerprint != gazetteer_lf("lungs", ["asthma"], 1, negated=False).fingerprint
    assert (again("Asthma."), again("No asthma."), again("Asthmatic")) == (1, None, None)


def test_a_letter_that_grows_when_lowered_moves_no_span():
    assert found(Gazetteer(["asthma"]), "İİ asthma") == ["asthma"]


@pytest.mark.parametrize("terms", ["asthma", [], [" "]])
def test_no_terms_are_refused(terms):
    with pytest.raises(UsageError, match="terms is"):
        gazetteer_lf("lungs", terms, 1)
