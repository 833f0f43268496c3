"""A finished run in MLflow: its settings, figures, report and bundles; nothing that is not in the run's own folder."""

import hashlib
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from sidelight.labeling import InputError, UsageError

from .runs import Run

_TAG = "sidelight.run"
_LONGEST = 500
"""Characters of a setting that MLflow takes from any of its stores."""


def log_run(run: Run, uri: str, *, experiment: str | None = None) -> str:
    """Log a run to MLflow and return the id it got there; a run that is there already stays as it is.

    Parameters
    ----------
    run : Run
        A finished run.
    uri : str
        A folder, or the address of a tracking server.
    experiment : str, optional
        Name of the experiment; the project's name when not given.

    Raises
    ------
    UsageError
        When MLflow is not installed.
    InputError
        When the folder or server does not take it.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing about a project is told to others
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a plain folder is what needs no server
    try:
        entities, exceptions, tracking = (
            import_module(f"mlflow.{name}") for name in ("entities", "exceptions", "tracking")
        )
    except ModuleNotFoundError:
        raise UsageError("logging to MLflow needs it: pip install mlflow-skinny") from None
    about = hashlib.sha256((run.folder / "manifest.json").read_bytes()).hexdigest()[:32]
    name = experiment or str(run.manifest["project"])
    place = uri if "://" in uri else Path(uri).resolve().as_uri()
    try:
        client = tracking.MlflowClient(tracking_uri=place)
        known = client.get_experiment_by_name(name)
        number = known.experiment_id if known is not None else client.create_experiment(name)
        there = client.search_runs([number], f"tags.`{_TAG}` = '{about}'", max_results=1)
        if there:
            return str(there[0].info.run_id)
        begun = client.create_run(number, run_name=run.number)
        logged = str(begun.info.run_id)
        now = int(begun.info.start_time)
        metrics = [entities.Metric(key, value, now, 0) for key, value in figures(run)]
        params = [entities.Param(key, value) for key, value in _settings(run.manifest["config"])]
        for start in range(0, max(len(metrics), len(params)), 100):  # no more at a time
            client.log_batch(logged, metrics[start : start + 100], params[start : start + 100])
        client.log_artifacts(logged, str(run.folder))
        # the tag last: a run that was cut off while it was logged does not count as logged
        client.log_batch(
            logged,
            tags=[
                entities.RunTag(_TAG, about),
                entities.RunTag("sidelight.version", run.manifest["sidelight"]),
            ],
        )
        client.set_terminated(logged)
    except (exceptions.MlflowException, OSError) as error:
        raise InputError(
            uri, f"MLflow does not take the run ({getattr(error, 'error_code', type(error).__name__)})"
        ) from None
    return logged


def figures(run: Run) -> Iterator[tuple[str, float]]:
    """Yield the figures of a run under names that say what they are of, part and slice included."""
    seen: set[str] = set()
    for entry in run.metrics():
        if not isinstance(entry["value"], int | float):
            continue
        about = [entry.get(key) for key in ("task", "of", "part", "source", "function", "slice", "class")]
        words = [entry["step"].partition(":")[0], *(str(word) for word in about if word), entry["metric"]]
        name = re.sub(r"[^\w .\-/]", "_", "/".join(words))
        if name not in seen:
            seen.add(name)
            yield name, float(entry["value"])


def _settings(config: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the effective configuration, a key a line."""
    for name, value in config.items():
        if isinstance(value, dict):
            yield from _settings(value, f"{path}{name}.")
        else:
            yield re.sub(r"[^\w .\-/]", "_", f"{path}{name}"), str(value)[:_LONGEST]
