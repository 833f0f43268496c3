"""Slicing functions: named subsets of the records, written like labeling functions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, overload

from sidelight.labeling.faults import UsageError
from sidelight.labeling.function import OnError, RecordFunction, either
from sidelight.labeling.preprocessor import Preprocessor


class SlicingFunction(RecordFunction):
    """A function that says whether a record belongs to a slice.

    True, 1 and their NumPy kin are membership; False, 0, -1 (`ABSTAIN`) and None are not.

    Parameters
    ----------
    name, function, resources, pre, requires, on_error, version
        As for `sidelight.labeling.function.RecordFunction`; ``on_error="abstain"`` counts a call that raises as
        "not a member".
    f : callable, optional
        Snorkel's name for `function`.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any] | None = None,
        *,
        f: Callable[..., Any] | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(name, either(name, function, f), **keywords)


@overload
def slicing_function(function: Callable[..., Any], /) -> SlicingFunction: ...
@overload
def slicing_function(
    *,
    name: str | None = None,
    resources: Mapping[str, Any] | None = None,
    pre: Sequence[Preprocessor] | None = None,
    requires: Iterable[str] = (),
    on_error: OnError | None = None,
    version: str = "",
) -> Callable[[Callable[..., Any]], SlicingFunction]: ...
def slicing_function(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, **keywords: Any
) -> SlicingFunction | Callable[[Callable[..., Any]], SlicingFunction]:
    """Make a slicing function of a plain one; with or without parentheses.

    Parameters
    ----------
    name : str, optional
        The function's own name when not given.
    resources, pre, requires, on_error, version
        See `SlicingFunction`.

    Examples
    --------
    >>> @slicing_function
    ... def elderly(record):
    ...     return record.age >= 80
    >>> elderly({"age": 84}), elderly.name
    (True, 'elderly')
    """

    def decorate(plain: Callable[..., Any]) -> SlicingFunction:
        if not callable(plain):
            raise UsageError("slicing_function decorates a function; give its options by keyword")
        return SlicingFunction(name or str(getattr(plain, "__name__", "slice")), plain, **keywords)

    return decorate if function is None else decorate(function)
