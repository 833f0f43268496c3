"""The options that bring gold labels to a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sidelight.labeling import LabelSchema

F = TypeVar("F", bound=Callable[..., Any])


def gold_options(command: F) -> F:
    """Add `--gold`, `--gold-id` and `--gold-column`."""
    for option in (
        click.option(
            "--gold-column", metavar="COLUMN", help="Column of the gold label: class names or numbers."
        ),
        click.option(
            "--gold-id", metavar="COLUMN", help="Column of the record's id in the gold file [default: id]."
        ),
        click.option(
            "--gold", type=click.Path(), help="File that holds gold labels; missing ones are left out."
        ),
    ):
        command = option(command)
    return command


def read_gold(
    path: str | None,
    id_column: str | None,
    column: str | None,
    schema: LabelSchema,
    ids: NDArray[Any] | None,
) -> NDArray[Any] | None:
    """Return gold labels in the order of `ids`, -1 where missing; None when no gold file was named."""
    from sidelight.labeling import UsageError, encode_gold, read

    from .exports import read_fields

    if path is None:
        if column is not None:
            raise UsageError("--gold-column needs --gold FILE")
        return None
    if column is None:
        raise UsageError("--gold needs --gold-column COLUMN")
    if ids is None:
        raise UsageError("these votes carry no record ids, so gold labels cannot be matched to them")
    known = read_fields(read(path, id=id_column), [column])[column]
    matched = [known.get(str(name)) for name in ids]
    if all(value is None for value in matched):
        raise UsageError("no record of the votes has a gold label; is --gold-id the right column?")
    try:
        return encode_gold(matched, schema)
    except UsageError:  # counts rows of the votes; who wrote the file counts its rows
        _refuse_first(path, known, set(map(str, ids)), schema)
        raise


def _refuse_first(path: str, known: Mapping[str, Any], ids: set[str], schema: LabelSchema) -> None:
    """Name the row of a gold file whose label is no class."""
    from sidelight.labeling import UsageError, encode_gold

    for row, (name, value) in enumerate(known.items(), start=1):
        try:
            if name in ids:
                encode_gold([value], schema)
        except UsageError:
            raise UsageError(
                f"{Path(path).name}: row {row} below the head, of those that could be read: its label is no class; it is one of "
                f"{list(schema.classes)}, 0..{schema.cardinality - 1}, or missing",
            ) from None
