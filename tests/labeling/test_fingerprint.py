"""Fingerprints change with what a function does, and with nothing else."""

import importlib.util
import itertools
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import UsageError, keyword_lf, labeling_function, preprocessor, regex_lf

NAMES = itertools.count()

SOURCE = '''
import functools
import re
from dataclasses import dataclass
from enum import Enum

from sidelight.labeling import labeling_function, preprocessor

WORDS = ["effusion", "fluid"]
PATTERN = re.compile(r"no \\w+", re.IGNORECASE)
LIMITS = {"low": 1.5, "high": [2, 3]}


class Side(Enum):
    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class Rule:
    word: str = "drained"

    def holds(self, text):
        return self.word in text


RULE = Rule()


def count(text, least=1):
    """Count words."""
    return sum(word in text for word in WORDS) >= least


def deeper(text):
    return count(text) and not PATTERN.search(text)


def make(word):
    def closure(text):
        return word in text

    return closure


is_small = make("small")
shortened = functools.partial(count, least=2)


@preprocessor
def lower(record):
    return record.with_fields(lowered=record.text.lower())


def tracked(function):
    @functools.wraps(function)
    def wrapper(record):
        return function(record) + 0

    return wrapper


@labeling_function(pre=[lower], resources={"stop": ("old",)})
@tracked
def says_effusion(record, stop=("x",), *, bonus=0):
    """Vote for an effusion."""
    text = record.lowered  # lowered by the step above
    if any(word in text for word in stop) or RULE.holds(text):
        return -1

    inner = lambda value: value > LIMITS["low"]
    if is_small(text) and Side.LEFT.value in text and inner(2):
        return 0
    return 1 if deeper(text) or shortened(text) else -1
'''


def load(folder, source, name="says_effusion"):
    """Return the function a fresh file of this source defines."""
    path = folder / f"module_{next(NAMES)}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


def printed(folder, source):
    return load(folder, source).fingerprint


def printed_as(folder, source, name):
    return load(folder, source, name).fingerprint


STABLE = {
    "comment": ("# lowered by the step above", "# another comment"),
    "no comment": ("  # lowered by the step above", ""),
    "docstring": ('"""Vote for an effusion."""', '"""Vote for fluid in the pleural space."""'),
    "no docstring": ('    """Vote for an effusion."""\n', ""),
    "helper's docstring": ('"""Count words."""', '"""Count."""'),
    "blank lines": ("        return -1\n\n    inner", "        return -1\n\n\n\n    inner"),
    "layout": ("stop) or RULE", "stop\n    ) or RULE"),
    "quotes": ('WORDS = ["effusion", "fluid"]', "WORDS = ['effusion', 'fluid']"),
    "annotation": ("def deeper(text):", "def deeper(text: str) -> bool:"),
    "elsewhere": ("WORDS =", "UNUSED = 1\nWORDS ="),
    "moved": ("import functools\n", "\n\n\nimport functools\n"),
    "order of keys": ('{"low": 1.5, "high": [2, 3]}', '{"high": [2, 3], "low": 1.5}'),
}

CHANGED = {
    "body": ("return 1 if", "return 0 if"),
    "order of statements": ("deeper(text) or shortened(text)", "shortened(text) or deeper(text)"),
    "constant in the body": ("inner(2)", "inner(3)"),
    "default argument": ('stop=("x",)', 'stop=("y",)'),
    "keyword default": ("bonus=0", "bonus=1"),
    "resource": ('("old",)', '("new",)'),
    "word list": ('"fluid"', '"liquid"'),
    "order of the word list": ('["effusion", "fluid"]', '["fluid", "effusion"]'),
    "regular expression": (r"no \\w+", r"not \\w+"),
    "its flags": ("re.IGNORECASE", "re.NOFLAG"),
    "number in a mapping": ('"low": 1.5', '"low": 1.25'),
    "type of a number": ('"high": [2, 3]', '"high": [2, 3.0]') ,
    "helper": (">= least", "> least"),
    "helper's default": ("def count(text, least=1)", "def count(text, least=0)"),
    "helper of a helper": ("and not PATTERN", "or not PATTERN"),
    "closure's value": ('make("small")', 'make("large")'),
    "closure's body": ("return word in text", "return word not in text"),
    "partial's argument": ("functools.partial(count, least=2)", "functools.partial(count, least=3)"),
    "lambda": ('value > LIMITS["low"]', 'value < LIMITS["low"]'),
    "field of a dataclass": ('RULE = Rule()', 'RULE = Rule("removed")'),
    "method": ("return self.word in text", "return self.word not in text"),
    "enum": ('LEFT = "left"', 'LEFT = "links"'),
    "preprocessor": ("record.text.lower()", "record.text.upper()"),
    "decorator of the user's": ("return function(record) + 0", "return function(record) + 1"),
}  # fmt: skip


def edit(change):
    old, new = change
    old, new = old.replace("\\\\", "\\"), new.replace("\\\\", "\\")
    assert SOURCE.count(old) >= 1, old
    return SOURCE.replace(old, new)


@pytest.mark.parametrize("change", STABLE.values(), ids=STABLE)
def test_what_changes_no_vote_changes_no_fingerprint(tmp_path, change):
    assert printed(tmp_path, edit(change)) == printed(tmp_path, SOURCE)


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_what_may_change_a_vote_changes_the_fingerprint(tmp_path, change):
    assert printed(tmp_path, edit(change)) != printed(tmp_path, SOURCE)


@given(
    st.lists(
        st.tuples(st.integers(0, 80), st.sampled_from(["", "   ", "# a comment", "    # indented"])),
        max_size=6,
    )
)
def test_blank_lines_and_comments_anywhere_change_nothing(tmp_path_factory, insertions):
    folder = tmp_path_factory.mktemp("edit")
    lines = SOURCE.split("\n")
    for place, line in insertions:
        lines.insert(place % len(lines), line)
    assert printed(folder, "\n".join(lines)) == printed(folder, SOURCE)


def test_the_name_of_the_function_is_not_what_it_does(tmp_path):
    renamed = load(tmp_path, SOURCE.replace("says_effusion", "says_fluid"), "says_fluid")
    assert renamed.fingerprint == printed(tmp_path, SOURCE)


def test_other_processes_find_the_same(tmp_path):
    (tmp_path / "mine.py").write_text(SOURCE)
    found = {
        subprocess.run(
            [sys.executable, "-c", "import mine; print(mine.says_effusion.fingerprint)"],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {printed(tmp_path, SOURCE)}


@pytest.mark.parametrize("import_line", ["import {0} as h", "from {0} import helper"])
def test_a_module_of_the_users_counts_by_its_content(tmp_path, monkeypatch, import_line):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    name, deeper = f"helpers_{next(NAMES)}", f"deeper_{next(NAMES)}"
    call = "h.helper" if " as h" in import_line else "helper"
    source = (
        f"from sidelight.labeling import labeling_function\n{import_line.format(name)}\n\n"
        f"@labeling_function\ndef f(record):\n    return {call}(record)\n"
    )
    prints = []
    for body, constant in (
        ("deeper.VOTE", 1),
        ("deeper.VOTE  # same", 1),
        ("-deeper.VOTE", 1),
        ("deeper.VOTE", 0),
    ):
        (tmp_path / f"{deeper}.py").write_text(f"VOTE = {constant}\n")
        (tmp_path / f"{name}.py").write_text(
            f"import {deeper} as deeper\n\ndef helper(record):\n    return {body}\n"
        )
        for stale in (name, deeper):
            sys.modules.pop(stale, None)
        prints.append(printed_as(tmp_path, source, "f"))
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_what_a_class_reaches_counts(tmp_path):
    source = SOURCE.replace("return self.word in text", "return self.word in text or text in WORDS[:STOP]")
    one, other = (source.replace("WORDS =", f"STOP = {n}\nWORDS =") for n in (1, 2))
    assert printed(tmp_path, one) != printed(tmp_path, other)


def test_two_functions_in_one_line_are_told_apart():
    found = [
        labeling_function(f)
        for f in (lambda record: 1, lambda record: 0, lambda record: 1, lambda record: "é")
    ]
    prints = [function.fingerprint for function in found]
    assert prints[0] == prints[2]
    assert len(set(prints)) == 3


def test_a_function_that_names_itself_has_a_fingerprint():
    def depth(text):
        return 1 + depth(text[1:]) if text else 0

    assert len(labeling_function(depth).fingerprint) == 32


def made(**changed):
    return keyword_lf(
        **({"name": "k", "keywords": ["a b", "c"], "vote": 1, "unless": ["d"]} | changed)
    ).fingerprint


@pytest.mark.parametrize(
    "changed",
    [
        {"keywords": ["a b"]},
        {"vote": 0},
        {"vote": "1"},
        {"unless": []},
        {"field": "title"},
        {"whole_words": False},
        {"case_sensitive": True},
    ],
)
def test_every_option_of_a_keyword_function_counts(changed):
    assert made(**changed) != made()


def test_order_and_name_of_keywords_do_not_count():
    assert made(keywords=["c", "a  b", "c"], name="other") == made()


def test_patterns_count_by_expression_and_flags():
    assert regex_lf("r", "a", 1).fingerprint == regex_lf("r", re.compile("a", re.IGNORECASE), 1).fingerprint
    assert regex_lf("r", "a", 1).fingerprint != regex_lf("r", "a", 1, flags=0).fingerprint


def with_resource(value):
    def vote(record, thing):
        return 1

    return labeling_function(resources={"thing": value})(vote).fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.arange(3), np.arange(4)),
        (np.arange(3), np.arange(3).astype(float)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        ({"a"}, {"b"}),
        (1, True),
        (1, 1.0),
        ("1", 1),
        (b"a", "a"),
        ((1,), [1]),
        (None, "None"),
        ([["a"], "b"], ["a", ["b"]]),
        (["a,str:'b'"], ["a", "b"]),
    ],
)
def test_resources_count_by_value_and_type(one, other):
    assert with_resource(one) == with_resource(one)
    assert with_resource(one) != with_resource(other)


@given(st.sets(st.text()), st.dictionaries(st.text(), st.integers()))
def test_sets_and_mappings_have_no_order(words, numbers):
    backwards = dict(reversed(numbers.items()))
    assert with_resource([words, numbers]) == with_resource([set(words), backwards])


class Model:
    def __init__(self):
        self.handle = object()


def test_what_cannot_be_known_needs_a_version():
    model = Model()

    def vote(record, thing):
        return 1

    with pytest.raises(UsageError, match=r"function 'vote'.*declare version="):
        labeling_function(resources={"thing": model})(vote).fingerprint  # noqa: B018
    prints = [
        labeling_function(resources={"thing": model}, version=v)(vote).fingerprint for v in ("1", "1", "2")
    ]
    assert prints[0] == prints[1] != prints[2]


def test_a_preprocessor_counts_with_its_own_steps():
    def first(record):
        return record

    def second(record):
        return record

    @preprocessor
    def alone(record):
        return record

    chained = preprocessor(pre=[preprocessor(lambda record: record.with_fields(a=1))])(second)
    other = preprocessor(pre=[preprocessor(lambda record: record.with_fields(a=2))])(second)
    assert chained.fingerprint != other.fingerprint
