"""The workbench: functions from a form, from the whole file, or from candidates, tried before they vote."""

from collections.abc import Callable

import streamlit as st

from sidelight.apps.ui.desk import Desk

from .bench_candidates import FORM, MODE, candidate_bench
from .bench_file import file_bench
from .bench_form import form_bench

MODES: dict[str, Callable[[Desk], None]] = {
    FORM: form_bench,
    "Functions file": file_bench,
    "Candidates": candidate_bench,
}
"""Ways into the workbench."""


def workbench_page(desk: Desk) -> None:
    """Show one way into the workbench, where the operator lets people write functions at all."""
    if not desk.context.workbench:
        st.warning(
            "Functions are code that runs on this machine. This server is not bound to it alone, so the workbench is "
            "closed; whoever runs the server can open it with --allow-workbench.",
            icon=":material/lock:",
        )
        return
    mode, warning = st.columns([1, 1.35], gap="large", vertical_alignment="center")
    st.session_state.setdefault(MODE, FORM)
    chosen = mode.segmented_control(
        "A function from", list(MODES), required=True, key=MODE, label_visibility="collapsed"
    )
    warning.html(
        '<p class="quiet">Functions are code: trying and using them runs it with the rights of whoever started this '
        "server. Only developers see this page.</p>"
    )
    MODES[str(chosen or FORM)](desk)
