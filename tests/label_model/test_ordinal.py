"""Classes in an order."""

import numpy as np
import pytest

from sidelight.label_model import DawidSkene, LabelModel, MajorityLabelVoter, OrdinalLabelModel


def graded(n, seed=0, m=8, k=5, coverage=0.5):
    """Annotators who round a noisy, leaning impression of the grade, and guess now and then."""
    rng = np.random.default_rng(seed)
    grade = rng.choice(k, n, p=rng.dirichlet(np.full(k, 5.0)))
    noise, leaning = rng.uniform(0.3, 1.6, m), rng.normal(0, 0.4, m)
    votes = np.clip(np.rint(grade[:, None] + leaning + noise * rng.normal(size=(n, m))), 0, k - 1)
    votes = np.where(rng.random((n, m)) < 0.08, rng.integers(0, k, (n, m)), votes)
    return np.where(rng.random((n, m)) < coverage, votes, -1).astype(np.int8), grade


def test_order_is_worth_much_where_votes_are_few():
    gains = []
    for seed in range(4):
        votes, grade = graded(150, seed)
        accuracy = [
            model(5).fit(votes).score(votes, grade, tie_break_policy="random")["accuracy"]
            for model in (OrdinalLabelModel, MajorityLabelVoter, DawidSkene, LabelModel)
        ]
        gains.append(accuracy[0] - np.array(accuracy[1:]))
    assert (np.mean(gains, axis=0) > [0.04, 0.04, 0.02]).all()


def test_the_objective_never_falls():
    votes, _ = graded(600)
    history = np.array(OrdinalLabelModel(5).fit(votes).objective_)
    assert len(history) > 2
    assert (np.diff(history) > -1e-8 * np.abs(history[1:])).all()


def test_leaning_and_guessing_annotators_are_told():
    rng = np.random.default_rng(0)
    grade = rng.integers(0, 5, 3000)
    votes = np.clip(grade[:, None] + rng.choice([-1, 0, 0, 0, 1], (3000, 6)), 0, 4)
    votes[:, 4] = np.minimum(grade + rng.integers(0, 2, 3000), 4)
    votes[:, 5] = rng.integers(0, 5, 3000)
    model = OrdinalLabelModel(5).fit(votes.astype(np.int8))
    assert model.leaning_[4] >= 0.25
    assert (np.abs(model.leaning_[:4]) <= 0.25).all()
    assert model.guesses_[5] >= 0.5
    assert (model.guesses_[:5] <= 0.1).all()


def test_the_middle_grade_is_off_by_the_fewest_steps():
    votes, grade = graded(2000)
    model = OrdinalLabelModel(5).fit(votes)
    covered = (votes >= 0).any(axis=1)
    middle, likeliest = model.predict_grade(votes), model.predict(votes, tie_break_policy="random")
    assert (middle[~covered] == -1).all()
    steps = [np.abs(found - grade)[covered].mean() for found in (middle, likeliest)]
    assert steps[0] <= steps[1]


def test_a_rule_for_one_grade_speaks_for_its_neighbours_too():
    votes = np.full((300, 5), -1, np.int8)
    for c in range(5):
        votes[c::5, c] = c
    proba = OrdinalLabelModel(5).fit(votes, class_balance=[0.2] * 5).predict_proba(votes[2:3])[0]
    assert proba.argmax() == 2
    assert proba[1] > proba[0]
    assert proba[3] > proba[4]


def test_settings_that_are_none_are_refused():
    with pytest.raises(ValueError, match="max_iterations"):
        OrdinalLabelModel(5, max_iterations=0)
