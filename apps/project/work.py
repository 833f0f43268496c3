"""What a step is given, and the tables that steps hand to each other."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sidelight.labeling import read_votes, write_file

from .file import Project
from .graph import Step

if TYPE_CHECKING:
    from sidelight.labeling.engine import Runner

Metric = dict[str, Any]
"""One line of `metrics.jsonl`: task, name, value and where it was measured."""


@dataclass(frozen=True, eq=False)
class Work:
    """All that a step works with.

    Parameters
    ----------
    project : Project
        The project.
    step : Step
        The step.
    inputs : mapping from step to Path
        Folders of the steps it needs.
    folder : Path
        Where it writes.
    partial : Path
        Where it may keep what lets it go on after it was killed.
    progress : callable
        Told how many records, or training steps, are done.
    runner : Runner, optional
        Where functions run.
    """

    project: Project
    step: Step
    inputs: Mapping[str, Path]
    folder: Path
    partial: Path
    progress: Callable[[int], None] = lambda done: None
    runner: Runner | None = None
    metrics: list[Metric] = field(default_factory=list)

    def note(self, name: str, value: float | int | str | None, **about: Any) -> None:
        """Keep a figure for `metrics.jsonl`."""
        known = None if isinstance(value, float) and value != value else value
        self.metrics.append({"step": self.step.name, "metric": name, "value": known, **about})

    def records(self) -> Records:
        """Return ids, patients and parts of the records."""
        return Records.read(self.inputs["records"])


@dataclass(frozen=True, eq=False)
class Records:
    """Which records there are, whose they are, and the part each belongs to."""

    ids: NDArray[np.str_]
    patients: NDArray[np.str_]
    parts: NDArray[np.str_]

    def write(self, folder: Path) -> None:
        """Write `records.parquet`."""
        columns = {"id": self.ids, "patient_id": self.patients, "part": self.parts}
        table = pa.table({name: pa.array(values.tolist(), pa.string()) for name, values in columns.items()})
        write_table(table, folder / "records.parquet")

    @classmethod
    def read(cls, folder: Path) -> Records:
        """Read what `write` wrote."""
        table = pq.read_table(folder / "records.parquet")
        ids, patients, parts = (
            np.array(table[name].to_pylist(), dtype=np.str_) for name in table.column_names
        )
        return cls(ids, patients, parts)


def write_table(table: pa.Table, path: Path) -> None:
    """Write Parquet in one step; equal tables give equal bytes."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_file(path, buffer.getvalue())


def write_array(path: Path, values: NDArray[np.float64]) -> None:
    """Write an array in one step, as NPY of single precision."""
    buffer = io.BytesIO()
    np.save(buffer, values.astype(np.float32), allow_pickle=False)
    write_file(path, buffer.getvalue())


def write_json(path: Path, content: Any) -> None:
    """Write plain values as JSON; equal values give equal bytes."""
    write_file(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")


def gold_of(folders: Sequence[Path]) -> NDArray[np.int64]:
    """Return gold labels in the order of the export; where several people gave one, they must agree."""
    columns = np.concatenate([read_votes(folder / "votes").dense() for folder in folders], axis=1).astype(
        np.int64
    )
    first = columns.max(axis=1)
    lowest = np.where(columns < 0, np.iinfo(np.int64).max, columns).min(axis=1)
    return np.where((first >= 0) & (first == lowest), first, -1)


def column_values(project: Project, names: Sequence[str], path: Path | None = None) -> dict[str, list[Any]]:
    """Return columns of the export in its order, None where a file of it lacks one."""
    from .checks import open_export

    found: dict[str, list[Any]] = {name: [] for name in names}
    for batch in open_export(project, path):
        for name in names:
            known = name in batch.records.schema.names
            found[name] += batch.records.column(name).to_pylist() if known else [None] * len(batch)
    return found
