"""Finished audits: what a network was found to do in each slice, read from the files that audits leave."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from sidelight.labeling import InputError
from sidelight.slicing import Audit, read_audit

from .agreement import interval_words
from .parts import said_list

VERDICTS = {"worse": "▼ worse", "better": "▲ better", "not assessable": "○ not assessable"}
"""A sign beside each word, so that no verdict rests on a colour."""


def finished_audits(paths: Sequence[Path]) -> None:
    """Show one of several audits."""
    path = paths[-1]
    if len(paths) > 1:
        path = st.selectbox("Audit", paths, index=len(paths) - 1, format_func=title_of)
    show_audit(read_finished(path))


def read_finished(path: Path) -> Audit:
    """Read an audit that `sidelight audit --json`, or a run of a project, wrote.

    Raises
    ------
    InputError
        When it is none.
    """
    try:
        return read_audit(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = "is no audit that this version can read"
    raise InputError(path, reason) from None


def title_of(path: Path) -> str:
    """Return what tells an audit from others: the run and task for those of a project, else its name."""
    parts = path.parts
    if "runs" in parts[:-2]:
        run, *_, task, _ = parts[parts.index("runs") + 1 :]
        return f"run {run}, {task}"
    return path.name


def show_audit(result: Audit) -> None:
    """Show an audit's verdict, the whole, and each slice against the rest."""
    st.html(f'<p class="verdict">{escape(result.verdict)}</p>')
    patients = f"{result.n_patients} patients" if result.patients_known else "patients not known"
    without = "some" if result.n_without_gold is None else result.n_without_gold
    overall = [(-1, item.title, interval_words(item.value)) for item in result.overall]
    st.html(
        f'<p class="quiet">{result.n_records} records, {patients}, {without} more without a gold label; '
        f'95 % intervals by patient.</p><div class="narrow">{said_list(overall)}</div>'
    )
    metric = result.metrics[0] if result.metrics else ""
    if len(result.metrics) > 1:
        metric = str(st.segmented_control("Metric", result.metrics, default=metric, required=True) or metric)
    st.dataframe(
        [
            {
                "slice": row.slice.replace("_", " "), "records": row.n, "here": interval_words(row.value),
                "elsewhere": interval_words(row.rest), "gap": interval_words(row.gap),
                "verdict": VERDICTS.get(row.verdict, row.verdict), "why": row.reason,
            }
            for row in result.of(metric)
        ],
        hide_index=True,
    )  # fmt: skip
