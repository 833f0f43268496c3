"""Reading a folder of votes back, all at once or part by part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from ..faults import InputError
from ..moments import Moments
from ..patterns import Patterns
from ..schema import LabelSchema
from ..vote_files import read_manifest
from ..votes import FunctionInfo, RunStatistics, VoteMatrix
from .counts import read_counts
from .job import FunctionKey
from .merge import part_digest
from .run import last_seconds
from .store import PartStore, choose_groups, column_digest, faults_of, rows_digest


def part_votes(folder: Path) -> Iterator[VoteMatrix]:
    """Yield the votes of each part of a folder, without rows that were dropped; checks that nothing was changed."""
    manifest = read_manifest(folder)
    schema = LabelSchema.from_json(manifest["schema"])
    keys = function_keys(manifest)
    dropped = read_dropped(folder)
    for part in manifest["parts"]:
        store = PartStore(folder, part["key"])
        receipt, groups = store.receipts()
        if receipt is None or len(choose_groups(keys, groups)) < len(keys):
            raise InputError(
                store.path, "is missing or was changed after it was written; run `sidelight label` again"
            )
        columns = store.columns(keys, groups)
        found = part_digest(
            rows_digest(store.rows(["id", "patient_id"])), [column_digest(columns, k.name) for k in keys]
        )
        if found != part["digest"]:
            raise InputError(
                store.path, "is missing or was changed after it was written; run `sidelight label` again"
            )
        votes = store.votes(keys, groups, schema, without=dropped.get(part["key"], ()))
        if not receipt["has_patients"]:
            votes = replace(votes, patient_ids=None)
        yield votes


def all_votes(folder: Path) -> VoteMatrix:
    """Return the votes of all parts of a folder."""
    manifest = read_manifest(folder)
    parts = list(part_votes(folder))
    errors = np.array([entry["errors"] for entry in manifest["functions"]], dtype=np.int64)
    schema = LabelSchema.from_json(manifest["schema"])
    functions = tuple(FunctionInfo(k.name, k.fingerprint, k.polarity) for k in function_keys(manifest))
    votes = stack(parts, schema, functions)
    spent = last_seconds(folder)
    seconds = np.array([spent.get(name, np.nan) for name in votes.names])
    faults: dict[str, dict[str, int]] = {name: {} for name in votes.names}
    for found in read_faults(folder):
        faults[found.function][found.fault] = found.n_calls
    return replace(votes, statistics=RunStatistics(errors, seconds, tuple(faults.values())))


@dataclass(frozen=True, slots=True)
class FaultCount:
    """How often a function raised one thing while a folder of votes was made.

    Parameters
    ----------
    function : str
        Its name.
    fault : str
        The kind of exception and the line of the function's file as it was then; no word of the message.
    parts : mapping of str to int
        Calls that raised it, by the key of the part.
    """

    function: str
    fault: str
    parts: Mapping[str, int]

    @property
    def n_calls(self) -> int:
        """Calls that raised it, in all parts."""
        return sum(self.parts.values())


def read_faults(folder: str | Path) -> list[FaultCount]:
    """Return what functions raised and were counted as abstaining for, in the order of the functions, frequent ones first."""
    path = Path(folder)
    manifest = read_manifest(path)
    found: dict[tuple[int, str], dict[str, int]] = {}
    keys = function_keys(manifest) if manifest["version"] > 1 else ()
    for part in manifest["parts"] if keys else ():
        _, groups = PartStore(path, part["key"]).receipts()
        chosen = choose_groups(keys, groups)
        for receipt in groups:
            for entry in receipt["functions"]:
                number = next((n for n, key in enumerate(keys) if key.key == entry["key"]), None)
                if number is None or chosen.get(entry["key"]) != receipt["group"]:
                    continue
                for fault, n in faults_of(entry).items():
                    found.setdefault((number, fault), {})[part["key"]] = n
    counts = [FaultCount(keys[number].name, fault, parts) for (number, fault), parts in found.items()]
    places = {key.name: number for number, key in enumerate(keys)}
    return sorted(counts, key=lambda count: (places[count.function], -count.n_calls, count.fault))


def stack(parts: list[VoteMatrix], schema: LabelSchema, functions: tuple[FunctionInfo, ...]) -> VoteMatrix:
    """Return the votes on several sets of records, one below the other."""
    n = sum(part.n_records for part in parts)
    values = np.concatenate([np.empty((0, len(functions)), dtype=np.int8), *(part.dense() for part in parts)])
    patients = [
        part.patient_ids if part.patient_ids is not None else np.full(part.n_records, "") for part in parts
    ]
    has_patients = any(part.patient_ids is not None for part in parts)
    confidence = sets = None
    if any(part.confidence is not None for part in parts):
        blank = [np.ones((part.n_records, len(functions)), dtype=np.float32) for part in parts]
        confidence = np.concatenate(
            [b if p.confidence is None else p.confidence for p, b in zip(parts, blank, strict=True)]
        )
    if any(part.class_sets is not None for part in parts):
        words = next(part.class_sets.shape[2] for part in parts if part.class_sets is not None)
        empty = [np.zeros((part.n_records, len(functions), words), dtype=np.uint64) for part in parts]
        sets = np.concatenate(
            [e if p.class_sets is None else p.class_sets for p, e in zip(parts, empty, strict=True)]
        )
    evidence: dict[tuple[int, int], Any] = {}
    row = 0
    for part in parts:
        evidence |= {(row + r, c): spans for (r, c), spans in part.evidence.items()}
        row += part.n_records
    ids = (
        np.concatenate([part.ids for part in parts if part.ids is not None])
        if n
        else np.array([], dtype=np.str_)
    )
    return VoteMatrix(
        values, schema, functions, ids=ids, patient_ids=np.concatenate(patients) if has_patients else None,
        confidence=confidence, class_sets=sets, evidence=evidence,
    ).compact()  # fmt: skip


def read_moments(folder: str | Path) -> tuple[Moments, Patterns | None]:
    """Return the counts of a folder: co-occurrences, and patterns of votes unless they are too many to keep."""
    path = Path(folder)
    manifest = read_manifest(path)
    if manifest["version"] == 1:
        from ..vote_files import read_votes

        votes = read_votes(path)
        return Moments.of(votes), Patterns.of(votes)
    schema = LabelSchema.from_json(manifest["schema"])
    return read_counts(path / "counts.npz", schema, [entry["name"] for entry in manifest["functions"]])


def function_keys(manifest: Mapping[str, Any]) -> tuple[FunctionKey, ...]:
    """Return the functions of a manifest."""
    return tuple(
        FunctionKey(entry["name"], entry["fingerprint"], tuple(entry["polarity"]), entry["key"])
        for entry in manifest["functions"]
    )


def read_dropped(folder: Path) -> dict[str, list[int]]:
    """Return the rows of each part that were dropped when parts were put together."""
    try:
        found: dict[str, list[int]] = orjson.loads((folder / "dropped.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise InputError(folder, "has no readable dropped.json; run `sidelight label` again") from None
    return found
