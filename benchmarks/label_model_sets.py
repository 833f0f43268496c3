"""Vote sets with gold for the label-model benchmarks: made from data folders by the yardstick's own scripts."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAKERS = ("make_real.py", "make_votes.py")
"""Functions over texts and tables, and stored votes: both write NAME.npz with L, Y (-1 without gold) and k."""

TEXT_SETS = (
    "ade_sentence", "crowdtruth_cause", "crowdtruth_treat", "openi_abnormal", "openi_cardiomegaly", "openi_effusion",
    "ptbxl_af", "ptbxl_superclass", "sklearn_breast_cancer", "sklearn_digits", "sklearn_wine",
)  # fmt: skip
"""What `make_real.py` makes; everything else counts as stored votes."""

CROWDS = ("crowd_bluebird", "crowd_face_sentiment", "crowd_rte", "crowd_trec_relevance", "crowd_weather")


def make_sets(data: Path, yardstick: Path, folder: Path) -> list[Path]:
    """Write every vote set that the data allow into `folder`, once, and say what is absent."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob("*.npz")):
        for maker in MAKERS:
            if not (yardstick / maker).exists():
                print(f"absent: {maker} of the yardstick; its sets are left out", file=sys.stderr)
                continue
            done = subprocess.run(
                [
                    sys.executable,
                    str((yardstick / maker).resolve()),
                    str(data.resolve()),
                    str(folder.resolve()),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            for line in done.stdout.splitlines():
                if line.startswith("missing"):
                    print(f"absent: {line.removeprefix('missing ')}", file=sys.stderr)
            if done.returncode:
                print(f"{maker} ended with {done.returncode}", file=sys.stderr)
    return sorted(folder.glob("*.npz"))


def load(path: Path) -> tuple[NDArray[np.int8], NDArray[np.int64], int]:
    """Return votes, gold and the number of classes of one set."""
    with np.load(path) as stored:
        return stored["L"], stored["Y"].astype(np.int64), int(stored["k"])


def gold_balance(gold: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return the class frequencies of the gold labels, none below a thousandth."""
    known = gold[gold >= 0]
    shares = np.maximum(np.bincount(known, minlength=k) / len(known), 1e-3)
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def judge(proba: NDArray[np.float64], votes: NDArray[np.int8], gold: NDArray[np.int64]) -> dict[str, float]:
    """Return accuracy, macro-F1, AUROC and log loss over covered rows with gold; ties are broken at random."""
    from sidelight.label_model.metrics import METRICS

    rows = (gold >= 0) & (votes >= 0).any(axis=1)
    p, y = proba[rows], gold[rows]
    labels = (p + np.random.default_rng(0).random(p.shape) * 1e-9).argmax(axis=1).astype(np.int64)
    covered = np.ones(len(y), dtype=np.bool_)
    names = {"accuracy": "accuracy", "macro_f1": "f1_macro", "auroc": "roc_auc", "log_loss": "log_loss"}
    return {short: METRICS[name](y, labels, p, covered) for short, name in names.items()}


def means(scores: dict[str, dict[str, float]], sets: list[str]) -> dict[str, float]:
    """Return the mean of each score over some sets."""
    chosen = [scores[name] for name in sets if name in scores]
    return {key: float(np.mean([entry[key] for entry in chosen])) for key in (chosen[0] if chosen else {})}


def row(label: str, figures: dict[str, float], extra: Any = "") -> str:
    """Return one line of a table."""
    return f"{label:34s}" + " ".join(f"{figures[key]:7.3f}" for key in figures) + f"  {extra}"
