"""The demo: reports of bundled ECGs become labels, the labels a network that reads ECGs, the network an audit."""

import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight import __version__
from sidelight.apps.threads import torch_threads
from sidelight.crossmodal import Comparison, Linked, SignalSet, Split, compare_scores, link, patient_split
from sidelight.label_model import LabelModel, Labels, MajorityLabelVoter
from sidelight.labeling import (
    LFApplier,
    Reading,
    VoteMatrix,
    encode_gold,
    read,
    write_file,
    write_folder,
    write_votes,
)
from sidelight.labeling.statistics import Interval, proportion
from sidelight.slicing import Audit, SFApplier, SliceMatrix, audit

from . import REPORTS, SIGNALS
from .functions import FUNCTIONS, schema
from .slices import SLICES

GOLD = "abnormal"
LICENCE = "Trained on a sample of PTB-XL (Wagner et al., Scientific Data 2020), CC BY 4.0."

LABELS = "labels from reports"
MAJORITY_LABELS = "majority vote of the functions"
ON_LABELS = "ECG network, labels from reports"
ON_MAJORITY = "ECG network, majority-vote labels"
ON_GOLD = "ECG network, gold labels"

Say = Callable[[str], None]
TrainingProgress = Callable[[str, Any], None]


@dataclass(frozen=True, eq=False)
class Demo:
    """Everything the demo made, as plain values.

    Parameters
    ----------
    votes : VoteMatrix
        Votes on all reports.
    model : LabelModel
        Fitted on the reports of the training and development patients.
    labels : Labels
        Its labels of all reports.
    linked : Linked
        Signals and the label rows that belong to them.
    gold : ndarray of int of shape (n_linked,)
        The cardiologists' codes: 1 abnormal, 0 normal, -1 where the codes do not say.
    split : Split
        Parts of the linked records, by patient.
    scores : dict from name to ndarray of shape (n_linked,)
        Probability of "abnormal" that each contender gives.
    comparison : Comparison
        The contenders on the test patients.
    accuracy : Interval
        Share of the test reports whose label agrees with gold, of those that got one.
    members : SliceMatrix
        Slices of the linked records.
    audit : Audit
        The network trained on labels from reports, slice by slice, on the test patients.
    texts : list of str
        Reports of the linked records (public data).
    seconds : dict from step to float
        Wall time of each step.
    seed : int
        What everything was drawn from.
    folder : Path
        Where it was all written.
    """

    votes: VoteMatrix
    model: LabelModel
    labels: Labels
    linked: Linked[SignalSet]
    gold: NDArray[np.int64]
    split: Split
    scores: dict[str, NDArray[np.float64]]
    comparison: Comparison
    accuracy: Interval
    members: SliceMatrix
    audit: Audit
    texts: list[str]
    seconds: dict[str, float]
    seed: int
    folder: Path

    def to_json(self) -> dict[str, Any]:
        """Return what was measured as plain values; equal runs give equal values but for `seconds`."""
        return {
            "data": "PTB-XL sample, CC BY 4.0",
            "records": len(self.linked),
            "parts": self.split.counts(),
            "functions": self.votes.n_functions,
            "covered": float(self.labels.covered.mean()),
            "label accuracy": self.accuracy.to_json(),
            "comparison": self.comparison.to_json(),
            "audit": self.audit.to_json(),
            "seconds": {step: round(value, 1) for step, value in self.seconds.items()},
            "report": str(self.folder / "report.html"),
        }


def run_demo(
    out: str | Path,
    *,
    seed: int = 0,
    max_epochs: int = 30,
    with_text: bool = True,
    overwrite: bool = False,
    say: Say = lambda line: None,
    progress: TrainingProgress = lambda name, state: None,
) -> Demo:
    """Run the demo and write votes, labels, label model, bundle, predictions, audit and report into a folder.

    Parameters
    ----------
    out : path-like
        The folder, made whole or not at all.
    seed : int, default 0
        Of the split's key, the networks and the resampled intervals.
    max_epochs : int, default 30
        Most passes over the training signals.
    with_text : bool, default True
        Show the reports of the example ECGs; these data are public.
    overwrite : bool, default False
        Replace an older folder.
    say : callable, optional
        Told what is being done, a line a step.
    progress : callable, optional
        Told how far each training is.
    """
    with write_folder(out, overwrite=overwrite) as folder:
        demo = _run(folder, Path(out), seed, max_epochs, say, progress)
        say("writing the report")
        from .page import write_demo_report

        write_demo_report(folder / "report.html", demo, with_text=with_text)
        write_file(folder / "demo.json", json.dumps(demo.to_json(), indent=1, allow_nan=False) + "\n")
    return demo


def _run(folder: Path, out: Path, seed: int, max_epochs: int, say: Say, progress: TrainingProgress) -> Demo:
    clock = _Clock()
    say(f"labeling {len(FUNCTIONS)} functions over the reports of a PTB-XL sample")
    reading = _reports()
    votes = LFApplier(FUNCTIONS, schema=schema).apply(reading, evidence=True)
    log = {"versions": {"sidelight": __version__, "python": platform.python_version()}}
    write_votes(votes, folder / "votes", quarantine=reading.quarantine.rows, log=log)
    golds, texts = _columns()
    clock.lap("label")

    assert votes.patient_ids is not None  # noqa: S101 - the bundled file has them
    key = f"sidelight-demo-{seed}"
    seen = np.flatnonzero(patient_split(votes.patient_ids, key=key).parts != "test")
    say(f"learning how far each function can be trusted, from {len(seen)} reports without a gold label")
    model = LabelModel(cardinality=schema.cardinality).fit(votes.take_rows(seen))
    majority = MajorityLabelVoter(cardinality=schema.cardinality).fit(votes.take_rows(seen))
    labels, voted = Labels.from_model(model, votes), Labels.from_model(majority, votes)
    labels.write(folder / "labels.parquet")
    model.save(folder / "label_model")
    clock.lap("fit")

    linked = link(labels, SignalSet.read(SIGNALS))
    split = patient_split(linked.patient_ids, key=key, ids=linked.ids)
    gold = encode_gold([golds[name] for name in linked.ids.tolist()], schema)
    scores = {LABELS: labels.proba[linked.label_rows, 1], MAJORITY_LABELS: voted.proba[linked.label_rows, 1]}
    targets = {
        ON_LABELS: (labels.proba[linked.label_rows], linked.covered),
        ON_MAJORITY: (voted.proba[linked.label_rows], linked.covered),
        ON_GOLD: (gold, None),
    }
    networks = {}
    for name, (target, covered) in targets.items():
        say(f"training: {name} ({len(split['train'])} training, {len(split['dev'])} development records)")
        networks[name] = _train(linked, split, target, covered, seed, max_epochs, partial(progress, name))
        scores[name] = networks[name].predict_proba(linked.signals)[:, 1]
    clock.lap("train")

    say("measuring on the test patients")
    test = split["test"]
    comparison = compare_scores(
        gold[test],
        {name: score[test] for name, score in scores.items()},
        linked.patient_ids[test],
        reference=ON_GOLD,
        seed=seed,
    )
    members = SFApplier(SLICES).apply(_reports()).align(linked.ids)
    result = audit(
        gold[test],
        scores[ON_LABELS][test],
        members.take_rows(test),
        patients=linked.patient_ids[test],
        seed=seed,
    )
    label = labels.label[linked.label_rows][test]
    judged = (label >= 0) & (gold[test] >= 0)
    accuracy = proportion(int((label == gold[test])[judged].sum()), int(judged.sum()))
    _save(folder, networks[ON_LABELS], labels, linked, split, key, comparison)
    result.write(folder / "audit")
    clock.lap("evaluate")
    return Demo(
        votes, model, labels, linked, gold, split, scores, comparison, accuracy, members, result,
        [texts[name] for name in linked.ids.tolist()], clock.laps, seed, out,
    )  # fmt: skip


def _reports() -> Reading:
    return read(REPORTS, id="ecg_id", text="report", time="recording_date")


def _columns() -> tuple[dict[str, Any], dict[str, str]]:
    """Return gold labels and reports of the bundled records, by id."""
    golds: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for batch in _reports():
        for record in batch:
            golds[record.id] = record[GOLD]
            texts[record.id] = record.text or ""
    return golds, texts


def _train(
    linked: Linked[SignalSet],
    split: Split,
    target: NDArray[Any],
    covered: NDArray[np.bool_] | None,
    seed: int,
    max_epochs: int,
    progress: Callable[[Any], None],
) -> Any:
    """Train one network; all contenders get the same architecture, budget and patients."""
    from sidelight.crossmodal import CrossModalClassifier

    def part(name: str) -> tuple[Any, ...]:
        rows = split[name]
        return (linked.signals.take(rows), target[rows], None if covered is None else covered[rows])

    model = CrossModalClassifier(max_epochs=max_epochs, seed=seed, accelerator="cpu")
    with torch_threads(1):
        return model.fit(*part("train"), validation=part("dev"), progress=progress)


def _save(
    folder: Path,
    network: Any,
    labels: Labels,
    linked: Linked[SignalSet],
    split: Split,
    key: str,
    comparison: Comparison,
) -> None:
    """Write the bundle and its predictions of every record."""
    from sidelight.crossmodal import load_bundle, save_bundle

    save_bundle(
        folder / "bundle",
        network,
        labels.schema,
        lineage={
            "labels": dict(labels.lineage),
            "split": {"key": key, "fractions": [["train", 0.6], ["dev", 0.2], ["test", 0.2]]},
            "parts": split.counts(),
        },
        metrics=comparison.to_json(),
        licence_notes=[LICENCE],
    )
    load_bundle(folder / "bundle").predict(linked.signals, patient_ids=linked.patient_ids).write(
        folder / "predictions.parquet"
    )


class _Clock:
    """Wall seconds between laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = now - self._last
        self._last = now
