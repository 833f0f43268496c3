"""The ECG parts of `cross_modal.py`: normal or abnormal, five findings, a learning curve, and reports without signals."""

import csv
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import ecg_findings
import numpy as np
from numpy.typing import NDArray

from sidelight.apps.demo.functions import FUNCTIONS, schema
from sidelight.crossmodal import (
    CrossModalClassifier,
    Linked,
    SignalSet,
    check_split,
    find_duplicate_studies,
    link,
    nested_samples,
    patient_folds,
)
from sidelight.label_model import LabelModel, Labels, MajorityLabelVoter, MultiLabelModel
from sidelight.labeling import LFApplier, VoteMatrix
from sidelight.labeling.statistics import auroc

NOTE = "Edit:"
N_FOLDS = 5
SHARES = (0.1, 0.25, 0.5)
MODELS = {"label model": LabelModel, "majority vote": MajorityLabelVoter}

Targets = tuple[NDArray[Any], NDArray[np.bool_]]
Save = Callable[[str, dict[str, Any]], None]


@dataclass
class Ecg:
    """PTB-XL's sample: signals, reports, gold and folds by patient, copies of a signal counted as one patient.

    Parameters
    ----------
    folder : Path
        Holds records.csv, reports_only.csv and signals_100hz.npz.
    epochs : int, optional
        Fewer epochs than the default, to try the benchmark out.
    """

    folder: Path
    epochs: int | None = None
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read records and signals, and join what is one."""
        self.records = read_records(self.folder / "records.csv")
        signals = SignalSet.read(self.folder / "signals_100hz.npz")
        linked: Linked[SignalSet] = link([record["id"] for record in self.records], signals)
        if len(linked) != len(self.records):
            raise SystemExit("; ".join(linked.report.lines()))
        self.signals = linked.signals
        self.gold = np.array([record["gold"] for record in self.records])
        self.findings = np.array([record["findings"] for record in self.records])
        patients = np.array([record["patient_id"] for record in self.records], dtype=object)
        self.copies = find_duplicate_studies(self.signals)
        for first, second in self.copies.pairs:
            # the same tracing under two patients: one of them, or it would stand in two folds
            patients[patients == patients[second]] = patients[first]
        self.patients = patients.astype(np.str_)
        self.folds = patient_folds(self.patients, N_FOLDS)
        self.copies.check(self.folds)

    @cached_property
    def votes(self) -> VoteMatrix:
        """Votes for normal and abnormal."""
        return LFApplier(FUNCTIONS, schema=schema).apply(self.records)

    @cached_property
    def finding_votes(self) -> dict[str, VoteMatrix]:
        """Votes for and against each finding."""
        return votes_on_findings(self.records, self.votes)

    def parts(self) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]]:
        """Yield fold, training, dev and test rows."""
        for fold in range(N_FOLDS):
            is_dev = self.folds == (fold + 1) % N_FOLDS
            parts = np.where(self.folds == fold, "test", np.where(is_dev, "dev", "train"))
            check_split(parts, self.patients)
            yield fold, *(np.flatnonzero(parts == name) for name in ("train", "dev", "test"))

    def train(self, rows: Any, targets: Targets, dev: Any, dev_gold: Any, seed: int, **options: Any) -> Any:
        """Return a network trained on some records, counting its seconds."""
        start = time.process_time()
        if self.epochs is not None:
            options["max_epochs"] = self.epochs
        model = CrossModalClassifier(seed=seed, accelerator="cpu", **options)
        model.fit(self.signals.take(rows), *targets, validation=(self.signals.take(dev), dev_gold))
        self.seconds.append(time.process_time() - start)
        return model


def normal(ecg: Ecg, n_seeds: int, save: Save) -> dict[str, Any]:
    """Return scores of networks that tell normal from abnormal, trained on several kinds of labels.

    The single best function's network is trained with the first seed alone.
    """
    names = [*MODELS, "gold", "single best function"]
    label_scores = {name: np.full(len(ecg.gold), np.nan) for name in MODELS}
    scores = {name: np.full((len(ecg.gold), n_seeds), np.nan) for name in names}
    chosen, coverage = [], []
    for seed in range(n_seeds):
        for fold, train, dev, test in ecg.parts():
            targets = class_targets(ecg, train)
            best = best_function(ecg, dev)
            targets["single best function"] = single_function(ecg, train, best)
            if seed == 0:
                chosen.append(ecg.votes.names[best])
                coverage.append(float(targets["label model"][1].mean()))
                for name, kind in MODELS.items():
                    model = kind(cardinality=schema.cardinality).fit(ecg.votes.take_rows(train))
                    label_scores[name][test] = model.predict_proba(ecg.votes.take_rows(test))[:, 1]
            for name in names if seed == 0 else names[:-1]:
                network = ecg.train(train, targets[name], dev, ecg.gold[dev], seed)
                scores[name][test, seed] = network.predict_proba(ecg.signals.take(test))[:, 1]
            say(f"normal: seed {seed}, fold {fold + 1}, {ecg.seconds[-1]:.1f} CPU s")
        done = {name: values[:, : 1 if name == names[-1] else seed + 1] for name, values in scores.items()}
        found = {"labels": label_scores, "networks": done, "best": chosen, "coverage": coverage}
        save("normal", found)
    return found


def superclass(ecg: Ecg, n_seeds: int, save: Save) -> dict[str, Any]:
    """Return scores of networks for five findings at once, trained on several kinds of labels."""
    names = [*MODELS, "gold"]
    shape = ecg.findings.shape
    label_scores = {name: np.full(shape, np.nan) for name in MODELS}
    scores = {name: np.full((*shape, n_seeds), np.nan) for name in names}
    for seed in range(n_seeds):
        for fold, train, dev, test in ecg.parts():
            targets: dict[str, Targets] = {"gold": (ecg.findings[train], np.ones(len(train), dtype=bool))}
            for name in MODELS:
                given, covered, model = finding_targets(ecg.finding_votes, train, name)
                targets[name] = (given, covered)
                label_scores[name][test] = finding_proba(model, ecg.finding_votes, test)
            for name in names:
                network = ecg.train(train, targets[name], dev, ecg.findings[dev], seed, multi_label=True)
                scores[name][test, :, seed] = network.predict_proba(ecg.signals.take(test))
            say(f"superclass: seed {seed}, fold {fold + 1}, {ecg.seconds[-1]:.1f} CPU s")
        done = {name: values[:, :, : seed + 1] for name, values in scores.items()}
        found = {"labels": label_scores, "networks": done}
        save("superclass", found)
    return found


def curve(ecg: Ecg, n_seeds: int, save: Save) -> dict[str, Any]:
    """Return areas at growing shares of the training patients, label model and network fitted anew at each."""
    names = ("label model", "gold")
    n_rows = {share: [] for share in SHARES}
    scores = {name: np.full((len(SHARES), len(ecg.gold), n_seeds), np.nan) for name in names}
    for seed in range(n_seeds):
        for fold, train, dev, test in ecg.parts():
            samples = nested_samples(ecg.patients[train], SHARES, key=f"curve {seed}")
            for place, (share, sample) in enumerate(zip(SHARES, samples, strict=True)):
                rows = train[sample]
                n_rows[share].append(len(rows))
                targets = class_targets(ecg, rows)
                for name in names:
                    network = ecg.train(rows, targets[name], dev, ecg.gold[dev], seed)
                    proba = network.predict_proba(ecg.signals.take(test))[:, 1]
                    scores[name][place, test, seed] = proba
            say(f"curve: seed {seed}, fold {fold + 1}")
        known = ecg.gold >= 0
        areas = {
            name: [
                [auroc(ecg.gold[known], values[place, known, run]) for run in range(seed + 1)]
                for place in range(len(SHARES))
            ]
            for name, values in scores.items()
        }
        found = {
            "n": [float(np.mean(n_rows[share])) for share in SHARES],
            "n_all": float(np.mean([len(train) for _, train, *_ in ecg.parts()])),
            "areas": areas,
        }
        save("curve", found)
    return found


def extra(ecg: Ecg, n_seeds: int, save: Save) -> dict[str, Any]:
    """Return label scores with and without the reports that have no signal; no network is trained."""
    reports = read_records(ecg.folder / "reports_only.csv")
    votes = LFApplier(FUNCTIONS, schema=schema).apply(reports)
    finding_votes = votes_on_findings(reports, votes)
    owners = np.array([record["patient_id"] for record in reports])
    fibrillation = votes.names.index("has_fibrillation")
    names = (
        "records alone",
        "and the extra reports",
        "and the extra reports, fibrillation as rare as in the records",
    )
    binary = {name: np.full(len(ecg.gold), np.nan) for name in names}
    several = {name: np.full(ecg.findings.shape, np.nan) for name in names}
    shared = int(np.isin(owners, ecg.patients).sum())
    for _, train, dev, test in ecg.parts():
        held = np.concatenate([ecg.patients[dev], ecg.patients[test]])
        usable = np.flatnonzero(~np.isin(owners, held))
        choices = {
            names[0]: np.empty(0, dtype=np.intp),
            names[1]: usable,
            names[2]: thinned(usable, votes.dense()[:, fibrillation] == 1, ecg.votes, fibrillation, train),
        }
        for name, more in choices.items():
            table = stacked(ecg.votes, train, votes, more)
            model = LabelModel(cardinality=2).fit(table)
            binary[name][test] = model.predict_proba(ecg.votes.take_rows(test))[:, 1]
            tables = {
                finding: stacked(ecg.finding_votes[finding], train, finding_votes[finding], more)
                for finding in ecg_findings.FINDINGS
            }
            several[name][test] = (
                MultiLabelModel()
                .fit(tables)
                .predict_proba({finding: ecg.finding_votes[finding].take_rows(test) for finding in tables})
            )
    found = {"binary": binary, "several": several, "shared": shared, "n_reports": len(reports)}
    save("extra", found)
    return found


PARTS = {"extra": extra, "normal": normal, "curve": curve, "superclass": superclass}


def class_targets(ecg: Ecg, rows: NDArray[np.intp]) -> dict[str, Targets]:
    """Return labels of records by label model, majority vote and gold; models are fitted on these records' votes."""
    targets: dict[str, Targets] = {"gold": (ecg.gold[rows], ecg.gold[rows] >= 0)}
    for name, kind in MODELS.items():
        votes = ecg.votes.take_rows(rows)
        labels = Labels.from_model(kind(cardinality=schema.cardinality).fit(votes), votes)
        targets[name] = (labels.proba, labels.covered)
    return targets


def finding_targets(votes: dict[str, VoteMatrix], rows: NDArray[np.intp], name: str) -> Any:
    """Return labels of findings, where they count, and the model, fitted on these records' votes."""
    tables = {finding: table.take_rows(rows) for finding, table in votes.items()}
    if name == "label model":
        model: Any = MultiLabelModel().fit(tables)
    else:
        model = {finding: MajorityLabelVoter(cardinality=2).fit(table) for finding, table in tables.items()}
    covered = np.stack([table.covered() for table in tables.values()], axis=1)
    return finding_proba(model, votes, rows), covered, model


def finding_proba(model: Any, votes: dict[str, VoteMatrix], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return P(there) of each finding."""
    tables = {finding: table.take_rows(rows) for finding, table in votes.items()}
    if isinstance(model, dict):
        return np.stack([model[name].predict_proba(table)[:, 1] for name, table in tables.items()], axis=1)
    proba: NDArray[np.float64] = model.predict_proba(tables)
    return proba


def best_function(ecg: Ecg, dev: NDArray[np.intp]) -> int:
    """Return the function that tells the classes best on dev, an abstention counted as half-way between them."""
    known = dev[ecg.gold[dev] >= 0]
    score = np.where(ecg.votes.dense()[known] < 0, 0.5, ecg.votes.dense()[known])
    return int(np.argmax([auroc(ecg.gold[known], column) for column in score.T]))


def single_function(ecg: Ecg, rows: NDArray[np.intp], place: int) -> Targets:
    """Return one function's votes as labels; of one that knows a single class, its silence is the other."""
    given = ecg.votes.dense()[rows, place].astype(int)
    said = np.unique(given[given >= 0])
    if len(said) == 1:
        given = np.where(given < 0, 1 - said[0], given)
    return given, given >= 0


def thinned(
    rows: NDArray[np.intp], has: NDArray[np.bool_], votes: VoteMatrix, column: int, train: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return rows with as large a share of a finding, by its function's votes, as the training records have."""
    share = float((votes.dense()[train, column] == 1).mean())
    without, with_it = rows[~has[rows]], rows[has[rows]]
    n_with = min(len(with_it), round(share / (1 - share) * len(without)))
    kept = np.random.default_rng(0).permutation(with_it)[:n_with]
    return np.sort(np.concatenate([without, kept]))


def stacked(
    first: VoteMatrix, rows: NDArray[np.intp], second: VoteMatrix, more: NDArray[np.intp]
) -> VoteMatrix:
    """Return the votes of some rows of both tables."""
    both = np.concatenate([first.dense()[rows], second.dense()[more]])
    return VoteMatrix(both, first.schema, first.functions)


def votes_on_findings(records: list[dict[str, Any]], normal_votes: VoteMatrix) -> dict[str, VoteMatrix]:
    """Return votes on each superclass; on NORM, those of the functions for normal turned round."""
    given = normal_votes.dense()
    turned = np.where(given < 0, -1, 1 - given).astype(np.int8)
    tables = {"NORM": VoteMatrix(turned, ecg_findings.schema, normal_votes.functions)}
    for finding, functions in ecg_findings.BY_FINDING.items():
        tables[finding] = LFApplier(functions, schema=ecg_findings.schema).apply(records)
    return tables


def read_records(path: Path) -> list[dict[str, Any]]:
    """Return id, patient, text without the appended note that holds the code, and gold (-1 where unknown)."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        {
            **row,
            "id": row["ecg_id"],
            "patient_id": row["patient_id"].removesuffix(".0"),
            "text": row["report"].split(NOTE)[0].rstrip(),
            "gold": int(row["abnormal"]) if row.get("abnormal") else -1,
            "findings": [int(name in row["superclass"].split("|")) for name in ecg_findings.FINDINGS]
            if row["superclass"]
            else [-1] * len(ecg_findings.FINDINGS),
        }
        for row in rows
    ]


def say(words: str) -> None:
    """Tell whoever waits."""
    print(words, file=sys.stderr, flush=True)
