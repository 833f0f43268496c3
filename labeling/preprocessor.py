"""Preprocessors: steps that add fields to a record before labeling functions see it."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

from .faults import UsageError
from .fingerprint import fingerprint
from .record import Record, iter_records


class _Draft(Record):
    """A record while a preprocessor works on it: fields can be set."""

    def __setattr__(self, name: str, value: object) -> None:
        self.__dict__[name] = value


class Preprocessor:
    """A step that takes a record and returns one with more fields.

    A class that derives from it may define ``run`` instead of being given a function: it takes values of fields by name
    and returns a mapping from name to value.

    Parameters
    ----------
    name : str
        The step's name.
    function : callable, optional
        Sets fields on the record it is given, or returns another made with `Record.with_fields`. Or `field_names`.
    pre : sequence of Preprocessor, optional
        Steps that come first. Or `mapped_field_names`.
    memoize, memoize_key
        Accepted for scripts that pass them: a step runs once a record in any case.
    field_names : mapping from parameter of `run` to field, optional
        Which fields `run` is given; fields of its parameters' names when not given.
    mapped_field_names : mapping from name that `run` returns to field, optional
        Where its values go; fields of the names it returns when not given.

    Examples
    --------
    >>> class Length(Preprocessor):
    ...     def run(self, text):
    ...         return {"length": len(text)}
    >>> Length("length")({"text": "Clear."}).length
    6
    """

    def __init__(
        self,
        name: str,
        function: Callable[[Any], Any] | Mapping[str, str] | None = None,
        pre: Sequence["Preprocessor"] | Mapping[str, str] | None = None,
        memoize: bool = False,
        memoize_key: Any = None,
        *,
        field_names: Mapping[str, str] | None = None,
        mapped_field_names: Mapping[str, str] | None = None,
    ) -> None:
        if isinstance(function, Mapping):
            function, field_names = None, function
        if isinstance(pre, Mapping):
            pre, mapped_field_names = None, pre
        if function is None:
            function = self._mapped
            run = getattr(self, "run", None)
            if run is None:
                raise UsageError(
                    f"preprocessor {name!r}: give a function, or define run in a class of its own"
                )
            functools.update_wrapper(self, run)
            self.__doc__ = type(self).__doc__
            self.field_names = dict(field_names or {key: key for key in inspect.signature(run).parameters})
            self.mapped_field_names = None if mapped_field_names is None else dict(mapped_field_names)
        else:
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
        if self.function != self._mapped:
            return (self.function, self.pre)
        own = {key: value for key, value in vars(self).items() if key not in self._not_content}
        return (type(self).__qualname__, type(self).run, own)  # type: ignore[attr-defined]

    _not_content = frozenset(
        {"function", "fingerprint", "name", "_last", *functools.WRAPPER_ASSIGNMENTS, "__wrapped__"}
    )

    def _mapped(self, record: Any) -> Any:
        """Hand `run` the fields it takes, and the record the values it returns."""
        values = {key: getattr(record, field) for key, field in self.field_names.items()}
        made = self.run(**values)  # type: ignore[attr-defined]
        if not isinstance(made, Mapping):
            raise TypeError(
                f"preprocessor {self.name!r}: run returned a {type(made).__name__}; it returns a mapping from name to value"
            )
        names = self.mapped_field_names
        if names is not None and (unknown := set(made) - set(names)):
            raise TypeError(
                f"preprocessor {self.name!r}: run returned {len(unknown)} names that go to no field"
            )
        return record.with_fields(**{key if names is None else names[key]: made[key] for key in made})

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
        last = self._last
        if last is None or last[0] is not records:
            self._last = last = None
            last = self._last = (records, self._over(records))
        return last[1]

    def _over(self, records: Sequence[Record]) -> Sequence[Record]:
        return [self.once(record) for record in records]

    _last: tuple[Sequence[Record], Sequence[Record]] | None = None

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self.function == self._mapped:
            own = {
                key: value
                for key, value in vars(self).items()
                if key not in ("function", "_last", "__wrapped__")
            }
            return (_revive, (type(self), own))
        return str(self.__dict__["__qualname__"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"


def _revive(kind: type[Preprocessor], own: dict[str, Any]) -> Preprocessor:
    made = kind.__new__(kind)
    made.__dict__.update(own)
    made.function = made._mapped
    return made


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
