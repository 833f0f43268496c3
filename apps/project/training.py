"""The step that trains a network: on labels that other payloads gave, with more capacity for slices that ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sidelight.apps.bundles import open_bundle
from sidelight.label_model import Labels
from sidelight.labeling import LabelSchema, UsageError

from .file import Task
from .studies import link_studies
from .supervision import read_slices
from .work import Work, write_array, write_table

if TYPE_CHECKING:
    from sidelight.crossmodal import CrossModalClassifier
    from sidelight.crossmodal.inputs import Inputs
    from sidelight.crossmodal.targets import Targets

ENCODERS = {"signal": "resnet1d", "image": "resnet2d"}


def do_train(work: Work) -> None:
    """Train a network on the target payload, with labels that the other payloads gave; gold is not used."""
    import pyarrow as pa

    from sidelight.crossmodal import save_bundle
    from sidelight.crossmodal.multi_label import as_multi_label
    from sidelight.crossmodal.targets import as_targets

    name = work.step.subject
    config = work.project.config
    task = config.tasks[name]
    payload = config.payloads[str(task.target)]
    records = work.records()
    linked = link_studies(work.project, payload, records.ids, records.patients)
    proba, covered, lineage = _labels(work, name, task)
    proba, covered = proba[linked.label_rows], covered[linked.label_rows]
    parts = records.parts[linked.label_rows]
    train, dev = np.flatnonzero(parts == "train"), np.flatnonzero(parts == "dev")
    if not covered[train].any():
        raise UsageError(
            f"task {name}: no training record has both a label and a {payload.kind}; nothing to learn from"
        )
    network = _network(work, task)
    read = as_multi_label if task.is_multi_label else as_targets
    targets = read(proba[train], covered[train])
    signals = linked.signals.take(train)
    members = _emphasize_slices(work, network, linked.label_rows[train], signals, targets)
    validation = None
    if len(dev) and covered[dev].any():
        validation = (linked.signals.take(dev), proba[dev], covered[dev])
    seen = 0

    def show(state: Any) -> None:
        nonlocal seen
        work.progress(state.step - seen)
        seen = state.step

    work.partial.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        network.fit(
            signals, proba[train], covered[train], validation=validation, membership=members, progress=show,
            checkpoint=work.partial / "training.ckpt",
        )  # fmt: skip
    except ValueError as error:  # its message names settings and shapes
        fault = str(error)
    else:
        fault = ""
    if fault:
        work.project.places.refuse(("tuning",), fault)
    splits = config.splits
    about = {
        "project": config.project.name,
        "step": work.step.key,
        "labels": lineage,
        "split": {"key": splits.key, "fractions": [[n, share] for n, share in splits.fractions.items()]},
        "parts": {part: int((parts == part).sum()) for part in ("train", "dev", "test")},
        "target": work.step.parts["target"]["files"],
        "slices trained": list(work.step.parts.get("slices", [])),
    }
    schema = LabelSchema(task.classes, name)
    save_bundle(work.folder / "bundle", network, schema, lineage=about)
    bundle = open_bundle(work.folder / "bundle")
    predictions = bundle.predict(linked.signals, patient_ids=linked.patient_ids)
    predictions.write(work.folder / "predictions.parquet")
    write_array(work.folder / "embeddings.npy", bundle.embed(linked.signals))
    write_table(
        pa.table({"id": predictions.ids.tolist(), "record": linked.label_rows}),
        work.folder / "linked.parquet",
    )
    work.note("linked", len(linked), task=name)
    work.note("records without a study", linked.report.n_labels - linked.report.n_linked, task=name)
    work.note("records that share a study", len(linked.report.ambiguous_labels), task=name)
    work.note("epochs", len(network.history_), task=name)
    work.note("best epoch", network.best_epoch_, task=name)
    work.note("temperature", float(network.temperature_), task=name)


def _labels(work: Work, name: str, task: Task) -> tuple[NDArray[Any], NDArray[np.bool_], dict[str, Any]]:
    """Return probabilities and coverage of all records, a column a finding in a multi-label task, and their lineage."""
    tables = {q: Labels.read(work.inputs[f"fit:{q}"] / "labels.parquet") for q in task.questions(name)}
    lineage = {question: dict(labels.lineage) for question, labels in tables.items()}
    if not task.is_multi_label:
        return tables[name].proba, tables[name].covered, lineage[name]
    proba = np.stack([labels.proba[:, 1] for labels in tables.values()], axis=1)
    return proba, np.stack([labels.covered for labels in tables.values()], axis=1), lineage


def _network(work: Work, task: Task) -> CrossModalClassifier:
    """Return the network that `[tuning]` describes, untrained."""
    from sidelight.crossmodal import CrossModalClassifier

    config = work.project.config
    tuning, kind = config.tuning, config.payloads[str(task.target)].kind
    return CrossModalClassifier(
        tuning.encoder or ENCODERS[kind], loss=tuning.loss, max_epochs=tuning.max_epochs,
        batch_size=tuning.batch_size, learning_rate=tuning.learning_rate, weight_decay=tuning.weight_decay,
        patience=tuning.patience or None, multi_label=task.is_multi_label, accelerator="cpu",
        seed=config.project.seed,
    )  # fmt: skip


def _emphasize_slices(
    work: Work, network: CrossModalClassifier, rows: NDArray[np.intp], signals: Inputs, targets: Targets
) -> NDArray[np.float32] | None:
    """Set a network up for the slices with `train = true`; return who belongs to which where it learns that.

    Parameters
    ----------
    work
        The step.
    network : CrossModalClassifier
        Untrained.
    rows : ndarray of int of shape (n_train,)
        The record of each training study.
    signals : Inputs
        The training studies.
    targets : Targets
        Labels of the training studies.
    """
    wanted = list(work.step.parts.get("slices", []))
    if not wanted:
        return None
    from sidelight.slicing.membership import as_membership
    from sidelight.slicing.recipes import emphasize

    known = read_slices(work.inputs["slices"])
    members = {name: known[name][rows] for name in wanted}
    sizes = {name: int(mine[targets.used].sum()) for name, mine in members.items()}
    for name, size in sizes.items():
        work.note("labeled training records", size, task=work.step.subject, slice=name)
    some = {name: members[name] for name, size in sizes.items() if size}
    if not some:  # nobody to learn from: as if no slice had asked
        return None
    membership = as_membership(some, n_records=len(rows))
    learned = emphasize(network, signals, targets, membership, work.project.config.tuning.recipe)
    return membership.values if learned else None
