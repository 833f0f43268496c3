"""The steps that make labels: records and their parts, votes, slices, label models."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sidelight.crossmodal import patient_split
from sidelight.label_model import MODELS, Labels, VoteModel
from sidelight.labeling import VoteMatrix, write_votes
from sidelight.slicing import SFApplier, SliceMatrix

from .checks import open_export
from .file import Project
from .links import fit_linked, linked_tasks
from .sources import read_labels, slices_of, votes_from_labels
from .votes import cast_votes, joined_votes
from .work import Records, Work, column_values, write_json


def do_records(work: Work) -> None:
    """List the records, and cut them into parts by patient."""
    reading = open_export(work.project)
    ids: list[str] = []
    patients: list[str | None] = []
    for batch in reading:
        ids += batch.records.column("id").to_pylist()
        known = "patient_id" in batch.records.schema.names
        patients += batch.records.column("patient_id").to_pylist() if known else [None] * len(batch)
        work.progress(len(batch))
    owners = np.array([name or "" for name in patients], dtype=np.str_)
    splits = work.project.config.splits
    split = patient_split(owners, splits.fractions, key=splits.key, ids=ids)
    Records(np.array(ids, dtype=np.str_), owners, split.parts).write(work.folder)
    damaged = reading.quarantine.n_damaged
    about = {
        "records": len(ids),
        "rows": reading.n_rows,
        "set_aside": reading.quarantine.counts(),
        "damaged": damaged,
    }
    write_json(work.folder / "records.json", {**about, "parts": split.counts()})
    work.note("records", len(ids))
    work.note("patients", len(np.unique(owners[owners != ""])))
    work.note("rows set aside", len(reading.quarantine))
    for part, count in split.counts().items():
        work.note("records", count, part=part)


def do_label(work: Work) -> None:
    """Collect the votes of one source, running only the functions that earlier runs did not."""
    name = work.step.subject
    source = work.project.config.sources[name]
    if source.functions is None:
        records = work.records()
        if source.labels is not None:
            values = read_labels(work.project, name)
        else:
            assert source.column is not None  # noqa: S101 - checked when the file was read
            column = column_values(work.project, [source.column])[source.column]
            values = dict(zip(records.ids.tolist(), column, strict=True))
        votes = votes_from_labels(work.project, name, records.ids.tolist(), records.patients.tolist(), values)
        unknown = len(set(map(str, values)) - set(records.ids.tolist()))
        write_votes(votes, work.folder / "votes")
        work.note("labels", int(votes.covered().sum()), source=name)
        if source.labels is not None:
            work.note("labels of unknown records", unknown, source=name)
        return
    votes = cast_votes(
        work.project, name, work.project.work / "votes" / name, runner=work.runner, progress=work.progress
    )
    write_votes(votes, work.folder / "votes")  # in one part: equal bytes, whatever the engine had to do
    errors = {} if votes.statistics is None else _errors(votes)
    faults = {} if votes.statistics is None else _faults(votes)
    write_json(work.folder / "errors.json", {"records": votes.n_records, "errors": errors, "faults": faults})
    work.note("coverage", float(votes.covered().mean()) if len(votes) else 0.0, source=name)
    work.note("calls that raised", sum(errors.values()), source=name)


def _errors(votes: VoteMatrix) -> Mapping[str, int]:
    assert votes.statistics is not None  # noqa: S101 - the applier counts
    return {name: int(n) for name, n in zip(votes.names, votes.statistics.errors, strict=True) if n}


def _faults(votes: VoteMatrix) -> Mapping[str, Mapping[str, int]]:
    """Return what each function raised, its kind and line, and how often."""
    assert votes.statistics is not None  # noqa: S101 - the applier counts
    raised = zip(votes.names, votes.statistics.faults, strict=False)
    return {name: dict(sorted(kinds.items())) for name, kinds in raised if kinds}


def do_slices(work: Work) -> None:
    """Find out who belongs to which slice."""
    import pyarrow as pa

    from .work import write_table

    members = find_slices(work.project)
    assert members.ids is not None  # noqa: S101 - exports have ids
    columns: dict[str, Any] = {"id": pa.array(members.ids.tolist(), pa.string())}
    columns |= {name: pa.array(members.values[:, j]) for j, name in enumerate(members.names)}
    write_table(pa.table(columns), work.folder / "slices.parquet")
    for name, size in zip(members.names, members.values.sum(axis=0), strict=True):
        work.note("records", int(size), slice=name)


def find_slices(project: Project, path: Path | None = None) -> SliceMatrix:
    """Return the membership of an export's records in the project's slices."""
    return SFApplier(slices_of(project)).apply(open_export(project, path))


def read_slices(folder: Path) -> dict[str, Any]:
    """Return the membership that `do_slices` wrote, in the order of the export."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "slices.parquet")
    return {name: table[name].to_numpy() for name in table.column_names if name != "id"}


def do_fit(work: Work) -> None:
    """Learn how far each function can be trusted, on records outside of the test part, and label all records."""
    name = work.step.subject
    task = work.project.config.questions[name]
    records = work.records()
    votes = _votes_of(work, name, records)
    inside = np.ones(len(records.ids), dtype=bool)
    if task.parent is not None:
        above = Labels.read(work.inputs[f"fit:{task.parent}"] / "labels.parquet")
        inside = above.label == work.project.config.tasks[task.parent].classes.index(str(task.when))
    seen = np.flatnonzero(inside & (records.parts != "test"))
    linked = linked_tasks(work.project.config)
    if name in linked:
        tables = {question: _votes_of(work, question, records) for question in linked}
        model: VoteModel
        model, labels = fit_linked(work.project.config, name, tables, seen)
    else:
        model = MODELS[task.label_model](cardinality=len(task.classes))
        model.fit(votes.take_rows(seen), class_balance=task.class_balance)
        labels = within(Labels.from_model(model, votes), inside)
    labels.write(work.folder / "labels.parquet")
    model.save(work.folder / "label_model")
    work.note("covered", float(labels.covered.mean()), task=name)
    for number, share in enumerate(labels.lineage["class_balance"]):
        work.note("class balance", share, task=name, **{"class": task.classes[number]})
    for number, known in enumerate(task.classes):
        work.note("labeled", int((labels.label == number).sum()), task=name, **{"class": known})
    for found in () if name in linked else model.overruled_:
        about = {"class": found.name, "n": found.n_records, "said": str(found)}
        work.note("labeled against all votes", found.n_otherwise, task=name, **about)


def _votes_of(work: Work, question: str, records: Records) -> VoteMatrix:
    """Return the votes of all sources of a task, or of a finding."""
    return joined_votes(
        [work.inputs[f"label:{source}"] for source in work.project.sources(question)], records
    )


def within(labels: Labels, inside: Any) -> Labels:
    """Return labels with those records uncovered to which the task does not apply."""
    return replace(labels, label=np.where(inside, labels.label, -1), covered=labels.covered & inside)
