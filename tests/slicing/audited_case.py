"""A model audited in every way there is, with slices of many sizes: what tests of small cells look into."""

import functools
import re

import numpy as np

from sidelight.slicing import (
    AuditedRecords,
    Card,
    Confusion,
    Findings,
    Strip,
    TrainingView,
    audit,
    contrast_errors,
    discover,
    explain_slice,
    fairness,
    slice_calibration,
    slice_intersections,
    subclass_metrics,
)

CLASSES = ("normal", "abnormal")
N = 900
SMALLEST = 5


class Case:
    """One model audited in every way there is, with slices of many sizes; `extra` members are added to the tiny one."""

    def __init__(self, seed=0, patients=None):
        random = np.random.default_rng(seed)
        rows = np.arange(N)
        self.y, self.paced = random.integers(0, 2, N), random.random(N) < 0.25
        wrong = random.random(N) < np.where(self.paced & (self.y == 1), 0.6, 0.05)
        positive = np.where(wrong, 1 - self.y, self.y) * 0.8 + 0.1
        self.proba = np.column_stack([1 - positive, positive])
        site = np.where(rows < 3, "tiny", np.where(rows < 60, "small", np.where(rows < 400, "east", "west")))
        self.slices = {
            "paced": self.paced,
            **{f"site = {name}": site == name for name in ("tiny", "small", "east", "west")},
            "nearly all": rows >= 4,
            "good": (rows >= 600) & (rows < 640),
            "wide": rows >= 700,
            "within wide": rows >= 702,
            "fours": rows < 4,
            "fives": rows < 5,
        }
        self.patients = rows if patients is None else patients
        sub = np.where(self.y == 1, np.where(self.paced, "paced beats", "plain"), "").astype(object)
        sub[np.flatnonzero(self.y == 1)[:2]] = "rare"
        self.subclasses = sub.tolist()
        self.sex = np.where(rows < 2, "other", np.where(random.random(N) < 0.5, "f", "m"))
        self.embedding = np.column_stack(
            [self.y + random.normal(0, 0.3, N), 3 * self.paced + random.normal(0, 0.3, N)]
        )

    def findings(self):
        y, proba, slices, patients = self.y, self.proba, self.slices, self.patients
        table = Confusion.of(
            {"class": [CLASSES[c] for c in y]}, {"class": [CLASSES[c] for c in proba.argmax(axis=1)]},
            classes={"class": CLASSES}, patients=patients,
        )  # fmt: skip
        inside = np.flatnonzero(slices["good"])
        good = Confusion.of(
            {"class": [CLASSES[c] for c in y[inside]]},
            {"class": [CLASSES[c] for c in proba[inside].argmax(axis=1)]},
            classes={"class": CLASSES}, patients=np.asarray(patients)[inside],
        )  # fmt: skip
        training = TrainingView(labels=y, slices=self.paced & (np.arange(N) < 100), gold=y, proba=proba)
        found = Findings(
            audit(y, proba, slices, patients),
            "An audit",
            CLASSES,
            discovery=discover(
                y, proba, embeddings=self.embedding, metadata={"sex": self.sex}, patients=patients
            ),
            subclasses=subclass_metrics(y, proba, self.subclasses, classes=CLASSES, patients=patients),
            contrast=contrast_errors(y, proba, slices, classes=CLASSES, patients=patients),
            mechanisms={"paced": explain_slice(self.paced, y, proba, training)},
            intersections=slice_intersections(y, proba, slices, patients=patients),
            calibration=slice_calibration(y, proba, slices, patients),
            fairness={"sex": fairness(y, proba, self.sex, patients=patients)},
            confusion=[
                ("All records", table.table(normalize="row")),
                ("In good", good.table(normalize="row")),
            ],
            map="<svg>every record</svg>",
            strips=[Strip("paced", (Card("<svg></svg>", "called normal, gold abnormal", True),))],
        )
        everyone = np.arange(N)
        records = AuditedRecords(
            y,
            proba,
            slices,
            patients,
            self.subclasses,
            {"sex": self.sex},
            [(everyone, table), (inside, good)],
        )
        return found, records


@functools.cache
def made(seed):
    """Return a case with its findings, which take a second to make."""
    case = Case(seed)
    return case, *case.findings()


COUNTS = {"n", "n_patients", "n_positive", "n_without_gold", "n_other", "n_without", "n_members"}
MEANS = {"brier", "auroc", "calibration", "slope", "entropy"}


def small_counts(plain, total=N, path="", smallest=SMALLEST, *, share=True):
    """Yield where a count of 1 to smallest - 1 stands in a tree of plain values, or in the parts of a share."""
    if isinstance(plain, dict):
        told = plain.get("metric") or plain.get("measure") or ""
        share = share and told not in MEANS
        if "estimate" in plain and plain["estimate"] is not None:
            n = plain["n"]
            parts = [n]
            last = path.rpartition(".")[2]
            if share and last in {
                "value",
                "rest",
                "recall",
                "errors",
                "observed",
                "error_rate",
                "rest_rate",
            } | set(CLASSES):
                parts += [round(plain["estimate"] * n), n - round(plain["estimate"] * n)]
            yield from ((path, part) for part in parts if 0 < part < smallest)
        for name, value in plain.items():
            whole = name in COUNTS and isinstance(value, int) and not isinstance(value, bool)
            if whole and any(0 < part < smallest for part in (value, total - value)):
                yield f"{path}.{name}", value
            yield from small_counts(value, total, f"{path}.{name}", smallest, share=share)
    elif isinstance(plain, list):
        for place, value in enumerate(plain):
            if (
                isinstance(value, float | int)
                and re.search(r"\.(counts|n_patients)\.\d+$", path)
                and 0 < value < smallest
            ):
                yield f"{path}.{place}", value
            yield from small_counts(value, total, f"{path}.{place}", smallest, share=share)
