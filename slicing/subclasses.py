"""Schema completion: subclasses measured beside the class that hides them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import (
    Interval,
    cluster_variance,
    clustered_proportion,
    delong,
    group_codes,
    wilson_interval,
)

from .metrics import Task, as_task
from .power import needed_size, share_variance
from .share_gap import GapRow, gap_between, judged
from .strata import cell_parts, is_absent
from .subclass_schema import Subclass, SubclassSchema


@dataclass(frozen=True)
class SubclassRow:
    """One subclass within its class.

    Parameters
    ----------
    subclass, within : str
        Its name, and the class it belongs to.
    n, n_patients : int or None
        Records and patients; None where withheld.
    share : float
        Share of the class's records.
    recall, rest, gap : Interval
        Share called the class in the subclass, in the class's other records, and the first less the second.
    auroc : Interval
        Records of the subclass against all records of other classes; two classes only.
    q : float
        The gap's p after Benjamini and Hochberg, over all subclasses.
    verdict : str
        "hidden gap", "slightly worse" (sure, but by less than the margin), "better", "no evidence", "not assessable" or
        "not seen".
    n_needed : int or None
        Records that would show a gap as large as the margin.
    severity : float
        Harm of getting one of its records wrong, after the schema.
    expected_share : float
        Share of its class that the schema expects; NaN when it does not say.
    """

    subclass: str
    within: str
    n: int | None
    n_patients: int | None
    share: float
    recall: Interval
    rest: Interval
    gap: Interval
    auroc: Interval
    q: float
    verdict: str
    n_needed: int | None = None
    severity: float = 1.0
    expected_share: float = math.nan

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            name: value.to_json()
            if isinstance(value, Interval)
            else None
            if isinstance(value, float) and math.isnan(value)
            else value
            for name, value in self.__dict__.items()
        }


@dataclass(frozen=True)
class SubclassTable:
    """What a model does in each subclass of the classes it was trained on.

    Parameters
    ----------
    rows : tuple of SubclassRow
        The largest sure gap first, each weighted by its severity.
    classes : mapping of str to Interval
        Share of each class's records that are called the class: what the subclasses average to.
    n_without : int or None
        Records without a subclass; None where withheld.
    annotated : mapping of str to float
        Share of each class's records that carry a subclass.
    errors, weighted_errors : Interval
        Share of wrong predictions, and the same with each record counted by its severity.
    schema : SubclassSchema, optional
        What was expected.
    """

    rows: tuple[SubclassRow, ...]
    classes: Mapping[str, Interval]
    n_without: int | None
    annotated: Mapping[str, float]
    errors: Interval
    weighted_errors: Interval
    schema: SubclassSchema | None = None

    @property
    def weighted(self) -> bool:
        """Whether some subclass weighs more, or less, than another record."""
        return self.schema is not None and any(value != 1 for value in self.schema.severities.values())

    @property
    def unlisted(self) -> tuple[str, ...]:
        """Subclasses that records hold and the schema does not list."""
        known = set() if self.schema is None else set(self.schema.names)
        return tuple(sorted({row.subclass for row in self.rows} - known)) if self.schema is not None else ()

    def completed(self) -> SubclassSchema:
        """Return the schema with every subclass seen, to be weighted by people and read back."""
        seen = [(row.subclass, row.within) for row in self.rows if row.n]
        return (self.schema or SubclassSchema(())).completed(seen)

    @property
    def hidden(self) -> tuple[SubclassRow, ...]:
        """The subclasses that are surely worse than the rest of their class, by the margin or more."""
        return tuple(row for row in self.rows if row.verdict == "hidden gap")

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "classes": {name: value.to_json() for name, value in self.classes.items()},
            "n_without": self.n_without,
            "annotated": dict(self.annotated),
            "errors": self.errors.to_json(),
            "weighted_errors": self.weighted_errors.to_json(),
            "weighted": self.weighted,
            "unlisted": list(self.unlisted),
            "rows": [row.to_json() for row in self.rows],
        }


def subclass_metrics(
    y: ArrayLike,
    proba: ArrayLike,
    subclasses: Sequence[str | None],
    *,
    classes: Sequence[str] | None = None,
    patients: ArrayLike | None = None,
    expected: Iterable[str] = (),
    schema: SubclassSchema | None = None,
    threshold: float = 0.5,
    separator: str = "|",
    margin: float = 0.05,
    least: int = 10,
    q: float = 0.05,
) -> SubclassTable:
    """Measure each subclass against the rest of its class, and say which gaps the class's own figure hides.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        Gold as class numbers.
    proba : array-like of shape (n_records,) or (n_records, n_classes)
        The model's probabilities.
    subclasses : sequence of str or None of shape (n_records,)
        The finer label, several joined by `separator`; None or empty where it is not known.
    classes : sequence of str, optional
        Names of the classes.
    patients : array-like of shape (n_records,), optional
        The patient of each record.
    expected : iterable of str, optional
        Subclasses that should be there; those never seen are listed as such.
    schema : SubclassSchema, optional
        What experts expect: its subclasses should be there too, its values are read as what they mean, and its severities
        weight errors and order the gaps.
    threshold, margin
        As for `audit`.
    least : int, default 10
        Records of a subclass, and of the rest of its class, that are needed to judge it.
    q : float, default 0.05
        Share of false alarms that is tolerated.

    References
    ----------
    L. Oakden-Rayner et al., "Hidden stratification causes clinically meaningful failures in machine learning for
    medical imaging", CHIL 2020, arXiv 1909.12475: schema completion.

    Examples
    --------
    >>> kind = np.array(["subtle", "plain"])[(np.arange(400) % 10 > 0).astype(int)]
    >>> y = np.ones(400, dtype=int)
    >>> y[300:], kind[300:] = 0, "none"
    >>> found = subclass_metrics(y, np.where(kind == "plain", 0.9, 0.2), kind, classes=["normal", "fracture"])
    >>> [row.subclass for row in found.hidden]
    ['subtle']
    """
    task = as_task(y, proba, threshold=threshold)
    if len(subclasses) != len(np.asarray(y)):
        raise ValueError(f"subclasses has {len(subclasses)} entries for {len(np.asarray(y))} records")
    cells = [subclasses[row] for row in task.rows]
    codes, _ = group_codes(None if patients is None else np.asarray(patients)[task.rows], len(task))
    wanted = schema or SubclassSchema(())
    parts = subclass_parts(cells, schema, separator)
    names = list(classes) if classes is not None else [str(code) for code in range(task.proba.shape[1])]
    astray = sorted({item.within for item in wanted.subclasses if item.within and item.within not in names})
    if astray:
        raise ValueError(
            f"the schema of subclasses names the class {astray[0]!r}; there are {', '.join(names)}"
        )
    right = (task.decision == task.gold).astype(float)
    drafts: list[tuple[GapRow, NDArray[np.bool_], int]] = []
    for code, within in enumerate(names):
        own = task.gold == code
        seen = Counter(part for row in np.flatnonzero(own) for part in parts[row])
        for name in sorted(seen):
            inside = own & np.array([name in held for held in parts], dtype=bool)
            rest = own & ~inside
            if not rest.any():
                continue  # the class itself under another name
            measured = gap_between(right, inside, rest, codes, least=least)
            drafts.append((GapRow(name, within, "recall", *measured), inside, code))
    rows = []
    tested = judged([draft for draft, _, _ in drafts], q)
    for row, (_, inside, code) in zip(tested, drafts, strict=True):
        verdict = row.verdict
        if verdict == "differs":
            verdict = "better" if row.gap.estimate > 0 else "hidden gap"
            if -margin < row.gap.estimate < 0:
                verdict = "slightly worse"
        rows.append(
            SubclassRow(
                row.group,
                row.subject,
                int(inside.sum()),
                len(np.unique(codes[inside])),
                float(inside.sum() / max(int((task.gold == code).sum()), 1)),
                row.value,
                row.rest,
                row.gap,
                _area(task, inside, code, codes),
                row.q,
                verdict,
                _needed(row, margin, len(drafts), q),
            )
        )
    listed = {item.name: item for item in wanted.subclasses}
    rows = [
        replace(row, severity=item.severity, expected_share=item.share)
        for row in rows
        for item in (listed.get(row.subclass, Subclass(row.subclass)),)
    ]
    known = {row.subclass for row in rows} | {part for held in parts for part in held}
    nothing = Interval.missing("not seen in these records")
    rows += [
        SubclassRow(
            name, listed[name].within if name in listed else "", 0, 0, 0.0, nothing, nothing, nothing, nothing, math.nan,
            "not seen", None, listed[name].severity if name in listed else 1.0,
            listed[name].share if name in listed else math.nan,
        )
        for name in dict.fromkeys([*wanted.names, *expected])
        if name not in known
    ]  # fmt: skip
    order = {
        "hidden gap": 0,
        "slightly worse": 1,
        "no evidence": 2,
        "better": 3,
        "not assessable": 4,
        "not seen": 5,
    }
    rows.sort(
        key=lambda row: (
            order[row.verdict],
            0.0 if math.isnan(row.gap.estimate) else row.severity * row.gap.estimate,
        )
    )
    whole = {
        within: clustered_proportion(right[task.gold == code], codes[task.gold == code])
        for code, within in enumerate(names)
        if (task.gold == code).any()
    }
    carries = np.array([bool(held) for held in parts], dtype=bool)
    weight = np.array(
        [max((wanted.severities.get(part, 1.0) for part in held), default=1.0) for held in parts]
    )
    return SubclassTable(
        tuple(rows),
        whole,
        int((~carries).sum()),
        {
            within: float(carries[task.gold == code].mean())
            for code, within in enumerate(names)
            if within in whole
        },
        clustered_proportion(1 - right, codes),
        _weighted_share(1 - right, weight, codes),
        schema,
    )


def subclass_parts(
    cells: Sequence[str | None], schema: SubclassSchema | None = None, separator: str = "|"
) -> list[set[str]]:
    """Return the subclasses that each cell of a column names, called as the schema calls them."""
    wanted = schema or SubclassSchema(())
    return [
        set() if is_absent(cell) else {wanted.meaning(part) for part in cell_parts(str(cell), separator)}
        for cell in cells
    ]


def _weighted_share(
    values: NDArray[np.float64], weight: NDArray[np.float64], codes: NDArray[np.intp], level: float = 0.95
) -> Interval:
    """Return a share in which records weigh differently, with Wilson's interval at its effective size."""
    total = float(weight.sum())
    if not total > 0:
        return Interval.missing("no record that counts", level=level)
    share = float(weight @ values) / total
    own = np.unique(codes, return_inverse=True)[1].reshape(-1)
    n_patients = int(own.max()) + 1
    variance = cluster_variance(weight * (values - share) / total, own, n_patients)
    effective = share * (1 - share) / variance if variance > 0 else float(n_patients)
    low, high = wilson_interval(min(share * effective, effective), effective, level)
    return Interval(share, float(low), float(high), level=level, n=len(values))


def _area(task: Task, inside: NDArray[np.bool_], code: int, codes: NDArray[np.intp]) -> Interval:
    """Return the area of a subclass's records against those of other classes."""
    if task.proba.shape[1] != 2:
        return Interval.missing("two classes only")
    rows = inside | (task.gold != code)
    if not inside.any() or inside[rows].all():
        return Interval.missing("no record to compare with")
    return delong(inside[rows], task.proba[rows, code], codes[rows]).interval()


def _needed(row: GapRow, margin: float, n_tests: int, q: float) -> int | None:
    """Return how many records would show a gap of the margin, were it the only one."""
    reference = row.rest.estimate
    if math.isnan(reference):
        return None
    n, n_rest = max(row.value.n, 1), max(row.rest.n, 1)
    return needed_size(
        reference,
        share_variance,
        lambda size: share_variance(n_rest * max(size / n, 1.0)),
        margin,
        alpha=q / max(n_tests, 1),
        weight=n / (n + n_rest),
        step=0.5,
    )
