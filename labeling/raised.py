"""What may be said of an exception that a user's function raised, whose own message may quote the record."""

import difflib
import re
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any

from .faults import UsageError
from .record import Record
from .timer import NoteTimeoutError


def describe_fault(error: Exception, function: Callable[..., Any]) -> str:
    """Return the kind of a user's exception, the line of the function's file where it arose and, where that can be told
    without its message, the usual cause: a field that the records do not have, or one that is empty.

    Examples
    --------
    >>> def shouts(record):
    ...     return "present" if record.note.isupper() else None
    >>> try:
    ...     shouts(Record({"id": "1", "notes": "ABC"}))
    ... except AttributeError as error:
    ...     describe_fault(error, shouts)
    "raised AttributeError in line 2 of its file: the records have no field 'note' (did you mean 'notes'?)"
    """
    if isinstance(error, NoteTimeoutError):
        return str(error)
    code = getattr(function, "__code__", None)
    place = ""
    trace, codes = error.__traceback__, []
    last: TracebackType | None = None
    while trace is not None:
        if code is not None and trace.tb_frame.f_code is code:
            place = f" in line {trace.tb_lineno} of its file"
        codes.append(trace.tb_frame.f_code)
        last, trace = trace, trace.tb_next
    cause = _cause(error, codes, last)
    return f"raised {type(error).__name__}{place}{': ' if cause else ''}{cause}"


def _cause(error: Exception, codes: list[CodeType], last: TracebackType | None) -> str:
    """Return what led to an exception in words of ours, "" where nobody can tell."""
    home = str(last.tb_frame.f_globals.get("__name__", "")) if last is not None else ""
    if isinstance(error, UsageError) and home in _OURS:
        return str(error)  # names function, field and type, or a pipeline that is not there
    if isinstance(error, AttributeError | KeyError) and home == Record.__module__ and last is not None:
        return _unknown_field(last.tb_frame.f_locals, codes)
    if isinstance(error, AttributeError) and error.name is not None and error.obj is None:
        return _EMPTY
    if isinstance(error, TypeError) and _OF_NONE.fullmatch(str(error)):
        return _EMPTY
    return ""


_OURS = (f"{__package__}.declared", f"{__package__}.nlp")
"""Modules whose faults arise within a function and hold nothing of a record."""
_EMPTY = "a value it works with is None; is the field empty there?"
_OF_NONE = re.compile(
    r"'\S+' not supported between instances of '\w+' and 'NoneType'"
    r"|'\S+' not supported between instances of 'NoneType' and '\w+'"
    r"|unsupported operand type\(s\) for \S+( or \w+\(\))?: ('NoneType' and '\w+'|'\w+' and 'NoneType')"
    r"|argument of type 'NoneType' is not iterable"
    r"|'NoneType' object is not (iterable|subscriptable)"
    r"|object of type 'NoneType' has no len\(\)"
    r"|expected string or bytes-like object, got 'NoneType'"
    r"|(int|float)\(\) argument must be a .*, not 'NoneType'"
)
"""How the interpreter words operations that nothing was given to."""


def _unknown_field(known: dict[str, Any], codes: list[CodeType]) -> str:
    """Name a field that was asked for, if the function's code spells it: a computed name may be a patient's word."""
    record, name = known.get("self"), known.get("name")
    if not isinstance(record, Record) or not isinstance(name, str):
        return ""
    if not any(name in code.co_names or name in code.co_consts for code in codes):
        return ""
    near = difflib.get_close_matches(name, record.fields, n=1)
    return f"the records have no field {name!r}" + (f" (did you mean {near[0]!r}?)" if near else "")
