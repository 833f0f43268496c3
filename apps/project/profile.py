"""What monitoring looks at: numbers a record, without its words, so that two exports can be compared."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sidelight.apps.bundles import open_bundle
from sidelight.label_model import Labels, VoteModel
from sidelight.labeling import FunctionInfo, VoteMatrix

from .checks import open_export
from .file import Project
from .graph import parents_first
from .judgement import scores_of
from .shapes import N_GROUPS, STUDY_SHAPES, TEXT_SHAPES, WORD, study_shape, text_shape, word_group
from .studies import link_studies
from .supervision import find_slices, read_slices, within
from .votes import cast_votes, in_order, joined_votes
from .work import Work, column_values, write_table


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

    def take(self, rows: NDArray[Any]) -> Profile:
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
    def read(cls, path: Path) -> Profile:
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
    for task in parents_first(config.questions):
        votes = {
            source: joined_votes([work.inputs[f"label:{source}"]], records)
            for source, declared in project.sources(task).items()
            if declared.functions is not None
        }
        builder.add_labeled(task, votes, work.inputs, above)
        if f"train:{task.partition('.')[0]}" in work.inputs:
            proba, rows, _ = scores_of(work.inputs, task)
            unseen = records.parts[rows] == "test"  # what a network learned from, it predicts too well
            builder.add_predictions(task, proba[unseen], rows[unseen], len(records.ids))
    members = read_slices(work.inputs["slices"]) if "slices" in work.inputs else {}
    builder.add_slices(members)
    builder.add_export(None)
    for name in _targets(project):
        builder.add_studies(name, records.ids)
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
    for task in parents_first(project.config.questions):
        votes = {
            source: _votes_on(project, source, export, ids, patients)
            for source, declared in project.sources(task).items()
            if declared.functions is not None
        }
        builder.add_labeled(task, votes, inputs, above)
    for name, declared in project.config.tasks.items():
        if declared.target in studies and f"train:{name}" in inputs:
            builder.add_network(
                name, inputs[f"train:{name}"] / "bundle", ids, export, studies[str(declared.target)]
            )
    slices = find_slices(project, export) if project.config.slices else None
    members = {} if slices is None else {name: slices.values[:, j] for j, name in enumerate(slices.names)}
    builder.add_slices(members)
    builder.add_export(export)
    for name, path in studies.items():
        builder.add_studies(name, ids, export, path)
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
        classes = self.project.config.questions[task].classes
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
        declared = self.project.config.questions[task]
        if declared.parent in above:
            wanted = self.project.config.questions[declared.parent].classes.index(str(declared.when))
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
        for number, known in enumerate(self.project.config.questions[task].classes):
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
                shapes.append(text_shape(text or ""))
                used = np.zeros(N_GROUPS, dtype=bool)
                for word in set(WORD.findall((text or "").lower())):
                    used[known.setdefault(word, word_group(word))] = True
                buckets.append(used)
        table = np.array(shapes, dtype=np.float64).reshape(len(shapes), len(TEXT_SHAPES))
        for number, (name, kind) in enumerate(TEXT_SHAPES):
            self._add(Quantity("text", name, kind), table[:, number])
        words = np.array(buckets, dtype=bool).reshape(len(buckets), N_GROUPS)
        for number in range(N_GROUPS):
            self._add(Quantity("words", f"group {number}"), words[:, number])

    def add_network(
        self, task: str, bundle: Path, ids: NDArray[np.str_], export: Path, studies: Path
    ) -> None:
        """Add what a run's network says of new studies, finding by finding where there are several."""
        declared = self.project.config.tasks[task]
        payload = self.project.config.payloads[str(declared.target)]
        linked = link_studies(self.project, payload, ids, export=export, path=studies)
        proba = open_bundle(bundle).predict_proba(linked.signals)
        for number, question in enumerate(declared.questions(task)):
            one = proba
            if declared.is_multi_label:
                one = np.stack([1 - proba[:, number], proba[:, number]], axis=1)
            self.add_predictions(question, one, linked.label_rows, len(ids))

    def add_studies(
        self, name: str, ids: NDArray[np.str_], export: Path | None = None, path: Path | None = None
    ) -> None:
        """Add amplitude, offset, roughness and flat stretches of signals or images."""
        payload = self.project.config.payloads[name]
        linked = link_studies(self.project, payload, ids, export=export, path=path)
        table = np.full((len(ids), len(STUDY_SHAPES)), np.nan)
        for start in range(0, len(linked), 64):
            rows = np.arange(start, min(start + 64, len(linked)))
            table[linked.label_rows[rows]] = study_shape(linked.signals.batch(rows))
        for number, what in enumerate(STUDY_SHAPES):
            self._add(Quantity("signals", f"{name} {what}", "number"), table[:, number])
