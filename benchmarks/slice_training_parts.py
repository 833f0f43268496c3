"""The parts of `slice_training.py` that need no yardstick: a flipped region, what slices cost, patients' data."""

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sidelight.apps.demo.slices import SLICES
from sidelight.crossmodal import CrossModalClassifier, ResNet1d, SignalSet, patient_folds
from sidelight.slicing import SFApplier, SliceHeads, audit, keep_better, paired_gains, train_robustly

SHARES = (0.02, 0.05)
"""How large the flipped region is."""


def flip(options: argparse.Namespace) -> dict[str, Any]:
    """Return accuracy in a disc where a plane's labels are the other way round, and overall, for some recipes."""
    found: dict[str, Any] = {}
    print(f"\nflip: medians over {options.seeds} seeds, accuracy in the slice / overall")
    for share in SHARES:
        runs: dict[str, list[tuple[float, float]]] = {}
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            random = np.random.default_rng(seed)
            inputs, labels, disc = _plane(3000, share, random)
            named = disc & (random.random(len(disc)) > 0.2)
            strangers = random.choice(np.flatnonzero(~disc), max(1, int(named.sum() / 4)), replace=False)
            named[strangers] = True
            test, truth, inside = _plane(20000, share, np.random.default_rng(1000 + seed))
            for recipe in ("plain", "balanced", "group-dro", "slice-heads"):
                plain = CrossModalClassifier(
                    _layers(2, 8, seed), max_epochs=4 if options.quick else 60, batch_size=256, learning_rate=5e-3,
                    schedule="constant", weight_decay=1e-4, patience=None, calibrate=False, augment=None,
                    accelerator="cpu", seed=seed,
                )  # fmt: skip
                model = train_robustly(plain, inputs, labels, {"disc": named}, recipe=recipe)
                right = model.predict(test, batch_size=2000) == truth
                runs.setdefault(recipe, []).append((float(right[inside].mean()), float(right.mean())))
        medians = {recipe: np.median(values, axis=0) for recipe, values in runs.items()}
        gains = {
            recipe: 100 * np.median(np.subtract(values, runs["plain"]), axis=0)
            for recipe, values in runs.items()
        }
        found[f"{share:.1%}"] = {
            recipe: {
                "slice": medians[recipe][0], "overall": medians[recipe][1],
                "slice_gain": gains[recipe][0], "overall_gain": gains[recipe][1],
            }
            for recipe in runs
        }  # fmt: skip
        for recipe, (slice_, overall) in medians.items():
            gain = gains[recipe]
            print(
                f"  {share:>5.1%} {recipe:<12} {slice_:.3f} / {overall:.3f}   {gain[0]:+6.1f} / {gain[1]:+5.2f} points"
            )
    return found


def _plane(n: int, share: float, random: np.random.Generator) -> tuple[Any, Any, Any]:
    points = random.uniform(-2, 2, size=(n, 2))
    disc = ((points - [1, 0.3]) ** 2).sum(axis=1) < 16 * share / np.pi
    return points[:, None, :].astype(np.float32), ((points[:, 0] > 0) ^ disc).astype(int), disc


def _layers(n_inputs: int, width: int, seed: int) -> nn.Module:
    """Return two hidden layers with weights drawn from `seed`."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Linear(n_inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()]
        return nn.Sequential(nn.Flatten(), *layers)


def cost(options: argparse.Namespace) -> dict[str, Any]:
    """Return the weights a slice adds, beside Snorkel's, and the CPU seconds of trainings with 0, 1 and 20 slices."""
    added = {}
    print("\ncost: weights that a slice adds")
    for width in (16, 32, 64, 128, 512):
        ours, theirs = (_n_weights(width, 3) - _n_weights(width, 2)), _snorkel_weights(width)
        added[width] = {"sidelight": ours, "snorkel": theirs}
        print(f"  {width:>4} features: {ours:>7,}, Snorkel {theirs:>8,} ({ours / theirs:.0%})")
    seconds: dict[str, Any] = {}
    print("cost: CPU seconds of a training, least of three in turns")
    for kind in ("two layers of 32", "images of 32 x 32", "ECGs of 12 x 500"):
        wanted = [("plain", 1), *((recipe, n) for recipe in ("balanced", "slice-heads") for n in (1, 20))]
        runs: dict[tuple[str, int], list[float]] = {key: [] for key in wanted}
        for _ in range(1 if options.quick else 4):
            for (recipe, n_slices), spent in runs.items():
                spent.append(_training_seconds(kind, recipe, n_slices))
        least = {key: min(spent[-3:]) for key, spent in runs.items()}
        plain = least.pop(("plain", 1))
        seconds[kind] = {"plain": plain} | {f"{recipe}, {n}": value for (recipe, n), value in least.items()}
        told = "; ".join(
            f"{recipe} of {n}, {value / plain:.2f} times" for (recipe, n), value in least.items()
        )
        print(f"  {kind:<20} plain {plain:.2f} s; {told}")
    return {"weights_a_slice": added, "cpu_seconds": seconds}


def _n_weights(width: int, n_slices: int) -> int:
    head = SliceHeads(width, 2, [f"slice {k}" for k in range(n_slices)])
    return sum(parameter.numel() for parameter in head.parameters())


def _snorkel_weights(width: int) -> int:
    """Return what Snorkel 0.10 adds: a square map of the features, and an indicator of two logits."""
    return (width * width + width) + (2 * width + 2)


def _training_seconds(kind: str, recipe: str, n_slices: int) -> float:
    random = np.random.default_rng(0)
    shape, n, epochs = {
        "two layers of 32": ((1, 64), 1500, 8),
        "images of 32 x 32": ((1, 32, 32), 1000, 2),
        "ECGs of 12 x 500": ((12, 500), 256, 2),
    }[kind]
    inputs = random.normal(size=(n, *shape)).astype(np.float32)
    labels = (inputs.reshape(n, -1)[:, 0] > 0).astype(int)
    members = (random.random((n, n_slices)) < 0.05).astype(np.float32)
    encoder: Any = _images() if len(shape) == 3 else ResNet1d(12) if shape[0] == 12 else _layers(64, 32, 0)
    model = CrossModalClassifier(
        encoder, augment=None, max_epochs=epochs, batch_size=64, patience=None, accelerator="cpu"
    )
    start = time.process_time()
    train_robustly(model, inputs, labels, members, recipe=recipe)
    return time.process_time() - start


def _ecg_layers() -> nn.Module:
    """Return a network small enough to be trained thirty times in minutes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv1d(12, 16, 9, stride=4), nn.BatchNorm1d(16), nn.ReLU(), nn.Conv1d(16, 32, 9, stride=4),
            nn.BatchNorm1d(32), nn.ReLU(), nn.Conv1d(32, 32, 9, stride=2), nn.BatchNorm1d(32), nn.ReLU(),
            nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Dropout(0.2),
        )  # fmt: skip


def _images() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
            nn.Linear(256, 32), nn.ReLU(),
        )  # fmt: skip


def clinical(options: argparse.Namespace) -> dict[str, Any]:
    """Return what training for named slices gained on ECGs and chest films, with paired intervals by patient."""
    found: dict[str, Any] = {}
    for name, read in (("ptbxl_ecg", _ecgs), ("covid_cxr", _films)):
        folder = options.data / name
        if not folder.is_dir():
            print(f"{name}: absent below {options.data}, passed over")
            continue
        found[name] = _gains(name, *read(folder), options)
    return found


def _gains(
    name: str, inputs: Any, gold: Any, patients: Any, slices: dict[str, Any], encoder: Any, options: Any
) -> dict[str, Any]:
    """Train plainly and with the recommended recipe in each fold, and compare the pooled test folds."""
    known = np.flatnonzero(gold >= 0)
    taught = {
        label: inside for label, inside in slices.items() if _worth_teaching(inside[known], gold[known])
    }
    folds, n_seeds = patient_folds(patients, 5), 1 if options.quick else min(options.seeds, 3)
    proba = {arm: np.zeros((len(gold), 2)) for arm in ("plain", "balanced", "balanced, or plain")}
    kept, start = 0, time.process_time()
    for fold in range(5):
        test, watched = np.flatnonzero(folds == fold), folds[known] == (fold + 1) % 5
        train, dev = known[(folds[known] != fold) & ~watched], known[watched]
        members, dev_members = (
            {label: inside[rows] for label, inside in taught.items()} for rows in (train, dev)
        )
        validation = _take(inputs, dev), gold[dev]
        for seed in range(n_seeds):
            network = CrossModalClassifier(
                encoder, max_epochs=1 if options.quick else 20, augment=None, patience=10, accelerator="cpu",
                seed=seed,
            )  # fmt: skip
            plain, balanced = (
                train_robustly(
                    network, _take(inputs, train), gold[train], members, recipe=recipe, validation=validation
                )
                for recipe in ("plain", "balanced")
            )
            better = keep_better(plain, balanced, validation, dev_members)
            kept += better is balanced
            for scores, model in zip(proba.values(), (plain, balanced, better), strict=True):
                scores[test] += model.predict_proba(_take(inputs, test)) / n_seeds
    cpu = time.process_time() - start
    print(
        f"\n{name}: {len(known)} records, five folds by patient pooled, {n_seeds} seeds; draws for {', '.join(taught)}"
    )
    print(f"{name}: balanced was kept in {kept} of {5 * n_seeds} trainings")
    found = {
        arm: _told(gold, proba["plain"], scores, slices, patients, arm)
        for arm, scores in proba.items()
        if arm != "plain"
    }
    return {"n_seeds": n_seeds, "cpu_seconds": cpu, "kept": kept, "taught": list(taught), "arms": found}


def _told(
    gold: Any, before: Any, after: Any, slices: dict[str, Any], patients: Any, arm: str
) -> dict[str, Any]:
    """Print and return the change in accuracy from one model to the other, slice by slice."""
    known = gold >= 0
    report = audit(gold, before[:, 1], slices, patients, metrics=["accuracy"])
    rows = []
    print(
        f"  accuracy, plain to {arm}; 95 % intervals, each by itself: of twenty, one may exclude zero by chance"
    )
    for row in paired_gains(gold, before, after, slices, patients).rows:
        low, high = row.change.low, row.change.high
        unsure = next((item for item in report.rows if item.slice == row.slice and not item.assessable), None)
        visible = 2.8 * (high - low) / 3.92  # what 80 % of such comparisons would see
        if unsure is not None:
            needed = "no number" if unsure.n_needed is None else f"{unsure.n_needed:,}"
            told = f"not assessable ({unsure.reason}); {needed} records would show a gap of 5 points"
        elif np.isfinite(low) and low * high > 0:
            told = "better beyond chance" if low > 0 else "worse beyond chance"
        elif np.isfinite(low):
            told = f"not shown; a change of {100 * visible:.1f} points would have been seen"
        else:
            told = "not assessable (fewer than 20 patients)"
        n = int((slices[row.slice] & known).sum()) if row.slice in slices else int(known.sum())
        interval = (
            ""
            if unsure is not None or not np.isfinite(low)
            else f"{100 * row.change.estimate:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
        )
        print(f"  {row.slice:<22} n {n:>4}  {interval:<22} {told}")
        rows.append({"slice": row.slice, "n": n, "change": row.change.to_json(), "verdict": told})
    better = [
        row["slice"] for row in rows if row["verdict"] == "better beyond chance" and row["slice"] in slices
    ]
    print(
        f"  better beyond chance: {', '.join(better)}"
        if better
        else "  no power: no named slice's gain could be shown"
    )
    return {"rows": rows, "better": better}


def _worth_teaching(inside: Any, gold: Any) -> bool:
    """Return whether a slice is a minority with members of both classes: others would draw a class, not a slice."""
    fewest = min(int((gold[inside] == label).sum()) for label in (0, 1))
    return int(inside.sum()) >= 20 and inside.mean() < 0.3 and fewest >= 10


def _take(inputs: Any, rows: Any) -> Any:
    return (
        inputs.take(rows) if hasattr(inputs, "take") and not isinstance(inputs, np.ndarray) else inputs[rows]
    )


def _ecgs(folder: Path) -> tuple[Any, ...]:
    with (folder / "records.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    signals = SignalSet.read(folder / "signals_100hz.npz")
    order = [list(signals.ids).index(row["ecg_id"]) for row in rows]
    gold = np.array([int(row["abnormal"]) if row["abnormal"] else -1 for row in rows])
    patients = np.array([row["patient_id"].removesuffix(".0") for row in rows])
    records = [
        {
            "id": row["ecg_id"],
            "text": row["report"].split("Edit:")[0],
            "sex": _number(row["sex"]),
            "age": _number(row["age"]),
            "device": row["device"],
        }
        for row in rows
    ]
    matrix = SFApplier(SLICES).apply(records)
    slices = {label: matrix[label] for label in matrix.names}
    for label, column in (
        ("pacemaker", "pacemaker"),
        ("burst_noise", "burst_noise"),
        ("static_noise", "static_noise"),
    ):
        slices[label] = np.array([bool(row[column].strip()) for row in rows])
    for code in ("STTC", "MI", "HYP", "CD"):
        slices[code] = np.array([code in row["superclass"].split("|") for row in rows])
    return signals.take(np.array(order)), gold, patients, slices, _ecg_layers()


def _films(folder: Path) -> tuple[Any, ...]:
    from PIL import Image

    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    films = []
    for row in rows:
        with Image.open(folder / "images" / row["image"]) as film:
            films.append(np.asarray(film.convert("L").resize((64, 64)), dtype=np.float32) / 255)
    gold = np.array([int(row["label_covid"]) if row["label_covid"] in ("0", "1") else -1 for row in rows])
    ages = np.array([_number(row["age"]) or np.nan for row in rows], dtype=float)
    slices = {
        "view PA": [row["view"] == "PA" for row in rows],
        "view AP": [row["view"] == "AP" for row in rows],
        "view AP supine": [row["view"] == "AP Supine" for row in rows],
        "female": [row["sex"] == "F" for row in rows],
        "age_65_and_over": (ages >= 65).tolist(),
        "age_under_40": (ages < 40).tolist(),
        "intubated": [row["intubated"] == "Y" for row in rows],
        "no notes": [not row["clinical_notes"].strip() for row in rows],
        "later film": [(_number(row["offset"]) or 0) >= 7 for row in rows],
    }
    patients = np.array([row["patientid"] for row in rows])
    return np.stack(films)[:, None], gold, patients, {k: np.array(v) for k, v in slices.items()}, _images()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
