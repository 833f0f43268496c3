"""The table of labels that training reads: a row a record, with its probabilities and where they come from."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import LabelSchema, VoteMatrix, as_votes
from sidelight.labeling.faults import InputError
from sidelight.labeling.folder import write_file

from .base import VoteModel

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "sidelight labels"
VERSION = 1
METADATA = b"sidelight"


@dataclass(frozen=True, eq=False)
class Labels:
    """Probabilistic labels of records, known by their ids.

    Parameters
    ----------
    ids : ndarray of str of shape (n_records,)
        Record ids, unique.
    patient_ids : ndarray of str of shape (n_records,)
        The patient of each record, empty where unknown.
    proba : ndarray of float64 of shape (n_records, n_classes)
        P(class); the class balance where `covered` is false.
    label : ndarray of int64 of shape (n_records,)
        The likeliest class, -1 where no function voted or the best classes tie.
    covered : ndarray of bool of shape (n_records,)
        Whether any function voted; training leaves the others out.
    n_votes : ndarray of int64 of shape (n_records,)
        How many functions voted for one class.
    schema : LabelSchema
        The classes.
    lineage : mapping, optional
        Fingerprints of the votes and of the model, and the model's kind.
    from_gold : ndarray of bool of shape (n_records,), optional
        Records whose gold label the model learned from, so that nothing is measured on them later; None where there are
        none, or it is not known which.

    Examples
    --------
    >>> from sidelight.label_model import MajorityLabelVoter
    >>> votes = np.array([[0, -1], [1, 1], [-1, -1]], dtype=np.int8)
    >>> labels = Labels.from_model(MajorityLabelVoter(cardinality=2).fit(votes), votes)
    >>> labels.label.tolist(), labels.covered.tolist()
    ([0, 1, -1], [True, True, False])
    """

    ids: NDArray[np.str_]
    patient_ids: NDArray[np.str_]
    proba: NDArray[np.float64]
    label: NDArray[np.int64]
    covered: NDArray[np.bool_]
    n_votes: NDArray[np.int64]
    schema: LabelSchema
    lineage: Mapping[str, Any] = field(default_factory=dict)
    from_gold: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Refuse columns of different lengths, and ids that name two records."""
        n = len(self.ids)
        for name in ("patient_ids", "proba", "label", "covered", "n_votes", "from_gold"):
            column = getattr(self, name)
            if column is not None and len(column) != n:
                raise ValueError(f"{name} has {len(column)} entries for {n} records")
        if self.proba.shape != (n, self.schema.cardinality):
            raise ValueError(f"proba has shape {self.proba.shape}, not {(n, self.schema.cardinality)}")
        if len(np.unique(self.ids)) != n:
            raise ValueError("ids holds an id twice; each record has its own")

    @classmethod
    def from_model(cls, model: VoteModel, votes: Any) -> Self:
        """Label the records of `votes` with a fitted model.

        Records of votes without ids are called by their row number.
        """
        matrix = model.check_votes(votes)
        label, proba = model.predict(matrix, return_probs=True)
        n = matrix.n_records
        n_votes = matrix.n_votes()
        given = as_votes(votes, cardinality=model.cardinality)
        return cls(
            ids=np.arange(n).astype(str) if matrix.ids is None else matrix.ids,
            patient_ids=np.full(n, "") if matrix.patient_ids is None else matrix.patient_ids,
            proba=proba,
            label=label,
            covered=model.covered(matrix),
            n_votes=n_votes,
            schema=matrix.schema,
            lineage={
                "votes": fingerprint_votes(given),
                "model": model.fingerprint,
                "kind": type(model).__name__,
                "class_balance": [float(share) for share in model.prior_],
                "class_balance_from": model.balance_.source,
                **gold_in(model),
            },
        )

    def __repr__(self) -> str:
        return f"Labels({len(self)} records, {int(self.covered.sum())} covered, classes {list(self.schema.classes)})"

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def entropy(self) -> NDArray[np.float64]:
        """Uncertainty of each record's label in nats, shape (n_records,)."""
        safe = np.maximum(self.proba, np.finfo(np.float64).tiny)
        return np.asarray(np.maximum(-(self.proba * np.log(safe)).sum(axis=1), 0.0), dtype=np.float64)

    def take_rows(self, rows: NDArray[Any]) -> Self:
        """Return the labels of some records: row numbers, or a mask."""
        return replace(
            self,
            ids=self.ids[rows],
            patient_ids=self.patient_ids[rows],
            proba=self.proba[rows],
            label=self.label[rows],
            covered=self.covered[rows],
            n_votes=self.n_votes[rows],
            from_gold=None if self.from_gold is None else self.from_gold[rows],
        )

    def to_table(self) -> pa.Table:
        """Return an Arrow table: id, patient_id, p_<class>..., label, covered, n_votes, entropy, from_gold where known."""
        import pyarrow as pa

        columns: dict[str, Any] = {
            "id": pa.array(self.ids.tolist(), pa.string()),
            "patient_id": pa.array(self.patient_ids.tolist(), pa.string()),
        }
        for c, name in enumerate(self.schema.classes):
            columns[f"p_{name}"] = pa.array(np.ascontiguousarray(self.proba[:, c]), pa.float64())
        columns["label"] = pa.array(self.label, pa.int16())
        columns["covered"] = pa.array(self.covered, pa.bool_())
        columns["n_votes"] = pa.array(self.n_votes, pa.int32())
        columns["entropy"] = pa.array(self.entropy, pa.float64())
        if self.from_gold is not None:
            columns["from_gold"] = pa.array(self.from_gold, pa.bool_())
        about = {
            "format": FORMAT,
            "version": VERSION,
            "schema": self.schema.to_json(),
            "lineage": dict(self.lineage),
        }
        return pa.table(columns).replace_schema_metadata({METADATA: json.dumps(about, sort_keys=True)})

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """Read what `to_table` made."""
        about = json.loads((table.schema.metadata or {}).get(METADATA, b"{}"))
        if about.get("format") != FORMAT or about.get("version", 0) > VERSION:
            raise ValueError(f"a table without the metadata of {FORMAT}, version {VERSION} or older")
        schema = LabelSchema.from_json(about["schema"])

        def column(name: str) -> NDArray[Any]:
            return np.asarray(table.column(name).to_numpy())

        return cls(
            ids=column("id").astype(str),
            patient_ids=column("patient_id").astype(str),
            proba=np.stack([column(f"p_{name}") for name in schema.classes], axis=1).astype(np.float64),
            label=column("label").astype(np.int64),
            covered=column("covered").astype(bool),
            n_votes=column("n_votes").astype(np.int64),
            schema=schema,
            lineage=about["lineage"],
            from_gold=column("from_gold").astype(bool) if "from_gold" in table.column_names else None,
        )

    def write(self, path: str | Path) -> Path:
        """Write a Parquet file in one step; equal labels give equal bytes."""
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        pq.write_table(self.to_table(), buffer, compression="zstd")
        return write_file(path, buffer.getvalue())

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a file that `write` made.

        Raises
        ------
        InputError
            When the file cannot be read or is no table of labels.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return cls.from_table(pq.read_table(path))
        except (OSError, pa.ArrowException, KeyError, ValueError):
            raise InputError(path, "is no readable table of labels") from None


def fingerprint_votes(votes: VoteMatrix) -> str:
    """Return SHA-256 over the votes' classes, functions, ids and values: equal content, equal fingerprint."""
    about = {
        "schema": votes.schema.to_json(),
        "functions": [[function.name, function.fingerprint] for function in votes.functions],
        "shape": votes.shape,
    }
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in () if votes.ids is None else votes.ids.tolist():
        digest.update(name.encode() + b"\x1f")
    for start in range(0, votes.n_functions, 16):
        columns = votes.values[:, start : start + 16]
        block = columns.toarray() - np.int8(1) if votes.is_sparse else columns
        digest.update(np.asfortranarray(block).tobytes(order="F"))
    return digest.hexdigest()


def gold_in(*models: VoteModel) -> dict[str, int]:
    """Return how many gold labels models learned from, under the name a lineage gives it; nothing where none were."""
    n_gold = max((int(getattr(model, "n_gold_", 0)) for model in models), default=0)
    return {"gold_records": n_gold} if n_gold else {}
