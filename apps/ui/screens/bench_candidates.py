"""Candidates: words and codes that go with a class, for a developer to take into the form or to turn down."""

from html import escape

import numpy as np
import streamlit as st

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.function_form import KINDS
from sidelight.apps.ui.ratings import gold_of
from sidelight.labeling.suggest import Suggestion, suggest

from .bench_parts import sample_of

MODE = "bench-mode"
FORM = "Form"


def candidate_bench(desk: Desk) -> None:
    """Show what could become functions, each with what speaks for it."""
    found = _found(desk)
    st.html(
        '<p class="quiet">Words, phrases and codes of a sample that are surely more frequent with one class, by people’s '
        "labels where there are any and by the label model’s elsewhere. Taking one fills the form; nothing votes before "
        "you say so. What is turned down stays away until the server stops.</p>"
    )
    if not found:
        st.info("There is none: label some records, or write a first function.", icon=":material/lightbulb:")
        return
    schema = desk.context.workspace.schema
    for place, one in enumerate(found):
        words, figures, take, leave = st.columns([1.2, 2.2, 0.5, 0.5], vertical_alignment="center")
        words.html(
            f'<span class="candidate"><span class="dot c{one.vote % 8}"></span><b>{escape(one.term)}</b>'
            f"<em>{escape(schema.name(one.vote))}{', code' if one.kind == 'code' else ''}</em></span>"
        )
        figures.html(
            f'<span class="quiet">{one.n_records} records, {one.n_uncovered} without a vote; '
            f"{one.precision:.0%} of {one.n_judged} judged (at least {one.low:.0%}), lift {one.lift:.1f}</span>"
        )
        take.button(
            "Take", key=f"take-{place}", on_click=_take, args=(schema.name(one.vote), one), width="stretch",
            disabled=one.kind == "code", help="Codes go into the file: event_lf." if one.kind == "code" else None,
        )  # fmt: skip
        leave.button(
            "Leave", key=f"leave-{place}", on_click=desk.context.rejected.add, args=(one.term,), width="stretch"
        )  # fmt: skip


def _take(vote: str, one: Suggestion) -> None:
    st.session_state.update(
        {
            "form-kind": KINDS[0], "form-vote": vote, "form-name": one.accept().name, "form-words": one.term,
            "form-unless": "", MODE: FORM,
        }
    )  # fmt: skip


def _found(desk: Desk) -> list[Suggestion]:
    """Return the candidates, computed anew when functions, labels or what was turned down changed."""
    workspace = desk.context.workspace
    key = (id(workspace), desk.ledger.n_events, len(desk.context.rejected))
    if st.session_state.get("candidates-of") != key:
        rows, _ = sample_of(desk)
        votes = (
            np.full((len(rows), 0), -1, dtype=np.int8)
            if workspace.votes is None
            else workspace.votes.take_rows(rows).dense()
        )
        labels = np.full(len(rows), -1, dtype=np.int64)
        if workspace.proba is not None:
            labels = np.where(workspace.covered[rows], workspace.proba[rows].argmax(axis=1), -1)
        gold = gold_of(desk.ledger, workspace)[rows]
        with st.spinner("Looking for candidates"):
            found = suggest(
                workspace.records.take(rows.tolist()), votes, labels, gold, rejected=desk.context.rejected
            )
        st.session_state["candidates"], st.session_state["candidates-of"] = found, key
    return list(st.session_state["candidates"])
