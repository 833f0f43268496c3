"""What goes out to other programs and comes back: labels by record, with votes and text where asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.label_model import Labels
from sidelight.labeling import InputError, LabelSchema, UsageError, VoteMatrix


@dataclass(frozen=True)
class Content:
    """Labels on their way to another program.

    Parameters
    ----------
    labels : Labels
        One row a record.
    votes : VoteMatrix, optional
        The votes the labels come from, for formats that hold them.
    texts : mapping from id to str, optional
        The records' text; without it, formats that show text show none.
    """

    labels: Labels
    votes: VoteMatrix | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, str, int, NDArray[np.float64]]]:
        """Yield id, patient, label (-1 for none) and probabilities of each record."""
        labels = self.labels
        for row, (name, patient) in enumerate(
            zip(labels.ids.tolist(), labels.patient_ids.tolist(), strict=True)
        ):
            yield name, patient, int(labels.label[row]), labels.proba[row]

    def class_name(self, label: int) -> str | None:
        """Return a class's name, None for no label."""
        return None if label < 0 else self.labels.schema.classes[label]

    @property
    def from_gold(self) -> list[bool]:
        """Whether the label model learned from each record's gold label; empty where that is not known."""
        taught = self.labels.from_gold
        return [] if taught is None else taught.tolist()

    @property
    def model(self) -> str:
        """What made the labels, in a few letters."""
        lineage = self.labels.lineage
        several = "".join(lineage.get("models", ()))  # of tasks that are linked, of classes within classes
        made = hashlib.sha256(several.encode()).hexdigest() if several else str(lineage.get("model", ""))
        return f"sidelight-{made[:12]}"


class Format(Protocol):
    """A file format of another program: labels out, labels in."""

    needs: str

    def write(self, content: Content, path: Path) -> None:
        """Write labels."""
        ...

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read labels back, or those that people gave in the other program."""
        ...


def make_labels(
    rows: Sequence[tuple[str, str, str | int | None, Mapping[str, float] | None]],
    schema: LabelSchema | None,
    path: Path,
    *,
    source: str,
    from_gold: Sequence[bool] = (),
) -> Labels:
    """Return a table of labels from id, patient, label and probabilities of each record.

    Parameters
    ----------
    rows : sequence of (id, patient, label, probabilities)
        A label is a class name, its number, or None; probabilities are by class name, None where only a label is known.
    schema : LabelSchema, optional
        The classes; where not given, the names met, sorted.
    path : Path
        The file, for messages.
    source : str
        The format, kept in the labels' lineage.
    from_gold : sequence of bool, optional
        Whether a label model learned from each record's gold label, where the file says so.
    """
    if schema is None:
        met = {label for _, _, label, _ in rows if isinstance(label, str)} | {
            n for *_, p in rows for n in p or ()
        }
        if len(met) < 2:
            raise UsageError(f"{path.name} names {len(met)} class(es); say which there are (--classes a,b)")
        schema = LabelSchema(sorted(met))
    proba = np.full((len(rows), schema.cardinality), 1 / schema.cardinality)
    found = np.full(len(rows), -1, dtype=np.int64)
    for number, (_, _, label, shares) in enumerate(rows):
        try:
            found[number] = schema.encode(label)
        except (TypeError, ValueError):
            raise InputError(
                path,
                f"entry {number + 1} has a label that is no class; there are {', '.join(schema.classes)}",
            ) from None
        if shares is not None:
            proba[number] = [shares.get(name, 0.0) for name in schema.classes]
        elif found[number] >= 0:
            proba[number] = np.arange(schema.cardinality) == found[number]
    ids = [name for name, *_ in rows]
    if len(set(ids)) != len(ids) or "" in ids:
        raise InputError(path, "has an entry without a record id, or an id twice")
    covered = np.array(
        [label >= 0 or shares is not None for label, (*_, shares) in zip(found, rows, strict=True)],
        dtype=bool,
    )
    return Labels(
        ids=np.array(ids, dtype=np.str_), patient_ids=np.array([patient for _, patient, *_ in rows], dtype=np.str_),
        proba=proba, label=found, covered=covered, n_votes=covered.astype(np.int64), schema=schema,
        lineage={"imported_from": source}, from_gold=np.array(from_gold, dtype=bool) if len(from_gold) else None,
    )  # fmt: skip


def shares_of(content: Content, proba: NDArray[np.float64]) -> dict[str, float]:
    """Return probabilities by class name."""
    return dict(zip(content.labels.schema.classes, (float(share) for share in proba), strict=True))


def text(value: Any) -> str:
    """Return an id or a name of another program as text."""
    return "" if value is None else str(value)
