"""The steps that learn from labels and judge them: analysis of functions, networks, audits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.crossmodal import Predictions
from sidelight.label_model import Labels, VoteModel
from sidelight.labeling import LFAnalysis, read_votes
from sidelight.labeling.statistics import clustered_proportion
from sidelight.slicing import audit

from .supervision import read_slices
from .votes import joined_votes
from .work import Work, gold_of, write_json


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
                "learned": _finite(learned.get(str(function))),
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
    if not test.any():
        return
    rows, proba = rows[test], proba[test]
    members = {}
    if "slices" in work.inputs:
        members = {slice_: values[rows] for slice_, values in read_slices(work.inputs["slices"]).items()}
    task = work.project.config.questions[name]
    result = audit(
        gold[rows], proba, members, patients=_owners(records.patients, records.ids)[rows],
        positive=task.positive_class, seed=work.project.config.project.seed,
    )  # fmt: skip
    result.write(work.folder / "audit")
    for item in result.overall:
        bounds = {"low": _finite(item.value.low), "high": _finite(item.value.high), "n": result.n_records}
        work.note(item.metric, item.value.estimate, task=name, part="test", of=of, **bounds)
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
