"""The label model: what it believes of each function, and why it believes what it does of one record."""

import numpy as np
import streamlit as st

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.ratings import against_functions, gold_of
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
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        st.subheader("Functions", anchor=False)
        _functions(desk)
    with right:
        st.subheader("Labels", anchor=False)
        _quality(desk)
        st.subheader("One record", anchor=False)
        _explain(desk)


def _functions(desk: Desk) -> None:
    workspace = desk.context.workspace
    assert workspace.votes is not None  # noqa: S101 - the page asked
    analysis = LFAnalysis(workspace.votes)
    weights = getattr(workspace.model, "get_weights", None)
    learned = np.full(workspace.votes.n_functions, np.nan) if weights is None else weights()
    people = {row.name: row for row in against_functions(workspace, desk.ledger)}
    rows = []
    for column, name in enumerate(workspace.votes.names):
        judged = people.get(name)
        rows.append(
            {
                "function": name,
                "learned": None if np.isnan(learned[column]) else 100 * float(learned[column]),
                "coverage": 100 * float(analysis.lf_coverages()[column]),
                "overlap": 100 * float(analysis.lf_overlaps()[column]),
                "conflict": 100 * float(analysis.lf_conflicts()[column]),
                "people agree": "" if judged is None else share_words(judged.precision),
            }
        )
    percent = {
        name: st.column_config.ProgressColumn(
            name, format="%.0f %%", min_value=0, max_value=100, width="small"
        )
        for name in ("learned", "coverage", "overlap", "conflict")
    }
    st.dataframe(rows, hide_index=True, column_config=percent, height=min(720, 40 + 35 * len(rows)))


def _quality(desk: Desk) -> None:
    workspace = desk.context.workspace
    assert workspace.proba is not None  # noqa: S101 - the page asked
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
    show_facts(workspace, row)
    show_note(workspace, row)
    shares = [(c, name, f"{workspace.proba[row, c]:.0%}") for c, name in enumerate(workspace.schema.classes)]
    st.html('<p class="kicker">What the label model makes of it</p>' + said_list(shares))
    st.html('<p class="kicker">What each function adds</p>' + said_list(_reasons(desk, row)))


def _reasons(desk: Desk, row: int) -> list[tuple[int, str, str]]:
    """Return each vote with how far it moved the odds of its class: the posterior with it against that without it."""
    workspace = desk.context.workspace
    assert workspace.votes is not None and workspace.model is not None  # noqa: S101, PT018 - the page asked
    values = workspace.row_of_votes(row)
    voting = np.flatnonzero(values >= 0)
    if not len(voting):
        return [(-1, "no function votes on this record; what stands is the class balance", "")]
    without = np.repeat(values[None, :], len(voting), axis=0)
    without[np.arange(len(voting)), voting] = -1
    asked = np.concatenate([values[None, :], without])
    proba = np.clip(workspace.model.predict_proba(asked), 1e-6, 1 - 1e-6)
    rows = []
    for place, column in enumerate(voting.tolist(), start=1):
        vote = int(values[column])
        with_it, without_it = proba[0, vote], proba[place, vote]
        moved = float(np.log(with_it / (1 - with_it)) - np.log(without_it / (1 - without_it)))
        rows.append((vote, workspace.votes.names[column].replace("_", " "), f"{moved:+.2f} log-odds"))
    return sorted(rows, key=lambda entry: -abs(float(entry[2].split()[0])))
