"""`sidelight demo`: the whole way, from bundled ECG reports to a trained model and its audit."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import interval_text, json_option, note, print_facts, print_json, print_table, progress

if TYPE_CHECKING:
    from sidelight.apps.demo.run import Demo


@click.command(
    short_help="Run everything on bundled ECG reports.", epilog="Example: sidelight demo --out sidelight-demo"
)
@click.option(
    "--out", default="sidelight-demo", show_default=True, type=click.Path(), help="Folder to write."
)
@click.option(
    "--seed", default=0, show_default=True, help="Of the split by patient, the networks and the intervals."
)
@click.option("--epochs", default=30, show_default=True, help="Most passes over the training signals.")
@click.option(
    "--with-text/--without-text",
    default=True,
    show_default=True,
    help="Show reports in the page (these are public).",
)
@click.option("--keep", is_flag=True, help="Refuse to replace an older demo of that name.")
@json_option
def demo(out: str, seed: int, epochs: int, with_text: bool, keep: bool, as_json: bool) -> int:
    """Label ECG reports, train a network on the ECGs beside them, audit it, and write a report.

    Runs on a bundled sample of PTB-XL (367 ECGs, CC BY 4.0), needs no network connection, and takes a minute or two.
    """
    from sidelight.apps.demo.run import run_demo
    from sidelight.labeling import UsageError

    if Path(out).exists() and not (Path(out) / "demo.json").is_file():
        raise UsageError(f"{out} exists and is no older demo; choose another --out")
    bars = _Bars()
    with bars:
        result = run_demo(
            out,
            seed=seed,
            max_epochs=epochs,
            with_text=with_text,
            overwrite=not keep,
            say=bars.say,
            progress=bars.show,
        )
    if as_json:
        print_json(result.to_json())
    else:
        _print(result)
    return 0


class _Bars:
    """Steps as lines, trainings as bars on a terminal."""

    def __init__(self) -> None:
        self._open: Any = None
        self._name = ""
        self._seen = 0

    def __enter__(self) -> "_Bars":
        return self

    def __exit__(self, *fault: object) -> None:
        self._close()

    def say(self, line: str) -> None:
        self._close()
        note(f"· {line}")

    def show(self, name: str, state: Any) -> None:
        if self._name != name:
            self._close()
            self._name, self._seen = name, 0
            self._open = progress("  steps", total=state.n_steps)
            self._advance = self._open.__enter__()
        self._advance(state.step - self._seen)
        self._seen = state.step

    def _close(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
        self._open, self._name = None, ""


def _print(result: "Demo") -> None:
    counts = result.split.counts()
    print_facts(
        {
            "ECGs": len(result.linked),
            "split by patient": ", ".join(f"{name} {n}" for name, n in counts.items()),
            "labeling functions": result.votes.n_functions,
            "reports with a vote": f"{result.labels.covered.mean():.1%}",
            "labels that agree with gold": f"{result.accuracy} of {result.accuracy.n} test reports",
        }
    )
    rows = [
        [
            row.name,
            interval_text(row.auroc.estimate, row.auroc.low, row.auroc.high),
            ""
            if row.difference is None
            else interval_text(row.difference.estimate, row.difference.low, row.difference.high),
        ]
        for row in result.comparison.rows
    ]
    print_table(
        f"AUROC on {result.comparison.n_records} test records (95 % intervals by patient)",
        ["", "AUROC", "minus gold-trained"],
        rows,
    )
    click.echo(result.findings.verdict)
    click.echo(f"report: {result.folder / 'report.html'}")
    click.echo(f"audit: {result.folder / 'audit' / 'audit.html'}")
