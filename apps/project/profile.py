"""What monitoring looks at: numbers a record, without its words, so that two exports can be compared."""

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sidelight.crossmodal import link
from sidelight.label_model import Labels, VoteModel
from sidelight.labeling import FunctionInfo, VoteMatrix

from .checks import open_export
from .file import Project
from .graph import parents_first
from .judgement import open_target, scores_of
from .supervision import find_slices, read_slices, within
from .votes import cast_votes, in_order, joined_votes
from .work import Work, column_values, write_table

N_BUCKETS = 256
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Quantity:
    """One thing that is watched.

    Parameters
    ----------
    family : str
        "votes", "coverage", "labels", "predictions", "slices", "text", "words", "signals" or "columns".
    name : str
        Which function, class or column.
    kind : {"share", "number", "category"}
        A truth value a record, a number, or one of a few names.
    source, task : str
        The source or task it belongs to.
    """

    family: str
    name: str
    kind: str = "share"
    source: str = ""
    task: str = ""


@dataclass(frozen=True, eq=False)
class Profile:
    """The watched quantities of all records of an export.

    Parameters
    ----------
    quantities : tuple of Quantity
        What the columns are.
    columns : sequence of ndarray of shape (n_records,)
        Numbers, NaN where a record has none; names for categories.
    members : mapping from slice to ndarray of bool
        Who belongs to which slice.
    patients : ndarray of int of shape (n_records,)
        A number a patient; records of one patient are never taken for independent.
    """

    quantities: tuple[Quantity, ...]
    columns: Sequence[NDArray[Any]]
    members: Mapping[str, NDArray[np.bool_]]
    patients: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.patients)

    def take(self, rows: NDArray[Any]) -> "Profile":
        """Return some of the records."""
        members = {name: values[rows] for name, values in self.members.items()}
        return Profile(
            self.quantities, [column[rows] for column in self.columns], members, self.patients[rows]
        )

    def write(self, path: Path) -> None:
        """Write a Parquet table; it holds no ids and no words."""
        arrays: dict[str, Any] = {"patient": pa.array(self.patients)}
        for number, (quantity, column) in enumerate(zip(self.quantities, self.columns, strict=True)):
            kind = {"share": pa.float32(), "number": pa.float64(), "category": pa.string()}[quantity.kind]
            values = column.tolist() if quantity.kind == "category" else column
            arrays[f"q{number}"] = pa.array(values, kind)
        for name, values in self.members.items():
            arrays[f"slice:{name}"] = pa.array(values)
        about = json.dumps([vars(quantity) for quantity in self.quantities])
        write_table(pa.table(arrays).replace_schema_metadata({b"sidelight.profile": about}), path)

    @classmethod
    def read(cls, path: Path) -> "Profile":
        """Read what `write` wrote."""
        table = pq.read_table(path)
        quantities = tuple(
            Quantity(**entry) for entry in json.loads(table.schema.metadata[b"sidelight.profile"])
        )
        columns: list[NDArray[Any]] = []
        for number, quantity in enumerate(quantities):
            column = table[f"q{number}"]
            if quantity.kind == "category":
                columns.append(np.array(column.to_pylist(), dtype=object))
            else:
                columns.append(column.to_numpy().astype(np.float64))
        members = {
            name[6:]: table[name].to_numpy() for name in table.column_names if name.startswith("slice:")
        }
        return cls(quantities, columns, members, table["patient"].to_numpy())


def do_profile(work: Work) -> None:
    """Keep what later exports are compared with."""
    project, config = work.project, work.project.config
    records = work.records()
    builder = Builder(project)
    above: dict[str, Labels] = {}
    for task in parents_first(config.tasks):
        votes = {
            source: joined_votes([work.inputs[f"label:{source}"]], records)
            for source, declared in project.sources(task).items()
            if declared.functions is not None
        }
        builder.add_labeled(task, votes, work.inputs, above)
        if f"train:{task}" in work.inputs:
            proba, rows, _ = scores_of(work.inputs, task)
            unseen = records.parts[rows] == "test"  # what a network learned from, it predicts too well
            builder.add_predictions(task, proba[unseen], rows[unseen], len(records.ids))
    members = read_slices(work.inputs["slices"]) if "slices" in work.inputs else {}
    builder.add_slices(members)
    builder.add_export(None)
    for name in _targets(project):
        builder.add_studies(name, records.ids, None)
    patients = np.unique(_alone(records.patients), return_inverse=True)[1]
    builder.profile(members, patients).write(work.folder / "profile.parquet")


def profile_export(
    project: Project, inputs: Mapping[str, Path], export: Path, studies: Mapping[str, Path]
) -> Profile:
    """Return the profile of a new export, labeled by what a run learned.

    Parameters
    ----------
    project : Project
        The project.
    inputs : mapping from step to Path
        Outputs of the reference run.
    export : Path
        The new export.
    studies : mapping from payload to Path
        New signals or images, where there are any.
    """
    builder = Builder(project)
    above: dict[str, Labels] = {}
    ids, patients = _people(project, export)
    for task in parents_first(project.config.tasks):
        votes = {
            source: _votes_on(project, source, export, ids, patients)
            for source, declared in project.sources(task).items()
            if declared.functions is not None
        }
        builder.add_labeled(task, votes, inputs, above)
        target = project.config.tasks[task].target
        if target in studies and f"train:{task}" in inputs:
            from sidelight.crossmodal import load_bundle

            linked = link(
                ids.tolist(), open_target(project, project.config.payloads[str(target)], studies[str(target)])
            )
            proba = load_bundle(inputs[f"train:{task}"] / "bundle").predict_proba(linked.signals)
            builder.add_predictions(task, proba, linked.label_rows, len(ids))
    slices = find_slices(project, export) if project.config.slices else None
    members = {} if slices is None else {name: slices.values[:, j] for j, name in enumerate(slices.names)}
    builder.add_slices(members)
    builder.add_export(export)
    for name, path in studies.items():
        builder.add_studies(name, ids, path)
    return builder.profile(members, np.unique(_alone(patients), return_inverse=True)[1])


def _votes_on(
    project: Project, source: str, export: Path, ids: NDArray[np.str_], patients: NDArray[np.str_]
) -> VoteMatrix:
    """Return the votes on another export; nothing is kept of them."""
    with tempfile.TemporaryDirectory(dir=project.work, prefix="monitor-") as folder:
        return in_order(cast_votes(project, source, Path(folder) / "votes", export=export), ids, patients)


def _people(project: Project, export: Path) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Return the ids of an export's records and of their patients."""
    found = column_values(project, ["id", "patient_id"], export)
    return (
        np.array(found["id"], dtype=np.str_),
        np.array([name or "" for name in found["patient_id"]], dtype=np.str_),
    )


def _completed(votes: VoteMatrix, model: VoteModel) -> VoteMatrix:
    """Return votes with an empty column for each annotator, who has not seen the new records."""
    missing = [name for name in model.names_ if name not in votes.names]
    if not missing:
        return votes
    empty = np.full((votes.n_records, len(missing)), -1, dtype=np.int8)
    others = VoteMatrix(
        empty, votes.schema, tuple(map(FunctionInfo, missing)), ids=votes.ids, patient_ids=votes.patient_ids
    )
    return votes.join(others)


def _targets(project: Project) -> list[str]:
    wanted = {task.target for task in project.config.tasks.values()}
    return [name for name, payload in project.config.payloads.items() if payload.is_target and name in wanted]


def _alone(patients: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return a name for the patient of each record; one without a patient stands alone."""
    return np.array([name or f"\x1f{row}" for row, name in enumerate(patients.tolist())], dtype=np.str_)


class Builder:
    """Collects the columns of a profile, the same ones in the same order for every export of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.quantities: list[Quantity] = []
        self.columns: list[NDArray[Any]] = []

    def profile(self, members: Mapping[str, NDArray[np.bool_]], patients: NDArray[np.int64]) -> Profile:
        """Return what was collected."""
        return Profile(tuple(self.quantities), self.columns, members, patients)

    def _add(self, quantity: Quantity, column: Any) -> None:
        self.quantities.append(quantity)
        self.columns.append(column if quantity.kind == "category" else np.asarray(column, dtype=np.float64))

    def add_votes(self, task: str, votes: Mapping[str, VoteMatrix]) -> None:
        """Add how each function voted, and how many records each source of functions covers."""
        classes = self.project.config.tasks[task].classes
        for source, matrix in votes.items():
            values = matrix.dense()
            self._add(Quantity("coverage", source, source=source, task=task), (values >= 0).any(axis=1))
            for column, name in enumerate(matrix.names):
                for number, known in enumerate(classes):
                    self._add(
                        Quantity("votes", f"{name}: {known}", source=source, task=task),
                        np.equal(values[:, column], number),
                    )

    def add_labeled(
        self, task: str, votes: Mapping[str, VoteMatrix], inputs: Mapping[str, Path], above: dict[str, Labels]
    ) -> None:
        """Add what the functions of a task say and which labels that gives; annotators have not seen new records."""
        if not votes:
            return
        self.add_votes(task, votes)
        first, *others = votes.values()
        for matrix in others:
            first = first.join(matrix)
        model = VoteModel.load(inputs[f"fit:{task}"] / "label_model")
        labels = Labels.from_model(model, _completed(first, model))
        declared = self.project.config.tasks[task]
        if declared.parent in above:
            wanted = self.project.config.tasks[declared.parent].classes.index(str(declared.when))
            labels = within(labels, above[declared.parent].label == wanted)
        above[task] = labels
        self.add_labels(task, labels)

    def add_labels(self, task: str, labels: Labels) -> None:
        """Add the classes that the label model gives, and how sure it is."""
        covered = labels.covered
        for number, known in enumerate(labels.schema.classes):
            self._add(Quantity("labels", known, task=task), np.where(covered, labels.label == number, np.nan))
        self._add(
            Quantity("labels", "entropy", "number", task=task), np.where(covered, labels.entropy, np.nan)
        )

    def add_predictions(
        self, task: str, proba: NDArray[np.float64], rows: NDArray[np.intp], n_records: int
    ) -> None:
        """Add what the network says, on average where a record has several studies."""
        counts = np.bincount(rows, minlength=n_records)
        for number, known in enumerate(self.project.config.tasks[task].classes):
            total = np.bincount(rows, weights=proba[:, number], minlength=n_records)
            mean = np.divide(total, counts, out=np.full(n_records, np.nan), where=counts > 0)
            self._add(Quantity("predictions", known, "number", task=task), mean)

    def add_slices(self, members: Mapping[str, NDArray[np.bool_]]) -> None:
        """Add how large each slice is."""
        for name, values in members.items():
            self._add(Quantity("slices", name), values)

    def add_export(self, path: Path | None) -> None:
        """Add the shape of the texts, which groups of words they use, and the columns that are watched."""
        if self.project.has_text:
            self._add_texts(path)
        names = self.project.config.monitors.columns
        for name, values in column_values(self.project, names, path).items():
            kinds = {type(value) for value in values if value is not None}
            if kinds <= {int, float} and kinds:
                self._add(
                    Quantity("columns", name, "number"),
                    np.array([np.nan if v is None else v for v in values], float),
                )
            else:
                told = np.array([None if v is None or v == "" else str(v) for v in values], dtype=object)
                self._add(Quantity("columns", name, "category"), told)

    def _add_texts(self, path: Path | None) -> None:
        shapes: list[list[float]] = []
        buckets: list[NDArray[np.bool_]] = []
        known: dict[str, int] = {}
        for batch in open_export(self.project, path):
            has_text = "text" in batch.records.schema.names
            for text in batch.records.column("text").to_pylist() if has_text else [None] * len(batch):
                shapes.append(_shape(text or ""))
                used = np.zeros(N_BUCKETS, dtype=bool)
                for word in set(_WORD.findall((text or "").lower())):
                    used[known.setdefault(word, _bucket(word))] = True
                buckets.append(used)
        table = np.array(shapes, dtype=np.float64).reshape(len(shapes), len(_SHAPES))
        for number, (name, kind) in enumerate(_SHAPES):
            self._add(Quantity("text", name, kind), table[:, number])
        words = np.array(buckets, dtype=bool).reshape(len(buckets), N_BUCKETS)
        for number in range(N_BUCKETS):
            self._add(Quantity("words", f"group {number}"), words[:, number])

    def add_studies(self, name: str, ids: NDArray[np.str_], path: Path | None) -> None:
        """Add amplitude, offset, roughness and flat stretches of signals or images."""
        linked = link(ids.tolist(), open_target(self.project, self.project.config.payloads[name], path))
        table = np.full((len(ids), len(_STUDY)), np.nan)
        for start in range(0, len(linked), 64):
            rows = np.arange(start, min(start + 64, len(linked)))
            table[linked.label_rows[rows]] = _study_shape(linked.signals.batch(rows))
        for number, what in enumerate(_STUDY):
            self._add(Quantity("signals", f"{name} {what}", "number"), table[:, number])


_SHAPES = (
    ("empty", "share"),
    ("words", "number"),
    ("letters a word", "number"),
    ("digits", "number"),
    ("capitals", "number"),
    ("punctuation", "number"),
    ("lines", "number"),
)
_STUDY = ("amplitude", "offset", "roughness", "flat share", "largest value")


def _shape(text: str) -> list[float]:
    """Return how a text looks, whatever it says; NaN for what an empty one cannot have."""
    if not text.strip():
        return [1.0, *[np.nan] * (len(_SHAPES) - 1)]
    words = text.split()
    n = len(text)
    shares = [
        sum(map(test, text)) / n
        for test in (str.isdigit, str.isupper, lambda c: not c.isalnum() and not c.isspace())
    ]
    return [0.0, len(words), (n - text.count(" ")) / len(words), *shares, text.count("\n") + 1.0]


def _bucket(word: str) -> int:
    """Return the group a word falls into: many words a group, so that none can be read off."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big") % N_BUCKETS


def _study_shape(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return numbers a study that change with device, gain, filter and electrode, shape (n, 5)."""
    flat = values.reshape(len(values), values.shape[1], -1).astype(np.float64)
    steps = np.diff(values.astype(np.float64), axis=-1).reshape(len(values), values.shape[1], -1)
    spread = flat.std(axis=-1)
    rough = np.divide(steps.std(axis=-1), spread, out=np.zeros_like(spread), where=spread > 0)
    return np.stack(
        [
            np.log(spread + 1e-12).mean(axis=1),
            flat.mean(axis=(1, 2)),
            rough.mean(axis=1),
            (steps == 0).mean(axis=(1, 2)),
            np.log(np.abs(flat).max(axis=(1, 2)) + 1e-12),
        ],
        axis=1,
    )
