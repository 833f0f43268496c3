"""Which candidates are tested, which find comes first, and which finds are shown beside it."""

import numpy as np
import pytest

from sidelight.slicing import SFApplier
from sidelight.slicing.discovery import Condition, RuleSearch, discover
from sidelight.slicing.discovery.evidence import as_evidence
from sidelight.slicing.discovery.ranking import METADATA, Ranking, made_of, views
from sidelight.slicing.discovery.rule import ConditionRule


def evidence(n=600):
    random = np.random.default_rng(0)
    y = np.zeros(n, dtype=int)
    y[n // 2 :] = 1
    site = np.where(np.arange(n) < 40, "north", "south")
    given = {"model": random.normal(size=(n, 3)), "input": random.normal(size=(n, 3))}
    given["input"][:40] = 3 + 0.1 * random.normal(size=(40, 3))
    return as_evidence(y, np.tile([0.5, 0.5], (n, 1)), embeddings=given, metadata={"site": site})


# -- worth ---------------------------------------------------------------------------------------------


def test_of_two_slices_with_like_evidence_the_one_that_keeps_together_leads():
    known = evidence()
    alike, mixed = np.arange(600) < 40, (np.arange(600) < 300) & (np.arange(600) % 7 == 0)
    ranking = Ranking([(alike, 1e-6), (mixed, 1e-6)], known)
    assert ranking.likeness(alike, "model") > 0.5
    assert abs(ranking.likeness(mixed, "model")) < 0.2
    assert ranking.worth(alike, 0.3, "model") > ranking.worth(mixed, 0.3, "model")
    assert ranking.records().max() == 1


def test_of_two_slices_as_alike_the_one_with_more_evidence_and_then_with_more_errors_leads():
    first, second = np.arange(600) % 7 == 0, np.arange(600) % 7 == 1
    ranking = Ranking([(first, 1e-9), (second, 1e-3), (first, 1e-5)], evidence())
    assert ranking.worth(first, 0.3, METADATA) > ranking.worth(second, 0.3, METADATA)
    assert ranking.worth(first, 0.3, METADATA) > ranking.worth(first, 0.2, METADATA)


def test_a_view_that_a_rule_is_made_of_says_less_of_likeness():
    known, members = evidence(), np.arange(600) < 40
    ranking = Ranking([], known)
    # alike in the input and the metadata, strewn over the model's embedding
    assert ranking.likeness(members, "model") > ranking.likeness(members, "input")
    assert made_of(ConditionRule("rules", (Condition("site", value="north"),))) == METADATA


def test_a_constant_view_and_a_class_of_one_record_are_no_trouble():
    y = np.r_[np.zeros(60, int), np.ones(60, int), 2]
    known = as_evidence(
        y, np.full((121, 3), 1 / 3), embeddings={"flat": np.ones((121, 2)), "one": np.arange(121.0)[:, None]}
    )
    assert list(views(known)) == ["one"]
    ranking = Ranking([(y == 2, 0.01)], known)
    assert ranking.near["one"][-1].tolist() == [120] * 10
    assert np.isfinite(ranking.likeness(y == 2, "one"))
    assert ranking.typical(y == 0, "one")[y == 0].max() == 1


def test_of_two_slices_as_evident_the_one_in_which_findings_are_missed_leads():
    random = np.random.default_rng(0)
    y = np.arange(400) // 200
    wrong = np.isin(np.arange(400), [*range(20), *range(200, 220)])
    proba = np.eye(2)[np.where(wrong, 1 - y, y)]
    known = as_evidence(y, proba, embeddings=random.normal(size=(400, 3)))
    alarms, missed = np.arange(400) < 30, (np.arange(400) >= 200) & (np.arange(400) < 230)
    both = [(alarms, 1e-6), (missed, 1e-6)]
    worths = [
        [
            Ranking(both, known, positive).worth(inside, 0.6, "embedding")
            / Ranking(both, known).worth(inside, 0.6, "embedding")
            for inside in (alarms, missed)
        ]
        for positive in (0, 1)
    ]
    assert worths[1] == pytest.approx([(0.32 / 0.62) ** 0.5, 1])
    assert worths[0] == worths[1][::-1]


def test_among_more_than_two_classes_all_errors_count_alike():
    y = np.arange(90) // 30
    known = as_evidence(y, np.eye(3)[(y + 1) % 3], embeddings=np.random.default_rng(0).normal(size=(90, 2)))
    ranking = Ranking([(y == 0, 1e-6)], known, 1)
    assert ranking.harm.tolist() == [1] * 90


def test_typical_members_have_members_and_doubt_around_them():
    y, place = np.zeros(300, int), np.arange(300.0)
    doubt = np.where(place < 50, 0.9, 0.1)
    known = as_evidence(y, np.column_stack([1 - doubt, doubt]), embeddings=place[:, None])
    inside = (place < 60) | (place >= 290)
    typical = Ranking([], known).typical(inside, "other", np.ones(300))
    assert typical[20] == 1
    assert typical[55] < typical[20]  # members around it, little doubt
    assert typical[200] < typical[55]  # neither
    assert ((typical >= 1 / 3) & (typical <= 1)).all()


# -- what is proposed, and what is shown ---------------------------------------------------------------


def test_one_plain_flag_is_believed_sooner_than_the_best_of_many_ranges():
    found = []
    for cost in (0.0, 0.5):
        first = 0
        for seed in range(10):
            random = np.random.default_rng(seed)
            columns = {f"x{number}": random.normal(size=240) for number in range(60)}
            flag = (random.random(240) < 0.12).astype(float)
            wrong = random.random(240) < np.where(flag == 1, 0.35, 0.06)
            known = as_evidence(
                np.zeros(240, int), np.where(wrong, 0.8, 0.2), metadata={**columns, "flag": flag}
            )
            best = RuleSearch(cost=cost).propose(known)[0]
            first += [condition.column for condition in best.conditions] == ["flag"]
        found.append(first)
    assert found[0] <= 3
    assert found[1] >= 7


@pytest.mark.parametrize(
    ("column", "where", "words"),
    [
        (np.arange(1200) % 5, [1, 3], "site is b or d"),
        (np.arange(1200) % 5, [0, 1, 2, 4], "site is a or b or c or e"),
        (np.arange(1200) % 3, [2], "site is c"),
    ],
)
def test_a_few_words_of_a_column_are_one_condition(column, where, words):
    random = np.random.default_rng(0)
    wrong = random.random(1200) < np.where(np.isin(column, where), 0.4, 0.04)
    site = np.array(list("abcde"))[column]
    known = as_evidence(np.zeros(1200, int), np.where(wrong, 0.9, 0.1), metadata={"site": site})
    best = RuleSearch().propose(known)[0]
    assert best.words() == words
    assert (best.score(known) == np.isin(column, where)).all()


def test_a_number_out_of_its_usual_range_is_one_condition_and_what_is_missing_is_not_out_of_it():
    random = np.random.default_rng(0)
    sodium = random.normal(140, 5, 1600)
    out = (sodium < np.quantile(sodium, 0.125)) | (sodium > np.quantile(sodium, 0.875))
    wrong = random.random(1600) < np.where(out, 0.5, 0.04)
    sodium[random.random(1600) < 0.1] = np.nan
    known = as_evidence(np.zeros(1600, int), np.where(wrong, 0.9, 0.1), metadata={"sodium": sodium})
    best = RuleSearch().propose(known)[0]
    inside = best.score(known) == 1
    assert best.conditions[0].outside
    assert not inside[np.isnan(sodium)].any()
    assert np.mean(inside[~np.isnan(sodium)] == out[~np.isnan(sodium)]) > 0.97


def test_a_third_condition_is_found_without_searching_all_of_three():
    random = np.random.default_rng(0)
    metadata = {name: random.integers(0, 2, 900).astype(float) for name in "abcde"}
    corner = (metadata["a"] == 1) & (metadata["c"] == 1) & (metadata["e"] == 0)
    wrong = random.random(900) < np.where(corner, 0.7, 0.05)
    best = RuleSearch().propose(
        as_evidence(np.zeros(900, int), np.where(wrong, 0.9, 0.1), metadata=metadata)
    )[0]
    assert {str(condition) for condition in best.conditions} == {"a > 0.5", "c > 0.5", "e <= 0.5"}


class Crowd:
    """Proposes many rules that look good where they were made."""

    name = "crowd"

    def propose(self, evidence, seed=0):
        order = np.argsort(-evidence.doubt, kind="stable")
        values = np.sort(evidence.metadata["noise"][order[:60]])
        return [ConditionRule(self.name, (Condition("noise", low=low),), None) for low in values]


def test_a_discoverer_with_many_promises_leaves_others_their_turn():
    random = np.random.default_rng(3)
    y, site = random.integers(0, 2, 900), random.integers(0, 5, 900)
    noise = random.normal(size=900)
    wrong = random.random(900) < np.where(site == 4, 0.3, 0.05)
    found = discover(
        y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, metadata={"site": site, "noise": noise},
        methods=[Crowd(), "rules"], n_candidates=2,
    )  # fmt: skip
    assert found.confirmed[0].method == "rules"
    assert (found.confirmed[0].members == (site == 4)).mean() > 0.95


def test_slices_of_both_classes_are_shown_when_one_fails_in_many_forms():
    random = np.random.default_rng(1)
    n = 4000
    y, site, ward = random.integers(0, 2, n), random.integers(0, 12, n), random.integers(0, 2, n)
    often = np.where((y == 1) & np.isin(site, [1, 3, 5, 7, 9, 11]), 0.5, 0.04)
    wrong = random.random(n) < np.where((y == 0) & (ward == 1) & (site < 3), 0.25, often)
    names = np.array([f"site {number}" for number in range(12)])[site]
    found = discover(y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, metadata={"site": names, "ward": ward})
    assert {part.label for part in found.confirmed} >= {0, 1}


def test_a_region_is_shown_beside_its_part_in_one_class():
    random = np.random.default_rng(1)
    y, site = np.arange(2000) % 2, random.integers(0, 4, 2000)
    wrong = random.random(2000) < np.where(site == 3, np.where(y == 1, 0.7, 0.3), 0.03)
    found = discover(y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, metadata={"site": site}, methods=["rules"])
    shown = {(part.label, part.rule.words()) for part in found.confirmed}
    assert {(1, "site > 2.5"), (None, "site > 2.5")} <= shown


def test_intervals_of_a_found_slice_know_that_patients_repeat():
    random = np.random.default_rng(0)
    y, site = random.integers(0, 2, 500), random.integers(0, 4, 500)
    wrong = random.random(500) < np.where(site == 3, 0.5, 0.05)
    proba = np.where(wrong, 1 - y, y) * 0.8 + 0.1
    four = [np.repeat(column, 4) for column in (y, proba, site)]
    widths = []
    for patients in (np.repeat(np.arange(500), 4), np.arange(2000)):
        first = discover(
            four[0], four[1], metadata={"site": four[2]}, patients=patients, methods=["rules"], positive=None
        ).confirmed[0]
        assert (first.members == (four[2] == 3)).all()
        widths.append(first.error_rate.high - first.error_rate.low)
    assert widths[0] > 1.7 * widths[1]


@pytest.mark.parametrize("kind", ["number", "word"])
def test_what_is_missing_is_a_slice_of_its_own(kind):
    random = np.random.default_rng(0)
    y, gone = random.integers(0, 2, 800), random.random(800) < 0.12
    column = random.normal(70, 10, 800) if kind == "number" else random.choice(["a", "b"], 800).astype(object)
    column[gone] = np.nan if kind == "number" else None
    wrong = random.random(800) < np.where(gone, 0.4, 0.05)
    first = discover(y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, metadata={"weight": column}).confirmed[0]
    assert "weight is missing" in first.description
    assert (first.members == (gone if first.label is None else gone & (y == first.label))).all()
    member = first.to_function("unweighed")
    S = SFApplier([member]).apply(
        [{"id": "a", "weight": None}, {"id": "b", "weight": 60.0 if kind == "number" else "a"}]
    )
    assert S.values[:, 0].tolist() == [True, False]
