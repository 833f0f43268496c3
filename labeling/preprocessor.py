"""Preprocessors: steps that add fields to a record before labeling functions see it."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, overload

from .fingerprint import fingerprint
from .record import Record, iter_records


class _Draft(Record):
    """A record while a preprocessor works on it: fields can be set."""

    def __setattr__(self, name: str, value: object) -> None:
        self.__dict__[name] = value


class Preprocessor:
    """A step that takes a record and returns one with more fields.

    Parameters
    ----------
    name : str
        The step's name.
    function : callable
        Sets fields on the record it is given, or returns another made with `Record.with_fields`.
    pre : sequence of Preprocessor, optional
        Steps that come first.
    memoize, memoize_key
        Accepted for scripts that pass them: a step runs once a record in any case.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[Any], Any],
        pre: Sequence["Preprocessor"] | None = None,
        memoize: bool = False,
        memoize_key: Any = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.name = name
        self.function = function
        self.pre = tuple(pre or ())

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of all that decides the fields the step adds."""
        return fingerprint(*self.fingerprint_parts())

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return all that decides what the step does."""
        return (self.function, self.pre)

    def __call__(self, record: Any) -> Record:
        """Return `record` with the fields the step adds; the record given stays as it is."""
        if not isinstance(record, Record):
            record = next(iter_records([record]))
        for step in self.pre:
            record = step.once(record)
        return self._run(record)

    def _run(self, record: Record) -> Record:
        """Hand the function a draft of `record` and return the record it makes of it."""
        draft = record.with_fields()
        object.__setattr__(draft, "__class__", _Draft)
        result = self.function(draft)
        if not isinstance(result, Record):
            raise TypeError(
                f"preprocessor {self.name!r} returned a {type(result).__name__}; it returns the record"
            )
        object.__setattr__(result, "__class__", Record)
        return result

    def once(self, record: Record) -> Record:
        """Return the step's result for a record, computed on first use and shared by all functions."""
        for step in self.pre:
            record = step.once(record)
        done: frozenset[int] = record.__dict__.get("_done", frozenset())
        if id(self) in done:
            return record
        results: dict[int, Record] = record.__dict__.setdefault("_steps", {})
        if id(self) not in results:
            results[id(self)] = self._run(record)
            results[id(self)].__dict__["_done"] = done | {id(self)}
        return results[id(self)]

    def over(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return the step's results for a batch; asked again for the same batch, it gives the same list."""
        if self._last is None or self._last[0] is not records:
            self._last = (records, self._over(records))
        return self._last[1]

    def _over(self, records: Sequence[Record]) -> Sequence[Record]:
        return [self.once(record) for record in records]

    _last: tuple[Sequence[Record], Sequence[Record]] | None = None

    def __reduce__(self) -> str | tuple[Any, ...]:
        return str(self.__dict__["__qualname__"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"


@overload
def preprocessor(function: Callable[[Any], Any], /) -> Preprocessor: ...
@overload
def preprocessor(
    name: str,
    /,
    pre: Sequence[Preprocessor] | None = None,
    memoize: bool = False,
    memoize_key: Any = None,
) -> Callable[[Callable[[Any], Any]], Preprocessor]: ...
@overload
def preprocessor(
    *,
    name: str | None = None,
    pre: Sequence[Preprocessor] | None = None,
    memoize: bool = False,
    memoize_key: Any = None,
) -> Callable[[Callable[[Any], Any]], Preprocessor]: ...
def preprocessor(
    function: Callable[[Any], Any] | str | None = None,
    /,
    pre: Sequence[Preprocessor] | None = None,
    memoize: bool = False,
    memoize_key: Any = None,
    *,
    name: str | None = None,
) -> Preprocessor | Callable[[Callable[[Any], Any]], Preprocessor]:
    """Make a preprocessor of a function; with or without parentheses.

    Each runs once a record, however many functions name it in `pre=`, so `memoize` changes nothing.

    Examples
    --------
    >>> @preprocessor
    ... def lower(record):
    ...     record.lowered = record.text.lower()
    ...     return record
    >>> lower({"text": "SINUS RHYTHM"}).lowered
    'sinus rhythm'
    """

    def decorate(plain: Callable[[Any], Any]) -> Preprocessor:
        return Preprocessor(name or str(getattr(plain, "__name__", "preprocessor")), plain, pre)

    if isinstance(function, str):  # Snorkel takes the name first
        name = function
    return decorate(function) if callable(function) else decorate
