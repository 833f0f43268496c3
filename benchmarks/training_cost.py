"""What an epoch costs beside a plain PyTorch loop over the same module and data, and how long batches keep it waiting.

    python benchmarks/training_cost.py --data ../shared/data

The demo's network (`ResNet1d` over 12 leads of 1,000 samples), a narrower and a wider one learn from 224 records of
`ptbxl_ecg`, random signals of that size where it is absent. Both run in turns, once to warm up and then as often as asked; a ratio is that of the
medians, its interval the least and the greatest of the turns. On the CPU one thread works and CPU seconds count; with
`--device cuda` both run on the GPU and seconds on the clock count, until the device is done. Batches are drawn alone, as
training draws them, to see which share of the time they need: of arrays, and of radiographs in files (`covid_cxr`), the
first time and once they are in memory. Pieces show what computing a step in smaller parts costs, and activations what it
saves and costs to compute blocks twice instead of keeping them: bytes that wait for the gradient of one step, the greatest
memory of a training in a process of its own (with `--device cuda`, of the GPU), and time. With `--cycles SEEDS` one
training in cycles of the learning rate is set beside separate ones of each length, on gold.
Prints a table and, last, one line of JSON.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sidelight.crossmodal import (
    BatchLoader,
    CrossModalClassifier,
    DilatedNet1d,
    ResNet1d,
    ResNet2d,
    SignalAugment,
    SignalSet,
    StudyFiles,
    as_inputs,
    trade_off,
)
from sidelight.crossmodal import as_targets as targets_of
from sidelight.crossmodal.recompute import pieces_of, recomputed

N_RECORDS = 224
BATCH = 32
LARGE = 512
PIECES = (1, 2, 4)
NETWORKS = {"resnet1d": ResNet1d, "dilated1d": DilatedNet1d}
SIZES = {"narrow": {"width": 8, "n_blocks": 2}, "the demo's": {}, "wide": {"width": 64}}
SIDE = 96
CYCLE_ENDS = (2, 6, 14)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where to train")
    parser.add_argument("--epochs", type=int, default=8, help="epochs of each training")
    parser.add_argument("--repeats", type=int, default=5, help="turns that count")
    parser.add_argument("--cycles", type=int, default=0, metavar="SEEDS", help="seeds of the cycles' part")
    parser.add_argument("--quick", action="store_true", help="one epoch and turn: shows that it runs")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    parser.add_argument(
        "--peak", metavar="NETWORK", choices=NETWORKS, help="print the memory of one training, and end"
    )
    parser.add_argument("--again", action="store_true", help="that training computes its blocks twice")
    options = parser.parse_args(arguments)
    if options.peak:
        show_peak(options.peak, options.device, options.again)
        return 0
    if options.device == "cuda" and not torch.cuda.is_available():
        print("no GPU is at hand", file=sys.stderr)
        print(json.dumps({"absent": ["cuda"]}))
        return 0
    epochs, repeats = (1, 1) if options.quick else (options.epochs, options.repeats)
    values = read(options.data / "ptbxl_ecg")
    torch.set_num_threads(1)
    result: dict[str, Any] = {"benchmark": "training_cost", "device": options.device, "epochs": epochs}
    result["against_plain_loop"] = {
        name: against_plain_loop(values, size, epochs, repeats, options.device)
        for name, size in SIZES.items()
        if not options.quick or not size
    }
    result["batches"] = waiting(values, epochs, options.device)
    result["files"] = files(options.data / "covid_cxr", options.device)
    result["pieces"] = in_pieces(values, epochs, repeats, options.device)
    result["activations"] = {
        name: activations(values, name, epochs, repeats, options.device)
        for name in NETWORKS
        if not options.quick or name == "resnet1d"
    }
    if options.cycles and (options.data / "ptbxl_ecg").exists():
        result["cycles"] = in_cycles(options.data / "ptbxl_ecg", options.cycles, options.device)
    result["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if not options.json:
        for name, ratio in result["against_plain_loop"].items():
            print(
                f"{name} ({ratio['weights']:,} weights): an epoch costs {ratio['ratio']:.3f} ({ratio['low']:.3f} to "
                f"{ratio['high']:.3f}) times that of a plain loop over the same module and data, "
                f"{ratio['ours'] / epochs:.3f} s against {ratio['plain'] / epochs:.3f} s"
            )
        batches, read_files = result["batches"], result["files"]
        print(
            f"batches need {batches['share']:.1%} of a training's time, {batches['share_augmented']:.1%} augmented"
        )
        if read_files is not None:
            print(
                f"{read_files['n']} radiographs in files: {read_files['first']:.2f} s to open and read them once, "
                f"{read_files['again']:.3f} s to draw them in an epoch, of {read_files['epoch']:.2f} s that an epoch takes"
            )
        for entry in result["pieces"]:
            print(f"steps in {entry['pieces']} pieces: {entry['ratio']:.2f} times the time")
        for name, entry in result["activations"].items():
            print(
                f"{name}, blocks computed twice: {entry['kept_mb'][1]:.1f} MB wait for the gradient of {LARGE} rows, not {entry['kept_mb'][0]:.1f}; "
                f"{entry['peak_mb'][1]:.0f} MB at most, not {entry['peak_mb'][0]:.0f}; {entry['ratio']:.2f} times the time"
            )
        for entry in result.get("cycles", []):
            print(
                f"{entry['epochs']} epochs: validation loss {told(entry['cycles'])} at the end of a cycle, "
                f"{told(entry['separate'])} of a training of that length"
            )
    print(json.dumps(result))
    return 0


def read(folder: Path) -> NDArray[np.float32]:
    """Return ECGs of shape (n_records, n_leads, length)."""
    if folder.exists():
        return SignalSet.read(folder / "signals_100hz.npz").batch(np.arange(N_RECORDS))
    print(f"{folder.name}: absent, random signals stand for it", file=sys.stderr)
    return np.random.default_rng(0).normal(size=(N_RECORDS, 12, 1000)).astype(np.float32)


def against_plain_loop(
    values: NDArray[np.float32], size: dict[str, int], epochs: int, repeats: int, device: str
) -> dict[str, float]:
    """Return seconds of a training here and in a plain loop, in turns, and their ratio."""
    y = np.arange(len(values)) % 2

    def plain() -> None:
        encoder = ResNet1d(12, **size)
        network = nn.Sequential(encoder, nn.Linear(encoder.n_features, 2)).to(device).train()
        inputs, target = torch.from_numpy(values), torch.from_numpy(y)
        optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
        for _ in range(epochs):
            for rows in torch.randperm(len(y)).split(BATCH):
                logits = network(inputs[rows].to(device))
                loss = nn.functional.cross_entropy(logits, target[rows].to(device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    runs: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("ours", lambda: ours(values, epochs, device, size=size)),
        ("plain", plain),
    )
    for _ in range(repeats + 1):
        for name, run_once in runs:
            seconds[name].append(timed(run_once, device))
    ratios = np.array(seconds["ours"][1:]) / np.array(seconds["plain"][1:])
    medians = {name: float(np.median(values_[1:])) for name, values_ in seconds.items()}
    return {
        **medians,
        "weights": sum(weights.numel() for weights in ResNet1d(12, **size).parameters()),
        "ratio": medians["ours"] / medians["plain"],
        "low": float(ratios.min()),
        "high": float(ratios.max()),
    }


def ours(
    values: Any,
    epochs: int,
    device: str,
    accumulate: int = 1,
    *,
    size: dict[str, int] | None = None,
    network: Callable[..., nn.Module] = ResNet1d,
    again: bool = False,
    batch: int = BATCH,
) -> None:
    """Train without augmentation and validation, as the plain loop does."""
    CrossModalClassifier(
        network(12, **size or {}) if isinstance(values, np.ndarray) else ResNet2d(1),
        max_epochs=epochs,
        batch_size=batch,
        accumulate=accumulate,
        checkpoint_activations=again,
        augment=None,
        accelerator="gpu" if device == "cuda" else "cpu",
    ).fit(values, np.arange(len(values)) % 2)


def waiting(values: NDArray[np.float32], epochs: int, device: str) -> dict[str, float]:
    """Return the share of a training's time that drawing its batches needs, plain and augmented."""
    targets = targets_of(np.arange(len(values)) % 2)

    def draw(augment: Any) -> None:
        loader = BatchLoader(as_inputs(values), targets, targets.used, BATCH, augment=augment)
        for _ in range(epochs):
            for _ in loader:
                pass

    whole = timed(lambda: ours(values, epochs, device), device)
    plain = timed(lambda: draw(None), device)
    augmented = timed(lambda: draw(SignalAugment()), device)
    return {
        "share": plain / whole,
        "share_augmented": augmented / (whole - plain + augmented),
    }


def files(folder: Path, device: str) -> dict[str, float] | None:
    """Return seconds to read radiographs for one epoch, the first time and later, and those of a whole epoch."""
    if not folder.exists():
        print(f"{folder.name}: absent, no files are read", file=sys.stderr)
        return None
    opened = []

    def read_all() -> None:
        for rows in np.array_split(np.arange(len(opened[0])), -(-len(opened[0]) // BATCH)):
            opened[0].batch(rows)

    first = timed(lambda: opened.append(StudyFiles.open(folder / "images", shape=(SIDE, SIDE))), device)
    first, again = first + timed(read_all, device), timed(read_all, device)
    images = opened[0]
    whole = timed(lambda: ours(images, 1, device), device)
    return {"n": len(images), "first": first, "again": again, "epoch": whole}


def in_pieces(values: NDArray[np.float32], epochs: int, repeats: int, device: str) -> list[dict[str, float]]:
    """Return what steps cost that are computed in several pieces, beside whole ones."""
    seconds = {pieces: [] for pieces in PIECES}
    for _ in range(repeats):
        for pieces in PIECES:
            seconds[pieces].append(timed(lambda n=pieces: ours(values, epochs, device, n), device))
    whole = float(np.median(seconds[1]))
    return [
        {"pieces": pieces, "seconds": float(np.median(runs)), "ratio": float(np.median(runs)) / whole}
        for pieces, runs in seconds.items()
    ]


def activations(
    values: NDArray[np.float32], name: str, epochs: int, repeats: int, device: str
) -> dict[str, Any]:
    """Return what a training keeps, needs at most and costs, keeping activations and computing them again."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(repeats):
        for again, runs in seconds.items():
            runs.append(
                timed(lambda a=again: ours(values, epochs, device, network=NETWORKS[name], again=a), device)
            )
    medians = {again: float(np.median(runs)) for again, runs in seconds.items()}
    return {
        "kept_mb": [waiting_mb(name, again) for again in seconds],
        "peak_mb": [peak_mb(name, device, again) for again in seconds],
        "seconds": list(medians.values()),
        "ratio": medians[True] / medians[False],
    }


def waiting_mb(name: str, again: bool) -> float:
    """Return the megabytes that one step of `LARGE` rows keeps for its gradient."""
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    encoder = NETWORKS[name](12).train()
    rows = torch.zeros(LARGE, 12, 1000)
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        recomputed(pieces_of(encoder) if again else ()),
    ):
        features = encoder(rows)
    del features
    return sum(kept.values()) / 2**20


def peak_mb(name: str, device: str, again: bool) -> float:
    """Return the greatest memory of a training in a process of its own, steps of `LARGE` rows."""
    asked = [sys.executable, __file__, "--peak", name, "--device", device, *(["--again"] if again else [])]
    return float(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)


def show_peak(name: str, device: str, again: bool) -> None:
    """Train once on random signals and print the greatest memory in MB: of the process, or of the GPU."""
    torch.set_num_threads(1)
    values = np.random.default_rng(0).normal(size=(LARGE, 12, 1000)).astype(np.float32)
    ours(values, 2, device, network=NETWORKS[name], again=again, batch=LARGE)
    if device == "cuda":
        print(torch.cuda.max_memory_allocated() / 2**20)
    else:  # not ru_maxrss, which begins at that of the process that asked
        (line,) = (
            line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
        )
        print(int(line.split()[1]) / 1024)


def in_cycles(folder: Path, n_seeds: int, device: str) -> list[dict[str, Any]]:
    """Return validation losses at the ends of cycles and of separate trainings as long, one of each a seed."""
    from cross_modal_ecg import Ecg

    ecg = Ecg(folder)
    known = ecg.gold >= 0
    train, dev = np.flatnonzero((ecg.folds > 0) & known), np.flatnonzero((ecg.folds == 0) & known)

    def losses(schedule: Any, epochs: int, seed: int) -> Any:
        model = CrossModalClassifier(
            schedule=schedule,
            max_epochs=epochs,
            patience=None,
            accelerator="gpu" if device == "cuda" else "cpu",
            seed=seed,
        )
        dev_part = (ecg.signals.take(dev), ecg.gold[dev])
        return model.fit(ecg.signals.take(train), ecg.gold[train], validation=dev_part).history_

    lengths = CYCLE_ENDS
    curves = [trade_off(losses("cycles", lengths[-1], seed)) for seed in range(n_seeds)]
    return [
        {
            "epochs": length,
            "cycles": [curve.losses[place] for curve in curves if curve is not None],
            "separate": [losses("one-cycle", length, seed)[-1].dev_loss for seed in range(n_seeds)],
        }
        for place, length in enumerate(lengths)
    ]


def told(losses: list[float]) -> str:
    """Return the median with the extremes."""
    return f"{np.median(losses):.3f} ({min(losses):.3f}, {max(losses):.3f})"


def timed(run_once: Callable[[], Any], device: str) -> float:
    """Return the seconds a call takes: of the CPU, or on the clock until the GPU is done."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    start = clock()
    run_once()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - start


if __name__ == "__main__":
    sys.exit(main())
