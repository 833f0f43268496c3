"""The workbench: a function typed into a form, its hits and misses at once, and its code when it is good."""

from html import escape
from typing import Any

import numpy as np
import streamlit as st

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.function_form import KINDS, LANGUAGES, STATUSES, FunctionForm, save_code
from sidelight.apps.ui.guard import guarded
from sidelight.apps.ui.note_html import Mark, note_html
from sidelight.apps.ui.preview import PatternProcess, Preview, add_function, failing_examples, preview
from sidelight.apps.ui.ratings import gold_of

from .agreement import share_words

SAMPLE = 2000
CONTEXT = "“No effusion” is negated, “possible effusion” uncertain, “history of effusion” historical, “if effusion” hypothetical."
SHOWN = 12


def workbench_page(desk: Desk) -> None:
    """Show the form, and what its function does on a sample of the records."""
    if not desk.context.workbench:
        st.warning(
            "Functions are code that runs on this machine. This server is not bound to it alone, so the workbench is "
            "closed; whoever runs the server can open it with --allow-workbench.",
            icon=":material/lock:",
        )
        return
    left, right = st.columns([1, 1.35], gap="large")
    with left:
        form, hits, misses = _form(desk)
    with right:
        _show(desk, form)
    with left:
        _save(desk, form, hits, misses)
        st.html(
            '<p class="quiet">Saving writes Python code that later runs with the rights of whoever runs sidelight. '
            "Only developers see this page.</p>"
        )


def _form(desk: Desk) -> tuple[FunctionForm, str, str]:
    classes = desk.context.workspace.schema.classes
    st.subheader("A function", anchor=False)
    kind = (
        st.segmented_control("Looks for", KINDS, default=KINDS[0], required=True, key="form-kind") or KINDS[0]
    )
    vote = st.segmented_control("Votes for", classes, default=classes[-1], required=True, key="form-vote")
    name = st.text_input("Name", value="says_", key="form-name", help="A claim that a vote asserts.")
    if kind == KINDS[0]:
        words = st.text_area("Words or phrases, one a line", height=110, key="form-words")
        whole = st.checkbox("Whole words only", value=True, key="form-whole")
        unless = st.text_area("Not where one of these stands", height=68, key="form-unless")
    else:
        words = st.text_input(
            "Regular expression", key="form-regex", help="Upper and lower case are the same."
        )
        unless = st.text_input("Not where this is found", key="form-unless-regex")
        whole = True
    not_when = st.pills(
        "Not where the note puts it as", STATUSES, selection_mode="multi", key="form-context", help=CONTEXT
    )
    language = LANGUAGES[0]
    if not_when:
        language = (
            st.segmented_control(
                "Language", LANGUAGES, default=LANGUAGES[0], required=True, key="form-language"
            )
            or language
        )
    with st.expander("Examples that become its tests"):
        hits = st.text_area("It votes on", height=80, key="form-hits", placeholder="One sentence a line")
        misses = st.text_area(
            "It abstains on", height=80, key="form-misses", placeholder="One sentence a line"
        )
    return (
        FunctionForm(
            name.strip(),
            kind,
            words,
            str(vote or classes[-1]),
            unless,
            whole,
            tuple(not_when or ()),
            language,
        ),
        hits,
        misses,
    )


def _show(desk: Desk, form: FunctionForm) -> None:
    if not form.words.strip():
        st.html('<p class="quiet">Hits appear here as soon as there is something to look for.</p>')
        return
    guarded(_show_preview)(desk, form)


def _show_preview(desk: Desk, form: FunctionForm) -> None:
    workspace = desk.context.workspace
    rows, texts = _sample(desk)
    named = form if form.name.isidentifier() else FunctionForm(**{**vars(form), "name": "unnamed"})
    result = preview(_process(), workspace, named, rows, texts, gold_of(desk.ledger, workspace))
    _figures(result)
    hits, misses = st.tabs([f"Hits ({len(result.hits)})", f"Missed ({len(result.misses)})"])
    label = workspace.schema.index(form.vote)
    with hits:
        for row, spans in list(result.hits.items())[:SHOWN]:
            marks = [Mark(span, label, form.name) for span in spans]
            _one(workspace.records.ids[row], note_html(workspace.records[row].text or "", marks))
        if not result.hits:
            st.html('<p class="quiet">None in the sample.</p>')
    with misses:
        st.html(
            f'<p class="quiet">Records that people labeled “{form.vote}” and this function passes over.</p>'
        )
        for row in result.misses[:SHOWN].tolist():
            _one(workspace.records.ids[row], note_html(workspace.records[row].text or ""))


def _figures(result: Preview) -> None:
    precision = share_words(result.precision) if result.n_judged else "no labels yet"
    figures: list[tuple[str, Any, str]] = [
        ("coverage", f"{result.coverage:.1%}", f"of a sample of {len(result.rows)} records"),
        ("overlap", f"{result.overlap:.1%}", "another function votes there too"),
        ("conflict", f"{result.conflict:.1%}", "another function votes otherwise"),
        ("precision", precision, f"on {result.n_judged} records people labeled; Wilson interval by patient"),
        ("cost", f"{result.ms_per_note:.3f} ms", "a note"),
        ("labels changed", "n/a" if result.changed is None else result.changed, "by the label model, with this function"),
    ]  # fmt: skip
    cells = "".join(
        f'<div title="{why}"><dt>{name}</dt><dd><b>{value}</b></dd></div>' for name, value, why in figures
    )
    st.html(f'<dl class="facts figures">{cells}</dl>')


def _one(item_id: str, html: str) -> None:
    st.html(f'<div class="hits"><div class="row">{escape(item_id)}</div>{html}</div>')


def _save(desk: Desk, form: FunctionForm, hits: str, misses: str) -> None:
    path = desk.context.workspace.functions_file
    ready = bool(form.words.strip()) and form.name not in ("", "says_")
    use, save = st.columns(2)
    if use.button(
        "Use it now", disabled=not ready, width="stretch", help="Until the server stops; nothing is written."
    ):
        guarded(_use)(desk, form)
    if path is not None and save.button(
        f"Save to {path.name}", disabled=not ready, type="primary", width="stretch", icon=":material/save:"
    ):
        guarded(_write)(desk, form, hits, misses)
    if form.words.strip():
        with st.expander("Code"):
            st.code(form.to_code(), language="python", wrap_lines=True)


def _use(desk: Desk, form: FunctionForm) -> None:
    desk.context.adopt(add_function(_process(), desk.context.workspace, form))
    st.toast(f"{form.name} votes now.", icon=":material/check:")


def _write(desk: Desk, form: FunctionForm, hits: str, misses: str) -> None:
    path = desk.context.workspace.functions_file
    assert path is not None  # noqa: S101 - there is no button without it
    wrong = failing_examples(_process(), form, hits, misses)
    if wrong:
        st.error(
            f"{len(wrong)} of the examples come out otherwise; nothing was saved.", icon=":material/rule:"
        )
        return
    written = save_code(form, path, desk.context.workspace.schema.classes, hits, misses)
    st.success("Saved to " + " and ".join(file.name for file in written), icon=":material/check:")


def _sample(desk: Desk) -> tuple[np.ndarray[Any, np.dtype[np.intp]], list[str]]:
    """Return rows and texts of the sample, the same ones until the server stops, so that they are sent once."""
    return desk.context.sample(SAMPLE)


@st.cache_resource(show_spinner=False)
def _process() -> PatternProcess:
    return PatternProcess()
