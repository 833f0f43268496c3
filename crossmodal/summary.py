"""What a reader must know to judge a model, in the order of the TRIPOD statement; a part of every bundle."""

from collections.abc import Mapping
from typing import Any

from .contract import InputContract

UNKNOWN = "not reported"


def summarize(about: Mapping[str, Any]) -> dict[str, str]:
    """Return items of a prediction model's report and what is known of each, "not reported" where nothing is.

    Parameters
    ----------
    about : mapping
        The content of `bundle.json`.

    References
    ----------
    G. Collins et al., "TRIPOD+AI statement", BMJ 2024; this is a summary in its order, not the filled checklist.

    Examples
    --------
    >>> about = {"classes": ["normal", "abnormal"], "task": "ecg", "training": {"n_rows": 90}}
    >>> summarize(about)["sample size"]
    '90 labeled records taught the model'
    """
    training, lineage = about.get("training", {}), about.get("lineage", {})
    metrics = about.get("metrics", {})
    encoder = about.get("encoder", {})
    classes = ", ".join(about.get("classes", [])) or UNKNOWN
    outcome = f"{about.get('task', 'label')}: classes {classes}"
    if about.get("multi_label"):
        outcome = f"{classes}: findings, several of which may be present"
    n_rows = training.get("n_rows")
    return {
        "outcome": outcome,
        "labels": _labels(lineage),
        "predictors": str(InputContract.from_json(about["input"])) if "input" in about else UNKNOWN,
        "sample size": f"{n_rows} labeled records taught the model" if n_rows is not None else UNKNOWN,
        "data split": _parts(lineage.get("parts")),
        "missing data": _linked(lineage.get("linked")),
        "model": f"{encoder.get('name') or encoder.get('class') or UNKNOWN}, best epoch "
        f"{training.get('best_epoch', UNKNOWN)} of {training.get('n_epochs', UNKNOWN)}",
        "privacy": _privacy(lineage.get("privacy")),
        "calibration": f"temperature {about['temperature']:.3g}" if "temperature" in about else UNKNOWN,
        "performance": "; ".join(f"{name}: {_figure(value)}" for name, value in metrics.items()) or UNKNOWN,
        "external validation": _figure(metrics["external validation"])
        if "external validation" in metrics
        else UNKNOWN,
        "intended use": about.get("intended_use", UNKNOWN),
    }


def _labels(lineage: Mapping[str, Any]) -> str:
    model = lineage.get("labels", {})
    if not isinstance(model, Mapping) or not model:
        return UNKNOWN
    sources = [part for part in model.values() if isinstance(part, Mapping)] or [model]
    n_gold = max(int(source.get("gold_records", 0)) for source in sources)
    beside = f"that learned from {n_gold} reference labels as well" if n_gold else "without reference labels"
    return f"probabilities from labeling functions over reports, joined by a label model {beside}"


def _parts(parts: Any) -> str:
    if not isinstance(parts, Mapping) or not parts:
        return UNKNOWN
    return "by patient: " + ", ".join(f"{name} {_records(part)}" for name, part in parts.items())


def _records(part: Any) -> str:
    if not isinstance(part, Mapping):
        return str(part)
    return f"{part.get('records', UNKNOWN)} records, {part.get('covered', UNKNOWN)} labeled"


def _linked(linked: Any) -> str:
    if not isinstance(linked, Mapping) or "both" not in linked:
        return UNKNOWN
    return f"{linked['both']} records had both label and study, of {linked.get('labels', UNKNOWN)} labels and {linked.get('signals', UNKNOWN)} studies"


def _privacy(spent: Any) -> str:
    if not isinstance(spent, Mapping):
        return "trained without a guarantee: whether a patient was in the data may be told from the model"
    return f"differential privacy by patient, epsilon {spent['epsilon']:.3g} at delta {spent['delta']:.3g}; {spent['scope']}"


def _figure(value: Any) -> str:
    if isinstance(value, Mapping) and "estimate" in value:
        low, high = value.get("low"), value.get("high")
        shown = "missing" if value["estimate"] is None else f"{value['estimate']:.3f}"
        return shown if low is None or high is None else f"{shown} [{low:.3f}, {high:.3f}]"
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value) if isinstance(value, int | str) else f"{len(value)} figures"
