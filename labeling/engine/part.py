"""Labeling one part: read it, run the functions that have no column yet, write rows, columns and counts."""

from __future__ import annotations

import platform
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sidelight import __version__

from ..applier import LFApplier
from ..faults import QuarantineWarning, SidelightError
from ..folder import write_file
from ..readers import Batch, QuarantinedRow, Reading
from ..readers.batch import filtered
from ..readers.quarantine import HARMLESS, count_reasons
from ..readers.versions import NO_VERSION, hash_ids
from ..schema import ABSTAIN
from ..votes import VoteMatrix
from .counts import write_counts
from .erasure import read_erased
from .job import Job, Part
from .store import PartStore, Rows, choose_groups, rows_digest


class PartReading(Reading):
    """The reading of a part: remembers who its records are, and leaves out rows that must not be run."""

    erased: frozenset[str] = frozenset()
    skipped: frozenset[int] = frozenset()
    probe: Callable[[int], None] | None = None
    """Told the number of each row before it is run, which then happens row by row."""
    start: int = 0
    """First row that is run."""

    def __iter__(self) -> Iterator[Batch]:
        self.seen: list[tuple[Batch, int]] = []
        self.run: list[NDArray[np.bool_]] = []
        position = {file.source: number for number, file in enumerate(self.files)}
        row = 0
        for batch in super().__iter__():
            kept = self._without_erased(batch)
            if not len(kept):
                continue
            named = [name for name in ("id", "patient_id") if name in kept.records.schema.names]
            self.seen.append((replace(kept, records=kept.records.select(named)), position[kept.source]))
            rows = np.arange(row, row + len(kept))
            row += len(kept)
            run = ~np.isin(rows, list(self.skipped)) if self.skipped else np.ones(len(kept), dtype=bool)
            run &= rows >= self.start
            self.run.append(run)
            if self.probe is not None:
                for number in np.flatnonzero(run):
                    self.probe(int(rows[number]))
                    yield replace(filtered(kept, np.arange(len(kept)) == number), named=False)
            elif run.any():  # one id may be there twice, which is settled when parts are put together
                yield replace(kept if run.all() else filtered(kept, run), named=False)

    def _without_erased(self, batch: Batch) -> Batch:
        if not self.erased or "patient_id" not in batch.records.schema.names:
            return batch
        gone = np.array([str(name) in self.erased for name in batch.records.column("patient_id").to_pylist()])
        if not gone.any():
            return batch
        for row in np.flatnonzero(gone):
            line = 0 if batch.lines is None else int(batch.lines[row])
            self.set_aside(batch.source, int(batch.offsets[row]), "erased", line=line)
        self.n_records -= int(gone.sum())
        return filtered(batch, ~gone)

    def rows(self) -> Rows:
        """Return who the records are, after an iteration."""
        ids = [name for batch, _ in self.seen for name in batch.records.column("id").to_pylist()]
        patients: list[str | None] = []
        for batch, _ in self.seen:
            has = "patient_id" in batch.records.schema.names
            patients += batch.records.column("patient_id").to_pylist() if has else [None] * len(batch)

        def joined(values: list[Any], dtype: Any) -> NDArray[Any]:
            return np.concatenate([np.zeros(0, dtype), *values]).astype(dtype)

        return Rows(
            ids,
            patients,
            joined([np.full(len(batch), number) for batch, number in self.seen], np.int32),
            joined([batch.offsets for batch, _ in self.seen], np.int64),
            joined([np.zeros(len(b)) if b.lines is None else b.lines for b, _ in self.seen], np.int64),
            hash_ids(ids),
            joined(
                [np.full(len(b), NO_VERSION) if b.versions is None else b.versions for b, _ in self.seen],
                np.int64,
            ),
        )


def run_part(job: Job, part: Part, poison: Sequence[int] = ()) -> dict[str, Any]:
    """Label a part as far as it is not labeled yet, and return what was done.

    May be run twice, also at the same time: files get their names in one step and hold the same bytes each time.

    Parameters
    ----------
    job, part
        What to do.
    poison : sequence of int
        Rows of the part that kill a process, which are not run.
    """
    begin = time.perf_counter()
    store = PartStore(job.folder, part.key)
    store.prepare()
    receipt, groups = store.receipts()
    have = choose_groups(job.function_keys, groups)
    pairs = list(zip(job.function_keys, job.lfs, strict=True))
    todo = [pair for pair in pairs if pair[0].key not in have]
    done: dict[str, Any] = {
        "key": part.key,
        "status": "done",
        "computed": [key.name for key, _ in todo],
        "seconds": {},
    }
    if receipt is None or todo:
        reading = part_reading(job, part, poison)
        if todo:
            votes = _votes(job, reading, [lf for _, lf in todo])
        else:
            for _ in reading:
                pass
        if receipt is None:
            receipt = _write_rows(store, part, reading, reading.rows())
        if todo:
            keys = [key for key, _ in todo]
            faults = votes.statistics.faults if votes.statistics is not None else [{}] * len(keys)
            full = _spread(votes, np.concatenate([np.zeros(0, dtype=bool), *reading.run]))
            groups.append(store.write_columns(keys, full, faults, poison, versions()))
            if votes.statistics is not None:
                done["seconds"] = dict(
                    zip(votes.names, votes.statistics.seconds.round(6).tolist(), strict=True)
                )
    write_counts(store, job.function_keys, groups, job.schema)
    return done | {
        "n_records": receipt["n_records"],
        "n_rows": receipt["n_rows"],
        "wall_seconds": round(time.perf_counter() - begin, 6),
    }


def probe_part(job: Job, part: Part, start: int, told: Callable[[int], None]) -> None:
    """Run the missing functions row by row from row `start` on, without writing anything; tell each row before."""
    _, groups = PartStore(job.folder, part.key).receipts()
    have = choose_groups(job.function_keys, groups)
    lfs = [lf for key, lf in zip(job.function_keys, job.lfs, strict=True) if key.key not in have]
    reading = part_reading(job, part)
    reading.start, reading.probe = start, told
    if lfs:
        _votes(replace(job, on_error="abstain"), reading, lfs)


def part_reading(job: Job, part: Part, poison: Sequence[int] = ()) -> PartReading:
    """Return the reading of a part without erased patients and poison rows."""
    reading = job.reading(part, PartReading)
    assert isinstance(reading, PartReading)  # noqa: S101 - what was asked for
    reading.erased = read_erased(job.folder)
    reading.skipped = frozenset(poison)
    if job.keep_raw:
        folder = Path(job.folder) / "raw"

        def keep(entry: QuarantinedRow, raw: bytes) -> None:
            if raw and entry.reason not in HARMLESS:
                write_file(folder / f"{entry.sha256}.bin", raw)

        reading.keep_raw = keep
    return reading


def versions() -> dict[str, str]:
    """Return the versions of what makes votes."""
    return {
        "sidelight": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
    }


def _votes(job: Job, reading: PartReading, lfs: Sequence[Any]) -> VoteMatrix:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuarantineWarning)  # receipts and the manifest tell
        votes: VoteMatrix = LFApplier(lfs, schema=job.schema).apply(
            reading, on_error=job.on_error, evidence=job.evidence, note_seconds=job.note_seconds
        )
    return votes


def _write_rows(store: PartStore, part: Part, reading: PartReading, rows: Rows) -> dict[str, Any]:
    """Write the records of a part and return their receipt; refuse when a row got lost on the way."""
    n_rows, n_kept = reading.n_rows, len(rows.ids)
    if n_rows != n_kept + len(reading.quarantine):
        raise SidelightError(
            f"part {part.key}: {n_rows} rows in, but {n_kept} kept and {len(reading.quarantine)} set aside"
        )
    receipt = {
        "key": part.key,
        "n_rows": n_rows,
        "n_records": n_kept,
        "n_quarantined": len(reading.quarantine),
        "n_damaged": reading.quarantine.n_damaged,
        "reasons": count_reasons(reading.quarantine.rows),
        "statuses": dict(sorted(reading.statuses.items())),
        **reading.corrections.to_json(),
        "has_patients": any(name is not None for name in rows.patients),
        "digest": rows_digest(rows.to_table()),
        "sources": [file.source for file in part.files],
    }
    store.write_rows(rows, receipt, [row.to_json() for row in reading.quarantine.rows])
    return receipt


def _spread(votes: VoteMatrix, run: NDArray[np.bool_]) -> VoteMatrix:
    """Return votes with abstentions on the rows that were not run."""
    bare = replace(votes, ids=None, patient_ids=None)
    if run.all():
        return bare
    place = np.flatnonzero(run)
    values = np.full((len(run), votes.n_functions), ABSTAIN, dtype=np.int8)
    values[place] = votes.dense()
    confidence = sets = None
    if votes.confidence is not None:
        confidence = np.ones((len(run), votes.n_functions), dtype=np.float32)
        confidence[place] = votes.confidence
    if votes.class_sets is not None:
        sets = np.zeros((len(run), *votes.class_sets.shape[1:]), dtype=np.uint64)
        sets[place] = votes.class_sets
    evidence = {(int(place[row]), column): spans for (row, column), spans in votes.evidence.items()}
    return replace(bare, values=values, confidence=confidence, class_sets=sets, evidence=evidence)
