"""A function typed into a form: its hits and misses at once, and its code when it is good."""

import streamlit as st

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.function_form import KINDS, LANGUAGES, STATUSES, FunctionForm, save_code
from sidelight.apps.ui.guard import guarded
from sidelight.apps.ui.preview import add_function, failing_examples, preview
from sidelight.apps.ui.ratings import gold_of

from .bench_parts import form_process, sample_of, show_figures, show_hits

CONTEXT = "“No effusion” is negated, “possible effusion” uncertain, “history of effusion” historical, “if effusion” hypothetical."
NOTHING = "abstain"


def form_bench(desk: Desk) -> None:
    """Show the form, and what its function does on a sample of the records."""
    left, right = st.columns([1, 1.35], gap="large")
    with left:
        form, hits, misses = _form(desk)
        _save(desk, form, hits, misses)
    with right:
        if form.words.strip():
            guarded(_show)(desk, form)
        else:
            st.html('<p class="quiet">Hits appear here as soon as there is something to look for.</p>')


def _form(desk: Desk) -> tuple[FunctionForm, str, str]:
    classes = desk.context.workspace.schema.classes
    for key, usual in (("form-kind", KINDS[0]), ("form-vote", classes[-1]), ("form-name", "says_")):
        st.session_state.setdefault(key, usual)
    kind = st.segmented_control("Looks for", KINDS, required=True, key="form-kind") or KINDS[0]
    vote = str(st.segmented_control("Votes for", classes, required=True, key="form-vote") or classes[-1])
    name = st.text_input("Name", key="form-name", help="A claim that a vote asserts.").strip()
    if kind == KINDS[1]:
        words = st.text_input(
            "Regular expression", key="form-regex", help="Upper and lower case are the same."
        )
        unless = st.text_input("Not where this is found", key="form-unless-regex")
    else:
        words = st.text_area("Words or phrases, one a line", height=110, key="form-words")
        unless = st.text_area("Not where one of these stands", height=68, key="form-unless")
    whole = st.checkbox("Whole words only", value=True, key="form-whole") if kind == KINDS[0] else True
    denied = doubted = ""
    not_when: list[str] = []
    if kind == KINDS[2]:
        one, two = st.columns(2)
        options = [NOTHING, *(c for c in classes if c != vote)]
        denied = str(one.selectbox("Where the note denies it", options, key="form-denied"))
        doubted = str(two.selectbox("Where the note is not sure", [NOTHING, *classes], key="form-doubted"))
    else:
        not_when = list(
            st.pills(
                "Not where the note puts it as", STATUSES, selection_mode="multi", key="form-context", help=CONTEXT
            )
        )  # fmt: skip
    language = LANGUAGES[0]
    if not_when or kind == KINDS[2]:
        language = (
            st.segmented_control(
                "Language", LANGUAGES, default=LANGUAGES[0], required=True, key="form-language"
            )
            or language
        )
    with st.expander("Examples that become its tests"):
        hits = st.text_area(
            f"It votes “{vote}” on", height=80, key="form-hits", placeholder="One sentence a line"
        )
        misses = st.text_area(
            "It abstains on", height=80, key="form-misses", placeholder="One sentence a line"
        )
    plain = {NOTHING: ""}
    form = FunctionForm(
        name, kind, words, vote, unless, whole, tuple(not_when), language,
        plain.get(denied, denied), plain.get(doubted, doubted),
    )  # fmt: skip
    return form, hits, misses


def _show(desk: Desk, form: FunctionForm) -> None:
    workspace = desk.context.workspace
    rows, texts = sample_of(desk)
    named = form if form.name.isidentifier() else FunctionForm(**{**vars(form), "name": "unnamed"})
    result = preview(form_process(), workspace, named, rows, texts, gold_of(desk.ledger, workspace))
    show_figures(result)
    show_hits(desk, result)


def _save(desk: Desk, form: FunctionForm, hits: str, misses: str) -> None:
    path = desk.context.workspace.functions_file
    ready = bool(form.words.strip()) and form.name not in ("", "says_")
    use, save = st.columns(2)
    if use.button(
        "Use it now", disabled=not ready, width="stretch", help="Until the server stops; nothing is written."
    ):
        guarded(_use)(desk, form)
    if path is not None and save.button(
        f"Save to {path.name}",
        disabled=not ready,
        type="primary" if ready else "secondary",  # a primary button that is disabled cannot be read
        width="stretch",
        icon=":material/save:",
    ):
        guarded(_write)(desk, form, hits, misses)
    if form.words.strip():
        with st.expander("Code"):
            st.code(form.to_code(), language="python", wrap_lines=True)


def _use(desk: Desk, form: FunctionForm) -> None:
    desk.context.adopt(add_function(form_process(), desk.context.workspace, form))
    st.toast(f"{form.name} votes now.", icon=":material/check:")


def _write(desk: Desk, form: FunctionForm, hits: str, misses: str) -> None:
    workspace = desk.context.workspace
    path, classes = workspace.functions_file, workspace.schema.classes
    assert path is not None  # noqa: S101 - there is no button without it
    wrong = failing_examples(form_process(), form, hits, misses, classes)
    if wrong:
        st.error(
            f"{len(wrong)} of the examples come out otherwise; nothing was saved.", icon=":material/rule:"
        )
        return
    written = save_code(form, path, classes, hits, misses)
    st.session_state.pop("file-draft", None)  # the editor's text is older than the file now
    st.success("Saved to " + " and ".join(file.name for file in written), icon=":material/check:")
