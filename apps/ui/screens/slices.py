"""Slices: how large each is, what functions and people say there, and where the label model is wrong."""

import numpy as np
import streamlit as st

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.ratings import gold_of
from sidelight.labeling.statistics import clustered_proportion

from .agreement import share_words
from .audits import finished_audits, show_audit


def slices_page(desk: Desk) -> None:
    """Show one line a slice, an audit of the label model on the records people labeled, and finished audits of networks."""
    if desk.context.workspace.slices is None and not desk.context.audits:
        st.info(
            "No slicing functions were given (--slices slices.py), and no finished audit (--audit audit.json).",
            icon=":material/info:",
        )
        return
    names = ["Slices and label model"] * (desk.context.workspace.slices is not None)
    names += ["Finished audits"] * bool(desk.context.audits)
    shown = names[0]
    if len(names) > 1:
        shown = str(
            st.segmented_control("Show", names, default=shown, required=True, label_visibility="collapsed")
            or shown
        )
    if shown == "Finished audits":
        finished_audits(desk.context.audits)
    else:
        _slices(desk)


def _slices(desk: Desk) -> None:
    workspace = desk.context.workspace
    assert workspace.slices is not None  # noqa: S101 - the page asked
    gold = gold_of(desk.ledger, workspace)
    covered = workspace.covered
    guess = np.full(len(gold), -1) if workspace.proba is None else workspace.proba.argmax(axis=1)
    members = [("all records", np.ones(len(gold), dtype=bool))]
    members += [(name, workspace.slices[name]) for name in workspace.slices.names]
    rows = []
    for name, inside in members:
        judged = inside & (gold >= 0) & covered
        right = clustered_proportion((guess == gold)[judged], workspace.records.patient_ids[judged])
        rows.append(
            {
                "slice": name.replace("_", " "),
                "records": int(inside.sum()),
                "with a vote": 100 * float(covered[inside].mean()) if inside.any() else 0.0,
                "labeled by people": int((inside & (gold >= 0)).sum()),
                "label model agrees": share_words(right) if judged.any() else "not judged yet",
            }
        )
    share = st.column_config.ProgressColumn("with a vote", format="%.0f %%", min_value=0, max_value=100)
    st.dataframe(
        rows, hide_index=True, column_config={"with a vote": share}, height=min(720, 40 + 35 * len(rows))
    )
    st.html(
        '<p class="quiet">Intervals are by patient. A slice with few labels needs its own queue before it is judged.</p>'
    )
    _audit(desk, gold)


def _audit(desk: Desk, gold: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> None:
    workspace = desk.context.workspace
    st.subheader("Audit of the label model", anchor=False)
    known = (gold >= 0) & workspace.covered
    if workspace.proba is None or workspace.slices is None or workspace.schema.cardinality != 2:
        st.html('<p class="quiet">The audit compares two classes, with functions and slices.</p>')
        return
    if min((gold[known] == 1).sum(), (gold[known] == 0).sum()) < FEWEST_OF_EACH:
        st.html(f'<p class="quiet">The audit starts with {FEWEST_OF_EACH} labeled records of each class.</p>')
        return
    from sidelight.slicing import audit

    result = audit(
        gold[known], workspace.proba[known, 1], workspace.slices.take_rows(known),
        patients=workspace.records.patient_ids[known],
    )  # fmt: skip
    show_audit(result)


FEWEST_OF_EACH = 10
