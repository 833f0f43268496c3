"""The sources and slices of a project as functions and votes, whoever or whatever they come from."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import (
    ABSTAIN,
    ColumnError,
    FunctionInfo,
    LabelingFunction,
    LabelSchema,
    Record,
    UsageError,
    VoteMatrix,
    load_functions,
    load_schema,
    read,
)
from sidelight.slicing import SlicingFunction

from .checks import CONDITIONS
from .file import Project, Slice


def functions_of(project: Project, name: str) -> list[LabelingFunction]:
    """Return the labeling functions of a source, in file order."""
    source = project.config.sources[name]
    if source.functions is None:
        return []
    place = ("sources", name, "functions")
    path = project.path(source.functions)
    found = load_functions(path, LabelingFunction)
    if source.select:
        for pattern in source.select:
            if not any(fnmatch.fnmatchcase(function.name, pattern) for function in found):
                names = [function.name for function in found]
                project.places.refuse(
                    (*place[:2], "select"), f"{pattern!r} matches no function", pattern, names
                )
        found = [f for f in found if any(fnmatch.fnmatchcase(f.name, pattern) for pattern in source.select)]
    schema, wanted = load_schema(path), project.schema(source.question)
    if schema is not None and schema.classes != wanted.classes:
        project.places.refuse(
            place,
            f"{Path(source.functions).name} is for the classes {', '.join(schema.classes)}; "
            f"the task has {', '.join(wanted.classes)}, in this order",
        )
    return found


def slices_of(project: Project) -> list[SlicingFunction]:
    """Return the slicing functions of a project: those of files, and a function a condition."""
    found: list[SlicingFunction] = []
    for name, part in project.config.slices.items():
        if part.functions is not None:
            found += load_functions(project.path(part.functions), SlicingFunction)
        else:
            found.append(SlicingFunction(name, Condition.of(part)))
    names = [function.name for function in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        project.places.refuse(("slices",), f"two slices are called {twice[0]!r}")
    return found


def trained_slices(project: Project) -> list[str]:
    """Return the names of the slices with `train = true`, those in files one by one."""
    found: list[str] = []
    for name, part in project.config.slices.items():
        if part.train and part.functions is not None:
            found += [f.name for f in load_functions(project.path(part.functions), SlicingFunction)]
        elif part.train:
            found.append(name)
    return found


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a record's column is as a slice wants it; a missing value belongs to no slice but `missing`.

    Examples
    --------
    >>> from sidelight.labeling import Record
    >>> elderly = Condition("age", (("at_least", 80.0),))
    >>> elderly({"age": 84}), elderly({"age": None})
    (True, False)
    """

    column: str
    tests: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, part: Slice) -> Condition:
        """Read the condition of a slice."""
        given = {name: getattr(part, name) for name in CONDITIONS if getattr(part, name) is not None}
        assert part.column is not None  # noqa: S101 - checked when the file was read
        return cls(part.column, tuple((n, tuple(v) if isinstance(v, list) else v) for n, v in given.items()))

    def __call__(self, record: Record | Mapping[str, Any]) -> bool:
        """Test one record."""
        value = record[self.column]
        absent = (
            value is None or value != value or value == ""
        )  # NaN is the one value that differs from itself
        return all(_holds(name, wanted, value, absent) for name, wanted in self.tests)


def _holds(name: str, wanted: Any, value: Any, absent: bool) -> bool:
    if name == "missing":
        return absent is bool(wanted)
    if absent:
        return False
    if name == "contains":
        return str(wanted).lower() in str(value).lower()
    if name == "one_of":
        return any(value == one or str(value) == str(one) for one in wanted)
    if name == "equals":
        return bool(value == wanted or str(value) == str(wanted))
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UsageError("holds something that is no number") from None
    return bool(number >= wanted if name == "at_least" else number < wanted)


def votes_from_labels(
    project: Project, name: str, ids: Sequence[str], patients: Sequence[str], values: Mapping[str, Any]
) -> VoteMatrix:
    """Return labels that people or an older system gave, as the votes of one function called like the source."""
    source = project.config.sources[name]
    schema = project.schema(source.question)
    column = encode(project, name, [values.get(one) for one in ids], schema)
    digest = hashlib.sha256(repr((sorted(source.map.items()), schema.classes)).encode()).hexdigest()[:32]
    return VoteMatrix(
        column.astype(np.int8)[:, None],
        schema,
        (FunctionInfo(name, digest),),
        ids=np.array(ids, dtype=np.str_),
        patient_ids=np.array(patients, dtype=np.str_),
    )


def encode(project: Project, name: str, values: Sequence[Any], schema: LabelSchema) -> NDArray[np.int64]:
    """Return labels as class numbers; what the source's `map` does not hold must be a class already."""
    source = project.config.sources[name]
    encoded = np.full(len(values), ABSTAIN, dtype=np.int64)
    for row, value in enumerate(values):
        if value is None or value != value or value == "":
            continue
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        known = source.map.get(text, text)
        if known in schema.classes:
            encoded[row] = schema.classes.index(known)
        elif known.isdigit() and int(known) < schema.cardinality and not source.map:
            encoded[row] = int(known)
        elif known != str(ABSTAIN):
            project.places.refuse(
                ("sources", name),
                f"the label of record {row} is no class; it is one of {', '.join(schema.classes)}, a class number, "
                "or a value that map = {...} translates",
            )
    return encoded


def read_labels(project: Project, name: str) -> dict[str, Any]:
    """Return the labels of an annotator's file by record id."""
    source = project.config.sources[name]
    assert source.labels is not None  # noqa: S101 - only asked of such sources
    assert source.column is not None  # noqa: S101
    found: dict[str, Any] = {}
    try:
        for batch in read(project.path(source.labels), id=source.id):
            columns = batch.records.schema.names
            if source.column not in columns:
                project.places.refuse(
                    ("sources", name, "column"),
                    f"the labels have no column {source.column!r}",
                    source.column,
                    columns,
                )
            keys, values = (
                batch.records.column("id").to_pylist(),
                batch.records.column(source.column).to_pylist(),
            )
            found.update(zip(keys, values, strict=True))
    except ColumnError as error:
        project.places.refuse(("sources", name, "id"), error.problem)
    return found


def file_identity(path: Path) -> list[dict[str, Any]]:
    """Return name, size and SHA-256 of a file, or of every file in a folder, in the order of their names."""
    files = [path] if path.is_file() else sorted(entry for entry in path.rglob("*") if entry.is_file())
    found = []
    for file in files:
        with file.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        name = file.name if path.is_file() else file.relative_to(path).as_posix()
        found.append({"file": name, "bytes": file.stat().st_size, "sha256": digest})
    return found
