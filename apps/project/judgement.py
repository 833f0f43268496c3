"""The steps that learn from labels and judge them: analysis of functions, networks, audits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.apps.audits import Material, Wishes, study
from sidelight.crossmodal import Predictions
from sidelight.label_model import Labels, VoteModel
from sidelight.labeling import LFAnalysis, read_votes, write_folder
from sidelight.labeling.statistics import clustered_proportion
from sidelight.slicing import SliceMatrix, as_slices

from .checks import subclass_schema
from .supervision import read_slices
from .votes import joined_votes
from .work import Work, column_values, gold_of, write_json


def do_analyze(work: Work) -> None:
    """Describe what each function did and, where gold is known, how right functions and labels were."""
    name = work.step.subject
    config = work.project.config
    records = work.records()
    sources = [need.partition(":")[2] for need in work.inputs if need.startswith("label:")]
    voting = [source for source in sources if config.sources[source].role == "vote"]
    votes = joined_votes([work.inputs[f"label:{source}"] for source in voting], records)
    gold = _gold(work)
    seen = records.parts != "test"
    table = LFAnalysis(votes).lf_summary(None if gold is None else np.where(seen, gold, -1))
    model = VoteModel.load(work.inputs[f"fit:{name}"] / "label_model")
    weights = getattr(model, "get_weights", None)
    learned = dict(zip(model.names_, weights().tolist(), strict=True)) if weights is not None else {}
    assumed = getattr(model, "assumed_", None)
    unchecked = (
        set()
        if assumed is None
        else {name for name, guess in zip(model.names_, assumed, strict=True) if guess}
    )
    owner: dict[str, tuple[str, str]] = {}
    for source in voting:
        found = read_votes(work.inputs[f"label:{source}"] / "votes")
        owner |= {info.name: (source, info.fingerprint) for info in found.functions}
    cast, owners = votes.dense(), _owners(records.patients, records.ids)
    rows: list[dict[str, Any]] = []
    for function, row in table.iterrows():
        column = cast[:, votes.names.index(str(function))]
        judged = seen & (column >= 0) & (gold >= 0) if gold is not None else np.zeros(len(seen), dtype=bool)
        source, fingerprint = owner[str(function)]
        rows.append(
            {
                "name": str(function), "source": source, "tags": list(config.sources[source].tags),
                "author": config.sources[source].author, "fingerprint": fingerprint,
                "votes_for": [config.questions[name].classes[c] for c in row["polarity"]],
                "coverage": float(row["coverage"]), "overlaps": float(row["overlaps"]), "conflicts": float(row["conflicts"]),
                "precision": clustered_proportion((column == gold)[judged], owners[judged]).to_json() if judged.any() else None,
                "learned": _finite(learned.get(str(function))), "assumed": str(function) in unchecked,
            }
        )  # fmt: skip
    write_json(work.folder / "functions.json", rows)
    for entry in rows:
        work.note("coverage", entry["coverage"], task=name, source=entry["source"], function=entry["name"])
    analysis = LFAnalysis(votes)
    work.note("records in conflict", float(analysis.label_conflict()), task=name)
    if gold is not None:
        _judge_labels(work, name, Labels.read(work.inputs[f"fit:{name}"] / "labels.parquet"), gold)


def _judge_labels(work: Work, name: str, labels: Labels, gold: NDArray[np.int64]) -> None:
    """Note how many labels agree with gold, part by part."""
    records = work.records()
    for part in ("train", "dev", "test"):
        rows = (records.parts == part) & (gold >= 0) & (labels.label >= 0)
        right = clustered_proportion(
            labels.label[rows] == gold[rows], _owners(records.patients, records.ids)[rows]
        )
        about = {"low": _finite(right.low), "high": _finite(right.high), "n": right.n}
        work.note("label accuracy", right.estimate, task=name, part=part, **about)


def do_audit(work: Work) -> None:
    """Compare predictions with gold on the test patients: of the network, or of the labels where there is none."""
    name = work.step.subject
    proba, rows, of = scores_of(work.inputs, name)
    records, gold = work.records(), _gold(work)
    assert gold is not None  # noqa: S101 - without gold there is no such step
    test = (records.parts[rows] == "test") & (gold[rows] >= 0)
    work.note("test records with gold", int(test.sum()), task=name)
    of_patients = len(np.unique(_owners(records.patients, records.ids)[rows][test]))
    if of_patients < max(1, work.project.config.audit.smallest_cell or 0):
        return
    found, _ = study(_material(work, proba, rows, gold, test), _wishes(work), title=f"Audit of {name}")
    result = found.audit
    with write_folder(work.folder / "audit") as place:
        found.write(place)
    work.note("hidden subclasses", 0 if found.subclasses is None else len(found.subclasses.hidden), task=name)
    work.note("found slices", 0 if found.discovery is None else len(found.discovery.confirmed), task=name)
    for item in result.overall:
        bounds = {"low": _finite(item.value.low), "high": _finite(item.value.high), "n": result.n_records}
        why = {} if np.isfinite(item.value.estimate) else {"reason": item.value.reason}
        work.note(item.metric, item.value.estimate, task=name, part="test", of=of, **bounds, **why)
    for row in result.rows:
        bounds = {"low": _finite(row.value.low), "high": _finite(row.value.high), "n": row.n}
        work.note(
            row.metric,
            row.value.estimate,
            task=name,
            part="test",
            of=of,
            slice=row.slice,
            verdict=row.verdict,
            **bounds,
        )


def _material(
    work: Work,
    proba: NDArray[np.float64],
    rows: NDArray[np.intp],
    gold: NDArray[np.int64],
    test: NDArray[np.bool_],
) -> Material:
    """Return what an audit needs of the scored records, `rows` of the export, of which those of `test` are judged."""
    name = work.step.subject
    records, config = work.records(), work.project.config
    about = config.audit
    names = list(dict.fromkeys([*([about.subclass] if about.subclass else []), *about.groups, *about.search]))
    columns = column_values(work.project, names) if names else {}
    members = {}
    if "slices" in work.inputs:
        members = {slice_: values[rows] for slice_, values in read_slices(work.inputs["slices"]).items()}
    matrix = as_slices(members) if members else SliceMatrix(np.zeros((len(rows), 0), dtype=bool), ())
    trained = work.inputs.get(f"train:{name.partition('.')[0]}")
    views = {} if trained is None else {"model": np.load(trained / "embeddings.npy").astype(np.float64)}
    return Material(
        records.ids[rows], _owners(records.patients, records.ids)[rows], proba, gold[rows], work.project.schema(name),
        np.flatnonzero(test), np.flatnonzero(records.parts[rows] == "train") if trained is not None else rows[:0],
        {column: [cells[row] for row in rows.tolist()] for column, cells in columns.items()}, matrix, 0, views,
    )  # fmt: skip


def _wishes(work: Work) -> Wishes:
    """Return what the project's `[audit]` asks to be looked into."""
    config, name = work.project.config, work.step.subject
    about = config.audit
    fitted = work.inputs.get(f"fit:{name}")
    return Wishes(
        subclass=about.subclass,
        schema=None if about.subclass_schema is None else subclass_schema(work.project),
        groups=tuple(about.groups),
        discover=about.discover,
        metadata=tuple(dict.fromkeys([*about.groups, *about.search])),
        labels=None if fitted is None else Labels.read(fitted / "labels.parquet"),
        positive=config.questions[name].positive_class,
        smallest_cell=about.smallest_cell or 0,
        seed=config.project.seed,
    )


def scores_of(inputs: Any, task: str) -> tuple[NDArray[np.float64], NDArray[np.intp], str]:
    """Return probabilities of a task or finding, the record each is of, and whose they are: the network's or the labels'."""
    import pyarrow.parquet as pq

    trained, _, finding = task.partition(".")
    if f"train:{trained}" in inputs:
        folder = inputs[f"train:{trained}"]
        rows = pq.read_table(folder / "linked.parquet")["record"].to_numpy().astype(np.intp)
        table = Predictions.read(folder / "predictions.parquet")
        if not finding:
            return table.proba, rows, "network"
        present = table.proba[:, table.schema.classes.index(finding)]
        return np.stack([1 - present, present], axis=1), rows, "network"
    labels = Labels.read(inputs[f"fit:{task}"] / "labels.parquet")
    rows = np.flatnonzero(labels.covered)
    return labels.proba[rows], rows, "labels"


def _gold(work: Work) -> NDArray[np.int64] | None:
    """Return the gold labels among a step's inputs, None when there are none."""
    sources = work.project.config.sources
    folders = [
        folder
        for need, folder in work.inputs.items()
        if need.startswith("label:") and sources[need.partition(":")[2]].role == "gold"
    ]
    return gold_of(folders) if folders else None


def _owners(patients: NDArray[np.str_], ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return who each record belongs to; one without a patient stands alone."""
    return np.array(
        [p or f"record\x1f{i}" for p, i in zip(patients.tolist(), ids.tolist(), strict=True)], dtype=np.str_
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)
