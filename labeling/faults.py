"""The kinds of fault a run can end with; their messages name file, row and field, never a record's text."""

from pathlib import Path
from typing import Any


class SidelightError(Exception):
    """A fault the user can do something about; `exit_code` is what the command line ends with."""

    exit_code = 4


class QuarantineWarning(UserWarning):
    """Rows of an export were set aside; says how many and why."""


class LimitError(SidelightError):
    """The work is done, but a limit was broken: too many rows set aside, too many failing calls."""

    exit_code = 1


class UsageError(SidelightError):
    """Something was asked for that cannot be: an unknown option, column, class or function."""

    exit_code = 2


class InputError(SidelightError):
    """An input cannot be read at all, or an output cannot be written.

    Parameters
    ----------
    path : path-like
        The file or folder at fault; only its name stands in the message.
    problem : str
        What is wrong and what would be right; never holds anything read from a record.
    """

    exit_code = 3

    def __init__(self, path: str | Path, problem: str) -> None:
        super().__init__(f"{Path(path).name or path}: {problem}")
        self.path = Path(path)
        self.problem = problem

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.path, self.problem))


class ColumnError(InputError):
    """An export lacks a column that holds what is needed.

    Parameters
    ----------
    path : path-like
        The export.
    problem : str
        As in `InputError`.
    column : str
        The column that was looked for.
    columns : tuple of str
        Those that the export has; empty where its first line may hold notes in place of names.
    """

    def __init__(self, path: str | Path, problem: str, column: str, columns: tuple[str, ...] = ()) -> None:
        super().__init__(path, problem)
        self.column = column
        self.columns = columns

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.path, self.problem, self.column, self.columns))


class FunctionError(SidelightError):
    """A labeling or slicing function raised, or returned what is no vote.

    The original message is left out, because it may quote the record; its type and the line of the
    function's file where it arose are kept.

    Parameters
    ----------
    function : str
        Name of the function.
    row : int
        The record's row, counted from 0 among all records of the run.
    problem : str
        What happened.
    place : str, optional
        Where the record stands in its export, when that is known better than by `row`.
    """

    exit_code = 2

    def __init__(self, function: str, row: int, problem: str, place: str = "") -> None:
        super().__init__(f"function {function!r}, {place or f'row {row}'}: {problem}")
        self.function = function
        self.row = row
        self.problem = problem
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.function, self.row, self.problem, self.place))
