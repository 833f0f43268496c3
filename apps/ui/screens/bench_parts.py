"""What the ways into the workbench share: the sample, the process that tries functions, figures, hits and misses."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.note_html import Mark, note_html
from sidelight.apps.ui.pattern_process import PatternProcess
from sidelight.apps.ui.preview import Preview

from .agreement import share_words

SAMPLE = 2000
SHOWN = 12
EXCERPT = 700
"""Characters of a long note that are shown around its evidence."""


def sample_of(desk: Desk) -> tuple[NDArray[np.intp], list[str]]:
    """Return rows and texts of the sample, the same ones until the server stops, so that they are sent once."""
    return desk.context.sample(SAMPLE)


@st.cache_resource(show_spinner=False)
def form_process() -> PatternProcess:
    """Return the process that tries functions of the form."""
    return PatternProcess()


@st.cache_resource(show_spinner=False)
def file_process() -> PatternProcess:
    """Return the process that tries files; each run gets a fresh one, and more time."""
    return PatternProcess(patience=60.0)


def figures_of(result: Preview) -> list[tuple[str, str, str]]:
    """Return the figures of a function as (name, value, what it means)."""
    precision = share_words(result.precision) if result.n_judged else "no labels yet"
    return [
        ("coverage", f"{result.coverage:.1%}", f"of a sample of {len(result.rows)} records"),
        ("overlap", f"{result.overlap:.1%}", "another function votes there too"),
        ("conflict", f"{result.conflict:.1%}", "another function votes otherwise"),
        ("precision", precision, f"on {result.n_judged} records people labeled; Wilson interval by patient"),
        ("cost", f"{result.ms_per_note:.3f} ms", "a note"),
        ("labels changed", "n/a" if result.changed is None else str(result.changed), "in the sample, by the label model"),
    ]  # fmt: skip


def show_figures(result: Preview) -> None:
    """Show the figures of one function."""
    cells = "".join(
        f'<div><dt>{name}</dt><dd title="{why}"><b>{escape(value)}</b></dd></div>'
        for name, value, why in figures_of(result)
    )
    st.html(f'<dl class="figures">{cells}</dl>')
    if result.n_errors:
        st.warning(
            f"It raised {result.raised} on {result.n_errors} of {len(result.rows)} records and abstained there.",
            icon=":material/warning:",
        )


def show_hits(desk: Desk, result: Preview) -> None:
    """Show records that a function votes on, and records people labeled that it passes over."""
    hits, misses = st.tabs([f"Hits ({len(result.hits)})", f"Missed ({len(result.misses)})"])
    with hits:
        _list(desk, dict(list(result.hits.items())[:SHOWN]), result)
        if not result.hits:
            st.html('<p class="quiet">None in the sample.</p>')
    with misses:
        st.html(
            '<p class="quiet">Records to which people gave a class this function votes for, and which it passes over.</p>'
        )
        _list(desk, dict.fromkeys(result.misses[:SHOWN].tolist(), ()), result)


def _list(desk: Desk, rows: Mapping[int, Any], result: Preview) -> None:
    workspace = desk.context.workspace
    parts = []
    for row, spans in rows.items():
        desk.saw_evidence(workspace.records.ids[row])
        text, marks = workspace.records[row].text or "", []
        start = max(0, min((a for a, _ in spans), default=0) - EXCERPT // 3) if len(text) > EXCERPT else 0
        shown = text[start : start + EXCERPT]
        vote = result.votes.get(row, -1)
        marks = [Mark((a - start, b - start), vote, result.name) for a, b in spans if b - start <= len(shown)]
        said = workspace.schema.name(vote) if vote >= 0 else ""
        dot = f'<span class="dot c{vote % 8}"></span> {escape(said)}' if vote >= 0 else ""
        cut = "… " if start else ""
        parts.append(
            f'<div><div class="row">{escape(workspace.records.ids[row])} <em>{dot}</em></div>{cut}{note_html(shown, marks)}</div>'
        )
    st.html(f'<div class="hits">{"".join(parts)}</div>')
