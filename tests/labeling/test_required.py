"""Functions with `requires=` in a run: asked only where a word of theirs may stand, with the votes they give alone."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidelight.labeling import FunctionError, LFApplier, keyword_lf, labeling_function, nlp_labeling_function
from sidelight.labeling.fused import FusedPlan
from sidelight.labeling.fused.vector import is_installed
from sidelight.labeling.record import Record
from sidelight.slicing import SFApplier, slicing_function

REQUIRED = [
    ["edema"], ["ÖDEM", "edema"], ["Erguß"], ["no  effusion", "s/p"], [" effusion "], ["\tk+"], ["ΟΔΟΣ"], ["οδοσ"],
    ["İs"], ["i\u0307s"], ["ıs", "ſkin"], ["Kalium"], ["kalium"], ["ǅ x"], ["a", "rash"], ["  "], ["o\u0308dem"], ["\xa0mg"],
    ["x.y"], [""],
]  # fmt: skip
PIECES = [
    "edema", "EDEMA", "Ödem", "ödem", "o\u0308dem", "O\u0308DEM", "Erguß", "ERGUSS", "ERGUẞ", "no", "effusion", "s/p", "S/P", " ", "  ", "\t",
    "\x1c", "\x85", "\xa0", "\n", "k+", "K+", "K+", "ΟΔΟΣ", "οδος", "οδοσ", "Σ", "İs", "is", "ıs", "IS", "i\u0307s", "ſkin", "skin", "SKIN",
    "Kalium", "Kalium", "ǆ", "ǅ", "Ǆ", "x", "rash", "a", "mg", ".", "x.y", "xzy", "",
]  # fmt: skip
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
    st.text(max_size=30),
)
ENGINES = [
    "words",
    pytest.param("vector", marks=pytest.mark.skipif(not is_installed(), reason="no hyperscan")),
]


def says_one(record):
    return 1


def applier(functions, engine):
    made = LFApplier(functions)
    made.plan = FusedPlan(functions, engine=engine)
    return made


FUNCTIONS = [
    *(labeling_function(name=f"{n}", requires=words)(says_one) for n, words in enumerate(REQUIRED)),
    keyword_lf("pattern", ["effusion"], 0),
]


@pytest.mark.parametrize("engine", ENGINES)
@given(notes=st.lists(texts, min_size=1, max_size=4))
@example(notes=["".join(PIECES), " ".join(PIECES), *PIECES])
def test_functions_vote_in_a_run_as_they_do_alone(engine, notes):
    alone = [[function({"text": note}) for function in FUNCTIONS] for note in notes]
    votes = applier(FUNCTIONS, engine).apply(notes)
    assert votes.dense().tolist() == [[-1 if vote is None else vote for vote in row] for row in alone]


@pytest.mark.parametrize("engine", ENGINES)
@given(words=st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=3), data=st.data())
def test_any_words_at_all(engine, words, data):
    functions = [labeling_function(requires=words)(says_one), FUNCTIONS[-1]]
    cased = [
        made for word in words for made in (word, word.upper(), word.lower(), word.title(), word.casefold())
    ]
    notes = data.draw(
        st.lists(st.lists(st.sampled_from([*cased, *PIECES]), max_size=5).map("".join), min_size=1)
    )
    alone = [1 if functions[0]({"text": note}) == 1 else -1 for note in notes]
    assert applier(functions, engine).apply(notes).dense()[:, 0].tolist() == alone


@pytest.mark.parametrize("engine", ENGINES)
def test_the_plan_names_the_records_to_ask_about(engine):
    asked = labeling_function(requires=["edema", "ÖDEM"])(says_one)
    everywhere = labeling_function(name="everywhere", requires=["a"])(says_one)
    plan = FusedPlan([everywhere, FUNCTIONS[-1], asked], engine=engine)
    assert (plan.columns, plan.proposed) == ((1,), (2,))
    notes = ["No effusion.", "Edema", "Lungenödem", "Effusion, EDEMA", ""]
    found, faults = plan.find([Record({"text": note}) for note in notes], 0, "raise")
    assert found.T.tolist() == [[True, False, False, True, False], [False, True, True, True, False]]
    assert not any(faults)


def test_every_word_of_these_tests_is_found_somewhere():
    votes = (
        LFApplier(FUNCTIONS).apply([" ".join(PIECES), *PIECES, "no  effusion x", "\tk+", "\xa0mg"]).dense()
    )
    assert (votes >= 0).any(axis=0).all()
    assert len(FusedPlan(FUNCTIONS).proposed) > len(REQUIRED) // 2


def test_the_body_is_called_only_where_a_word_stands():
    seen = []

    @labeling_function(requires=["edema"], resources={"log": seen})
    def body(record, log):
        log.append(record.id)
        return 1

    LFApplier([body]).apply(
        [{"id": "a", "text": "Edema"}, {"id": "b", "text": "none"}, {"id": "c", "text": "edema"}]
    )
    assert seen == ["a", "c"]


def test_a_kind_that_decides_for_itself_what_to_ask_is_left_alone():
    class Own(type(FUNCTIONS[0])):
        def _answer(self, record):
            return 0

    own = Own("own", says_one, requires=["edema"])
    assert FusedPlan([own]).proposed == ()
    assert LFApplier([own]).apply(["clear"]).dense().tolist() == [[0]]


def test_a_body_that_raises_is_named_with_its_row():
    @labeling_function(requires=["edema"])
    def broken(record):
        raise ValueError

    notes = ["none", "none", "edema", "none", "edema"]
    with pytest.raises(FunctionError, match="'broken', row 2: raised ValueError"):
        LFApplier([broken]).apply(notes)
    votes = LFApplier([broken]).apply(notes, on_error="abstain")
    assert votes.statistics.errors.tolist() == [2]
    assert votes.dense().tolist() == [[-1]] * 5


def test_a_field_that_is_no_text_is_the_functions_fault():
    asked = labeling_function(requires=["edema"])(says_one)
    rows = [{"text": "edema"}, {"text": 61}, {"text": None}, {"text": "Edema"}]
    with pytest.raises(FunctionError, match="'says_one', row 1"):
        LFApplier([asked]).apply(rows)
    votes = LFApplier([asked, FUNCTIONS[-1]]).apply(rows, on_error="abstain")
    assert votes.dense()[:, 0].tolist() == [1, -1, -1, 1]
    assert votes.statistics.errors.tolist() == [1, 1]


def test_steps_before_the_body_run_only_where_it_is_asked():
    from sidelight.labeling import preprocessor

    made = []

    @preprocessor(memoize=False)
    def words(record):
        made.append(record.text)
        return record.with_fields(words=record.text.split())

    @labeling_function(requires=["edema"], pre=[words])
    def long(record):
        return 1 if len(record.words) > 1 else 0

    votes = LFApplier([long]).apply(["edema", "a b c", "edema of legs"] + ["x"] * 100 + ["no edema"])
    assert made == ["edema", "edema of legs", "no edema"]
    assert votes.dense()[[0, 1, 2, -1], 0].tolist() == [0, -1, 1, 1]


def test_spacy_functions_parse_only_the_notes_that_hold_a_word_and_each_once():
    parsed = []

    class Words:
        pipe_names = ("counts",)
        meta = {"lang": "xx"}  # noqa: RUF012

        @staticmethod
        def pipe(texts):
            batch = list(texts)
            parsed.append(batch)
            return (text.split() for text in batch)

    language = Words()
    both = [
        nlp_labeling_function(name=name, language=language, requires=words)(lambda record: len(record.doc))
        for name, words in (("edema", ["edema"]), ("rash", ["rash", "edema"]))
    ]
    notes = ["an edema", "a clear note", "no rash at all", "edema and rash here"] * 40
    votes = LFApplier(both).apply(notes)
    assert votes.dense()[:4].tolist() == [[2, 2], [-1, -1], [-1, 4], [4, 4]]
    assert votes.dense().tolist() == votes.dense()[:4].tolist() * 40
    assert sum(map(len, parsed)) == 120  # a third function's documents would be among them
    assert len(parsed) < 10


def test_slices_are_asked_where_a_word_of_theirs_stands():
    asked = []

    @slicing_function(requires=["edema"])
    def wet(record):
        asked.append(record.id)
        return "lung" in record.text

    rows = [
        {"id": f"{n}", "text": text} for n, text in enumerate(["Lung EDEMA, lungs", "lung", "edema", None])
    ]
    assert SFApplier([wet]).apply(rows)["wet"].tolist() == [True, False, False, False]
    assert asked == ["0", "2"]
