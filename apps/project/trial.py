"""A look at a project before it runs: its file, the head of its export, the examples of its functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sidelight.labeling import Record, Remark, check_examples
from sidelight.labeling.inspection import Inspection, Together, look_at, tried_together
from sidelight.labeling.sample_run import first_records
from sidelight.slicing import SlicingFunction

from .checks import check_columns, open_export
from .file import Project
from .graph import build_graph
from .sources import functions_of, slices_of


@dataclass(frozen=True)
class Trial:
    """What the look showed.

    Parameters
    ----------
    remarks : tuple of (str, Remark)
        The source or "slices", and what is to be said of one of its functions.
    n_functions, n_slices, n_examples, n_steps : int
        Functions, slicing functions, examples of both, and steps of a run.
    n_records : int
        Records the functions were tried on.
    tried : mapping of str to (tuple of str, Together)
        For each question the sources of the functions that vote on it, and what these did, compared across sources.
    """

    remarks: tuple[tuple[str, Remark], ...]
    n_functions: int
    n_slices: int
    n_examples: int
    n_steps: int
    n_records: int
    tried: Mapping[str, tuple[tuple[str, ...], Together]]

    @property
    def failed(self) -> list[Remark]:
        """Examples that do not come out as they say."""
        return [remark for _, remark in self.remarks if remark.is_failure]


def try_project(project: Project, *, sample: int = 1000, slow_ms: float = 1.0, overlap: float = 0.9) -> Trial:
    """Check a project as far as one can without running it.

    Parameters
    ----------
    project : Project
        The project, whose file was read and is in order.
    sample : int, default 1000
        Most records of the export that functions are tried on, the first ones; 0 for none.
    slow_ms, overlap
        As for `inspect_functions`.

    Raises
    ------
    UsageError
        When the export lacks a column that the file names, or functions cannot be loaded or do not fit their task.
    """
    check_columns(project)
    steps = build_graph(project)
    records = first_records(open_export(project), sample) if sample else None
    remarks: list[tuple[str, Remark]] = []
    looks: dict[str, dict[str, Inspection]] = {}
    n_functions = n_examples = 0
    for name, source in project.config.sources.items():
        functions = functions_of(project, name)
        if not functions:
            continue
        n_functions += len(functions)
        n_examples += sum(len(function.examples) for function in functions)
        look = look_at(
            functions, records, schema=project.schema(source.question), slow_ms=slow_ms, overlap=overlap
        )
        looks.setdefault(source.question, {})[name] = look
        remarks += [(name, remark) for remark in look.remarks]
    slices = slices_of(project)
    n_examples += sum(len(function.examples) for function in slices)
    remarks += [
        ("slices", Remark(f.function, "example", f"example {f.number}: {f.problem}"))
        for f in check_examples(slices)
    ]
    remarks += [("slices", remark) for function in slices for remark in _members(function, records or ())]
    tried = {
        question: (
            tuple(name for name, look in of_question.items() for _ in look.names),
            tried_together(list(of_question.values())),
        )
        for question, of_question in looks.items()
    }
    return Trial(tuple(remarks), n_functions, len(slices), n_examples, len(steps), len(records or ()), tried)


def _members(function: SlicingFunction, records: Sequence[Record]) -> list[Remark]:
    """Return what is to be said of a slice's members among some records."""
    members = faults = 0
    for record in records:
        try:
            members += bool(function(record))
        except Exception:  # its message may quote the record; how often is what counts here
            faults += 1
    if faults:
        return [Remark(function.name, "error", f"raised on {faults} of {len(records)} records")]
    if records and not members:
        return [Remark(function.name, "empty", f"none of {len(records)} records belongs to it")]
    return []
