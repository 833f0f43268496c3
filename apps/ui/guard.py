"""No word of a record leaves through an error: pages and callbacks fail with a kind and a place, logs with a kind."""

import functools
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from sidelight.labeling import SidelightError

P = ParamSpec("P")
R = TypeVar("R")

_HOME = Path(__file__).resolve().parent.parent.parent
_THIRD_PARTIES = ("streamlit", "tornado", "uvicorn", "asyncio", "starlette", "sqlalchemy", "py.warnings")
_logger = logging.getLogger("sidelight.ui")


def guarded(function: Callable[P, R]) -> Callable[P, R | None]:
    """Wrap a page or a callback: what it raises is shown and logged without its message, unless the message is ours."""

    @functools.wraps(function)
    def wrapped(*arguments: P.args, **keywords: P.kwargs) -> R | None:
        try:
            return function(*arguments, **keywords)
        except SidelightError as error:  # its message names file, row and field alone
            said = str(error)
        except Exception as error:
            said = f"{describe(error)}. Its message is withheld, since it may quote a record."
        _logger.error("%s", said)
        st.error(said, icon=":material/error:")
        return None

    return wrapped


def action(function: Callable[P, object]) -> Callable[P, None]:
    """Wrap what a button does in the same way."""
    inner = guarded(function)

    @functools.wraps(function)
    def wrapped(*arguments: P.args, **keywords: P.kwargs) -> None:
        inner(*arguments, **keywords)

    return wrapped


def describe(error: BaseException) -> str:
    """Return the kind of an exception and the place in our code it passed through, and nothing it carries."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename).resolve()
        if path.is_relative_to(_HOME) and "site-packages" not in path.relative_to(_HOME).parts:
            place = f" at {path.relative_to(_HOME).as_posix()}, line {frame.lineno}"
    return f"{type(error).__name__}{place}"


def quiet_logs() -> None:
    """Take messages and tracebacks of exceptions out of all log records of the server's libraries."""
    make = logging.getLogRecordFactory()
    if getattr(make, "withholds", False):
        return

    def make_quietly(*arguments: Any, **keywords: Any) -> logging.LogRecord:
        record = make(*arguments, **keywords)
        carried = any(isinstance(value, BaseException) for value in _values(record.args))
        if record.name.startswith(_THIRD_PARTIES) and (record.exc_info or carried):
            error = record.exc_info[1] if record.exc_info else None
            record.msg = f"{describe(error) if error else 'an exception'} in {record.name} (message withheld)"
            record.args, record.exc_info, record.exc_text, record.stack_info = (), None, None, None
        return record

    make_quietly.withholds = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_quietly)


def _values(arguments: Any) -> tuple[Any, ...]:
    if isinstance(arguments, dict):
        return tuple(arguments.values())
    return arguments if isinstance(arguments, tuple) else (arguments,)
