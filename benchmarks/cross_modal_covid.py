"""The radiograph part of `cross_modal.py`: COVID-19 or another diagnosis, from clinical notes that many images lack.

Gold labels images without a note as well, nearly all of them COVID-19. What these teach is told apart from what better
labels teach by a network on gold of the covered images alone, and by areas among the images with a note.
"""

import csv
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import covid_functions
import numpy as np
from numpy.typing import NDArray

from sidelight.crossmodal import (
    CrossModalClassifier,
    ResNet2d,
    StudyFiles,
    check_split,
    decide_labels,
    find_duplicate_studies,
    link,
    stratified_folds,
)
from sidelight.label_model import LabelModel, MajorityLabelVoter
from sidelight.labeling import LFApplier

N_FOLDS = 5
SIDE = 64
EPOCHS, BATCH, PATIENCE = 60, 16, 20
SAME = "gold, images that functions cover"
MODELS = {"label model": LabelModel, "majority vote": MajorityLabelVoter}


@dataclass
class Covid:
    """Radiographs with notes, gold and folds by patient, copies of an image kept together.

    Parameters
    ----------
    folder : Path
        Holds metadata.csv and images/.
    epochs : int, optional
        Fewer epochs than usual, to try the benchmark out.
    """

    folder: Path
    epochs: int | None = None
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read notes and images; images that cannot be read are left out and told."""
        with (self.folder / "metadata.csv").open(newline="", encoding="utf-8", errors="replace") as stream:
            rows = [row for row in csv.DictReader(stream) if row["view"] != "L"]
        names = [Path(row["image"]).stem for row in rows]
        files = StudyFiles.open(
            {name: self.folder / "images" / row["image"] for name, row in zip(names, rows, strict=True)},
            shape=(SIDE, SIDE),
        )
        linked = link(names, files, patient_ids=[row["patientid"] for row in rows])
        print("; ".join(linked.report.lines()), file=sys.stderr)
        rows = [rows[row] for row in linked.label_rows]
        self.images = linked.signals
        self.patients = linked.patient_ids
        self.texts = [row["clinical_notes"].strip() for row in rows]
        self.gold = np.array([int(row["label_covid"]) if row["label_covid"] else -1 for row in rows])
        records = [
            {"id": name, "patient_id": row["patientid"], "text": row["clinical_notes"]}
            for name, row in zip(linked.ids.tolist(), rows, strict=True)
        ]
        self.votes = LFApplier(covid_functions.FUNCTIONS, schema=covid_functions.schema).apply(records)
        copies = find_duplicate_studies(self.images)
        self.folds = stratified_folds(self.patients, self.gold, N_FOLDS, duplicates=copies)


def covid(data: Covid, n_seeds: int, save: Callable[[str, dict[str, Any]], None]) -> dict[str, Any]:
    """Return scores of networks trained on labels from notes, with and without a text model's, and on gold."""
    names = ["label model", "label model and text model", "majority vote", SAME, "gold"]
    label_scores = {name: np.full(len(data.gold), np.nan) for name in names[:3]}
    scores = {name: np.full((len(data.gold), n_seeds), np.nan) for name in names}
    coverage, decisions = [], []
    for seed in range(n_seeds):
        for fold in range(N_FOLDS):
            is_dev = data.folds == (fold + 1) % N_FOLDS
            parts = np.where(data.folds == fold, "test", np.where(is_dev, "dev", "train"))
            check_split(parts, data.patients)
            train, dev, test = (np.flatnonzero(parts == name) for name in ("train", "dev", "test"))
            known = dev[data.gold[dev] >= 0]
            positive = float(data.gold[known].mean())
            balance = [1 - positive, positive]
            targets: dict[str, Any] = {"gold": (data.gold[train], None)}
            covered = data.votes.covered()
            targets[SAME] = (data.gold[train], covered[train] & (data.gold[train] >= 0))
            for name, kind in MODELS.items():
                # the share of the classes is counted on dev, whose gold stops the training as well
                model = kind(cardinality=2).fit(data.votes.take_rows(train), class_balance=balance)
                proba = model.predict_proba(data.votes)
                targets[name] = (proba[train], covered[train])
                label_scores[name][test] = proba[test, 1]
                if name == "label model":
                    decision = decide_labels(
                        [data.texts[row] for row in train],
                        proba[train],
                        covered[train],
                        dev=([data.texts[row] for row in dev], proba[dev], data.gold[dev], covered[dev]),
                        triggers=covid_functions.TRIGGERS,
                        fill=True,
                        seed=seed,
                    )
                    targets["label model and text model"] = (decision.proba, decision.covered)
                    label_scores["label model and text model"][test] = filled(data, decision, proba, test)
                    if seed == 0:
                        coverage.append([float(covered[train].mean()), float(decision.covered.mean())])
                        decisions.append(decision.reason)
            for name in names:
                network = fit(data, train, targets[name], known, seed)
                scores[name][test, seed] = network.predict_proba(data.images.take(test))[:, 1]
            print(
                f"covid: seed {seed}, fold {fold + 1}, {data.seconds[-1]:.1f} CPU s",
                file=sys.stderr,
                flush=True,
            )
        found = {
            "labels": label_scores,
            "networks": {name: values[:, : seed + 1] for name, values in scores.items()},
            "coverage": coverage,
            "decisions": decisions,
            "strata": {
                "images with a note": np.array([bool(text) for text in data.texts]),
                "images without a note": np.array([not text for text in data.texts]),
            },
        }
        save("covid", found)
    return found


PARTS = {"covid": covid}


def fit(data: Covid, rows: NDArray[np.intp], targets: Any, dev: NDArray[np.intp], seed: int) -> Any:
    """Return a network trained on some images, counting its seconds."""
    start = time.process_time()
    model = CrossModalClassifier(
        lambda n_channels: ResNet2d(n_channels, width=8, seed=seed),
        max_epochs=data.epochs or EPOCHS,
        batch_size=BATCH,
        patience=PATIENCE,
        accelerator="cpu",
        seed=seed,
    )
    model.fit(data.images.take(rows), *targets, validation=(data.images.take(dev), data.gold[dev]))
    data.seconds.append(time.process_time() - start)
    return model


def filled(data: Covid, decision: Any, proba: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the labels of other records as the decision makes them: the text model's where no function voted."""
    label: NDArray[np.float64] = proba[rows, 1].copy()
    told = ~data.votes.covered()[rows] & np.array([bool(data.texts[row]) for row in rows])
    if decision.used and told.any():
        label[told] = decision.model.predict_proba([data.texts[row] for row in rows[told]])[:, 1]
    return label
