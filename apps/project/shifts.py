"""What functions, labels and slices do more or less often in a later run, each with a test by patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.label_model import Labels
from sidelight.labeling import VoteMatrix
from sidelight.labeling.statistics import Interval, benjamini_hochberg

from .file import Config
from .paired import mean_change
from .runs import Run
from .supervision import read_slices
from .votes import joined_votes
from .work import Records

FEWEST_PATIENTS = 10


@dataclass(frozen=True)
class Shift:
    """A share of the records that both runs have.

    Parameters
    ----------
    kind : {"function", "label", "slice"}
        What it is a share of: records a function votes on, that got a label, that belong to a slice.
    task, name : str
        Task and function, class or slice.
    before, after : float
        The share in each run.
    difference : Interval
        After minus before, the same patients in both.
    q : float
        p of "no difference", corrected for all shifts (Benjamini and Hochberg).
    verdict : str
        "more", "fewer", "no evidence" or "unchanged".
    """

    kind: str
    task: str
    name: str
    before: float
    after: float
    difference: Interval
    q: float = float("nan")
    verdict: str = "no evidence"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        plain = {n: None if isinstance(v, float) and v != v else v for n, v in vars(self).items()}
        return {**plain, "difference": self.difference.to_json()}


@dataclass(frozen=True, eq=False)
class Common:
    """The records that both runs have: their rows in each, and whose they are."""

    old: NDArray[np.intp]
    new: NDArray[np.intp]
    groups: NDArray[np.str_]

    @classmethod
    def of(cls, first: Records, second: Records) -> Common:
        """Match the records of two runs by id."""
        place = {name: row for row, name in enumerate(first.ids.tolist())}
        pairs = [(place[name], row) for row, name in enumerate(second.ids.tolist()) if name in place]
        both = np.array(pairs, dtype=np.intp).reshape(len(pairs), 2)
        owners = second.patients[both[:, 1]].tolist()
        groups = np.array([name or f"\x1f{row}" for row, name in enumerate(owners)], dtype=np.str_)
        return cls(both[:, 0], both[:, 1], groups)

    def compare(
        self, then: NDArray[Any], now: NDArray[Any], keep: NDArray[np.bool_] | None = None
    ) -> tuple[float, float, Interval] | None:
        """Compare a score a record in both runs' orders; None where patients are too few to tell."""
        before, after = (values.astype(np.float64) for values in (then[self.old], now[self.new]))
        rows = np.ones(len(self.old), dtype=bool) if keep is None else keep
        if len(np.unique(self.groups[rows])) < FEWEST_PATIENTS:
            return None
        return mean_change(before[rows], after[rows], self.groups[rows])


def votes_of(run: Run, config: Config, task: str, records: Records) -> VoteMatrix:
    """Return the votes of a run's functions and annotators on a task."""
    names = [n for n, s in config.sources.items() if s.question == task and s.role == "vote"]
    return joined_votes([run.step(f"label:{name}") for name in names], records)


def find_shifts(
    runs: Sequence[Run], configs: Sequence[Config], tasks: Sequence[str], q: float
) -> list[Shift]:
    """Return the shares that differ between two runs, with a verdict on each."""
    records = [Records.read(run.step("records")) for run in runs]
    common = Common.of(records[0], records[1])
    found = [*_slices(runs, common)]
    for task in tasks:
        votes = [votes_of(r, c, task, known) for r, c, known in zip(runs, configs, records, strict=True)]
        cast = [dict(zip(v.names, (v.dense() >= 0).T, strict=True)) for v in votes]
        for name in sorted(set(cast[0]) & set(cast[1])):
            found += _shift("function", task, name, common, cast[0][name], cast[1][name])
        labels = [Labels.read(run.step(f"fit:{task}") / "labels.parquet").label for run in runs]
        for number, known in enumerate(configs[1].questions[task].classes):
            found += _shift("label", task, known, common, labels[0] == number, labels[1] == number)
        found += _shift("label", task, "no label", common, labels[0] < 0, labels[1] < 0)
    adjusted = benjamini_hochberg([shift.difference.p for shift in found])
    judged = []
    for shift, corrected in zip(found, adjusted, strict=True):
        verdict = "unchanged" if shift.difference.reason.startswith("equal") else "no evidence"
        if corrected <= q:
            verdict = "more" if shift.difference.estimate > 0 else "fewer"
        judged.append(replace(shift, q=float(corrected), verdict=verdict))
    return [shift for shift in judged if shift.verdict != "unchanged"]


def _slices(runs: Sequence[Run], common: Common) -> Iterator[Shift]:
    members = [read_slices(run.step("slices")) if "slices" in run.keys else {} for run in runs]
    for name in sorted(set(members[0]) & set(members[1])):
        yield from _shift("slice", "", name, common, members[0][name], members[1][name])


def _shift(
    kind: str, task: str, name: str, common: Common, then: NDArray[Any], now: NDArray[Any]
) -> Iterator[Shift]:
    compared = common.compare(then, now)
    if compared is not None:
        yield Shift(kind, task, name, *compared)
