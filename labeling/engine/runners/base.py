"""What all runners share: a part is run somewhere, and what comes back is a plain mapping."""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ...faults import FunctionError, InputError, LimitError, SidelightError, UsageError
from ..job import Job, Part
from ..part import probe_part, run_part

Result = dict[str, Any]
"""``status`` is "done" (see `run_part`), "fault" (a fault to be raised), or "died" (the process was lost)."""

_OURS = ("labeling", "sidelight")
_HOME = Path(__file__).resolve().parents[3]


class Runner(Protocol):
    """Runs parts somewhere, in any order, each at least once; the receipts on disk are what counts."""

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[Result]:
        """Yield the result of each part as it comes."""
        ...


def execute(job: Job, task: Mapping[str, Any], told: Callable[[int], None] = lambda row: None) -> Result:
    """Do one task, and return its result or its fault; no exception, and none of a note's words, leaves it.

    Parameters
    ----------
    job : Job
        What all tasks share.
    task : mapping
        The `part`; `poison`, the rows of it that are not run; `probe`, the row from which on it is only tried.
    told : callable, optional
        Called with the number of each row before it is tried.
    """
    part = task["part"] if isinstance(task["part"], Part) else Part.from_json(task["part"])
    try:
        if "probe" in task:
            probe_part(job, part, task["probe"], told)
            return {"key": part.key, "status": "done"}
        return run_part(job, part, task.get("poison", ()))
    except SidelightError as error:
        return {
            "key": part.key,
            "status": "fault",
            "kind": type(error).__name__,
            "message": str(error),
            "exit_code": error.exit_code,
        }
    except Exception as error:
        return {"key": part.key, "status": "fault", "kind": "bug", "message": _place(error), "exit_code": 4}


def raise_fault(result: Result) -> None:
    """Raise the fault a result brings, as the kind it was."""
    kinds: dict[str, type[SidelightError]] = {"UsageError": UsageError, "LimitError": LimitError}
    if result["exit_code"] == InputError.exit_code:
        error: SidelightError = SidelightError(result["message"])
        error.exit_code = InputError.exit_code
        raise error
    if result["kind"] == FunctionError.__name__:
        error = SidelightError(result["message"])
        error.exit_code = FunctionError.exit_code
        raise error
    raise kinds.get(result["kind"], SidelightError)(result["message"])


def _place(error: Exception) -> str:
    """Return what kind of exception arose and where in our code, and nothing it carries."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename).resolve()
        if path.is_relative_to(_HOME) and path.relative_to(_HOME).parts[0] in _OURS:
            place = f" at {path.relative_to(_HOME).as_posix()}, line {frame.lineno}"
    return f"{type(error).__name__}{place}: its message is withheld, since it may quote a record"
