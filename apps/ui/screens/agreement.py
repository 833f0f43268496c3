"""Agreement: annotators with each other, functions with annotators, and how frequent the classes are."""

import numpy as np
import streamlit as st

from sidelight.apps.ui.desk import Desk
from sidelight.apps.ui.exchange import to_jsonl
from sidelight.apps.ui.prevalence import estimate_shares, random_sample, share_with_help
from sidelight.apps.ui.ratings import Ratings, against_functions
from sidelight.labeling.statistics import Interval
from sidelight.labeling.statistics.agreement import cohen_kappa, krippendorff_alpha

from .parts import said_list


def agreement_page(desk: Desk) -> None:
    """Show how far annotators and functions agree, and hand the labels out."""
    workspace, ledger = desk.context.workspace, desk.ledger
    evidence = _which_labels(desk)
    ratings = Ratings.of(ledger, workspace, evidence=evidence)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Annotators", anchor=False)
        _between_annotators(ratings)
        st.subheader("How frequent each class is", anchor=False)
        _frequencies(desk)
    with right:
        st.subheader("Functions and annotators", anchor=False)
        _with_functions(desk, evidence)
    settled = ledger.decisions()
    st.download_button(
        f"Export {len(settled)} labels (JSONL)",
        to_jsonl(ledger, workspace.schema),
        file_name="labels.jsonl",
        mime="application/jsonl",
        disabled=not settled,
        icon=":material/download:",
    )


def _which_labels(desk: Desk) -> bool | None:
    """Let labels given with the functions' evidence in sight be told from those given without; None for all."""
    given = [event.evidence for people in desk.ledger.labels().values() for event in people.values()]
    if not desk.context.workspace.functions or not given:
        return None
    kinds = {"all": None, "evidence not seen": False, "evidence seen": True}
    counts = {"all": len(given)} | {name: given.count(seen) for name, seen in kinds.items() if name != "all"}
    chosen = st.segmented_control(
        "Labels", list(kinds), default="all", required=True, help=TWO_KINDS, key="evidence-kind",
        format_func=lambda name: f"{name} ({counts[name]})",
    )  # fmt: skip
    return kinds[str(chosen or "all")]


def _between_annotators(ratings: Ratings) -> None:
    if len(ratings.people) < 2:
        st.html('<p class="quiet">Agreement needs two annotators who labeled the same records.</p>')
        return
    alpha = krippendorff_alpha(ratings.values, ratings.patient_ids)
    st.html(said_list([(-1, "Krippendorff’s alpha, all annotators", interval_words(alpha))]))
    rows = []
    for first, one in enumerate(ratings.people):
        for second in range(first + 1, len(ratings.people)):
            a, b = ratings.values[:, first], ratings.values[:, second]
            both = (a >= 0) & (b >= 0)
            if both.any():
                kappa = cohen_kappa(a, b, ratings.patient_ids)
                rows.append(
                    {
                        "annotators": f"{one}, {ratings.people[second]}",
                        "both labeled": int(both.sum()),
                        "same label": f"{float((a == b)[both].mean()):.0%}",
                        "Cohen's kappa": interval_words(kappa),
                    }
                )
    if rows:
        st.dataframe(rows, hide_index=True)


def _frequencies(desk: Desk) -> None:
    rows, _, n_passed = random_sample(desk.context)
    classes = desk.context.workspace.schema.classes
    shares = estimate_shares(desk.context)
    st.html(said_list([(c, name, share_words(shares[c])) for c, name in enumerate(classes)]))
    helped = share_with_help(desk.context, len(classes) - 1)
    more = (
        ""
        if np.isnan(helped.estimate)
        else f" With the label model’s help, {classes[-1]}: {share_words(helped)}."
    )
    st.html(
        f'<p class="quiet">From {len(rows)} records drawn at random, patients kept together; 95 % intervals. '
        f"{n_passed} more are in dispute or were skipped, and wait to be settled. "
        f"Records that a queue chose are left out, since they were chosen for being odd.{more}</p>"
    )


def _with_functions(desk: Desk, evidence: bool | None) -> None:
    table = against_functions(desk.context.workspace, desk.ledger, evidence=evidence)
    if not table:
        st.html('<p class="quiet">Nothing yet: functions are judged on records that people labeled.</p>')
        return
    st.dataframe(
        [
            {
                "function": row.name,
                "judged": row.n_judged,
                "agrees": share_words(row.precision),
                "learned": None if np.isnan(row.learned) else round(row.learned, 2),
            }
            for row in table
        ],
        hide_index=True,
        height=min(560, 40 + 35 * len(table)),
    )
    st.html(
        '<p class="quiet">“agrees”: share of a function’s votes that the people’s label bears out (Wilson interval, by '
        "patient); “learned”: what the label model believes without any label. Labels from queues that choose make "
        "functions look worse than they are.</p>"
    )


TWO_KINDS = (
    "Whether a person had seen how functions vote on the record. Labels given after that tend to side with the functions; but "
    "people also ask on hard records, so part of a difference is theirs. Of imported and of older labels it is not known. "
    "How frequent classes are is estimated from all."
)


def interval_words(interval: Interval) -> str:
    """Return an estimate with its interval, or why there is none."""
    if np.isnan(interval.estimate):
        return interval.reason or "not defined"
    if np.isnan(interval.low):
        return f"{interval.estimate:.2f}"
    return f"{interval.estimate:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def share_words(interval: Interval) -> str:
    """Return a share with its interval in percent."""
    if np.isnan(interval.estimate):
        return interval.reason or "not defined"
    return f"{interval.estimate:.0%} ({interval.low:.0%} to {interval.high:.0%})"
