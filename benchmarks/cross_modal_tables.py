"""Areas, intervals and tables of `cross_modal.py`."""

from typing import Any

import numpy as np
from ecg_findings import FINDINGS
from numpy.typing import NDArray

from sidelight.crossmodal import compare_scores, fit_learning_curve, hand_label_equivalent
from sidelight.labeling.statistics import auroc, clustered_bootstrap, paired_bootstrap

LEAST_OF_A_CLASS = 10
"""Records of the rarer class below which an area among some of the records says nothing."""


def normal_table(data: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Return areas of labels and networks for two classes, with differences from gold and from majority vote."""
    networks = found["networks"]
    tables = {
        "labels": compare_scores(data.gold, found["labels"], data.patients, reference="majority vote"),
        "network trained on": compare_scores(data.gold, networks, data.patients, reference="gold"),
        "network trained on (against majority vote)": compare_scores(
            data.gold, networks, data.patients, reference="majority vote"
        ),
    }
    for name, rows in found.get("strata", {}).items():
        gold, among = data.gold[rows], {key: scores[rows] for key, scores in networks.items()}
        if min(np.bincount(gold[gold >= 0], minlength=2)) >= LEAST_OF_A_CLASS:
            for reference in ("gold", "majority vote"):
                tables[f"network trained on, {name} (against {reference})"] = compare_scores(
                    gold, among, data.patients[rows], reference=reference
                )
    lines = []
    for name, table in tables.items():
        lines += [
            f"{name}: {table.n_records} records of {table.n_patients} patients, {table.n_positive} positive",
            *str(table).splitlines(),
            "",
        ]
    by_seed = {name: areas(data.gold, scores) for name, scores in networks.items()}
    lines += seeds_lines(by_seed)
    known = {key: found[key] for key in ("best", "coverage", "decisions") if key in found}
    lines += [f"{key}: {value}" for key, value in known.items()]
    return {
        "tables": {name: table.to_json() for name, table in tables.items()},
        "by_seed": by_seed,
        **known,
        "lines": lines,
    }


def findings_table(data: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Return areas of labels and networks for five findings: each, and their mean with its interval."""
    known = data.findings[:, 0] >= 0
    gold, patients = data.findings[known], data.patients[known]
    labels = {name: values[known][:, :, None] for name, values in found["labels"].items()}
    networks = {name: values[known] for name, values in found["networks"].items()}
    result: dict[str, Any] = {}
    lines = [f"{len(gold)} records of {len(np.unique(patients))} patients; mean of {', '.join(FINDINGS)}"]
    for what, scores, references in (
        ("labels", labels, ("majority vote",)),
        ("network trained on", networks, ("gold", "majority vote")),
    ):
        lines.append(f"{what:20} AUROC [95 %]           " + " ".join(f"{name:>6}" for name in FINDINGS))
        rows = {}
        for name, values in scores.items():
            each = [
                float(np.mean([auroc(gold[:, k], run) for run in values[:, k].T]))
                for k in range(len(FINDINGS))
            ]
            area = clustered_bootstrap(mean_area, patients, gold, values, n_draws=1000)
            rows[name] = {"auroc": area.to_json(), "each": dict(zip(FINDINGS, each, strict=True))}
            lines.append(f"{name:20} {area!s:22} " + " ".join(f"{value:6.3f}" for value in each))
            for reference in references:
                if reference == name:
                    continue
                gap = paired_bootstrap(mean_area, patients, gold, values, scores[reference], n_draws=1000)
                rows[name][f"minus {reference}"] = gap.to_json()
                lines.append(
                    f"{'':20} minus {reference}: {gap.estimate:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
                )
        result[what] = rows
        lines.append("")
    by_seed = {
        name: [mean_area(gold, values[:, :, [run]]) for run in range(values.shape[2])]
        for name, values in networks.items()
    }
    return {**result, "by_seed": by_seed, "lines": lines + seeds_lines(by_seed)}


def curve_table(found: dict[str, Any], normal: dict[str, Any] | None) -> dict[str, Any]:
    """Return the learning curve, with its exponent, and how many hand labels the labels from reports are worth."""
    n, scores = list(found["n"]), {name: list(map(list, rows)) for name, rows in found["areas"].items()}
    runs = len(scores["gold"][0])
    if normal is not None:
        n.append(found["n_all"])
        for name, rows in scores.items():
            rows.append(normal["by_seed"][name][:runs])
    lines = [f"{'records':>10} " + " ".join(f"{name:>28}" for name in scores)]
    for place, size in enumerate(n):
        cells = [
            f"{np.median(v[place]):.3f} ({min(v[place]):.3f}, {max(v[place]):.3f})" for v in scores.values()
        ]
        lines.append(f"{size:10.0f} " + " ".join(f"{cell:>28}" for cell in cells))
    result: dict[str, Any] = {"n": n, "areas": scores}
    for name, rows in scores.items():
        fit = fit_learning_curve(n, rows)
        result[f"fit, {name}"] = {"rises": fit.rises, **fit.to_json()}
        lines.append(
            f"{name}: exponent {fit.exponent}, limit {fit.limit}, {'rises' if fit.rises else 'does not rise'}"
        )
    if normal is not None:
        worth = hand_label_equivalent(n, scores["gold"], scores["label model"][-1])
        result["worth in hand labels"] = worth.to_json()
        lines.append(f"the labels from {n[-1]:.0f} reports are worth {worth} hand labels {worth.reason}")
    return {**result, "lines": lines}


def extra_table(data: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Return areas of the labels with and without more reports."""
    reference = next(iter(found["binary"]))
    table = compare_scores(data.gold, found["binary"], data.patients, reference=reference)
    lines = [
        f"{found['n_reports']} reports without signals, {found['shared']} of them of patients who have one",
        *str(table).splitlines(),
        "",
    ]
    known = data.findings[:, 0] >= 0
    gold, patients = data.findings[known], data.patients[known]
    rows = {}
    for name, values in found["several"].items():
        mine, base = values[known][:, :, None], found["several"][reference][known][:, :, None]
        area = clustered_bootstrap(mean_area, patients, gold, mine, n_draws=1000)
        gap = paired_bootstrap(mean_area, patients, gold, mine, base, n_draws=1000)
        rows[name] = {"auroc": area.to_json(), "difference": gap.to_json()}
        more = "" if name == reference else f"{gap.estimate:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
        lines.append(f"five findings, {name}: {area} {more}")
    return {"normal": table.to_json(), "findings": rows, "lines": lines}


def mean_area(gold: NDArray[Any], scores: NDArray[Any]) -> float:
    """Return the mean area over findings and runs; scores are of shape (n_records, n_findings, n_runs)."""
    if any(len(np.unique(column)) < 2 for column in gold.T):
        return float("nan")
    areas_ = [auroc(gold[:, k], run) for k in range(gold.shape[1]) for run in scores[:, k].T]
    return float(np.mean(areas_))


def areas(gold: NDArray[Any], scores: NDArray[Any]) -> list[float]:
    """Return the area of each run."""
    known = gold >= 0
    return [auroc(gold[known], run[known]) for run in scores.T]


def seeds_lines(by_seed: dict[str, list[float]]) -> list[str]:
    """Return median and extremes over seeds, a line a network."""
    head = f"{'':24} median over seeds (lowest, highest)"
    return [
        head,
        *(f"{n:24} {np.median(v):.3f} ({min(v):.3f}, {max(v):.3f})" for n, v in by_seed.items()),
    ]


def as_plain(value: Any) -> Any:
    """Return a value as JSON knows it; what is not a number becomes null."""
    if isinstance(value, dict):
        return {str(key): as_plain(entry) for key, entry in value.items() if key != "lines"}
    if isinstance(value, list | tuple):
        return [as_plain(entry) for entry in value]
    if isinstance(value, np.ndarray):
        return as_plain(value.tolist())
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
