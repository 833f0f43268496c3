"""A run of the engine: plan, run what has no receipt, merge; resumable wherever it was cut off."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..discover import load_functions, load_schema
from ..faults import LimitError, UsageError
from ..folder import write_file
from ..function import LabelingFunction, OnError
from ..readers import Reading, read
from ..readers.base import check_limit
from ..schema import LabelSchema
from ..vote_files import read_manifest
from .job import TYPES, Job
from .journal import Journal, add_entry, read_log
from .lock import lock_folder
from .merge import Whole, merge
from .part import versions
from .plan import Plan, Work, list_work, make_plan, plan_json
from .runners import PoolRunner, Runner, SerialRunner, raise_fault
from .store import PartStore

_WORTH_A_POOL = 4 << 20
"""Bytes of input below which starting processes costs more than they save."""

_DRAFT = ".sidelight-"


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Parameters
    ----------
    folder : Path
        The folder of votes.
    manifest : mapping
        What it holds now.
    n_parts : int
        Parts of the export.
    reasons : mapping of str to str
        Parts that were computed and why, by key.
    seconds : mapping of str to float
        Seconds each function took in this run.
    poison : mapping of str to list of int
        Rows that killed their process, by part.
    """

    folder: Path
    manifest: Mapping[str, Any]
    n_parts: int
    reasons: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    poison: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def errors(self) -> dict[str, int]:
        """Calls that raised, by function."""
        return {entry["name"]: entry["errors"] for entry in self.manifest["functions"] if entry["errors"]}

    def check_limits(self, limit: float = 0.01, error_budget: float = 0.01) -> None:
        """Raise `LimitError` when too many rows were set aside, or too many calls of a function raised."""
        manifest = self.manifest
        check_limit(manifest["n_damaged"], manifest["n_rows"], limit, manifest["reasons"])
        over = {name: n for name, n in self.errors.items() if n > error_budget * manifest["n_records"]}
        if over:
            listed = ", ".join(f"{name} {n}" for name, n in over.items())
            raise LimitError(
                f"calls that raised exceed the error budget of {error_budget:.1%} of {manifest['n_records']} records: "
                f"{listed} (see --on-error raise for the place of the first)"
            )


def label_export(
    export: str | Path | Reading,
    functions: str | Path | Sequence[LabelingFunction],
    out: str | Path,
    *,
    schema: LabelSchema | None = None,
    names: Sequence[str] | None = None,
    runner: Runner | None = None,
    on_error: OnError = "abstain",
    evidence: bool = False,
    note_seconds: float | None = 1.0,
    verify: bool = False,
    keep_raw: bool = False,
    progress: Callable[[int], None] | None = None,
) -> RunReport:
    """Label an export of any size into a folder of votes, or bring the folder up to date.

    What is in the folder already is not computed again: parts of files that did not change, and columns of functions
    that do what they did. A run that was cut off goes on where it stopped.

    Parameters
    ----------
    export : path-like or Reading
        What `read` takes or returns.
    functions : path-like or sequence of LabelingFunction
        A file or module that defines them; objects run in this process only.
    out : path-like
        The folder of votes.
    schema : LabelSchema, optional
        The classes; else those that the functions' file defines.
    names : sequence of str, optional
        Only these functions.
    runner : Runner, optional
        Where parts run; the cores of this machine when there are several parts, this process otherwise.
    on_error, evidence, note_seconds
        As for `LFApplier.apply`.
    verify : bool, default False
        Hash every input file, instead of trusting size and time of change.
    keep_raw : bool, default False
        Keep the bytes of rows set aside in ``raw/``, for repair. They hold what patients' records say.
    progress : callable, optional
        Called with the number of records done after each part.

    Raises
    ------
    SidelightError
        Of a kind that says what to do; what was done until then is kept.
    """
    reading = export if isinstance(export, Reading) else read(export)
    folder = Path(out)
    job = make_job(reading, functions, folder, schema, names, on_error, evidence, note_seconds, keep_raw)
    begin = time.time()
    with lock_folder(folder), _nothing_left(folder):
        remove_drafts(folder)
        plan = make_plan(reading, folder, verify=verify)
        work = list(list_work(plan, job))
        todo = [entry for entry in work if entry.reason]
        known = {part.key for part in plan.parts}
        if not todo and _is_current(folder, plan, job):
            return RunReport(folder, read_manifest(folder), len(plan.parts))
        add_entry(folder, "start", {"parts": len(todo), "asked": _asked(reading, job, names)})
        journal = Journal(folder)
        seconds: dict[str, float] = dict.fromkeys(job.names, 0.0)
        poison: dict[str, list[int]] = {}
        try:
            job = _with_events(reading, job, folder, todo)
            chosen = runner or _default_runner(job, todo)
            for result in chosen.run(job, [entry.part for entry in todo]):
                if result["status"] == "fault":
                    raise_fault(result)
                for name, spent in result["seconds"].items():
                    seconds[name] += spent
                if result.get("poison"):
                    poison[result["key"]] = result["poison"]
                journal.add("part", {name: value for name, value in result.items() if name != "status"})
                if progress is not None:
                    progress(result["n_records"])
        finally:
            for file in folder.glob(".events-*"):
                file.unlink(missing_ok=True)
        versioned = any(part.files[0].reader.versioned for part in plan.parts)
        id_field = "" if versioned else job.columns.get("id") or "id"
        keys = tuple(part.key for part in plan.parts)
        write_file(folder / "plan.json", plan_json(plan, job))
        manifest = merge(
            folder, Whole(keys, job.function_keys, job.schema, plan.sources, plan.events, id_field)
        )
        for entry in (folder / "parts").iterdir():
            if entry.name not in known:
                shutil.rmtree(entry, ignore_errors=True)
        remove_drafts(folder)  # of workers that were killed while this run went on
        reasons = {entry.part.key: entry.reason for entry in todo}
        add_entry(folder, "label", _log_facts(begin, todo, seconds, job, manifest, chosen))
    return RunReport(folder, manifest, len(plan.parts), reasons, seconds, poison)


def plan_export(
    export: str | Path | Reading,
    functions: str | Path | Sequence[LabelingFunction],
    out: str | Path,
    **settings: Any,
) -> list[Work]:
    """Return what `label_export` would do with the same arguments: every part, and why it would be computed."""
    reading = export if isinstance(export, Reading) else read(export)
    settings = {"schema": None, "names": None, "on_error": "abstain", "evidence": False, **settings}
    job = make_job(reading, functions, Path(out), note_seconds=1.0, keep_raw=False, **settings)
    import tempfile

    with tempfile.TemporaryDirectory() as home:
        cache = Path(out) / "inputs.json"
        if cache.is_file():
            shutil.copy(cache, Path(home) / cache.name)
        return list(list_work(make_plan(reading, Path(home)), job))


def make_job(
    reading: Reading,
    functions: str | Path | Sequence[LabelingFunction],
    folder: Path,
    schema: LabelSchema | None,
    names: Sequence[str] | None,
    on_error: OnError,
    evidence: bool,
    note_seconds: float | None,
    keep_raw: bool,
) -> Job:
    """Return the job that the arguments of `label_export` describe."""
    if folder.exists() and not is_votes_folder(folder):
        written = (folder / "manifest.json").is_file() and (folder / "quarantine.jsonl").is_file()
        what = (
            "holds votes in one part, which cannot be brought up to date"
            if written
            else "is no folder of votes"
        )
        raise UsageError(f"{folder} exists already and {what}; choose another --out or pass --overwrite")
    if isinstance(functions, str | Path):
        source = str(Path(functions).resolve()) if Path(functions).suffix == ".py" else str(functions)
        lfs: Sequence[LabelingFunction] = load_functions(source, LabelingFunction)
        schema = schema or load_schema(source)
        given: tuple[LabelingFunction, ...] = ()
    else:
        source, lfs = "", list(functions)
        given = tuple(lfs)
    if names is not None:
        chosen = {lf.name: lf for lf in lfs}
        lfs = [chosen[name] for name in names]
        given = tuple(lfs) if given else ()
    if schema is None:
        raise UsageError(
            "which classes are there? Say --classes a,b or define a LabelSchema in the file of functions"
        )
    columns = {name: getattr(reading.names, name) for name in ("id", "patient_id", "time", "text")}
    return Job(
        str(folder.resolve()), source, tuple(lf.name for lf in lfs), schema.classes, schema.task, columns,
        {name: kind.__name__ for name, kind in reading.types.items()}, reading.encoding, reading.has_events,
        reading.has_documents, on_error=on_error, evidence=evidence, note_seconds=note_seconds, keep_raw=keep_raw, given=given,
    ).planned()  # fmt: skip


def is_votes_folder(folder: Path) -> bool:
    """Whether a folder holds votes of the engine, finished or not, or nothing."""
    if not folder.is_dir():
        return False
    entries = {entry.name for entry in folder.iterdir()}
    if "manifest.json" in entries:
        return "plan.json" in entries
    # a run that was killed at its very beginning leaves drafts alone
    begun = {name for name in entries if not name.startswith((_DRAFT, ".events-"))}
    return "inputs.json" in begun or begun <= {".lock"}


def remove_drafts(folder: Path) -> None:
    """Remove what processes that were killed left half-written."""
    for pattern in (f"{_DRAFT}*", f"parts/*/{_DRAFT}*", ".events-*"):
        for entry in folder.glob(pattern):
            shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)


@contextmanager
def _nothing_left(folder: Path) -> Iterator[None]:
    """Take the folder away again when a run ends in a fault before anything worth resuming is in it."""
    try:
        yield
    except BaseException:
        stores = [PartStore(folder, entry.name) for entry in folder.glob("parts/*")]
        worth = any(receipt["n_records"] for store in stores for receipt in store.receipts()[1])
        if not worth and not (folder / "manifest.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _asked(reading: Reading, job: Job, names: Sequence[str] | None) -> dict[str, Any]:
    """Return what a run was asked for, so that it can be asked again."""
    formats = {file.format for file in reading.files}
    return {
        "export": str(reading.root.resolve()) if reading.root is not None else "",
        "format": formats.pop() if len(formats) == 1 else None,
        "functions": job.functions,
        "names": list(names) if names is not None else None,
        "classes": list(job.classes),
        "task": job.task,
        "columns": dict(job.columns),
        "types": dict(job.types),
        "encoding": job.encoding,
        "on_error": job.on_error,
        "evidence": job.evidence,
    }


def retry(folder: str | Path, **settings: Any) -> RunReport:
    """Ask a folder of votes once more for what it was last asked for: what has no receipt yet is computed.

    Parameters
    ----------
    folder : path-like
        The folder of votes.
    **settings
        `runner`, `verify` and `progress` of `label_export`.
    """
    asked = next((e["asked"] for e in reversed(read_log(Path(folder))) if e.get("event") == "start"), None)
    if asked is None or not asked["export"] or not asked["functions"]:
        raise UsageError(
            f"{Path(folder).resolve().name} is no folder of votes that says what it was asked for; run `sidelight label`"
        )
    reading = read(
        asked["export"], **asked["columns"], format=asked["format"], encoding=asked["encoding"],
        types={name: TYPES[kind] for name, kind in asked["types"].items()},
    )  # fmt: skip
    schema = LabelSchema(asked["classes"], task=asked["task"])
    return label_export(
        reading, asked["functions"], folder, schema=schema, names=asked["names"], on_error=asked["on_error"],
        evidence=asked["evidence"], **settings,
    )  # fmt: skip


def _is_current(folder: Path, plan: Plan, job: Job) -> bool:
    """Whether the manifest is of this plan and these functions."""
    try:
        manifest = read_manifest(folder)
    except Exception:
        return False
    same = [part["key"] for part in manifest["parts"]] == [part.key for part in plan.parts]
    keys = [entry["key"] for entry in manifest["functions"]] == [key.key for key in job.function_keys]
    return same and keys and manifest["schema"] == job.schema.to_json()


def _with_events(reading: Reading, job: Job, folder: Path, todo: Sequence[Work]) -> Job:
    """Build the store of events when parts are to be read."""
    if not todo or not reading.has_events:
        return job
    path = folder / f".events-{job.function_keys[0].key[:8]}.sqlite"
    reading.build_events(path)
    return replace(job, events=str(path))


def _default_runner(job: Job, todo: Sequence[Work]) -> Runner:
    size = sum(file.path.stat().st_size for entry in todo for file in entry.part.files)
    return SerialRunner() if job.given or len(todo) < 2 or size < _WORTH_A_POOL else PoolRunner()


def _log_facts(
    begin: float,
    todo: Sequence[Work],
    seconds: Mapping[str, float],
    job: Job,
    manifest: Mapping[str, Any],
    runner: Runner,
) -> dict[str, Any]:
    return {
        "wall_seconds": round(time.time() - begin, 3),
        "runner": type(runner).__name__,
        "functions": {key.name: key.fingerprint for key in job.function_keys},
        "functions_file": Path(job.functions).name,
        "parts": len(todo),
        "n_records": manifest["n_records"],
        "n_quarantined": manifest["n_quarantined"],
        "seconds": {name: round(spent, 6) for name, spent in seconds.items()},
        "versions": versions(),
    }


def last_seconds(folder: Path) -> dict[str, float]:
    """Return the seconds each function took when it was last run."""
    spent: dict[str, float] = {}
    for entry in read_log(folder):
        spent |= {name: value for name, value in (entry.get("seconds") or {}).items() if value}
    return spent
