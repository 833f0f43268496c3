"""Votes of a project's functions: cast by the engine part by part, and brought into the order of the records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import ABSTAIN, VoteMatrix, read_votes

from .checks import open_export
from .file import Project
from .sources import functions_of
from .work import Records

if TYPE_CHECKING:
    from sidelight.labeling.engine import Runner


def cast_votes(
    project: Project,
    source: str,
    folder: Path,
    *,
    export: Path | None = None,
    runner: Runner | None = None,
    progress: Callable[[int], None] | None = None,
) -> VoteMatrix:
    """Return the votes of a source's functions on an export, computing what `folder` does not hold yet.

    Parameters
    ----------
    project : Project
        The project.
    source : str
        One that has functions.
    folder : Path
        Where the engine keeps its parts. Given again, parts that are there stay, and of functions only those run
        that changed; a run that was killed goes on after its last finished part.
    export : Path, optional
        Another export than the project's, laid out alike.
    runner : Runner, optional
        Where parts run: by default the cores of this machine for a large export, else this process. The votes are
        the same.
    progress : callable, optional
        Called with the number of records done after each part.
    """
    from sidelight.labeling.engine import label_export

    functions = functions_of(project, source)
    declared = project.config.sources[source]
    label_export(
        open_export(project, export),
        project.path(str(declared.functions)),
        folder,
        schema=project.schema(declared.question),
        names=[function.name for function in functions],
        runner=runner,
        note_seconds=None,  # a time limit would make votes depend on the machine
        verify=True,
        progress=progress,
    )
    return read_votes(folder)


def in_order(votes: VoteMatrix, ids: NDArray[np.str_], patients: NDArray[np.str_]) -> VoteMatrix:
    """Return the votes on these records of these patients, in this order.

    Where there are none, all functions abstain: a record on which a function kills its process has no votes.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from sidelight.labeling import as_votes
    >>> votes = replace(as_votes([[0], [1]]), ids=np.array(["b", "a"]))
    >>> in_order(votes, np.array(["a", "b", "c"]), np.array(["p", "p", "q"])).dense().tolist()
    [[1], [0], [-1]]
    """
    if votes.ids is None or np.array_equal(votes.ids, ids):
        return replace(votes, ids=ids, patient_ids=patients)
    place = {name: row for row, name in enumerate(votes.ids.tolist())}
    known = np.array([name in place for name in ids.tolist()], dtype=bool)
    rows = np.array([place[name] for name in ids[known].tolist()], dtype=np.intp)
    if known.all():
        return replace(votes.take_rows(rows), patient_ids=patients)
    values = np.full((len(ids), votes.n_functions), ABSTAIN, dtype=np.int8)
    values[known] = votes.dense()[rows]
    return VoteMatrix(values, votes.schema, votes.functions, ids=ids, patient_ids=patients)


def joined_votes(folders: Sequence[Path], records: Records) -> VoteMatrix:
    """Return the votes that steps keep, function beside function, on these records in their order."""
    matrices = [in_order(read_votes(folder / "votes"), records.ids, records.patients) for folder in folders]
    whole = matrices[0]
    for matrix in matrices[1:]:
        whole = whole.join(matrix)
    return whole
