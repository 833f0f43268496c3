"""Labels of several findings, a file each, joined into one table for a network that tells them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import InputError, LabelSchema, UsageError

from .gold import read_gold

if TYPE_CHECKING:
    from sidelight.label_model import Labels


@dataclass(frozen=True, eq=False)
class Gold:
    """Gold labels that may measure a network, because no label model learned from them.

    Parameters
    ----------
    truth : ndarray of int of shape (n_records,) or (n_records, n_findings)
        In the form of `predict`, -1 where unknown or set aside.
    n_taught : int
        Gold labels set aside, since the label model learned from them.
    unsure : bool
        Whether a label model learned from gold labels without saying which; they may be among these.
    """

    truth: NDArray[np.int64]
    n_taught: int
    unsure: bool

    def cautions(self) -> dict[str, Any]:
        """Return what is to be known of figures that rest on these labels, by name."""
        said: dict[str, Any] = {}
        if self.n_taught:
            said["gold labels that taught the label model, and measure nothing"] = self.n_taught
        if self.unsure:
            said["caution"] = (
                "the label model learned from gold labels, and its table does not say which; the figures may rest on them"
            )
        return said


@dataclass(frozen=True, eq=False)
class Supervision:
    """What `sidelight train` learns from.

    Parameters
    ----------
    ids, patient_ids : ndarray of str of shape (n_records,)
        Records and their patients.
    proba : ndarray of float of shape (n_records, n_classes)
        Probabilities of the classes; of several findings, of each one's presence.
    covered : ndarray of bool of shape (n_records,)
        Whether there is a label; (n_records, n_findings) for several findings.
    schema : LabelSchema
        Names of the classes or findings.
    lineage : mapping
        Where the labels come from.
    tables : mapping from finding to Labels
        The files, in order.
    multi_label : bool
        Whether there are several findings.
    """

    ids: NDArray[np.str_]
    patient_ids: NDArray[np.str_]
    proba: NDArray[np.float64]
    covered: NDArray[np.bool_]
    schema: LabelSchema
    lineage: Mapping[str, Any]
    tables: Mapping[str, Labels]
    multi_label: bool

    def gold(self, path: str | None, id_column: str | None, column: str | None) -> Gold | None:
        """Return the gold labels of the records: a column of the file for each of several findings."""
        if self.multi_label and column is not None:
            raise UsageError(
                "with several findings the gold file has a column for each, named as its label file; leave out --gold-column"
            )
        wanted = list(self.tables) if self.multi_label and path is not None else [column]
        known: list[NDArray[np.int64]] = []
        n_taught, unsure = 0, False
        for name, table in zip(wanted, self.tables.values(), strict=False):
            truth = read_gold(path, id_column, name, table.schema, self.ids)
            if truth is None:
                return None
            if table.from_gold is not None:
                taught = np.isin(self.ids, table.ids[table.from_gold]) & (truth >= 0)
                n_taught += int(taught.sum())
                truth = np.where(taught, -1, truth)
            elif table.lineage.get("gold_records"):
                unsure = True
            known.append(truth)
        return Gold(np.stack(known, axis=1) if self.multi_label else known[0], n_taught, unsure)


def read_labels(paths: Sequence[str]) -> Supervision:
    """Return the labels of one file, or of several: a finding each, called as its file, its second class its presence.

    A record that a file does not hold has no label for that finding.
    """
    from sidelight.label_model import Labels

    tables = {Path(path).stem: Labels.read(path) for path in paths}
    if len(tables) < len(paths):
        raise UsageError("two label files have one name; a finding is called as its file")
    if len(tables) == 1:
        only = next(iter(tables.values()))
        return Supervision(
            only.ids,
            only.patient_ids,
            only.proba,
            only.covered,
            only.schema,
            dict(only.lineage),
            tables,
            False,
        )
    for path, table in zip(paths, tables.values(), strict=True):
        if table.schema.cardinality != 2:
            raise InputError(
                path, f"has {table.schema.cardinality} classes; of several findings each is absent or present"
            )
    ids = list(dict.fromkeys(name for table in tables.values() for name in table.ids.tolist()))
    place = {name: row for row, name in enumerate(ids)}
    patients = np.full(len(ids), "", dtype=object)
    proba, covered = np.full((len(ids), len(tables)), np.nan), np.zeros((len(ids), len(tables)), dtype=bool)
    for column, (path, table) in enumerate(zip(paths, tables.values(), strict=True)):
        rows = np.array([place[name] for name in table.ids.tolist()], dtype=np.intp)
        owner = table.patient_ids.astype(object)
        differ = (patients[rows] != "") & (owner != "") & (patients[rows] != owner)
        if differ.any():
            raise InputError(path, f"row {int(differ.argmax())}: is another patient's in a label file before")
        patients[rows] = np.where(owner == "", patients[rows], owner)
        proba[rows, column], covered[rows, column] = table.proba[:, 1], table.covered
    return Supervision(
        np.array(ids, dtype=np.str_), patients.astype(np.str_), proba, covered, LabelSchema(list(tables), "findings"),
        {name: dict(table.lineage) for name, table in tables.items()}, tables, True,
    )  # fmt: skip
