"""Slices: how large each is, what functions and people say there, and where the label model is wrong."""

import numpy as np
import streamlit as st

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.ratings import gold_of
from sidelight.labeling.statistics import clustered_proportion

from .agreement import interval_words, share_words


def slices_page(desk: Desk) -> None:
    """Show one line a slice, and audit the label model on the records people labeled."""
    workspace = desk.context.workspace
    if workspace.slices is None:
        st.info("No slicing functions were given (--slices slices.py).", icon=":material/info:")
        return
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
    st.markdown(f"**{result.verdict}**")
    st.dataframe(
        [
            {
                "slice": row.slice.replace("_", " "), "metric": row.metric, "records": row.n,
                "here": interval_words(row.value), "elsewhere": interval_words(row.rest),
                "gap": interval_words(row.gap), "verdict": row.verdict, "why not": row.reason,
            }
            for row in result.table
        ],
        hide_index=True,
    )  # fmt: skip


FEWEST_OF_EACH = 10
