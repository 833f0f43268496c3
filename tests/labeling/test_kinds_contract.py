"""What holds for every kind of function, declared and written; a kind without an entry here fails the suite."""

import ast
import importlib
import json
import pickle
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from sidelight.labeling import (
    DeclaredFunction,
    FunctionError,
    LFApplier,
    UsageError,
    add_consistency,
    allow_prompts,
    keyword_lf,
    load_functions,
)
from sidelight.labeling.function import RecordFunction
from sidelight.slicing import SFApplier, SlicingFunction

pytest.importorskip("spacy")

HEAD = """
import re
import spacy
from sidelight.labeling import *
from sidelight.labeling.intervals import *
from sidelight.slicing import slicing_function

def readable(record):
    if not isinstance(record.text, str):
        raise ValueError(f"cannot read {record.text}")
    return record.text.lower()

def doses(record):
    readable(record)
    return event_intervals(record, ["2160"])
"""

DECLARED = {
    "keyword": "f = keyword_lf('f', ['effusion'], 1)",
    "context": "f = keyword_lf('f', ['effusion'], 1, negated=False, sections=['findings', ''])",
    "regex": "f = regex_lf('f', 'effus(ion|us)', 1)",
    "gazetteer": "f = gazetteer_lf('f', ['effusion', 'ascites'], 1)",
    "numeric": "f = numeric_lf('f', ['EF'], 1, below=40, units='%')",
    "dated": "f = dated_lf('f', ['fell'], 1, days=(-30, 0))",
    "finding": "f = finding_lf('f', ['effusion'], affirmed=1, negated=0)",
    "event": "f = event_lf('f', ['2160-0'], 1, above=1.0)",
    "code tree": "f = event_lf('f', CodeSet(['21'], parents={'2160-0': ['216'], '216': ['21']}), 1)",
    "rise": "f = rise_lf('f', CodeSet(['2160']), 1, by=0.3, hours=48)",
    "annotator": "f = annotator_lf('f', 'reader', answers={'pos': 1, 'neg': 0})",
    "neighbour": "f = neighbour_lf('f', {'pleural effusion': 1, 'effusion': 1, 'normal heart': 0}, threshold=0.4, k=1)",
    "embedding": """
def embed(texts):
    return [[text.lower().count("e") + 0.5, text.count("u")] for text in texts]

f = neighbour_lf('f', {'effusion uuu': 1, 'eee': 0}, embed=embed, threshold=0.9, k=1)""",
    "and": "f = (keyword_lf('a', ['effusion'], 1) & keyword_lf('b', ['ef'], 1)).named('f')",
    "or": "f = (keyword_lf('a', ['effusion'], 1) | keyword_lf('b', ['fell'], 1)).named('f')",
    "not": "f = (~keyword_lf('a', ['effusion'], 1)).voting(0).named('f')",
    "then": "f = keyword_lf('a', ['effusion'], 1).then(keyword_lf('b', ['fell'], 0)).named('f')",
    "first_of": "f = first_of(keyword_lf('a', ['effusion'], 1), keyword_lf('b', ['ef'], 0), name='f')",
    "cascade": "f = cascade(keyword_lf('a', ['effusion'], 1, negated=False), keyword_lf('b', ['ef'], 0), name='f')",
    "matcher": "f = matcher_lf('f', ['effusion', 'ascites'], 1, language=spacy.blank('en'))",
    "prompt": "f = prompt_lf('f', 'effusion? {text}', {'yes': 1, 'no': 0}, model='m', url='ADDRESS')",
}
WRITTEN = {
    "plain": """
WORDS = ["effusion"]

@labeling_function()
def f(record):
    if any(word in readable(record) for word in WORDS):
        return 1
    return 0 if len(record.text) > 5 else None""",
    "requires": """
@labeling_function(requires=["effusion"])
def f(record):
    return 1 if "no" not in readable(record) else 0""",
    "resources": """
@labeling_function(resources={"words": ["effusion", "ascites"]})
def f(record, words):
    return 1 if any(word in readable(record) for word in words) else None""",
    "preprocessor": """
@preprocessor
def lowered(record):
    record.lowered = readable(record).replace("oe", "o")
    return record

@labeling_function(pre=[lowered])
def f(record):
    return 1 if "effusion" in record.lowered else None""",
    "preprocessor class": """
class Length(Preprocessor):
    def run(self, text):
        return {"size": len(text.lower()) + 2}

@labeling_function(pre=[Length("length")])
def f(record):
    return 1 if record.size > 9 else None""",
    "third-party model": """
def load():
    from sklearn.feature_extraction.text import CountVectorizer
    return {"model": CountVectorizer(vocabulary=["effusion"])}

@labeling_function(setup=load)
def f(record, model):
    return 1 if model.transform([readable(record)]).sum() > 0 else None""",
    "soft, partial votes": """
@labeling_function()
def f(record):
    if "effusion" in readable(record):
        return Vote(1, [(0, 1)], confidence=0.5)
    return {0, 1} if len(record.text) > 3 else None""",
    "spacy": """
@nlp_labeling_function(language=spacy.blank("en"))
def f(record):
    return 1 if any(token.lower_ == "effusion" for token in record.doc) else None""",
    "spacy, requires": """
@nlp_labeling_function(language=spacy.blank("en"), requires=["effusion"])
def f(record):
    return 1 if len(record.doc) > 3 else 0""",
    "intervals of a window": """
def found(record):
    return IntervalSet([(2.0, 6.0 + len(readable(record)) % 3)])

f = interval_lf("f", found, 1, bounds=("start", "end"), min_cover=0.5, else_=0)""",
    "intervals of a patient": 'f = timeline_lf("f", doses, 1, min_count=2)',
    "intervals with scores": """
def scored(record):
    return IntervalSet([Interval(0.0, 4.0, score=0.25 * ("effusion" in readable(record)))])

f = score_lf("f", scored, positive=1, above=0.2, negative=0, below=0.1)""",
    "slice": """
@slicing_function
def f(record):
    return "effusion" in readable(record)""",
    "slice, requires": """
@slicing_function(requires=["effusion"])
def f(record):
    return len(readable(record)) > 13""",
}
KINDS = {**DECLARED, **WRITTEN}

EVENTS = [
    {"kind": "lab", "code": "2160-0", "time": f"2020-01-0{day}", "value": value, "unit": "mg/dl"}
    for day, value in ((1, 0.9), (2, 1.4))
]
ROWS = [
    {"id": "a", "text": "Effusion. EF 30 %. Fell 3 days ago.", "time": "2020-01-10", "events": EVENTS, "reader": "pos"},
    {"id": "b", "text": "No effusion, Lungenödem.", "time": "2020-01-10", "events": [], "reader": None},
    {"id": "c", "text": "", "time": "2019-06-01", "events": [], "reader": "?"},
    {"id": "d", "text": "ef 60%; EFFUSION unlikely", "time": "2019-01-01", "events": EVENTS, "reader": "neg"},
]  # fmt: skip
ROWS = [{**row, "start": 0.0, "end": 10.0} for row in ROWS]
BAD = {**ROWS[0], "id": "z", "text": ["ZEBRA-4711"], "reader": ["ZEBRA-4711"]}
BAD_EVENTS = [
    {**ROWS[0], "id": "z", "events": events}
    for events in ("ZEBRA-4711", [{"time": "ZEBRA-4711"}], [{"time": "2020-01-01", "value": "ZEBRA-4711"}])
]


class Model(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][0]["content"].removeprefix("effusion? ")
        said = "Yes." if "ffusion" in text else "no" if text else "ZEBRA"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"choices": [{"message": {"content": said}}]}).encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    with HTTPServer(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with allow_prompts():
            yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@pytest.fixture
def load(tmp_path, address):
    def load(body, name="lfs"):
        path = tmp_path / f"{name}.py"
        path.write_text((HEAD + body).replace("ADDRESS", address), encoding="utf-8")
        (function,) = [one for one in load_functions(path, RecordFunction) if one.name == "f"]
        return function

    return load


def applied(function, rows=ROWS, **keywords):
    if isinstance(function, SlicingFunction):
        return SFApplier([function]).apply(rows, **keywords)
    return LFApplier([function]).apply(rows, **keywords)


def answers(function, rows=ROWS):
    return np.asarray(applied(function, rows))[:, 0].tolist()


every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_it_pickles_with_its_votes_and_its_fingerprint(kind, load):
    function = load(KINDS[kind])
    again = pickle.loads(pickle.dumps(function))  # noqa: S301
    assert type(again) is type(function)
    assert again.fingerprint == function.fingerprint
    assert getattr(again, "polarity", None) == getattr(function, "polarity", None)
    assert answers(again) == answers(function)


@every_kind
def test_comments_docstrings_annotations_and_layout_change_no_fingerprint(kind, load):
    body = KINDS[kind]
    commented = "\n".join(f"{line}  # why" if line else "# because\n" for line in body.split("\n"))
    annotated = re.sub(
        r"\n(def \w+)\((\w+)(.*)\):\n", r"\n\1(\2: object\3) -> object:\n    '''Says so.'''\n", body
    )
    assert annotated != body or "def " not in body.replace("    def ", "")
    variants = [commented, annotated, ast.unparse(ast.parse(body)), "\n\n" + body]
    prints = {load(variant, f"v{n}").fingerprint for n, variant in enumerate(variants)}
    assert prints == {load(body).fingerprint}


@every_kind
def test_any_content_edit_changes_the_fingerprint(kind, load):
    whole = load(KINDS[kind]).fingerprint
    edited = 0
    for number, (place, source) in enumerate(edits(KINDS[kind])):
        try:
            other = load(source, f"e{number}")
        except Exception:  # noqa: S112 - the edit made the file one that does not load
            continue
        edited += 1
        assert other.fingerprint != whole, f"unnoticed: {place}"
    assert edited


def edits(body):
    """Yield the source with one constant or comparison changed at a time, but for names and addresses."""
    n_nodes = len(list(ast.walk(ast.parse(body))))
    for position in range(n_nodes):
        tree = ast.parse(body)
        node = list(ast.walk(tree))[position]
        if isinstance(node, ast.Constant) and node.value not in ("f", "a", "b", "ADDRESS", "length", None):
            node.value = (
                not node.value
                if isinstance(node.value, bool)
                else node.value + ("x" if isinstance(node.value, str) else 1)
            )
        elif isinstance(node, ast.Compare):
            node.ops = [{ast.In: ast.NotIn, ast.NotIn: ast.In}.get(type(node.ops[0]), ast.LtE)()]
        else:
            continue
        yield ast.dump(node), ast.unparse(tree)


@every_kind
def test_it_fires_somewhere_and_the_order_of_records_does_not_matter(kind, load):
    function = load(KINDS[kind])
    votes = answers(function)
    assert len(set(votes)) > 1
    assert answers(function, ROWS[::-1]) == votes[::-1]
    assert [answers(function, [row])[0] for row in ROWS] == votes


@every_kind
def test_errors_name_the_function_and_the_row_and_hold_no_text(kind, load):
    function = load(KINDS[kind])
    if kind in ("event", "code tree", "rise"):  # what they read is checked before they are asked
        for bad in BAD_EVENTS:
            with pytest.raises(UsageError, match=r"^row 1, event 0") as refused:
                applied(function, [ROWS[0], bad])
            assert "ZEBRA" not in str(refused.value)
            assert refused.value.__context__ is None
        return
    with pytest.raises(FunctionError, match="'f', row 1") as caught:
        applied(function, [ROWS[0], BAD])
    assert "ZEBRA" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    if isinstance(function, SlicingFunction):
        assert applied(function, [ROWS[0], BAD], on_error="exclude").errors == {"f": 1}
    else:
        errors = applied(function, [ROWS[0], BAD], on_error="abstain").statistics.errors
        assert np.asarray(errors).tolist() == [1]


@pytest.mark.parametrize("kind", DECLARED)
def test_declared_functions_say_what_they_do_and_why_they_voted(kind, load):
    function = load(KINDS[kind])
    assert isinstance(function, DeclaredFunction)
    assert len(function.__doc__) > 10
    assert function.cost > 0
    run = LFApplier([function]).apply(ROWS, evidence=True)
    assert run.dense()[:, 0].tolist() == answers(function)
    for (row, _), spans in run.evidence.items():
        assert run.dense()[row, 0] != -1
        assert all(0 <= start < end <= len(ROWS[row]["text"]) for start, end in spans)


@pytest.mark.parametrize("by", ["patient_id", "document"])
def test_consistent_votes_pickle_and_know_their_content_and_no_order(by):
    rows = [{**row, "patient_id": row["id"] > "b", "document": "one"} for row in ROWS]
    function = LFApplier([keyword_lf("f", ["fell"], 1)])

    def spread(rows, **keywords):
        return add_consistency(function.apply(rows), "f", groups=[row[by] for row in rows], **keywords)

    votes = spread(rows)
    assert np.asarray(spread(rows[::-1]))[::-1].tolist() == np.asarray(votes).tolist()
    # rows a and b are one patient's, c and d another's; all four are one document's
    assert np.asarray(votes)[:, 1].tolist() == ([-1, 1, -1, -1] if by == "patient_id" else [-1, 1, 1, 1])
    again = pickle.loads(pickle.dumps(votes))  # noqa: S301
    assert np.asarray(again).tolist() == np.asarray(votes).tolist()
    prints = {
        spread(rows, **edit).functions[1].fingerprint for edit in ({}, {"agreement": 0.9}, {"at_least": 2})
    }
    assert len(prints) == 3


def test_every_kind_that_exists_stands_here(load):
    written = " ".join(KINDS.values())
    names = [
        name
        for module in ("labeling", "labeling.intervals", "slicing")
        for name in importlib.import_module(f"sidelight.{module}").__all__
        if name.endswith(("_lf", "_function"))
        or name in ("cascade", "first_of", "preprocessor", "Preprocessor")
    ]
    assert len(names) > 20
    makers = set(names) - {"transformation_function"}  # makes records, casts no votes
    assert {name for name in makers if not re.search(rf"\b{name}\b", written)} == set()
    classes = {type(load(body, f"k{n}")) for n, body in enumerate(KINDS.values())}
    known = {base for one in classes for base in one.__mro__}
    assert {one for one in subclasses(RecordFunction) if one.__module__.startswith("sidelight.")} <= known


def subclasses(one):
    return {one, *(below for sub in one.__subclasses__() for below in subclasses(sub))}
