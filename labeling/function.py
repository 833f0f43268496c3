"""Functions over records, and the decorator that makes a labeling function of a plain Python one."""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeAlias, overload

import numpy as np

from .faults import FunctionError, UsageError
from .fingerprint import fingerprint
from .preprocessor import Preprocessor
from .raised import describe_fault
from .record import Record, iter_records
from .schema import ABSTAIN
from .timer import watch
from .votes import Span

if TYPE_CHECKING:
    from .combinators import CombinedFunction

OnError: TypeAlias = Literal["raise", "abstain"]
Examples: TypeAlias = Mapping[Any, Any] | Iterable[tuple[Any, Any]]


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


class DeclaredAccuracy(NamedTuple):
    """How often a function's author expects its votes to be right, and how many votes that belief is worth."""

    mean: float
    strength: float

    @classmethod
    def of(cls, name: str, given: float | tuple[float, float]) -> Self:
        """Read what `accuracy=` was given."""
        mean, strength = given if isinstance(given, tuple) else (given, 10.0)
        if not 0 < mean < 1 or not strength > 0:
            raise UsageError(
                f"function {name!r}: accuracy is {given!r}; it is a share in (0, 1), or (share, strength above 0)"
            )
        return cls(float(mean), float(strength))


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
    setup : callable, optional
        Called once in each worker before its first record; returns more resources, such as a loaded model.
    examples : mapping from record or text to answer, or sequence of pairs, optional
        What the function says of some records; `sidelight check` and `check_examples` compare.
    tags : sequence of str, optional
        Words by which functions are selected.
    author : str, optional
        Who answers for the function.
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
        setup: Callable[[], Mapping[str, Any]] | None = None,
        examples: Examples = (),
        tags: Iterable[str] = (),
        author: str = "",
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise UsageError("a function's name is a non-empty string")
        if on_error not in (None, "raise", "abstain"):
            raise UsageError(f"function {name!r}: on_error is 'raise' or 'abstain', not {on_error!r}")
        if isinstance(requires, str):
            raise UsageError(f"function {name!r}: requires is one string; give a list of them")
        if isinstance(tags, str):
            raise UsageError(f"function {name!r}: tags is one string; give a list of them")
        functools.update_wrapper(self, function)
        self.name = name
        self.function = function
        self.examples = _pairs(name, examples)
        self.tags = tuple(tags)
        self.author = author
        self._setup = setup
        self._prepared = setup is None
        self.resources = dict(resources or {})
        self._declared_resources = dict(self.resources)
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
        content = (self.function, self._declared_resources, self.pre, self.requires)
        return content if self._setup is None else (*content, self._setup)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields the function is known to read, so that a missing column is noticed before the run."""
        return ("text",) if self.requires else ()

    def setup(self) -> None:
        """Prepare for a run, in each worker before its first record; loads what `setup=` returns, once."""
        if self._prepared or self._setup is None:
            return
        loaded = self._setup()
        if not isinstance(loaded, Mapping):
            raise UsageError(
                f"function {self.name!r}: setup returned a {type(loaded).__name__}; it returns a mapping from "
                "names to resources"
            )
        self.resources.update(loaded)
        self._prepared = True

    def __call__(self, record: Any) -> Any:
        """Return what the function says of one record, or of any row with attributes or items."""
        if not isinstance(record, Record):
            record = next(iter_records([record]))
        self.setup()
        return self._answer(record)

    def evaluate(
        self, records: Sequence[Record], first_row: int, on_error: OnError
    ) -> tuple[list[Any], Counter[str]]:
        """Return the answers for a batch, None where the function raised, and how often it did so in which way.

        Raises
        ------
        FunctionError
            When the function raises and neither it nor the run says to abstain then.
        """
        answer: Callable[[Record], Any] = self._answer
        if self.pre and not self.requires:
            records = self._preprocessed(records)
        if not (self.resources or self.requires) and (not self.pre or self._is_preprocessed):
            answer = self.function
        policy = self.on_error or on_error
        answers: list[Any] = []
        append = answers.append
        faults: Counter[str] = Counter()
        watch(answers)
        while len(answers) < len(records):
            fault = None
            try:
                for record in records[len(answers) :] if answers else records:
                    append(answer(record))
            except Exception as error:
                fault = describe_fault(error, self.function)
            if (
                fault is not None
            ):  # outside the handler: the message must not carry the user's exception along
                if policy == "raise":
                    raise FunctionError(self.name, first_row + len(answers), fault)
                faults[fault] += 1
                append(None)
        watch(())
        return answers, faults

    def _preprocessed(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return the batch after all steps; as it is where a step fails, so that the failing record is found."""
        try:
            made = records
            for step in self.pre:
                made = step.over(made)
        except Exception:
            self._is_preprocessed = False
            return records
        self._is_preprocessed = True
        return made

    _is_preprocessed = False

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
    setup, examples, tags, author
        As for `RecordFunction`.
    f : callable, optional
        Snorkel's name for `function`.
    polarity : sequence of str or int, optional
        The classes the function may vote for; another vote is an error.
    accuracy : float or (float, float), optional
        How often the author expects a vote to be right, in (0, 1), and how many votes that belief is worth (10 when
        not given): a prior for label models that take one.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any] | None = None,
        *,
        f: Callable[..., Any] | None = None,
        polarity: Sequence[str | int] = (),
        accuracy: float | tuple[float, float] | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(name, either(name, function, f), **keywords)
        if isinstance(polarity, str):
            polarity = (polarity,)
        given: tuple[Any, ...] = tuple(polarity)
        self.polarity = given
        for vote in given:
            is_class = isinstance(vote, str) or (isinstance(vote, int | np.integer) and vote != ABSTAIN)
            if isinstance(vote, bool) or not is_class:
                raise UsageError(
                    f"function {name!r}: votes for {vote!r}; a class is named by a string, or counted from 0"
                )
        self.accuracy = None if accuracy is None else DeclaredAccuracy.of(name, accuracy)

    cost: float = 10.0
    """How dear a call is, beside other functions: what `cascade` orders by."""

    def __and__(self, other: "LabelingFunction") -> "CombinedFunction":
        """Vote where both fire and do not contradict each other."""
        return _combine("and", self, other)

    def __or__(self, other: "LabelingFunction") -> "CombinedFunction":
        """Vote where either fires and they do not contradict each other."""
        return _combine("or", self, other)

    def __invert__(self) -> "CombinedFunction":
        """Fire where this function abstains; votes for no class by itself: ``a & ~b``, ``(~b).voting("normal")``."""
        return _combine("not", self)

    def then(self, other: "LabelingFunction") -> "CombinedFunction":
        """Vote as `other` does, which is asked only where this function votes."""
        return _combine("then", self, other)


def either(
    name: str, function: Callable[..., Any] | None, f: Callable[..., Any] | None
) -> Callable[..., Any]:
    """Return what was given as `function`, or as Snorkel calls it."""
    given = f if function is None else function
    if given is None or (function is not None and f is not None):
        raise UsageError(f"function {name!r}: give one plain function, as `function` or as `f`")
    return given


def _combine(how: str, *functions: LabelingFunction) -> "CombinedFunction":
    from .combinators import combine

    for function in functions:
        if not isinstance(function, LabelingFunction):
            raise TypeError(
                f"a labeling function combines with another one, not with a {type(function).__name__}"
            )
    return combine(how, *functions)


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
    setup: Callable[[], Mapping[str, Any]] | None = None,
    examples: Examples = (),
    tags: Iterable[str] = (),
    author: str = "",
    accuracy: float | tuple[float, float] | None = None,
) -> Callable[[Callable[..., Any]], LabelingFunction]: ...
def labeling_function(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, **keywords: Any
) -> LabelingFunction | Callable[[Callable[..., Any]], LabelingFunction]:
    """Make a labeling function of a plain one; with or without parentheses.

    Parameters
    ----------
    name : str, optional
        The function's own name when not given.
    resources, pre, polarity, requires, on_error, version, setup, examples, tags, author, accuracy
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


def _pairs(name: str, examples: Examples) -> tuple[tuple[Any, Any], ...]:
    """Return examples as pairs of a record and the answer expected."""
    pairs = tuple(examples.items()) if isinstance(examples, Mapping) else tuple(examples)
    if any(not isinstance(pair, tuple) or len(pair) != 2 for pair in pairs):
        raise UsageError(
            f"function {name!r}: examples is a mapping from text to vote, or (record, vote) pairs"
        )
    return pairs
