"""Adjudication: records whose annotators differ, or that somebody flagged, with what each said, settled for all."""

from html import escape

import streamlit as st

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.guard import action, guarded

from .label import KEYS
from .parts import (
    evidence_button,
    evidence_switch,
    said_list,
    show_facts,
    show_note,
    show_study,
    show_timeline,
    widths,
)


def adjudicate_page(desk: Desk) -> None:
    """Show the next open case, what the annotators said of it, and take the word that stands."""
    with st.sidebar:
        st.toggle("Hide who said what", value=True, key="hide-names", help="Names can sway an adjudicator.")
        evidence_switch(desk, "evidence-adjudicating")
        st.markdown(desk.context.workspace.guideline or "*No guideline was given for this task.*")
    _case(desk)


def open_cases(desk: Desk) -> list[str]:
    """Return the records to settle, in random order: those in dispute first, then flagged ones; settled ones are out."""
    ledger, records = desk.ledger, desk.context.workspace.records
    settled = ledger.labels("adjudicate")
    in_dispute, flagged = set(ledger.in_dispute()), set(ledger.flagged_items())
    drawn = [records.ids[row] for row in desk.context.uniform.tolist()]
    first = [name for name in drawn if name in in_dispute and name not in settled]
    return first + [
        name for name in drawn if name in flagged and name not in in_dispute and name not in settled
    ]


@st.fragment
def _case(desk: Desk) -> None:
    guarded(_show_case)(desk)


def _show_case(desk: Desk) -> None:
    workspace, ledger = desk.context.workspace, desk.ledger
    cases = open_cases(desk)
    n_done = len(ledger.labels("adjudicate"))
    st.html(
        f'<div class="top"><b>{len(cases)} open</b><span>{n_done} adjudicated</span>'
        f'<span style="margin-left:auto" role="status">{escape(desk.sight.said)}</span></div>'
    )
    undo = ledger.latest(desk.person.name, "adjudicate")
    if not cases:
        st.success("Nothing is in dispute and nothing is flagged.", icon=":material/done_all:")
        _undo(desk, undo.seq if undo else 0, disabled=undo is None)
        return
    item_id = desk.sight.wanted if desk.sight.wanted in cases else cases[0]
    row = workspace.records.rows[item_id]
    text_side, other_side = st.columns(widths(workspace, row), gap="large")
    always = st.session_state.get("evidence-adjudicating", False)
    evidence = desk.shows_evidence(item_id, always=always)
    with text_side:
        show_facts(workspace, row)
        show_note(workspace, row, evidence=evidence)
        with st.container(horizontal=True, key="choices"):
            for position, name in enumerate(workspace.schema.classes):
                st.button(
                    name, key=f"adjudicate-{row}-{position}", shortcut=KEYS[position] if position < len(KEYS) else None,
                    on_click=action(desk.decide), args=(item_id, "label", name),
                    kwargs={"queue": "adjudicate", "purpose": "adjudicate"}, width="stretch",
                )  # fmt: skip
        with st.container(horizontal=True, key="others"):
            _undo(desk, undo.seq if undo else 0, disabled=undo is None)
            if not evidence and desk.may_show_evidence:
                evidence_button(desk, item_id, row)
        _what_people_said(desk, item_id)
    with other_side:
        show_study(desk.context, row)
        show_timeline(workspace.records[row])
    desk.sight.show(item_id, desk.now())


def _undo(desk: Desk, seq: int, *, disabled: bool) -> None:
    st.button(
        "Undo", key=f"undo-adjudication-{seq}", shortcut="U", on_click=action(desk.undo), args=("adjudicate",),
        disabled=disabled, icon=":material/undo:",
    )  # fmt: skip


def _what_people_said(desk: Desk, item_id: str) -> None:
    """List labels, flags and comments; under letters while the names are hidden."""
    ledger, classes = desk.ledger, desk.context.workspace.schema.classes
    people = ledger.labels().get(item_id, {})
    everyone = sorted({*people, *ledger.flagged(item_id), *(e.annotator for e in ledger.comments(item_id))})
    hidden = st.session_state.get("hide-names", True)
    names = {
        who: f"annotator {chr(65 + place % 26)}" if hidden else who for place, who in enumerate(everyone)
    }
    rows = [
        (classes.index(event.value) if event.value in classes else -1, f"{names[who]}: {event.value}",
         f"{(event.ms_on_screen or 0) / 1000:.0f} s")
        for who, event in sorted(people.items())
    ]  # fmt: skip
    rows += [(-1, f"{names[who]} flagged it", "") for who in sorted(ledger.flagged(item_id))]
    rows += [
        (-1, f"{names[event.annotator]}: “{event.value}”", "comment") for event in ledger.comments(item_id)
    ]
    st.html('<p class="kicker">What annotators said</p>' + said_list(rows))
