"""Scoring many studies with a bundle in constant memory; a killed run goes on where it stopped."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as table_csv
import pyarrow.parquet as pq

from sidelight.labeling.faults import InputError, UsageError
from sidelight.labeling.folder import PRIVATE_FILE, PRIVATE_FOLDER, write_file

from .bags import Bags
from .bundle import Bundle
from .inputs import Inputs, as_inputs
from .predictions import Predictions
from .signal_stream import SignalStream
from .study_files import StudyFiles

PART_SIZE = 1024


@dataclass(frozen=True)
class Scored:
    """What a run of scoring did.

    Parameters
    ----------
    n_studies : int
        Rows in the table.
    n_set_aside : int
        Studies of the input that could not be used.
    n_resumed : int
        Of the rows, those that an earlier, unfinished run had left.
    counts : mapping from class to int
        Studies predicted to be of each class.
    """

    n_studies: int
    n_set_aside: int
    n_resumed: int
    counts: dict[str, int]


def score_studies(
    bundle: Bundle,
    studies: str | Path,
    out: str | Path,
    *,
    batch_size: int = 64,
    part_size: int = PART_SIZE,
    by: str = "stem",
    progress: Callable[[int, int], None] | None = None,
) -> Scored:
    """Write the predictions for all studies of a file or folder as one table.

    Finished parts lie in a folder beside `out`, named after it with ".parts", until the table is whole. A run of the same
    bundle over the same input takes them over; parts of any other run are thrown away. The table is the same, byte for
    byte, however often the work was interrupted.

    Parameters
    ----------
    bundle : Bundle
        The model.
    studies : path-like
        An NPZ file, read a part at a time, or a folder of study files.
    out : path-like
        The table, Parquet or CSV by its suffix.
    batch_size : int, default 64
        Studies the network sees at a time.
    part_size : int, default 1024
        Studies a part; decides memory and what a kill costs.
    by : str, default "stem"
        What tells the study of a folder's file; see `StudyFiles.open`. A model of bags is given all files of a study at
        once, others each file by itself.
    progress : callable, optional
        Called with studies done and studies there are, after every part.

    Raises
    ------
    InputError
        When the input cannot be read.
    UsageError
        When the studies are not what the bundle's contract asks for.
    """
    if batch_size < 1 or part_size < 1:
        raise ValueError(f"batch_size is {batch_size}, part_size {part_size}; at least 1 is needed")
    source, target = Path(studies), Path(out)
    parts = target.with_name(f"{target.name}.parts")
    n, n_unreadable, pieces = _opened(source, bundle, part_size, by)
    plan = {"bundle": bundle.fingerprint, "input": _digest(source), "part_size": part_size, "n": n, "by": by}
    _prepare(parts, plan)
    names, n_scored, n_resumed = [], 0, 0
    counts = dict.fromkeys(bundle.schema.classes, 0)
    for number, inputs in enumerate(pieces):
        if number == 0:
            _check_contract(bundle, inputs, parts)
        path = parts / f"part-{number:06}.parquet"
        found = _finished(path)
        if found is None:
            found = bundle.predict(inputs, batch_size=batch_size)
            found.write(path)
        else:
            n_resumed += len(found)
        n_scored += len(found)
        for name, count in found.counts().items():
            counts[name] += count
        names.append(path)
        if progress is not None:
            progress(min((number + 1) * part_size, n), n)
    _join(names, target)
    shutil.rmtree(parts, ignore_errors=True)
    return Scored(n_scored, n - n_scored + n_unreadable, n_resumed, counts)


def _check_contract(bundle: Bundle, inputs: Inputs, parts: Path) -> None:
    """Raise for studies that the bundle does not take, and leave nothing of the attempt."""
    try:
        bundle.contract.check(as_inputs(inputs).contract)
    except UsageError:
        shutil.rmtree(parts, ignore_errors=True)
        raise


def _opened(source: Path, bundle: Bundle, part_size: int, by: str) -> tuple[int, int, Iterator[Inputs]]:
    """Return how many studies there are, how many could not even be opened, and them in parts."""
    if not source.is_dir():
        stream = SignalStream(source)
        return len(stream), 0, iter(stream.pieces(part_size))
    contract = bundle.contract
    files = StudyFiles.open(
        source,
        by=by,
        lead_names=contract.lead_names,
        sampling_hz=contract.sampling_hz or None,
        shape=contract.shape,
    )
    studies = Bags.of(files) if contract.bag else files
    starts = range(0, len(studies), part_size)
    pieces = (studies.take(range(start, min(start + part_size, len(studies)))) for start in starts)
    return len(studies), len(files.set_aside), pieces


def _digest(source: Path) -> str:
    """Return what tells this input from another: a file's content, or names, sizes and times of a folder's files."""
    if source.is_dir():
        digest = hashlib.sha256()
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            state = path.stat()
            digest.update(f"{path.relative_to(source)}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
        return digest.hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _prepare(parts: Path, plan: dict[str, object]) -> None:
    """Make the folder of parts, empty unless an earlier run had the same plan."""
    text = json.dumps(plan, sort_keys=True)
    try:
        if (parts / "plan.json").is_file() and (parts / "plan.json").read_text(encoding="utf-8") == text:
            return
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(parents=True, mode=PRIVATE_FOLDER)
    except OSError as error:
        raise InputError(parts, f"cannot be written ({error.strerror})") from None
    write_file(parts / "plan.json", text)


def _finished(path: Path) -> Predictions | None:
    """Return a part that an earlier run left, None when there is none or it is damaged."""
    if not path.exists():
        return None
    try:
        return Predictions.read(path)
    except InputError:
        return None


def _join(parts: list[Path], target: Path) -> None:
    """Write the parts as one table, one after the other, and put it in place in one step."""
    temporary = target.with_name(f".sidelight-{target.name}-{uuid.uuid4().hex[:8]}")
    schema = pq.read_schema(parts[0])
    is_csv = target.suffix.lower() == ".csv"
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(handle, "wb") as file:
            sink = pa.PythonFile(file, mode="w")
            with table_csv.CSVWriter(sink, schema) if is_csv else pq.ParquetWriter(sink, schema) as writer:
                for path in parts:
                    table = pq.read_table(path)
                    writer.write_table(table) if is_csv else writer.write_table(
                        table, row_group_size=len(table) or 1
                    )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise InputError(target, f"cannot be written ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)
