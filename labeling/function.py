"""Functions over records, and the decorator that makes a labeling function of a plain Python one."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, overload

from .faults import FunctionError, UsageError
from .fingerprint import fingerprint
from .preprocessor import Preprocessor
from .record import Record, iter_records
from .votes import Span

OnError: TypeAlias = Literal["raise", "abstain"]


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote that brings its reason along.

    Parameters
    ----------
    value : str, int, None or a set of these
        The class, or a set of classes between which the function cannot tell.
    spans : sequence of (start, end)
        The characters of the record's text the vote rests on.
    confidence : float, default 1
        How sure the function is, in (0, 1].
    """

    value: Any
    spans: Sequence[Span] = ()
    confidence: float = 1.0


class RecordFunction:
    """A named function of one record: what labeling and slicing functions have in common.

    Parameters
    ----------
    name : str
        Unique within a run.
    function : callable
        Takes a record, and `resources` as keywords; returns a vote or a membership.
    resources : mapping, optional
        Values handed to the function by name: word lists, thresholds, models.
    pre : sequence of Preprocessor, optional
        Run before the function; each runs once a record, whatever number of functions share it.
    requires : sequence of str, optional
        The function is called only for records whose text holds one of these, in any case.
    on_error : {"raise", "abstain"}, optional
        What a call that raises does; the applier decides when this is not given.
    version : str, optional
        Stands for the content of what cannot be fingerprinted, such as a model among the resources.
    """

    on_error: OnError | None

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        resources: Mapping[str, Any] | None = None,
        pre: Sequence[Preprocessor] | None = None,
        requires: Iterable[str] = (),
        on_error: OnError | None = None,
        version: str = "",
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise UsageError("a function's name is a non-empty string")
        if on_error not in (None, "raise", "abstain"):
            raise UsageError(f"function {name!r}: on_error is 'raise' or 'abstain', not {on_error!r}")
        if isinstance(requires, str):
            raise UsageError(f"function {name!r}: requires is one string; give a list of them")
        functools.update_wrapper(self, function)
        self.name = name
        self.function = function
        self.resources = dict(resources or {})
        self.pre = tuple(pre or ())
        self.requires = tuple(requires)
        self.on_error = on_error
        self.version = version

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of all that decides the function's answers (see `sidelight.labeling.fingerprint`)."""
        try:
            return fingerprint(*self.fingerprint_parts())
        except UsageError as error:
            raise UsageError(f"function {self.name!r}: {error}") from None

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return all that decides the function's answers; a declared version stands for the rest."""
        if self.version:
            return (self.name, self.version, self.requires)
        return (self.function, self.resources, self.pre, self.requires)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields the function is known to read, so that a missing column is noticed before the run."""
        return ("text",) if self.requires else ()

    def setup(self) -> None:
        """Prepare for a run; called once in each worker before its first record."""

    def __call__(self, record: Any) -> Any:
        """Return what the function says of one record, or of any row with attributes or items."""
        if not isinstance(record, Record):
            record = next(iter_records([record]))
        return self._answer(record)

    def evaluate(self, records: Sequence[Record], first_row: int, on_error: OnError) -> tuple[list[Any], int]:
        """Return the answers for a batch, None where the function raised, and how often it did.

        Raises
        ------
        FunctionError
            When the function raises and neither it nor the run says to abstain then.
        """
        answer: Callable[[Record], Any] = self._answer
        if not (self.resources or self.pre or self.requires):
            answer = self.function
        policy = self.on_error or on_error
        answers: list[Any] = []
        append = answers.append
        errors = 0
        while len(answers) < len(records):
            fault = None
            try:
                for record in records[len(answers) :] if answers else records:
                    append(answer(record))
            except Exception as error:
                fault = _describe_fault(error, self.function)
            if (
                fault is not None
            ):  # outside the handler: the message must not carry the user's exception along
                if policy == "raise":
                    raise FunctionError(self.name, first_row + len(answers), fault)
                errors += 1
                append(None)
        return answers, errors

    def _answer(self, record: Record) -> Any:
        if self.requires and not self._holds_required(record):
            return None
        for step in self.pre:
            record = step.once(record)
        return self.function(record, **self.resources)

    def _holds_required(self, record: Record) -> bool:
        lowered: str | None = record.__dict__.get("_lowered")
        if lowered is None:
            lowered = record.__dict__["_lowered"] = (record.text or "").lower()
        return any(word.lower() in lowered for word in self.requires)

    def __reduce__(self) -> str | tuple[Any, ...]:
        return str(self.__dict__["__qualname__"])  # a decorated function pickles by its name, as functions do

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"


class LabelingFunction(RecordFunction):
    """A function that votes for a class of a record, or abstains.

    Parameters
    ----------
    name, function, resources, pre, requires, on_error, version
        As for `RecordFunction`.
    polarity : sequence of str or int, optional
        The classes the function may vote for; another vote is an error.
    """

    def __init__(
        self, name: str, function: Callable[..., Any], *, polarity: Sequence[str | int] = (), **keywords: Any
    ) -> None:
        super().__init__(name, function, **keywords)
        if isinstance(polarity, str):
            polarity = (polarity,)
        self.polarity = tuple(polarity)


@overload
def labeling_function(function: Callable[..., Any], /) -> LabelingFunction: ...
@overload
def labeling_function(
    *,
    name: str | None = None,
    resources: Mapping[str, Any] | None = None,
    pre: Sequence[Preprocessor] | None = None,
    polarity: Sequence[str | int] = (),
    requires: Iterable[str] = (),
    on_error: OnError | None = None,
    version: str = "",
) -> Callable[[Callable[..., Any]], LabelingFunction]: ...
def labeling_function(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, **keywords: Any
) -> LabelingFunction | Callable[[Callable[..., Any]], LabelingFunction]:
    """Make a labeling function of a plain one; with or without parentheses.

    Parameters
    ----------
    name : str, optional
        The function's own name when not given.
    resources, pre, polarity, requires, on_error, version
        See `LabelingFunction`.

    Examples
    --------
    >>> @labeling_function
    ... def says_normal(record):
    ...     return "normal" if "sinus rhythm" in record.text.lower() else None
    >>> says_normal({"text": "Sinus rhythm, no ischaemia."})
    'normal'
    """

    def decorate(plain: Callable[..., Any]) -> LabelingFunction:
        if not callable(plain):
            raise UsageError("labeling_function decorates a function; give its options by keyword")
        own = str(getattr(plain, "__name__", "function"))
        return LabelingFunction(own if name is None else name, plain, **keywords)

    return decorate if function is None else decorate(function)


def _describe_fault(error: Exception, function: Callable[..., Any]) -> str:
    """Return the kind of a user's exception and the line of the function's file where it arose, not its message."""
    code = getattr(function, "__code__", None)
    place = ""
    trace = error.__traceback__
    while trace is not None:
        if code is not None and trace.tb_frame.f_code is code:
            place = f" in line {trace.tb_lineno} of its file"
        trace = trace.tb_next
    return f"raised {type(error).__name__}{place}"
