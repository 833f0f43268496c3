"""The label page: one record, one key a class, and whatever helps to read it."""

from html import escape

import numpy as np
import streamlit as st

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.guard import action, guarded
from sidelight.apps.ui.prevalence import estimate_shares, random_sample, share_with_help
from sidelight.apps.ui.queues import Queue

from .agreement import share_words
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

KEYS = "123456789"


def label_page(desk: Desk) -> None:
    """Show the record that comes next, and take what the annotator decides."""
    with st.sidebar:
        queue = _choose_queue(desk)
        _settings(desk)
        st.markdown(desk.context.workspace.guideline or "*No guideline was given for this task.*")
    _record(desk, queue)


def _choose_queue(desk: Desk) -> Queue:
    queues = desk.queues()
    names = list(queues)
    name = st.selectbox("Queue", names, format_func=lambda name: queues[name].title, key="queue")
    queue = queues[name if name in queues else names[0]]
    st.html(f'<p class="quiet">{escape(queue.why)}</p>')
    return queue


def _settings(desk: Desk) -> None:
    workspace = desk.context.workspace
    evidence_switch(desk, "evidence")
    st.toggle("Class frequencies", value=False, key="shares", help=SWAY)
    st.toggle("Findings", value=True, key="findings", help=MARKING)
    if workspace.proba is not None and desk.context.suggestions:
        st.toggle("Label model's suggestion", value=False, key="suggest", help=ANCHORING)


@st.fragment
def _record(desk: Desk, queue: Queue) -> None:
    guarded(_show_record)(desk, queue)


def _show_record(desk: Desk, queue: Queue) -> None:
    workspace = desk.context.workspace
    row, source = desk.next(queue)
    mine = desk.ledger.decided(desk.person.name)
    _progress(desk, queue, len(mine), row)
    if row is None:
        _all_done(desk, queue)
        return
    item_id = workspace.records.ids[row]
    text_side, other_side = st.columns(widths(workspace, row), gap="large")
    suggestion = _suggestion(desk, row)
    evidence = desk.shows_evidence(item_id, always=st.session_state.get("evidence", False))
    with text_side:
        show_facts(workspace, row)
        show_note(workspace, row, evidence=evidence, findings=st.session_state.get("findings", True))
        if suggestion:
            share = workspace.proba[row].max() if workspace.proba is not None else 0.0
            st.html(
                f'<div class="suggestion">The label model suggests <b>{escape(suggestion)}</b> ({share:.0%}). '
                "It has not seen the record, only what functions say of it.</div>"
            )
        with st.container(key="decide"):
            _choices(desk, item_id, row, source, suggestion, evidence=evidence)
        _remarks(desk, item_id, row)
    with other_side:
        show_study(desk.context, row)
        show_timeline(workspace.records[row])
        if evidence:
            _what_functions_say(desk, row)
        if st.session_state.get("shares", False):
            _shares(desk)
    desk.sight.show(item_id, desk.now())


def _progress(desk: Desk, queue: Queue, n_mine: int, row: int | None) -> None:
    total = len(desk.context.workspace.records)
    said = escape(desk.sight.said)
    st.html(
        f'<div class="top"><b>{n_mine} of {total}</b><span>labeled or skipped by {escape(desk.person.name)}</span>'
        f'<span style="margin-left:auto" role="status">{said}</span></div>'
        f'<div class="bar" role="progressbar" aria-label="records done" aria-valuemin="0" aria-valuemax="{total}" '
        f'aria-valuenow="{n_mine}"><i style="width:{100 * n_mine / max(total, 1):.1f}%"></i></div>'
    )


def _suggestion(desk: Desk, row: int) -> str:
    """Return the class to suggest: none unless the annotator asked for it and functions voted."""
    workspace = desk.context.workspace
    if not (st.session_state.get("suggest") and desk.context.suggestions) or workspace.proba is None:
        return ""
    return workspace.schema.name(int(workspace.proba[row].argmax())) if workspace.covered[row] else ""


def _choices(desk: Desk, item_id: str, row: int, source: str, suggestion: str, *, evidence: bool) -> None:
    """Show one button a class with its key; their names hold the row, so that a late press finds no button."""
    classes = desk.context.workspace.schema.classes
    with st.container(horizontal=True, key="choices"):
        for position, name in enumerate(classes):
            st.button(
                name,
                key=f"label-{row}-{position}",
                shortcut=KEYS[position] if position < len(KEYS) else None,
                on_click=action(desk.decide),
                args=(item_id, "label", name),
                kwargs={"queue": source, "suggestion": suggestion},
                width="stretch" if len(classes) <= 6 else "content",
            )
    last = desk.ledger.latest(desk.person.name)
    flagged = desk.person.name in desk.ledger.flagged(item_id)
    with st.container(horizontal=True, key="others"):
        st.button(
            "Skip", key=f"skip-{row}", shortcut="S", on_click=action(desk.decide), args=(item_id, "skip", ""),
            kwargs={"queue": source, "suggestion": suggestion}, icon=":material/skip_next:",
        )  # fmt: skip
        st.button(
            "Unflag" if flagged else "Flag", key=f"flag-{row}-{flagged}", shortcut="F", on_click=action(desk.flag),
            args=(item_id,), type="primary" if flagged else "secondary", icon=":material/flag:",
        )  # fmt: skip
        st.button(
            "Undo", key=f"undo-{last.seq if last else 0}", shortcut="U", on_click=action(desk.undo),
            disabled=last is None, icon=":material/undo:",
        )  # fmt: skip
        if not evidence and desk.may_show_evidence:
            evidence_button(desk, item_id, row)


def _remarks(desk: Desk, item_id: str, row: int) -> None:
    """Take a comment, and show this person's earlier ones: those of others stay hidden until adjudication."""
    with st.form(f"comment-{row}", clear_on_submit=True, border=False):
        entry, button = st.columns([3.2, 1.3], vertical_alignment="bottom")
        words = entry.text_input("Comment on this record", placeholder="Optional; kept with the record")
        if button.form_submit_button("Keep", width="stretch") and desk.comment(item_id, words):
            desk.sight.said = "Comment kept."
    mine = [event for event in desk.ledger.comments(item_id) if event.annotator == desk.person.name]
    if mine:
        st.html(said_list([(-1, event.value, event.at[:10]) for event in mine]))


def _what_functions_say(desk: Desk, row: int) -> None:
    workspace = desk.context.workspace
    rows = [
        (vote, f.name.replace("_", " "), workspace.schema.name(vote))
        for f, vote, _ in workspace.votes_on(row)
    ]
    st.html('<p class="kicker">What functions say of the text</p>')
    st.html(said_list(rows) if rows else '<p class="quiet">Nothing: no function votes on this record.</p>')


def _all_done(desk: Desk, queue: Queue) -> None:
    st.success(
        f"Nothing is left in the queue {queue.title!r} for {desk.person.name}.", icon=":material/done_all:"
    )
    last = desk.ledger.latest(desk.person.name)
    st.button(
        "Undo", key=f"undo-{last.seq if last else 0}", shortcut="U", on_click=action(desk.undo),
        disabled=last is None, icon=":material/undo:",
    )  # fmt: skip
    _shares(desk)


def _shares(desk: Desk) -> None:
    """Show the estimated share of each class with its interval, as it stands after the latest label."""
    context = desk.context
    drawn, _, _ = random_sample(context)
    classes = context.workspace.schema.classes
    shares = estimate_shares(context)
    helped = share_with_help(context, len(classes) - 1)
    rows = [(c, name, share_words(shares[c])) for c, name in enumerate(classes)]
    if not np.isnan(helped.estimate):
        rows.append((len(classes) - 1, f"{classes[-1]}, with the label model’s help", share_words(helped)))
    st.html(f'<p class="kicker">How frequent, from {len(drawn)} random records</p>' + said_list(rows))


ANCHORING = "People tend to follow suggestions. Labels given beside one are marked as such in the store."
MARKING = (
    "Dotted lines; a sign says where the note denies or doubts a finding. Rules tell it, and they err. Words that functions "
    "look for are among them, not how these vote."
)
SWAY = "Estimated from records drawn at random that people agree on. What is frequent can sway you."
