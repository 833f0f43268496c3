"""Parts that several pages show: a record with its evidence, its facts, its studies."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from sidelight.apps.ui.context import Context
from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.guard import action
from sidelight.apps.ui.note_html import Mark, finding_legend, note_html, section_links
from sidelight.apps.ui.viewers.show import show_studies, show_tracing
from sidelight.apps.ui.workspace import Workspace
from sidelight.labeling import Record, find_sections

FEWEST_SECTIONS = 3
"""Sections from which a note gets links to them."""

LEANING = (
    "Where and how functions vote. People tend to follow what they see: read and judge first. Key E shows it on one record. "
    "The store keeps with each label whether it was in sight, and Agreement tells the two kinds apart."
)

MOST_EVENTS = 200
"""Facts of a patient that the timeline shows at most, the latest first."""


def show_note(workspace: Workspace, row: int, *, evidence: bool = True, findings: bool = True) -> None:
    """Show a record's text, marked where functions found their reasons, and findings with what it says of each."""
    record = workspace.records[row]
    marks = []
    if evidence:
        for function, vote, spans in workspace.votes_on(row):
            says = f"{function.name}: {workspace.schema.name(vote)}"
            marks += [Mark(span, vote, says) for span in spans]
    text = record.text or ""
    found = [section for section in find_sections(text) if section.name]
    if len(found) >= FEWEST_SECTIONS:
        st.html(section_links([section.name.replace("_", " ") for section in found]))
    titles = [(section.start, section.body) for section in found]
    mentions = workspace.marker.find(text) if findings and workspace.marker is not None else ()
    st.html(note_html(text, marks, sections=titles, findings=mentions) + finding_legend(mentions))


def show_facts(workspace: Workspace, row: int) -> None:
    """Show the record's id, patient, date and the fields that may be shown."""
    record = workspace.records[row]
    facts = {"record": record.id, "patient": record.patient_id or ""}
    if record.time is not None:
        facts["date"] = f"{record.time:%d %b %Y}"
    for name in workspace.show:
        value = record.get(name)
        if value is not None and str(value).strip():
            facts[name.replace("_", " ")] = str(value)
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in facts.items()
        if value
    )
    st.html(f'<dl class="facts">{cells}</dl>')


def show_study(context: Context, row: int) -> bool:
    """Show the record's signal or picture; False when it has none."""
    workspace = context.workspace
    place = workspace.signal_row(row)
    if place is not None and workspace.signals is not None:
        signals = workspace.signals
        values = signals.batch([place])[0]
        show_tracing(values, signals.lead_names, signals.sampling_hz, signals.units, row)
        return True
    paths = workspace.studies_of(row)
    if paths:
        show_studies(paths, row)
    return bool(paths)


def widths(workspace: Workspace, row: int) -> tuple[float, float]:
    """Return how wide the text and what stands beside it are: a tracing wants room, a list of words little."""
    return (1.0, 1.45) if workspace.has_study(row) else (1.45, 1.0)


def show_timeline(record: Record) -> bool:
    """Show the patient's structured facts up to the record, the latest first; False when there are none."""
    events = record.events[-MOST_EVENTS:][::-1]
    if not events:
        return False
    days: dict[str, list[str]] = {}
    for event in events:
        value = "" if event.value is None else f"{event.value:g} {event.unit}".strip()
        days.setdefault(f"{event.time:%d %b %Y}", []).append(
            f'<li><i class="kind">{escape(event.kind)}</i><span>{escape(event.name or event.code)}</span>'
            f"<em>{escape(value)}</em></li>"
        )
    lines = "".join(
        f"<section><h4>{day}</h4><ul>{''.join(facts)}</ul></section>" for day, facts in days.items()
    )
    st.html(
        f'<p class="kicker">Before this record: {len(record.events)} facts of the patient</p>'
        f'<div class="timeline" tabindex="0" role="region" aria-label="Facts of the patient, the latest first">{lines}</div>'
    )
    return True


def evidence_switch(desk: Desk, key: str) -> None:
    """Offer to show the functions' evidence on every record."""
    if desk.may_show_evidence:
        shown = desk.context.workspace.evidence == "shown"
        st.toggle("Evidence on every record", value=shown, key=key, help=LEANING)


def evidence_button(desk: Desk, item_id: str, row: int) -> None:
    """Offer the evidence on this record alone, with the key E."""
    st.button(
        "Evidence", key=f"evidence-{row}", shortcut="E", on_click=action(desk.ask_for_evidence), args=(item_id,),
        icon=":material/visibility:", help=LEANING,
    )  # fmt: skip


def said_list(rows: Sequence[tuple[int, str, str]]) -> str:
    """Return a list of who says what: class number (-1 for none), words, and a remark at the right."""
    lines = []
    for label, words, remark in rows:
        dot = f'<span class="dot c{label % 8}"></span>' if label >= 0 else ""
        lines.append(f"<li>{dot}<span>{escape(words)}</span><em>{escape(remark)}</em></li>")
    return f'<ul class="said">{"".join(lines)}</ul>'
