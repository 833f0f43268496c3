"""The label model: what it believes of each function, and why it believes what it does of one record."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sidelight.apps.ui.context import MOST_FOR_INTERVALS
from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.prevalence import random_sample
from sidelight.apps.ui.ratings import against_functions, gold_of
from sidelight.label_model import ModelIntervals
from sidelight.labeling import LFAnalysis
from sidelight.labeling.statistics import clustered_proportion

from .agreement import share_words
from .parts import said_list, show_facts, show_note


def model_page(desk: Desk) -> None:
    """Show functions with what was learned of them, the quality of the labels, and one record explained."""
    workspace = desk.context.workspace
    if workspace.votes is None or workspace.model is None or workspace.proba is None:
        st.info("There are no functions here, so there is no label model.", icon=":material/info:")
        return
    left, right = st.columns([1.5, 1], gap="large")
    with right:
        st.subheader("Labels", anchor=False)
        _quality(desk)
        _refit(desk)
    with left:
        st.subheader("Functions", anchor=False)
        _functions(desk)
    with right:
        st.subheader("One record", anchor=False)
        _explain(desk)


def _functions(desk: Desk) -> None:
    workspace = desk.context.workspace
    assert workspace.votes is not None  # noqa: S101 - the page asked
    analysis = LFAnalysis(workspace.votes)
    weights = getattr(workspace.model, "get_weights", None)
    learned = np.full(workspace.votes.n_functions, np.nan) if weights is None else weights()
    known = desk.context.intervals
    people = {row.name: row for row in against_functions(workspace, desk.ledger)}
    unchecked = getattr(workspace.model, "assumed_", None)
    assumed = np.zeros(len(learned), dtype=bool) if unchecked is None else unchecked
    rows = []
    for column, name in enumerate(workspace.votes.names):
        judged = people.get(name)
        rows.append(
            {
                "function": name,
                "learned": _learned(learned[column], known, column, assumed=bool(assumed[column])),
                "people agree": "" if judged is None else share_words(judged.precision),
                "coverage": 100 * float(analysis.lf_coverages()[column]),
                "overlap": 100 * float(analysis.lf_overlaps()[column]),
                "conflict": 100 * float(analysis.lf_conflicts()[column]),
            }
        )
    percent = {
        name: st.column_config.NumberColumn(name, format="%.0f %%", width=66)
        for name in ("coverage", "overlap", "conflict")
    }
    st.dataframe(rows, hide_index=True, column_config=percent, height=min(720, 40 + 35 * len(rows)))
    st.html(
        '<p class="quiet">“learned”: how often the label model believes a vote is right, with its interval '
        f"({_method(known)}), “assumed” where nothing tells, since no other function votes on the same records or fewer than three vote at all; “people agree”: share of the "
        "votes that people’s labels bear out (Wilson, by patient).</p>"
    )


def _learned(accuracy: float, known: ModelIntervals | None, column: int, *, assumed: bool) -> str:
    if np.isnan(accuracy):
        return "not learned"
    if assumed:  # no other vote bears it out or contradicts it: an interval would claim knowledge
        return f"{accuracy:.0%}, assumed"
    if known is None or np.isnan(known.accuracy_low[column]):
        return f"{accuracy:.0%}"
    return f"{accuracy:.0%} ({known.accuracy_low[column]:.0%} to {known.accuracy_high[column]:.0%})"


def _method(known: ModelIntervals | None) -> str:
    if known is None:
        return "this model gives none"
    if known.method == "fisher":
        return "from the curvature of the likelihood"
    return f"from refits on resampled patients, up to {MOST_FOR_INTERVALS:,} records"


def _refit(desk: Desk) -> None:
    """Offer to fit the label model anew, with people's labels beside the votes."""
    workspace, fitted = desk.context.workspace, desk.context.fitted_with
    rows, _, _ = random_sample(desk.context)
    gold = gold_of(desk.ledger, workspace)
    every = int((gold >= 0).sum())
    chosen_too = every > len(rows) and st.toggle(
        f"Also the {every - len(rows)} labels of records that a queue chose", value=False, key="refit-all",
        help="Records that were chosen for being odd make functions look worse than they are.",
    )  # fmt: skip
    n = every if chosen_too else len(rows)
    done, button = st.columns([1.5, 1], vertical_alignment="center")
    done.html(
        f'<p class="quiet">{f"Fitted with {fitted} labels of people." if fitted else "Fitted to votes alone."}</p>'
    )
    if button.button(f"Refit with {n} labels", disabled=not n, width="stretch", icon=":material/refresh:"):
        if not chosen_too:
            drawn = np.full(len(gold), -1)
            drawn[rows] = gold[rows]
            gold = drawn
        with st.spinner("Fitting the label model"):
            desk.context.adopt(workspace.with_gold(gold), fitted_with=n)
        st.rerun()


def _quality(desk: Desk) -> None:
    workspace = desk.context.workspace
    assert workspace.proba is not None and workspace.model is not None  # noqa: S101, PT018 - the page asked
    covered = workspace.covered
    gold = gold_of(desk.ledger, workspace)
    guess = workspace.proba.argmax(axis=1)
    judged = (gold >= 0) & covered
    right = clustered_proportion((guess == gold)[judged], workspace.records.patient_ids[judged])
    rows = [
        (-1, "records with a vote", f"{covered.mean():.0%} of {len(covered)}"),
        (-1, "model", type(workspace.model).__name__),
        (-1, f"agrees with people, on {int(judged.sum())} records", share_words(right)),
    ]
    for c, name in enumerate(workspace.schema.classes):
        rows.append((c, f"labeled {name}", str(int(((guess == c) & covered).sum()))))
    rows += [(-1, "labels go against the votes", str(found)) for found in workspace.model.overruled_]
    st.html(said_list(rows))


def _explain(desk: Desk) -> None:
    workspace = desk.context.workspace
    assert workspace.proba is not None  # noqa: S101 - the page asked
    ids = workspace.records.ids
    wanted = st.text_input("Record id", value=ids[int(desk.context.uniform[0])], key="explained")
    row = workspace.records.rows.get(wanted.strip())
    if row is None:
        st.warning("There is no record of that id.", icon=":material/search_off:")
        return
    desk.saw_evidence(ids[row])
    show_facts(workspace, row)
    show_note(workspace, row)
    shares = [(c, name, f"{workspace.proba[row, c]:.0%}") for c, name in enumerate(workspace.schema.classes)]
    st.html('<p class="kicker">What the label model makes of it</p>' + said_list(shares))
    classes = workspace.schema.classes
    towards = classes[-1] if len(classes) == 2 else classes[int(workspace.proba[row].argmax())]
    st.html(
        f'<p class="kicker">What each function adds to the log-odds of “{escape(towards)}”</p>'
        + said_list(_reasons(desk, row))
    )


def _reasons(desk: Desk, row: int) -> list[tuple[int, str, str]]:
    """Return what the class balance and each vote add to the log-odds of the last class, or of each vote's own class."""
    workspace = desk.context.workspace
    assert workspace.votes is not None and workspace.model is not None  # noqa: S101, PT018 - the page asked
    explain = getattr(workspace.model, "explain", None)
    if explain is None:
        return [
            (vote, function.name.replace("_", " "), "one vote")
            for function, vote, _ in workspace.votes_on(row)
        ] or [(-1, "no function votes on this record", "")]
    found = explain(workspace.votes, row)
    towards = len(found.start) - 1 if len(found.start) == 2 else int(found.proba.argmax())
    rows = [(-1, "class balance, and functions that abstain", _odds(found.start, towards))]
    rows += [
        (entry.vote, entry.function.replace("_", " "), _odds(entry.log_odds, towards))
        for entry in found.contributions
    ]
    return rows


def _odds(added: NDArray[np.float64], towards: int) -> str:
    """Return how far something moves the log-odds of one class against the mean of the others."""
    others = np.delete(added, towards)
    return f"{float(added[towards] - others.mean()):+.2f}"
