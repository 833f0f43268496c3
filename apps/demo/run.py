"""The demo: reports of bundled ECGs become labels, the labels a network that reads ECGs, the network an audit."""

from __future__ import annotations

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
from sidelight.apps.audits import Material, Wishes, study
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
from sidelight.slicing import Audit, Findings, SFApplier, SliceMatrix

from . import REPORTS, SIGNALS
from .functions import FUNCTIONS, schema
from .slices import SLICES

GOLD = "abnormal"
SUBCLASS = "subclass"
CARE_GROUP = "sex"
SEARCHED = ("age", "sex", "weight", "device")
"""Columns that the search for unnamed slices may use, beside the network's embedding."""
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
    findings : Findings
        The network trained on labels from reports, on the test patients: slice by slice, subclasses beside their class,
        care groups, and what a search found.
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
    findings: Findings
    texts: list[str]
    seconds: dict[str, float]
    seed: int
    folder: Path

    @property
    def audit(self) -> Audit:
        """The slices' figures."""
        return self.findings.audit

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
            "audit": self.findings.to_json(),
            "seconds": {step: round(value, 1) for step, value in self.seconds.items()},
            "report": str(self.folder / "report.html"),
            "audit page": str(self.folder / "audit" / "audit.html"),
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
        Show the reports of the example ECGs, and search words of reports too; these data are public.
    overwrite : bool, default False
        Replace an older folder.
    say : callable, optional
        Told what is being done, a line a step.
    progress : callable, optional
        Told how far each training is.
    """
    with write_folder(out, overwrite=overwrite) as folder:
        demo = _run(folder, Path(out), seed, max_epochs, with_text, say, progress)
        say("writing the report")
        from .page import write_demo_report

        write_demo_report(folder / "report.html", demo, with_text=with_text)
        write_file(folder / "demo.json", json.dumps(demo.to_json(), indent=1, allow_nan=False) + "\n")
    return demo


def _run(
    folder: Path,
    out: Path,
    seed: int,
    max_epochs: int,
    with_text: bool,
    say: Say,
    progress: TrainingProgress,
) -> Demo:
    clock = _Clock()
    say(f"labeling {len(FUNCTIONS)} functions over the reports of a PTB-XL sample")
    reading = _reports()
    votes = LFApplier(FUNCTIONS, schema=schema).apply(reading, evidence=True)
    log = {"versions": {"sidelight": __version__, "python": platform.python_version()}}
    write_votes(votes, folder / "votes", quarantine=reading.quarantine.rows, log=log)
    columns = _columns()
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
    cells = {name: [column[row] for row in linked.ids.tolist()] for name, column in columns.items()}
    gold = encode_gold(cells[GOLD], schema)
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
    label = labels.label[linked.label_rows][test]
    judged = (label >= 0) & (gold[test] >= 0)
    accuracy = proportion(int((label == gold[test])[judged].sum()), int(judged.sum()))
    _save(folder, networks[ON_LABELS], labels, linked, split, key, comparison)
    say("auditing: slices, subclasses, care groups, and a search for slices that nobody named")
    searched = [*SEARCHED, *(["text"] if with_text else [])]
    material = Material(
        linked.ids, linked.patient_ids, np.column_stack([1 - scores[ON_LABELS], scores[ON_LABELS]]), gold, schema, test,
        split["train"], {name: cells[name] for name in (GOLD, SUBCLASS, *searched)}, members, 0,
        {"model": np.asarray(networks[ON_LABELS].embed(linked.signals), dtype=np.float64)}, linked.signals,
        np.arange(len(linked)),
    )  # fmt: skip
    wishes = Wishes(
        subclass=SUBCLASS, groups=(CARE_GROUP,), discover=True, metadata=SEARCHED, with_text=with_text, labels=labels,
        votes=votes, seed=seed,
    )  # fmt: skip
    findings, _ = study(material, wishes, title="The ECG network, on test patients")
    with write_folder(folder / "audit") as place:
        findings.write(place)
    clock.lap("evaluate")
    return Demo(
        votes, model, labels, linked, gold, split, scores, comparison, accuracy, members, findings, cells["text"],
        clock.laps, seed, out,
    )  # fmt: skip


def _reports() -> Reading:
    return read(REPORTS, id="ecg_id", text="report", time="recording_date")


def _columns() -> dict[str, dict[str, Any]]:
    """Return columns of the bundled records, by name and id; "text" is the report."""
    found: dict[str, dict[str, Any]] = {name: {} for name in (GOLD, SUBCLASS, *SEARCHED, "text")}
    for batch in _reports():
        for record in batch:
            for name, column in found.items():
                column[record.id] = (record.text or "") if name == "text" else record[name]
            found[CARE_GROUP][record.id] = {0: "male", 1: "female"}.get(record[CARE_GROUP])
    return found


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
