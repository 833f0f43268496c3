"""The project report: one self-contained page, from what the run produced."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.crossmodal.evaluation import Comparison, compare_scores
from sidelight.labeling.folder import write_file
from sidelight.labeling.statistics import Interval, clustered_proportion
from sidelight.slicing.page import forest_plots, page_environment, style_sheet

from .content import ReportContent, ScoredModel
from .curves import calibration_plot, comparison_plot, roc_plot
from .ecg import draw_ecg

TEMPLATES = Path(__file__).parent / "templates"

INTENDED_USE = (
    "Research software, not a medical device. The model on this page has been evaluated on the records described here "
    "and on no others. It must not be used to diagnose, to triage or to decide on the treatment of a patient."
)


def write_report(path: str | Path, content: ReportContent) -> Path:
    """Write the page to `path`, readable by its owner alone, in one step that leaves nothing half-written.

    Parameters
    ----------
    path : path-like
        The HTML file.
    content : ReportContent
        What to show. The same content gives the same bytes.

    Returns
    -------
    Path
        `path`.
    """
    return write_file(path, report_page(content))


def report_page(content: ReportContent) -> str:
    """Return the page as a string."""
    evaluated = _evaluate(content)
    style = style_sheet() + (TEMPLATES / "report.css").read_text(encoding="utf-8")
    template = page_environment(TEMPLATES).get_template("report.html.j2")
    page = template.render(
        content=content,
        evaluated=evaluated,
        comparison=evaluated.comparison,
        figures=_figures(content, evaluated),
        slice_plots={} if content.audit is None else forest_plots(content.audit),
        audit=content.audit,
        examples=[
            {
                "example": example,
                "svg": draw_ecg(
                    np.asarray(example.signal),
                    example.lead_names,
                    example.sampling_hz,
                    name=f"ecg-{number}",
                    title=f"Electrocardiogram: {example.name}",
                ),
                "text": example.text if content.with_text else "",
            }
            for number, example in enumerate(content.examples, start=1)
        ],
        intended_use=INTENDED_USE,
        style=style,
    )
    return re.sub(r"\n\s*\n+", "\n", page) + "\n"


@dataclass(frozen=True, eq=False)
class _Evaluated:
    """Numbers of the page that are computed from its arrays."""

    positive: NDArray[np.bool_]
    columns: tuple[ScoredModel, ...]
    known: NDArray[np.bool_]
    comparison: Comparison
    rates: dict[str, dict[str, Interval]]

    def proba(self, model: ScoredModel) -> NDArray[np.float64]:
        """Probabilities of the records that have gold."""
        return np.asarray(model.proba, dtype=np.float64)[self.known]

    @property
    def main(self) -> Any:
        """The comparison's row of the model the page is about."""
        return self.comparison.rows[0]

    @property
    def labels(self) -> Any:
        """The comparison's row of the labels made from reports, None when there are none."""
        return (
            self.comparison.rows[1] if len(self.columns) > 1 and self.columns[1].reads == "report" else None
        )


def _evaluate(content: ReportContent) -> _Evaluated:
    """Compare all columns of probabilities with gold."""
    gold = np.asarray(content.gold)
    known = gold >= 0
    truth = np.where(known, (gold == content.positive).astype(np.int64), -1)
    columns = list(content.models)
    if content.labels is not None:
        columns.insert(1, content.labels)
    patients = content.patients
    comparison = compare_scores(
        truth,
        {model.name: model.proba for model in columns},
        patients,
        reference=content.reference or content.models[-1].name,
        n_draws=content.n_draws,
        seed=content.seed,
    )
    positive = truth[known] == 1
    groups = None if patients is None else np.asarray(patients)[known]
    rates = {}
    for model in columns:
        called = np.asarray(model.proba, dtype=np.float64)[known] >= content.threshold
        rates[model.name] = {
            name: clustered_proportion(hits[rows], None if groups is None else groups[rows])
            for name, hits, rows in (("sensitivity", called, positive), ("specificity", ~called, ~positive))
        }
    return _Evaluated(positive, tuple(columns), known, comparison, rates)


def _figures(content: ReportContent, evaluated: _Evaluated) -> dict[str, str]:
    curves = [(model.name, evaluated.proba(model)) for model in evaluated.columns]
    return {
        "comparison": comparison_plot(evaluated.comparison, name="comparison"),
        "roc": roc_plot(evaluated.positive, curves, name="roc", threshold=content.threshold),
        "calibration": calibration_plot(evaluated.positive, curves, name="calibration"),
    }
