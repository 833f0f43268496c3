"""The table that scoring leaves: one row a study, probabilities of the classes, and which model gave them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import LabelSchema
from sidelight.labeling.faults import InputError

from .tables import read_table, told, write_table

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
METADATA_KEY = b"sidelight.predictions"


@dataclass(frozen=True, eq=False)
class Predictions:
    """Class probabilities of studies.

    Parameters
    ----------
    ids : ndarray of str of shape (n_studies,)
        Study ids.
    proba : ndarray of shape (n_studies, n_classes)
        Rows sum to 1, unless classes are findings of which several may be present.
    schema : LabelSchema
        The classes.
    bundle : str
        Fingerprint of the model that gave them.
    patient_ids : ndarray of str of shape (n_studies,), optional
        Patients, empty where unknown.
    multi_label : bool, default False
        Classes are findings, each with a column `label_<class>` of its own.

    Examples
    --------
    >>> schema = LabelSchema(("normal", "abnormal"))
    >>> Predictions(np.array(["7"]), np.array([[0.2, 0.8]]), schema, "abc").to_table().column_names
    ['id', 'p_normal', 'p_abnormal', 'label']
    """

    ids: NDArray[np.str_]
    proba: NDArray[np.float64]
    schema: LabelSchema
    bundle: str = ""
    patient_ids: NDArray[np.str_] | None = None
    multi_label: bool = False

    def __post_init__(self) -> None:
        """Refuse columns that do not belong together."""
        if self.proba.shape != (len(self.ids), self.schema.cardinality):
            raise ValueError(
                f"proba has shape {self.proba.shape} for {len(self.ids)} ids and {self.schema.cardinality} classes"
            )
        if self.patient_ids is not None and len(self.patient_ids) != len(self.ids):
            raise ValueError(f"patient_ids has {len(self.patient_ids)} entries for {len(self.ids)} ids")

    @property
    def label(self) -> NDArray[np.int64]:
        """The likeliest class of each study; of findings, 1 for each with more than an even chance."""
        if self.multi_label:
            return np.asarray(self.proba > 0.5, dtype=np.int64)
        return np.asarray(self.proba.argmax(axis=1), dtype=np.int64)

    def counts(self) -> dict[str, int]:
        """Return how many studies each class was predicted for."""
        given = (
            self.label if self.multi_label else np.eye(self.schema.cardinality, dtype=np.int64)[self.label]
        )
        return dict(zip(self.schema.classes, given.sum(axis=0).tolist(), strict=True))

    def __len__(self) -> int:
        return len(self.ids)

    def to_table(self) -> pa.Table:
        """Return an Arrow table whose metadata names the classes and the model."""
        import pyarrow as pa

        columns: dict[str, Any] = {"id": pa.array(self.ids.tolist(), pa.string())}
        if self.patient_ids is not None:
            columns["patient_id"] = pa.array(self.patient_ids.tolist(), pa.string())
        for index, name in enumerate(self.schema.classes):
            columns[f"p_{name}"] = pa.array(self.proba[:, index])
        if self.multi_label:
            for index, name in enumerate(self.schema.classes):
                columns[f"label_{name}"] = pa.array(self.label[:, index])
        else:
            columns["label"] = pa.array(self.label)
        about = {
            "format": FORMAT,
            "classes": list(self.schema.classes),
            "task": self.schema.task,
            "multi_label": self.multi_label,
            "bundle": self.bundle,
        }
        return told(pa.table(columns), METADATA_KEY, about)

    def write(self, path: str | Path) -> Path:
        """Write the table as Parquet, or as CSV when `path` ends so; whole or not at all."""
        return write_table(path, self.to_table())

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a Parquet table that `write` wrote."""
        table, about = read_table(path, METADATA_KEY, FORMAT, "table of predictions")
        schema = LabelSchema(about["classes"], about["task"])
        names = [f"p_{name}" for name in schema.classes]
        missing = [name for name in ["id", *names] if name not in table.column_names]
        if missing:
            raise InputError(path, f"lacks the column {missing[0]}")
        patients = table["patient_id"].to_pylist() if "patient_id" in table.column_names else None
        return cls(
            ids=np.array(table["id"].to_pylist(), dtype=np.str_),
            proba=np.stack([table[name].to_numpy() for name in names], axis=1),
            schema=schema,
            bundle=about["bundle"],
            patient_ids=None if patients is None else as_patients(patients),
            multi_label=bool(about.get("multi_label", False)),
        )


def as_patients(patient_ids: ArrayLike) -> NDArray[np.str_]:
    """Return patient ids as text, empty where there is none."""
    return np.array(
        ["" if value is None else str(value) for value in np.asarray(patient_ids).tolist()], np.str_
    )
