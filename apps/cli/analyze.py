"""`sidelight analyze`: coverage, overlaps, conflicts and precision of labeling functions."""

import click

from .faults import faults_json, print_faults
from .gold import gold_options, read_gold
from .output import json_option, print_facts, print_json, print_table

_SHOWN = (
    "polarity",
    "coverage",
    "overlaps",
    "conflicts",
    "precision",
    "recall",
    "lift",
    "ms_per_row",
    "errors",
)


@click.command(
    short_help="Show what the functions did, and how right they were.",
    epilog="Example: sidelight analyze votes --gold notes.csv --gold-id ecg_id --gold-column abnormal",
)
@click.argument("votes", type=click.Path())
@gold_options
@json_option
def analyze(votes: str, gold: str | None, gold_id: str | None, gold_column: str | None, as_json: bool) -> int:
    """Show what the functions of a folder of VOTES did, and how right they were where gold labels are known."""
    from sidelight.labeling import LFAnalysis, read_votes
    from sidelight.labeling.engine import read_faults

    matrix = read_votes(votes)
    labels = read_gold(gold, gold_id, gold_column, matrix.schema, matrix.ids)
    analysis = LFAnalysis(matrix)
    table = analysis.lf_summary(labels)
    whole = {
        "records": matrix.n_records,
        "covered": analysis.label_coverage(),
        "overlapping": analysis.label_overlap(),
        "conflicting": analysis.label_conflict(),
        "gold labels": None if labels is None else int((labels >= 0).sum()),
    }
    faults = read_faults(votes)
    if as_json:
        rows = [
            {"name": name, **row} for name, row in zip(table.index, table.to_dict("records"), strict=True)
        ]
        print_json({**whole, "functions": rows, "faults": faults_json(faults)})
        return 0
    shown = [column for column in _SHOWN if column in table]
    lines: list[list[object]] = []
    for name, row in table.iterrows():
        cells: list[object] = [name]
        for column in shown:
            value = row[column]
            if column == "polarity":
                value = ", ".join(matrix.schema.name(c) for c in value) or "-"
            elif column == "precision" and value == value:
                judged = int(row["correct"] + row["incorrect"])
                value = f"{value:.2f} ({row['precision_lo']:.2f}-{row['precision_hi']:.2f}), n={judged}"
            elif column in ("recall", "lift") and value == value:
                value = f"{value:.2f} ({row[f'{column}_lo']:.2f}-{row[f'{column}_hi']:.2f})"
            cells.append(value)
        lines.append(cells)
    print_table("Labeling functions", ["function", *shown], lines)
    print_faults(faults)
    print_facts(whole)
    return 0
