"""The functions file as a whole: edited here, tried on a sample before it is saved, put to use when it is good."""

from pathlib import Path

import streamlit as st

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.guard import guarded
from sidelight.apps.ui.preview import Preview, judge
from sidelight.apps.ui.ratings import gold_of
from sidelight.labeling import InputError, LabelingFunction, load_functions, write_file

from .bench_parts import figures_of, file_process, sample_of, show_figures, show_hits

STARTER = '''"""Labeling functions."""

from sidelight.labeling import LabelSchema, labeling_function

schema = LabelSchema(classes={classes!r})


@labeling_function
def says_it(record):
    return {last!r} if "word" in record.text.lower() else None
'''


def file_bench(desk: Desk) -> None:
    """Show the file's text, and what its functions do on a sample."""
    path = desk.context.workspace.functions_file
    if path is None:
        st.info(
            "This server was started without a functions file (--functions lfs.py).", icon=":material/info:"
        )
        return
    left, right = st.columns([1.1, 1], gap="large")
    with left:
        guarded(_editor)(desk, path)
    with right:
        guarded(_results)(desk, path)


def _editor(desk: Desk, path: Path) -> None:
    if "file-draft" not in st.session_state:
        st.session_state["file-draft"] = read_code(path, desk.context.workspace.schema.classes)
        st.session_state["file-stamp"] = _stamp(path)
    st.session_state["file-code"] = st.session_state[
        "file-draft"
    ]  # outlives the editor, which other pages take away
    with st.container(key="editor"):
        st.text_area(path.name, key="file-code", height=560, on_change=_keep)
    one, two, three = st.columns(3)
    if one.button("Try on a sample", width="stretch", type="primary", icon=":material/play_arrow:"):
        guarded(_try)(desk, path)
    if two.button(f"Save {path.name}", width="stretch", icon=":material/save:"):
        guarded(_save)(path)
    if three.button(
        "Use the saved file", width="stretch", disabled=not path.exists(), help="Runs it over all records."
    ):
        guarded(_use)(desk, path)


def _keep() -> None:
    st.session_state["file-draft"] = st.session_state["file-code"]


def read_code(path: Path, classes: tuple[str, ...]) -> str:
    """Return the text of a functions file, or a first one where there is none yet."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return STARTER.format(classes=tuple(classes), last=classes[-1])
    except (OSError, UnicodeDecodeError):
        raise InputError(path, "cannot be read as UTF-8 text") from None


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _try(desk: Desk, path: Path) -> None:
    workspace = desk.context.workspace
    rows, _ = sample_of(desk)
    code = st.session_state["file-draft"]
    with st.spinner("Running on the sample", show_time=True):
        trials = file_process().run_file(
            code, path, workspace.records.stream(rows.tolist()), workspace.schema.classes
        )
        gold = gold_of(desk.ledger, workspace)
        st.session_state["file-results"] = [judge(trial, workspace, rows, gold) for trial in trials]


def _save(path: Path) -> None:
    """Write the editor's text, unless the file changed meanwhile or the text is no Python."""
    code = st.session_state["file-draft"]
    if _stamp(path) != st.session_state.get("file-stamp", 0):
        st.error(
            f"{path.name} was changed by somebody else meanwhile; nothing was saved. Copy your text, then reload the page.",
            icon=":material/error:",
        )
        return
    try:
        compile(code, path.name, "exec", dont_inherit=True)
    except SyntaxError as error:
        st.error(
            f"Line {error.lineno} is no valid Python ({error.msg}); nothing was saved.",
            icon=":material/error:",
        )
        return
    write_file(path, code if code.endswith("\n") else f"{code}\n")
    st.session_state["file-stamp"] = _stamp(path)
    st.success(f"Saved to {path.name}.", icon=":material/check:")


def _use(desk: Desk, path: Path) -> None:
    with st.spinner("Running over all records", show_time=True):
        functions = load_functions(path, LabelingFunction)
        desk.context.adopt(desk.context.workspace.with_functions(functions))
    st.success(
        f"{len(functions)} functions vote now, and the label model was fitted anew.", icon=":material/check:"
    )


def _results(desk: Desk, path: Path) -> None:
    results: list[Preview] = st.session_state.get("file-results", [])
    if not results:
        st.html(
            f'<p class="quiet">“Try on a sample” runs the text on the left, saved or not, in a process of its own: what '
            f"each function finds and misses appears here. Nothing is written before “Save {path.name}”.</p>"
        )
        return
    table = [
        {
            "function": result.name,
            **{name: value for name, value, _ in figures_of(result)},
            "errors": result.n_errors,
        }
        for result in results
    ]
    st.dataframe(table, hide_index=True, height=min(330, 40 + 35 * len(table)))
    names = [result.name for result in results]
    chosen = st.selectbox("Hits and misses of", names, key="file-shown")
    result = results[names.index(chosen)] if chosen in names else results[0]
    show_figures(result)
    show_hits(desk, result)
