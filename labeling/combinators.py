"""Labeling functions put together from others: both, either, where not, one after the other."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from .declared import DeclaredFunction
from .faults import UsageError
from .function import LabelingFunction, Vote
from .record import Record
from .schema import ABSTAIN
from .votes import Span


class _Answer(NamedTuple):
    """Whether a function fires, for which class (None: for none of its own), and why."""

    fires: bool
    value: Any = None
    spans: tuple[Span, ...] = ()
    confidence: float = 1.0


_SILENT = _Answer(False)


class CombinedFunction(DeclaredFunction):
    """A labeling function made of others by ``&``, ``|``, ``~``, `then` or `first_of`.

    Parameters
    ----------
    name : str
        The function's name; "(a & b)" and the like when made by an operator.
    how : {"and", "or", "not", "then", "first"}
        How the answers are put together.
    parts : sequence of LabelingFunction
        The functions.
    vote : str or int, optional
        Vote for this class where the combination fires, whatever its parts vote for.

    Examples
    --------
    >>> from sidelight.labeling import keyword_lf
    >>> effusion, drain = keyword_lf("effusion", ["effusion"], 1), keyword_lf("drain", ["drain"], 1)
    >>> undrained = effusion & ~drain
    >>> undrained.name, undrained("Effusion."), undrained("Effusion, drain in place.")
    ('(effusion & ~drain)', 1, None)
    """

    def __init__(
        self,
        name: str,
        how: str,
        parts: Sequence[LabelingFunction],
        vote: str | int | None = None,
        **metadata: Any,
    ) -> None:
        if how not in _HOW:
            raise UsageError(f"how is one of {', '.join(_HOW)}, not {how!r}")
        self.parts = tuple(parts)
        if not self.parts or not all(isinstance(part, LabelingFunction) for part in self.parts):
            raise UsageError(f"function {name!r}: its parts are labeling functions, at least one")
        self.how = how
        self.vote = vote
        super().__init__(
            name, {"how": how, "parts": self.parts, "vote": vote}, polarity=self._classes(), **metadata
        )

    def describe(self) -> str:
        """Name the parts."""
        return f"{', '.join(part.name for part in self.parts)} put together by {self.how!r}."

    def named(self, name: str) -> "CombinedFunction":
        """Return the same function under another name."""
        return CombinedFunction(name, self.how, self.parts, self.vote, **self._metadata)

    def voting(self, vote: str | int) -> "CombinedFunction":
        """Return the same function, voting for one class wherever it fires."""
        return CombinedFunction(self.name, self.how, self.parts, vote, **self._metadata)

    def setup(self) -> None:
        """Prepare the parts."""
        for part in self.parts:
            part.setup()

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that the parts read."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.fields))

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return how the parts are put together, and their fingerprints."""
        return (self.how, tuple(part.fingerprint for part in self.parts), self.vote)

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote with the evidence of the parts, None where the combination is silent."""
        found = self.answer(record)
        value = found.value if self.vote is None or not found.fires else self.vote
        return Vote(value, found.spans, found.confidence) if found.fires and value is not None else None

    def answer(self, record: Record) -> _Answer:
        """Put the parts' answers together."""
        if self.how == "not":
            return _Answer(not _ask(self.parts[0], record).fires)
        if self.how == "then":
            answers = []
            for part in self.parts:
                answers.append(_ask(part, record))
                if not answers[-1].fires:
                    return _SILENT
            spans = tuple(span for one in answers for span in one.spans)
            return answers[-1]._replace(spans=spans)
        if self.how == "first":
            for part in self.parts:
                found = _ask(part, record)
                if found.fires and found.value is not None:
                    return found
            return _SILENT
        return self._both_or_either(record)

    def _both_or_either(self, record: Record) -> _Answer:
        answers = []
        for part in self.parts:
            found = _ask(part, record)
            if self.how == "and" and not found.fires:
                return _SILENT
            if found.fires:
                answers.append(found)
        values = {one.value if not isinstance(one.value, set) else frozenset(one.value) for one in answers}
        values.discard(None)
        if not answers or len(values) > 1:  # parts that contradict each other say nothing together
            return _SILENT
        weigh = min if self.how == "and" else max
        spans = tuple(sorted({span for one in answers for span in one.spans}))
        return _Answer(
            True, values.pop() if values else None, spans, weigh(one.confidence for one in answers)
        )

    def _classes(self) -> tuple[Any, ...]:
        if self.vote is not None:
            return (self.vote,)
        voting = [
            part
            for part in (self.parts[-1:] if self.how == "then" else self.parts)
            if not (isinstance(part, CombinedFunction) and part.how == "not" and part.vote is None)
        ]
        if self.how == "not" or not all(part.polarity for part in voting):
            return ()
        return tuple(dict.fromkeys(vote for part in voting for vote in part.polarity))


_HOW = ("and", "or", "not", "then", "first")


def _ask(part: LabelingFunction, record: Record) -> _Answer:
    if isinstance(part, CombinedFunction):
        found = part.answer(record)
        return found._replace(value=part.vote) if found.fires and part.vote is not None else found
    answer: Any = part.evidence(record) if isinstance(part, DeclaredFunction) else part._answer(record)
    if not isinstance(answer, Vote):
        answer = Vote(answer)
    if answer.value is None or (isinstance(answer.value, int) and answer.value == ABSTAIN):
        return _SILENT
    return _Answer(True, answer.value, tuple(answer.spans), answer.confidence)


def first_of(*functions: LabelingFunction, name: str = "") -> CombinedFunction:
    """Return a function that gives the vote of the first of some functions that votes at all.

    Examples
    --------
    >>> from sidelight.labeling import keyword_lf
    >>> sure, guess = keyword_lf("sure", ["no stroke"], 0), keyword_lf("guess", ["stroke"], 1)
    >>> stroke = first_of(sure, guess)
    >>> stroke("No stroke."), stroke("Stroke.")
    (0, 1)
    """
    return CombinedFunction(name or f"first_of({', '.join(f.name for f in functions)})", "first", functions)


def cascade(*functions: LabelingFunction, name: str = "") -> CombinedFunction:
    """Return `first_of` the functions with the cheapest first, so that dear ones see only what the others leave.

    The cost of each is its `cost`: words and patterns come before functions that read context, plain Python, embeddings
    and prompts. Functions of equal cost keep their order.
    """
    ordered = sorted(functions, key=lambda function: function.cost)
    return CombinedFunction(name or f"cascade({', '.join(f.name for f in ordered)})", "first", ordered)


def combine(how: str, *functions: LabelingFunction) -> CombinedFunction:
    """Return what an operator makes of functions; chains of the same operator become one."""
    if how == "not":
        return CombinedFunction(f"~{functions[0].name}", how, functions)
    parts: list[LabelingFunction] = []
    for function in functions:
        same = isinstance(function, CombinedFunction) and function.how == how and function.vote is None
        parts += function.parts if same and how != "then" else (function,)  # type: ignore[attr-defined]
    sign = {"and": " & ", "or": " | ", "then": " then "}[how]
    return CombinedFunction(f"({sign.join(part.name for part in parts)})", how, parts)
