"""Parts that several pages show: a record with its evidence, its facts, its signal."""

import base64
import functools
from collections.abc import Sequence
from html import escape

import streamlit as st

from sidelight.apps.ui.context import Context
from sidelight.apps.ui.look import ecg_style
from sidelight.apps.ui.note_html import Mark, note_html, section_links
from sidelight.apps.ui.workspace import Workspace
from sidelight.labeling import Record, find_sections

FEWEST_SECTIONS = 3
"""Sections from which a note gets links to them."""

MOST_EVENTS = 200
"""Facts of a patient that the timeline shows at most, the latest first."""


def show_note(workspace: Workspace, row: int, *, evidence: bool = True) -> None:
    """Show a record's text, marked where functions found their reasons."""
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
    st.html(note_html(text, marks, sections=titles))


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


def show_signal(context: Context, row: int) -> bool:
    """Show the record's electrocardiogram; False when it has none."""
    place = context.workspace.signal_row(row)
    if place is None:
        return False
    kind = st.context.theme.type or "light"
    st.html(_drawn(context.workspace, place, kind))
    return True


@functools.lru_cache(maxsize=64)
def _drawn(workspace: Workspace, place: int, kind: str) -> str:
    """Return a signal as a picture with its colours inside, since pages may not hold drawings themselves."""
    from sidelight.apps.reports import draw_ecg

    signals = workspace.signals
    assert signals is not None  # noqa: S101 - a place was found in them
    scale = 1000.0 if signals.units == "uV" else 1.0
    values = signals.take([place]).values[0] / scale
    svg = draw_ecg(values, signals.lead_names, signals.sampling_hz, name="ecg")
    first = svg.index(">") + 1
    picture = base64.b64encode(f"{svg[:first]}{ecg_style(kind)}{svg[first:]}".encode()).decode()
    words = f"12-lead electrocardiogram, {signals.sampling_hz:g} samples a second, 25 mm/s, 10 mm/mV"
    return f'<img class="ecg" alt="{words}" src="data:image/svg+xml;base64,{picture}">'


def widths(workspace: Workspace, row: int) -> tuple[float, float]:
    """Return how wide the text and what stands beside it are: a tracing wants room, a list of words little."""
    return (1.0, 1.45) if workspace.signal_row(row) is not None else (1.45, 1.0)


def show_timeline(record: Record) -> bool:
    """Show the patient's structured facts up to the record, the latest first; False when there are none."""
    events = record.events[-MOST_EVENTS:][::-1]
    if not events:
        return False
    rows = [
        {
            "when": event.time.date().isoformat(),
            "kind": event.kind,
            "what": event.name or event.code,
            "value": "" if event.value is None else f"{event.value:g} {event.unit}".strip(),
        }
        for event in events
    ]
    st.dataframe(rows, hide_index=True, height=min(260, 38 + 35 * len(rows)))
    return True


def said_list(rows: Sequence[tuple[int, str, str]]) -> str:
    """Return a list of who says what: class number (-1 for none), words, and a remark at the right."""
    lines = []
    for label, words, remark in rows:
        dot = f'<span class="dot c{label % 8}"></span>' if label >= 0 else ""
        lines.append(f"<li>{dot}<span>{escape(words)}</span><em>{escape(remark)}</em></li>")
    return f'<ul class="said">{"".join(lines)}</ul>'
