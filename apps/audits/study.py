"""From the material to the findings: metrics by slice, subclasses, care groups, search, reasons, records to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight import __version__
from sidelight.label_model import Labels
from sidelight.labeling import UsageError, VoteMatrix
from sidelight.slicing import (
    DEFAULT_METRICS,
    Audit,
    AuditedRecords,
    Comparison,
    ErrorReview,
    Findings,
    Mechanism,
    RecordTable,
    SliceMatrix,
    SubclassSchema,
    TrainingView,
    audit,
    audit_labels,
    compare_audits,
    contrast_errors,
    explain_slice,
    fairness,
    slice_calibration,
    strata,
    subclass_metrics,
    withhold_small_cells,
)
from sidelight.slicing.embedding_map import embedding_map
from sidelight.slicing.strata import MISSING

from .combinations import confusions, meeting_slices
from .material import Material
from .strips import example_strips

MOST_EXPLAINED = 8
"""Slices whose failure is looked into."""

MANY_CLASSES = ("accuracy", "brier")
"""Metrics of three classes and more, none of which is said to be the positive one."""

MOST_ATTRIBUTES = 30
"""Slices tried as what a model leans on."""


@dataclass(frozen=True)
class Wishes:
    """What to look into beside the slices.

    Parameters
    ----------
    subclass : str, optional
        Column of subclasses.
    expected : tuple of str
        Subclasses that should be there.
    schema : SubclassSchema, optional
        Subclasses that should be there, and how much each weighs.
    groups : tuple of str
        Columns of care groups.
    discover : bool
        Whether to search for slices that nobody named.
    metadata : tuple of str
        Columns the search may use.
    with_text : bool
        Whether the search may use words of the reports; they then stand on the page.
    labels : Labels, optional
        What the model was trained on.
    votes : VoteMatrix, optional
        The votes these labels were made of.
    review : ErrorReview, optional
        A sheet that people filled in.
    earlier : tuple of Audit and RecordTable, optional
        An earlier audit, with its records where they are known.
    positive : int, optional
        The class that sensitivity, areas and care groups are about: of two classes the second; of more none, and then
        accuracy and Brier score alone are measured.
    smallest_cell : int
        From 2 on, figures that rest on fewer patients are withheld, and what shows single records is left out.
    seed : int
    """

    subclass: str | None = None
    expected: tuple[str, ...] = ()
    schema: SubclassSchema | None = None
    groups: tuple[str, ...] = ()
    discover: bool = False
    metadata: tuple[str, ...] = ()
    with_text: bool = False
    labels: Labels | None = None
    votes: VoteMatrix | None = None
    review: ErrorReview | None = None
    earlier: tuple[Audit, RecordTable | None] | None = None
    positive: int | None = None
    smallest_cell: int = 0
    seed: int = 0


def study(material: Material, wishes: Wishes, *, title: str = "Slice audit") -> tuple[Findings, RecordTable]:
    """Return all findings, and the records they rest on."""
    rows = material.rows
    gold, proba, patients = material.gold[rows], material.proba[rows], material.patients[rows]
    members = _with_review(material.members.take_rows(rows), material.ids[rows], wishes.review)
    classes = tuple(material.schema.classes)
    result = audit(
        gold,
        proba,
        members,
        patients=patients,
        metrics=_metrics(len(classes), wishes.positive),
        positive=_positive(wishes),
        seed=wishes.seed,
    )
    table = RecordTable.of(material.ids[rows], gold, proba, members.values, members.names, patients=patients)
    subclasses = None
    named = _subclasses(material, wishes)
    for item in () if wishes.schema is None else wishes.schema.subclasses:
        if item.within and item.within not in classes:
            raise UsageError(
                f"the schema of subclasses names the class {item.within!r}; there are {', '.join(classes)}"
            )
    if named is not None:
        subclasses = subclass_metrics(
            gold,
            proba,
            named,
            classes=classes,
            patients=patients,
            expected=wishes.expected,
            schema=wishes.schema,
        )
    notes: list[str] = []
    found, evidence_rows = _discovered(material, wishes, notes)
    mechanisms = _explained(material, wishes, result, members, found, evidence_rows)
    first = next(iter(material.embeddings.values()), None)
    picture = ""
    if first is not None and len(evidence_rows) > 3 and not wishes.smallest_cell:
        confirmed = () if found is None else found.confirmed
        picture = embedding_map(
            first[evidence_rows],
            material.gold[evidence_rows],
            material.proba[evidence_rows].argmax(axis=1) != material.gold[evidence_rows],
            [(part.name, part.members) for part in confirmed],
            classes=classes,
            seed=wishes.seed,
        )
    groups = _care_groups(material, wishes)
    seen = confusions(result, gold, proba, members, classes, patients, named)
    findings = Findings(
        audit=result,
        title=title,
        classes=classes,
        discovery=found,
        subclasses=subclasses,
        contrast=contrast_errors(gold, proba, members, classes=classes, patients=patients)
        if members.n_slices
        else (),
        mechanisms=mechanisms,
        intersections=meeting_slices(result, gold, proba, members, patients),
        calibration=slice_calibration(gold, proba, members, patients, positive=_positive(wishes))
        if len(classes) == 2
        else (),
        fairness={
            name: fairness(
                gold,
                proba,
                labels,
                patients=patients,
                reference=reference,
                order=order,
                positive=_positive(wishes),
            )
            for name, (labels, order, reference) in groups.items()
        },
        confusion=[(heading, known.table(normalize="row")) for heading, _, known in seen],
        labels=_labels(material, wishes),
        review=wishes.review,
        map=picture,
        strips=()
        if wishes.smallest_cell
        else example_strips(material, result, members, found, evidence_rows),
        notes=notes,
        provenance=_provenance(material, wishes),
    )
    if wishes.smallest_cell:
        if result.n_patients < wishes.smallest_cell:
            raise UsageError(
                f"there are fewer than {wishes.smallest_cell} patients with gold and a prediction: with this smallest cell "
                "nothing could be told of them"
            )
        records = AuditedRecords(
            gold, proba, members, patients, named, {name: labels for name, (labels, _, _) in groups.items()},
            [(known, confusion) for _, known, confusion in seen], np.flatnonzero(np.isin(rows, evidence_rows)),
            _of_missing(members),
        )  # fmt: skip
        findings = replace(
            withhold_small_cells(findings, records, wishes.smallest_cell), labels=findings.labels
        )
    return replace(findings, comparison=_compared(wishes.earlier, findings.audit, table)), table


def _of_missing(members: SliceMatrix) -> tuple[str, ...]:
    """Return the slices that hold the records without a value in some column."""
    return tuple(name for name in members.names if name.endswith(f" {MISSING}"))


def _metrics(n_classes: int, positive: int | None) -> tuple[str, ...]:
    """Return what is measured: of many classes those metrics that are about none of them, unless one is named."""
    if n_classes == 2:
        return DEFAULT_METRICS
    return MANY_CLASSES if positive is None else ("accuracy", *DEFAULT_METRICS)


def _positive(wishes: Wishes) -> int:
    return 1 if wishes.positive is None else wishes.positive


def _with_review(members: SliceMatrix, ids: NDArray[np.str_], review: ErrorReview | None) -> SliceMatrix:
    """Add the subclasses people named in a sheet as slices; they hold reviewed records alone."""
    if review is None or not review.subclasses:
        return members
    named = strata({"reviewed": review.subclass_column(ids.tolist())})
    keep = [name for name in named.names if not name.endswith(" missing") and name not in members.names]
    more = named.take_slices(keep)
    return SliceMatrix(np.concatenate([members.values, more.values], axis=1), (*members.names, *more.names))


def _compared(
    earlier: tuple[Audit, RecordTable | None] | None, result: Audit, table: RecordTable
) -> Comparison | None:
    if earlier is None:
        return None
    return compare_audits(earlier[0], result, records=(earlier[1], table))


def _subclasses(material: Material, wishes: Wishes) -> list[str | None] | None:
    if wishes.subclass is None:
        return None
    return [None if cell is None else str(cell) for cell in material.cells(wishes.subclass, material.rows)]


def _discovered(material: Material, wishes: Wishes, notes: list[str]) -> tuple[Any, NDArray[np.intp]]:
    """Search the audited records that have gold and an embedding; return what was found and these records."""
    rows = material.rows[material.gold[material.rows] >= 0]
    for view in material.embeddings.values():
        rows = rows[~np.isnan(view[rows]).any(axis=1)]
    columns = [name for name in wishes.metadata if name in material.columns]
    text = material.columns.get("text") if wishes.with_text else None
    if not wishes.discover or not len(rows) or not (material.embeddings or columns or text):
        return None, rows
    from sidelight.slicing import discover

    found = discover(
        material.gold[rows],
        material.proba[rows],
        embeddings={name: view[rows] for name, view in material.embeddings.items()},
        metadata={name: _tidy(material.cells(name, rows)) for name in columns},
        text=None if text is None else [str(text[row] or "") for row in rows.tolist()],
        patients=None if not any(material.patients[rows]) else material.patients[rows],
        positive=wishes.positive,
        seed=wishes.seed,
    )
    if text is not None and not wishes.smallest_cell:
        notes.append(
            "Found slices may be told by words of reports: treat the page as the reports are treated."
        )
    return found, rows


def _tidy(cells: Sequence[Any]) -> NDArray[Any]:
    """Return a column as numbers where all cells are, else as words."""
    try:
        return np.array([np.nan if cell is None or cell == "" else float(cell) for cell in cells])
    except (TypeError, ValueError):
        return np.array(["" if cell is None else str(cell) for cell in cells], dtype=object)


def _explained(
    material: Material,
    wishes: Wishes,
    result: Audit,
    members: SliceMatrix,
    found: Any,
    searched: NDArray[np.intp],
) -> dict[str, Sequence[Mechanism]]:
    """Look for reasons in the training records, for the worst slices and the confirmed finds."""
    if not len(material.training):
        return {}
    train, rows = material.training, material.rows
    gold_there = material.gold[train]
    labels = gold_there
    if wishes.labels is not None:
        at = dict(zip(wishes.labels.ids.tolist(), wishes.labels.label.tolist(), strict=True))
        labels = np.array([at.get(str(name), -1) for name in material.ids[train]], dtype=np.int64)
    known = rows[material.gold[rows] >= 0]
    worse = [row.slice for row in result.ranked() if row.verdict in ("worse", "slightly worse")]
    everywhere = material.members
    wanted = [
        (name, everywhere[name][known], everywhere[name][train])
        for name in dict.fromkeys(worse)
        if name in everywhere.names
    ]
    names = everywhere.names[:MOST_ATTRIBUTES]
    attributes = {name: everywhere[name][known] for name in names}
    explained: dict[str, Sequence[Mechanism]] = {}
    if found is not None and np.array_equal(searched, known):
        columns = [name for name in wishes.metadata if name in material.columns]
        there = ~np.any([np.isnan(view[train]).any(axis=1) for view in material.embeddings.values()], axis=0)
        there = np.broadcast_to(there, train.shape)
        for part in found.confirmed:
            inside = np.zeros(len(train), dtype=bool)
            inside[there] = part.assign(
                np.maximum(labels[there], 0),
                embeddings={name: view[train[there]] for name, view in material.embeddings.items()} or None,
                metadata={name: _tidy(material.cells(name, train[there])) for name in columns} or None,
                text=[str(material.columns["text"][row] or "") for row in train[there].tolist()]
                if wishes.with_text and "text" in material.columns
                else None,
            )
            wanted.append((part.name, part.members, inside))
    for name, inside, trained in wanted[:MOST_EXPLAINED]:
        view = TrainingView(
            labels=labels,
            slices=trained,
            proba=material.proba[train],
            gold=gold_there if wishes.labels is not None else None,
            patients=material.patients[train],
        )
        explained[name] = explain_slice(
            inside, material.gold[known], material.proba[known], view, attributes=attributes or None,
            patients=material.patients[known], classes=material.schema.classes,
        )  # fmt: skip
    return explained


def _care_groups(material: Material, wishes: Wishes) -> dict[str, tuple[NDArray[Any], list[str], str | None]]:
    """Return the groups of each column: each audited record's, their order, and the one that the others are compared to."""
    rows, found = material.rows, {}
    if len(material.schema.classes) != 2:
        return {}
    for name in wishes.groups:
        matrix = strata({name: material.columns[name]}, most=6).take_rows(rows)
        labels = np.full(len(rows), "", dtype=object)
        for group in matrix.names:
            if not group.endswith(" missing"):
                labels[matrix[group] & (labels == "")] = group.removeprefix(f"{name} = ")
        sizes = Counter(label for label in labels[material.gold[rows] >= 0].tolist() if label)
        if len(sizes) < 2:
            continue
        # of two groups the second would tell the first's gaps once more
        reference = sizes.most_common(1)[0][0] if len(sizes) == 2 else None
        order = [group.removeprefix(f"{name} = ") for group in matrix.names]
        found[name] = (labels, order, reference)
    return found


def _labels(material: Material, wishes: Wishes) -> Any:
    """Audit the votes in every slice, on all records that have votes."""
    if wishes.votes is None or not material.members.n_slices:
        return None
    votes = wishes.votes
    if votes.ids is None:
        return None
    at = {str(name): row for row, name in enumerate(votes.ids.tolist())}
    place = np.array([at.get(str(name), -1) for name in material.ids], dtype=np.intp)
    rows = np.flatnonzero(place >= 0)
    if not len(rows):
        return None
    proba = None
    if wishes.labels is not None:
        known = {str(name): row for row, name in enumerate(wishes.labels.ids.tolist())}
        where = np.array([known.get(str(name), -1) for name in material.ids[rows]], dtype=np.intp)
        if (where >= 0).all():
            proba = wishes.labels.proba[where]
    return audit_labels(
        votes.take_rows(place[rows]), material.members.take_rows(rows), gold=material.gold[rows], proba=proba,
        patients=material.patients[rows], smallest_cell=wishes.smallest_cell,
    )  # fmt: skip


def _provenance(material: Material, wishes: Wishes) -> Mapping[str, str]:
    told = {"sidelight": __version__}
    if material.bundle is not None:
        told["bundle"] = str(material.bundle.fingerprint)
    return told | {"seed": str(wishes.seed)}
