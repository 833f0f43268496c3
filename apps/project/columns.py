"""Which columns of an export hold id, patient, time and text, told by their names and, failing that, by what is in them."""

import re
from collections.abc import Mapping
from pathlib import Path

from sidelight.labeling import Batch, ColumnError, InputError, UsageError, read
from sidelight.labeling.readers.columns import are_names

_GUESSES = {
    "id": r"(note|document|report|record|study|exam|ecg|accession|row|doc)?_?(id|number|no|key)$|^(id|uid|key|accession)$",
    "patient": r"(patient|subject|person|pat|mrn)(_?(id|number|no|key))?$",
    "time": r".*(date|time|datum|timestamp)$",
    "text": r".*(text|report|note|narrative|impression|findings|body|content)s?$",
}
_CANONICAL = {"id": "id", "patient": "patient_id", "time": "time", "text": "text"}
LONGEST_ID, SHORTEST_TEXT = 64, 12
"""Characters that an id has at most, and a text on average at least, where no column's name tells."""


def guess_columns(path: Path, given: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Return the columns that seem to hold id, patient, time and text where they are not called so.

    Names tell first. Where none does, the id is the first column whose values all differ, and the text is the column with
    the longest ones; a column whose name may be a note, as in a file without names, is not guessed.

    Parameters
    ----------
    path : Path
        The export.
    given : mapping from "id", "patient", "time", "text" to column, optional
        What the user says; it is checked, and nothing is guessed in its place.

    Raises
    ------
    UsageError
        When the export has no column of a name given, or none that could be an id.
    """
    asked = {key: name for key, name in (given or {}).items() if name}
    first, names = _first_batch(path)
    for key, name in asked.items():
        if name not in names:
            raise UsageError(f"--{key} {name}: there is no such column in {path.name}{_told(names)}")
    found = dict(asked)
    for key, pattern in _GUESSES.items():
        if key in found or _CANONICAL[key] in names:
            continue
        fitting = [
            name for name in names if re.fullmatch(pattern, name.lower()) and name not in found.values()
        ]
        if key == "id":
            fitting = [name for name in fitting if not re.fullmatch(_GUESSES["patient"], name.lower())]
        if fitting:
            found[key] = fitting[0]
    if first is None and "id" not in found:
        found["id"] = _different(path, names, tuple(found.values()))
    if first is None:
        first = next(iter(read(path, id=found["id"])), None)
    if "text" not in found and "text" not in names and first is not None:
        longest = _longest(first, (*found.values(), *_CANONICAL.values()))
        found |= {"text": longest} if longest else {}
    return found


def _first_batch(path: Path) -> tuple[Batch | None, list[str]]:
    """Return the first rows of an export and its columns; no rows where no column is called id."""
    try:
        batch = next(iter(read(path)), None)
    except ColumnError as error:
        if not error.columns:
            raise
        return None, list(error.columns)
    return batch, [] if batch is None else list(batch.records.schema.names)


def _different(path: Path, names: list[str], taken: tuple[str, ...]) -> str:
    """Return the first column whose values in the first rows are there, short, and all different."""
    for name in names:
        if name in taken or not are_names([name]):
            continue
        reading = read(path, id=name)
        try:
            batch = next(iter(reading), None)
        except InputError:
            continue
        if batch is None or {row.reason for row in reading.quarantine.rows} & {"no_id", "duplicate_id"}:
            continue
        if max(len(value) for value in batch.records.column("id").to_pylist()) <= LONGEST_ID:
            return name
    raise UsageError(
        f"{path.name} has no column that tells its records apart{_told(names)}; add one with a number or "
        "name for each record, or say which it is with --id"
    )


def _told(names: list[str]) -> str:
    """Return the columns for a message, unless the first line holds notes instead of their names."""
    return (
        f" (columns: {', '.join(names)})" if are_names(names) else ", whose first line seems to hold no names"
    )


def _longest(batch: Batch, taken: tuple[str, ...]) -> str:
    """Return the column whose texts are longest, "" where none are long enough to be one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths: dict[str, float] = {}
    for name in batch.records.schema.names:
        cells = batch.records.column(name)
        if name not in taken and are_names([name]) and pa.types.is_string(cells.type):
            lengths[name] = pc.mean(pc.utf8_length(cells)).as_py() or 0.0
    longest = max(lengths, key=lambda name: lengths[name], default="")
    return longest if longest and lengths[longest] >= SHORTEST_TEXT else ""
