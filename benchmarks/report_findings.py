"""Findings in chest radiograph reports: the majority vote of a few functions, with and without clinical context.

    python benchmarks/report_findings.py [--data DIR]

Each finding gets three functions: words for it, other words for it, and what a report says when it is absent. The same
words are tried with context filters (`negated=False` and so on) and without. Scored against the gold of
`DIR/openi_reports`: F1 of "present", of "absent", and their mean, where a report without a vote counts as absent.
Prints a table and, last, one line of JSON.
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from sidelight.label_model import MajorityLabelVoter
from sidelight.labeling import ABSTAIN, LFApplier, keyword_lf, regex_lf

FINDINGS: dict[str, tuple[list[str], str, str]] = {
    "effusion": (
        ["pleural effusion", "pleural effusions", "effusion", "effusions"],
        r"blunting of (?:the |both )?(?:\w+ ){0,2}costophrenic|pleural fluid|costophrenic \w+ (?:is|are) blunted",
        r"costophrenic (?:angles?|sulci) (?:are|is) (?:sharp|clear|preserved)|pleural spaces (?:are|is) clear",
    ),
    "cardiomegaly": (
        ["cardiomegaly", "enlarged heart", "cardiac enlargement"],
        r"(?:heart|cardiac silhouette|cardiac size|heart size)[^.]{0,30}(?:is|are|appears?|remains?)[^.]{0,20}enlarged|enlarged cardiac silhouette",
        r"(?:heart|cardiac|cardiomediastinal)[^.]{0,40}(?:is |are )?(?:within normal|normal)|normal heart size",
    ),
    "atelectasis": (
        ["atelectasis", "atelectatic", "atelectases"],
        r"volume loss|(?:linear|bandlike|band-like|platelike|discoid) opacit(?:y|ies)",
        r"lungs are (?:clear|well expanded|normally inflated)|clear lungs",
    ),
    "pneumothorax": (
        ["pneumothorax", "pneumothoraces"],
        r"(?:apical|hydro)[ -]?pneumothora|collapsed lung",
        r"no (?:visible |evidence of )?pneumothora|without pneumothora",
    ),
    "edema": (
        ["edema", "pulmonary edema"],
        r"(?:vascular|venous) congestion|interstitial edema|kerley|cephalization",
        r"(?:pulmonary )?vascular(?:ity|ature)[^.]{0,20}(?:is |are )?(?:within normal|normal)",
    ),
    "emphysema": (
        ["emphysema", "emphysematous", "copd"],
        r"hyperinflat\w+|hyperexpan\w+|flatten\w+ of (?:the )?(?:hemi)?diaphragm",
        r"lungs are (?:clear|normally inflated)|no hyperinflation",
    ),
}
CONTEXT = {"negated": False, "historical": False, "hypothetical": False, "experiencer": "patient"}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--quick", action="store_true", help="the first 500 reports")
    parser.add_argument("--json", action="store_true", help="the line of JSON alone")
    options = parser.parse_args(arguments)
    path = options.data / "openi_reports" / "reports.csv"
    if not path.exists():
        print(json.dumps({"absent": "openi_reports"}))
        return
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[: 500 if options.quick else None]
    texts = [f"FINDINGS: {row['findings']}\nIMPRESSION: {row['impression']}" for row in rows]
    figures: dict[str, Any] = {}
    if not options.json:
        print(f"{'finding':14}{'n':>6}{'present':>9}{'macro-F1 without':>18}{'with context':>14}")
    for finding, (words, pattern, absent) in FINDINGS.items():
        gold = np.array(
            [int(float(row[f"gold_{finding}"])) if row[f"gold_{finding}"] else ABSTAIN for row in rows]
        )
        known = gold != ABSTAIN
        scores = {}
        for name, context in (("without", {}), ("with", CONTEXT)):
            functions = [
                keyword_lf("words", words, 1, **context),
                regex_lf("pattern", pattern, 1, **context),
                regex_lf("absent", absent, 0),
            ]
            votes = LFApplier(functions).apply(texts)
            said = MajorityLabelVoter(cardinality=2).fit(votes).predict(votes, tie_break_policy="abstain")
            said = np.where(said == ABSTAIN, 0, said)
            scores[name] = float(np.mean([f1(gold[known] == c, said[known] == c) for c in (0, 1)]))
        figures[finding] = {"n": int(known.sum()), "present": int((gold == 1).sum()), **scores}
        if not options.json:
            print(
                f"{finding:14}{known.sum():6}{(gold == 1).sum():9}{scores['without']:18.3f}{scores['with']:14.3f}"
            )
    helped = sum(figure["with"] > figure["without"] for figure in figures.values())
    if not options.json:
        print(f"context helps on {helped} of {len(figures)}")
    print(json.dumps({"findings": figures, "helped": helped}))


def f1(gold: Any, said: Any) -> float:
    both = int((gold & said).sum())
    return 2 * both / max(1, int(gold.sum()) + int(said.sum()))


if __name__ == "__main__":
    main()
