"""Rule sets: what counts where rules share a phrase, and that growing them word by word changes nothing."""

import itertools
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import ContextRule, RuleSet
from sidelight.labeling.clinical import phrases
from sidelight.labeling.clinical.rules import rules
from sidelight.labeling.clinical.tokens import Tokens


def told(rule_set, text):
    return [
        (trigger.rule.phrase, trigger.rule.direction, trigger.rule.categories)
        for trigger in rule_set.find(Tokens.of(text))
    ]


def test_of_two_rules_with_one_phrase_the_later_counts_and_stops_add_up():
    rule_set = RuleSet(
        "en",
        [
            *rules("negated", "forward", "no {sign|trace} of"),
            *rules("uncertain", "forward", "no trace of"),
            *rules("negated", "stop", "but"),
            *rules("historical", "stop", "but"),
        ],
    )
    assert told(rule_set, "no trace of it, but") == [
        ("no trace of", "forward", ("uncertain",)),
        ("but", "stop", ("negated", "historical")),
    ]
    assert len(rule_set.rules) == 3


def test_a_houses_rule_takes_the_place_of_all_with_its_phrase():
    rule_set = RuleSet("en", [*rules("negated", "forward", "no [more]"), *rules("negated", "backward", "no")])
    house = rule_set.extended([ContextRule("no", ("family",), "both")])
    assert told(house, "no") == [("no", "both", ("family",))]
    assert told(house, "no more") == [("no more", "forward", ("negated",))]
    assert len(told(rule_set, "no")) == 2, "the first set stays as it was"
    again = house.extended([ContextRule("no", ("other",), "forward")])
    assert told(again, "no") == [("no", "forward", ("other",))]


PIECES = st.lists(st.sampled_from(["{a|b c}", "[d]", "e", "[a|b]", "{d|e|a}", "<n>"]), min_size=1, max_size=4)


@given(
    lines=st.lists(PIECES.map(" ".join), min_size=1, max_size=4),
    words=st.lists(st.sampled_from(["a", "b", "c", "d", "e", "7", "."]), max_size=8),
)
def test_lines_say_what_their_phrases_would_say_one_by_one(lines, words):
    spelled = phrases("\n".join(lines))
    names = itertools.cycle(["negated", "uncertain", "family"])
    each = list(zip(lines, names, strict=False))
    by_line = [line for text, name in each for line in rules(name, "forward", text)]
    by_phrase = [ContextRule(p, (name,), "forward") for text, name in each for p in phrases(text) if p]
    text = " ".join(words)
    assert told(RuleSet("en", by_line), text) == told(RuleSet("en", by_phrase), text)
    assert {rule.phrase for rule in RuleSet("en", by_line).rules} == {p for p in spelled if p}


def test_a_short_sentence_asks_for_few_of_the_english_rules():
    asked = """
import tracemalloc
import sidelight.labeling.clinical.english
from sidelight.labeling import assertion
tracemalloc.start()
assert assertion("No fever, but cough.", (3, 8)).negated
print(tracemalloc.get_traced_memory()[1])
"""
    peak = int(subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True).stdout)
    assert peak < 4_000_000, "all of them would take more than twenty million bytes"
