"""Functions that make another record of a record: a synonym, a swapped side, a number written otherwise."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from ..fingerprint import fingerprint
from ..preprocessor import Preprocessor
from ..record import Record, iter_records
from ..seeds import generator


class TransformationFunction:
    """A named function that returns a changed record, or None where it does not apply.

    Parameters
    ----------
    name : str
        The function's name.
    function : callable
        Takes a record whose fields can be set and returns it, or None. With a second parameter it is given a seeded
        `numpy.random.Generator`, the only source of chance that keeps runs repeatable.
    pre : sequence of Preprocessor, optional
        Steps that come first.
    """

    def __init__(
        self, name: str, function: Callable[..., Any], pre: Sequence[Preprocessor] | None = None
    ) -> None:
        functools.update_wrapper(self, function)
        self.name = name
        self.function = function
        self.pre = tuple(pre or ())
        self._takes_rng = len(inspect.signature(function).parameters) > 1

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of all that decides what the function makes."""
        return fingerprint(self.function, self.pre)

    def __call__(self, record: Any, rng: np.random.Generator | None = None) -> Record | None:
        """Return the changed record, None where the function does not apply; the one given stays as it is."""
        if not isinstance(record, Record):
            record = next(iter_records([record]))
        for step in self.pre:
            record = step.once(record)
        changed: list[Record | None] = []

        def run(draft: Record) -> Record:
            given = (draft, rng if rng is not None else generator(0, "transform", self.name))
            made = self.function(*given) if self._takes_rng else self.function(draft)
            changed.append(made)
            return draft if made is None else made

        result = Preprocessor(self.name, run)(
            record
        )  # a preprocessor's draft, its checks and its read-only result
        return None if changed[0] is None else result

    def __reduce__(self) -> str | tuple[Any, ...]:
        return str(self.__dict__["__qualname__"])

    def __repr__(self) -> str:
        return f"TransformationFunction({self.name})"


@overload
def transformation_function(function: Callable[..., Any], /) -> TransformationFunction: ...
@overload
def transformation_function(
    name: str,
    /,
    pre: Sequence[Preprocessor] | None = None,
    memoize: bool = False,
    memoize_key: Any = None,
) -> Callable[[Callable[..., Any]], TransformationFunction]: ...
@overload
def transformation_function(
    *,
    name: str | None = None,
    pre: Sequence[Preprocessor] | None = None,
    memoize: bool = False,
    memoize_key: Any = None,
) -> Callable[[Callable[..., Any]], TransformationFunction]: ...
def transformation_function(
    function: Callable[..., Any] | str | None = None,
    /,
    pre: Sequence[Preprocessor] | None = None,
    memoize: bool = False,
    memoize_key: Any = None,
    *,
    name: str | None = None,
) -> TransformationFunction | Callable[[Callable[..., Any]], TransformationFunction]:
    """Make a transformation function of a plain one; with or without parentheses. `memoize` changes nothing.

    Examples
    --------
    >>> @transformation_function
    ... def other_side(record):
    ...     if "left" not in record.text:
    ...         return None
    ...     record.text = record.text.replace("left", "right")
    ...     return record
    >>> other_side({"text": "left effusion"}).text, other_side({"text": "clear"})
    ('right effusion', None)
    """

    def decorate(plain: Callable[..., Any]) -> TransformationFunction:
        return TransformationFunction(name or str(getattr(plain, "__name__", "transformation")), plain, pre)

    if isinstance(function, str):  # Snorkel takes the name first
        name = function
    return decorate(function) if callable(function) else decorate
