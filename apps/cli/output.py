"""What commands print: tables and progress for people, one JSON object for programs."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace an output of that name.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object; what is not a finite number becomes null."""
    click.echo(json.dumps(_plain(content), ensure_ascii=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table, in full width where the output is no terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(columns):
        numeric = all(isinstance(row[position], int | float) or row[position] is None for row in rows)
        table.add_column(column, justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    console.print(
        title, style="bold", markup=False
    )  # not as the table's own, which is cut to the table's width
    console.print(table)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print a few named values, one a line."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {_cell(value)}")


def note(message: str) -> None:
    """Tell the person at the terminal something that is no result; it goes to standard error."""
    click.echo(message, err=True)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal and nothing in a pipe; the yielded function advances it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done: None
        return
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.advance(task, done)


def interval_text(estimate: float, low: float, high: float) -> str:
    """Return a value with its interval as people write it."""
    if not math.isfinite(estimate):
        return "n/a"
    if math.isnan(low):
        return f"{estimate:.3f}"
    between = " to " if low < 0 else "-"  # "-0.722-0.045" could be read both ways
    return f"{estimate:.3f} ({low:.3f}{between}{high:.3f})"


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, Mapping) and "estimate" in value:
        return interval_text(value["estimate"], value["low"], value["high"])
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "none"
    return str(value)


def _plain(value: Any) -> Any:
    """Return a value JSON can hold."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
