"""The plan of a run: which parts an export has, and why each would be computed."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ..faults import InputError
from ..folder import write_file
from ..readers import EVENTS, RECORDS, VISITS, Piece, Reading, SourceFile
from ..readers.pieces import PIECE_SIZE, hash_file
from .counts import set_name
from .job import Job, Part, digest
from .store import PartStore, choose_groups

_CACHE = "inputs.json"
_MOST_FILES = 256
_GROUP = 64


@dataclass(frozen=True)
class Plan:
    """The parts of an export, in its order.

    Parameters
    ----------
    parts : tuple of Part
        What is labeled apart.
    sources : tuple of mapping
        Each file's name, size and hash.
    events : str
        Hash of the files that hold events, "" without any.
    """

    parts: tuple[Part, ...]
    sources: tuple[Mapping[str, Any], ...]
    events: str = ""


@dataclass(frozen=True)
class Work:
    """A part, and why it is computed: "" when there is nothing to do."""

    part: Part
    reason: str


def make_plan(reading: Reading, folder: Path, *, verify: bool = False) -> Plan:
    """Return the plan of an export; what is known of files that did not change is not looked up again.

    Parameters
    ----------
    reading : Reading
        The export.
    folder : Path
        The folder of votes, which keeps what is known of the files.
    verify : bool, default False
        Hash every file again, instead of trusting its size and time of change.
    """
    cache = {} if verify else _read_cache(folder)
    options = digest([reading.names.id, reading.names.patient_id, reading.names.time, reading.names.text],
                     {name: kind.__name__ for name, kind in reading.types.items()}, reading.encoding)  # fmt: skip
    known = {file.source: _inspect(file, reading, cache, options) for file in reading.files if file.roles}
    write_file(folder / _CACHE, orjson.dumps(known))
    hashes = {source: entry["sha256"] for source, entry in known.items()}
    events = _identity([file for file in reading.files if EVENTS in file.roles], hashes)
    documents = [file for file in reading.files if RECORDS in file.roles]
    noted = _identity(documents, hashes) if any(VISITS in file.roles for file in reading.files) else ""
    parts = []
    for files in _bundles([file for file in reading.files if file.roles & {RECORDS, VISITS}]):
        for pieces in _shares(files, known):
            settled = {file.source: known[file.source]["settled"] for file in files}
            visits = any(VISITS in file.roles for file in files)
            content = [
                [files[n].source, files[n].format, p.start, p.stop, p.line, p.sha256] for n, p in pieces
            ]
            layout = 3 if files[0].reader.versioned else 2  # of versions in the rows
            key = digest("part", layout, content, options, settled, events, noted if visits else "")
            parts.append(Part(key, tuple(files), tuple(pieces), settled))
    sources = tuple(
        {"file": source, "bytes": entry["bytes"], "sha256": entry["sha256"]}
        for source, entry in sorted(known.items())
    )
    return Plan(tuple(parts), sources, events)


def list_work(plan: Plan, job: Job) -> Iterator[Work]:
    """Yield every part with the reason why it would be computed."""
    names = {key.name: key.key for key in job.function_keys}
    counts = f"counts-{set_name(job.function_keys, job.schema)}.npz"
    for part in plan.parts:
        store = PartStore(job.folder, part.key)
        rows, groups = store.receipts()
        if rows is None:
            yield Work(part, "new input")
            continue
        have = choose_groups(job.function_keys, groups)
        before = {function["name"] for receipt in groups for function in receipt["functions"]}
        missing = [name for name, key in names.items() if key not in have]
        changed = [name for name in missing if name in before]
        new = [name for name in missing if name not in before]
        reasons = [f"changed: {', '.join(changed)}"] if changed else []
        if new and not groups:
            reasons.append("interrupted")
        elif new:
            reasons.append(f"new: {', '.join(new)}")
        if not reasons and not (store.path / counts).is_file():
            reasons.append("counts of another set of functions")
        yield Work(part, "; ".join(reasons))


def plan_json(plan: Plan, job: Job) -> bytes:
    """Return the plan as it is written: the same for the same input and functions, wherever they lie."""
    parts = [
        {"key": part.key, "pieces": [[part.files[n].source, p.start, p.stop] for n, p in part.pieces]}
        for part in plan.parts
    ]
    content = {
        "format": "sidelight-plan",
        "version": 2,
        "functions": [key.to_json() for key in job.function_keys],
        "sources": [dict(source) for source in plan.sources],
        "events": plan.events,
        "parts": parts,
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)


def _inspect(file: SourceFile, reading: Reading, cache: Mapping[str, Any], options: str) -> dict[str, Any]:
    """Return a file's size, hash, pieces and settled facts, from the cache where it did not change."""
    try:
        stat = file.path.stat()
    except OSError:
        raise InputError(file.path, "cannot be opened") from None
    stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ino, file.format, sorted(file.roles), options]
    found = cache.get(file.source)
    if found is not None and found["stamp"] == stamp:
        return dict(found)
    records = bool(file.roles & {RECORDS, VISITS})
    pieces = file.reader.pieces(file.path, reading) if records else [Piece(sha256=hash_file(file.path))]
    joined = (
        pieces[0].sha256
        if len({piece.sha256 for piece in pieces}) == 1
        else digest([p.sha256 for p in pieces])
    )
    return {
        "stamp": stamp,
        "bytes": stat.st_size,
        "sha256": joined,
        "pieces": [[p.start, p.stop, p.line, p.sha256] for p in pieces],
        "settled": reading.settle(file) if records else {},
    }


def _bundles(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    """Yield files that are labeled together: many small ones, whose groups do not shift when one is added."""
    group: list[SourceFile] = []
    size = 0
    for file in files:
        bytes_ = file.path.stat().st_size
        if (
            not file.reader.grouped or bytes_ >= PIECE_SIZE
        ):  # the pieces of a large one are parts of their own
            if group:
                yield group
                group, size = [], 0
            yield [file]
            continue
        group.append(file)
        size += bytes_
        ends = hashlib.blake2b(file.source.encode(), digest_size=2).digest()
        if int.from_bytes(ends) % _GROUP == 0 or len(group) == _MOST_FILES or size >= PIECE_SIZE:
            yield group
            group, size = [], 0
    if group:
        yield group


def _shares(files: Sequence[SourceFile], known: Mapping[str, Any]) -> Iterator[list[tuple[int, Piece]]]:
    """Yield the pieces of each part: one of a large file, or all of many small files."""
    pieces = [[(n, Piece(*entry)) for entry in known[file.source]["pieces"]] for n, file in enumerate(files)]
    if len(files) == 1:
        yield from ([piece] for piece in pieces[0])
    else:
        yield [piece for found in pieces for piece in found]


def _identity(files: Sequence[SourceFile], hashes: Mapping[str, str]) -> str:
    return digest(*([file.source, hashes[file.source]] for file in files)) if files else ""


def _read_cache(folder: Path) -> dict[str, Any]:
    try:
        found = orjson.loads((folder / _CACHE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
