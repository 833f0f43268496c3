"""The examples that labeling functions carry, run as tests."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .discover import discover
from .function import LabelingFunction, RecordFunction, Vote
from .raised import describe_fault
from .schema import ABSTAIN, LabelSchema


@dataclass(frozen=True, slots=True)
class FailedExample:
    """An example on which a function says something else than its author expects.

    Parameters
    ----------
    function : str
        The function's name.
    number : int
        Which of its examples, counted from 1.
    problem : str
        What was expected and what came; never the example's text.
    """

    function: str
    number: int
    problem: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"function {self.function!r}, example {self.number}: {self.problem}"


def check_examples(
    functions: Iterable[RecordFunction], schema: LabelSchema | None = None
) -> list[FailedExample]:
    """Run the `examples=` of some functions and return those that fail.

    Parameters
    ----------
    functions : iterable of LabelingFunction
        Those without examples pass.
    schema : LabelSchema, optional
        Lets an example name a class where the function returns its number, and the other way round.

    Examples
    --------
    >>> from sidelight.labeling import keyword_lf
    >>> effusion = keyword_lf("effusion", ["effusion"], 1, examples={"Effusion.": 1, "No effusion.": None})
    >>> [str(failure) for failure in check_examples([effusion])]
    ["function 'effusion', example 2: expected an abstention, voted 1"]
    """
    failures = []
    for function in functions:
        for number, (record, expected) in enumerate(function.examples, start=1):
            problem = ""
            try:
                answer = function(record)
            except Exception as error:
                problem = describe_fault(error, function.function)
            else:
                got, wanted = _plain(answer, schema), _plain(expected, schema)
                if got != wanted:
                    problem = f"expected {_name(wanted)}, voted {_name(got)}"
            if problem:
                failures.append(FailedExample(function.name, number, problem))
    return failures


def assert_examples(
    source: str | Path | Iterable[LabelingFunction], schema: LabelSchema | None = None
) -> None:
    """Raise AssertionError when an example of a file's functions fails: one line in a pytest module.

    Parameters
    ----------
    source : path-like, str or iterable of LabelingFunction
        Functions, or where to find them (see `discover`).
    schema : LabelSchema, optional
        As for `check_examples`.
    """
    functions = discover(source) if isinstance(source, str | Path) else list(source)
    failures = check_examples(functions, schema)
    if failures:
        raise AssertionError("\n".join(map(str, failures)))


def _plain(answer: Any, schema: LabelSchema | None) -> Any:
    """Return an answer in the form in which answers are compared."""
    if isinstance(answer, Vote):
        answer = answer.value
    if answer is None or (isinstance(answer, int) and answer == ABSTAIN):
        return None
    if isinstance(answer, set | frozenset):
        return frozenset(_plain(member, schema) for member in answer)
    if schema is not None:
        try:
            return schema.name(schema.encode(answer))
        except (TypeError, ValueError):
            return answer
    return answer


def _name(answer: Any) -> str:
    if answer is None:
        return "an abstention"
    if isinstance(answer, frozenset):
        return f"one of {sorted(map(str, answer))}"
    # a function may return a piece of its record by mistake
    return repr(answer) if isinstance(answer, int) or len(str(answer)) <= 30 else f"a {type(answer).__name__}"
