"""What training leaves: weights and one JSON file that say what the model takes, gives and is meant for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from sidelight.labeling import LabelSchema
from sidelight.labeling.faults import InputError, UsageError
from sidelight.labeling.folder import write_folder

from .batches import apply_in_batches
from .calibration import scaled_softmax
from .classifier import CrossModalClassifier
from .contract import InputContract
from .encoders import ENCODERS
from .group_norm import without_batch_norm
from .heads import HEADS, Network
from .inputs import Inputs, as_inputs
from .multi_label import scaled_sigmoid
from .pooling import BagEncoder
from .predictions import Predictions, as_patients
from .summary import summarize

FORMAT = 1
BUNDLED: dict[str, type[nn.Module]] = {**ENCODERS, "bag": BagEncoder}
WEIGHTS, ABOUT = "model.safetensors", "bundle.json"
INTENDED_USE = (
    "Research software, not a medical device. Its labels came from rules over reports, not from a person who read each "
    "record. Not for diagnosis, treatment or triage of patients."
)
MAX_TEXT = 200
"""A longer text in lineage or metrics could be a report's, so it is refused."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """A trained model with everything needed to use it, and nothing it was trained on.

    Parameters
    ----------
    network : Module
        Encoder and head.
    contract : InputContract
        What the model takes.
    schema : LabelSchema
        What the model gives.
    temperature : float
        Divides the logits.
    fingerprint : str
        Of weights and description together; stands in every table of predictions.
    lineage : mapping
        Fingerprints of votes and label model, counts, settings.
    metrics : mapping
        What was measured, with intervals.
    intended_use : str
        What the model is and is not for.
    multi_label : bool
        Classes are findings of which several may be present.
    summary : mapping from item to text
        What a reader must know, in the order of the TRIPOD statement.
    licence_notes : tuple of str
        What the data's licences ask for.
    """

    network: Network
    contract: InputContract
    schema: LabelSchema
    temperature: float
    fingerprint: str
    lineage: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    intended_use: str = INTENDED_USE
    multi_label: bool = False
    summary: Mapping[str, str] = field(default_factory=dict)
    licence_notes: tuple[str, ...] = ()

    def predict_logits(self, signals: Inputs | ArrayLike, *, batch_size: int = 64) -> NDArray[np.float64]:
        """Return logits of shape (n_studies, n_classes); refuse signals that break the contract."""
        inputs = as_inputs(signals)
        self.contract.check(inputs.contract)
        return apply_in_batches(self.network, inputs, batch_size, self.schema.cardinality)

    def predict_proba(self, signals: Inputs | ArrayLike, *, batch_size: int = 64) -> NDArray[np.float64]:
        """Return calibrated probabilities of shape (n_studies, n_classes)."""
        logits = self.predict_logits(signals, batch_size=batch_size)
        return (scaled_sigmoid if self.multi_label else scaled_softmax)(logits, self.temperature)

    def embed(self, signals: Inputs | ArrayLike, *, batch_size: int = 64) -> NDArray[np.float64]:
        """Return the encoder's features of shape (n_studies, n_features), for looking at slices."""
        inputs = as_inputs(signals)
        self.contract.check(inputs.contract)
        width = int(getattr(self.network.encoder, "n_features", 0))
        return apply_in_batches(self.network.encoder, inputs, batch_size, width)

    def predict(
        self, signals: Inputs | ArrayLike, *, patient_ids: ArrayLike | None = None, batch_size: int = 64
    ) -> Predictions:
        """Return the table of predictions; studies keep their ids, a bare array's are row numbers."""
        inputs = as_inputs(signals)
        ids = getattr(inputs, "ids", None)
        return Predictions(
            ids=np.arange(len(inputs)).astype(np.str_) if ids is None else ids,
            proba=self.predict_proba(inputs, batch_size=batch_size),
            schema=self.schema,
            bundle=self.fingerprint,
            patient_ids=None if patient_ids is None else as_patients(patient_ids),
            multi_label=self.multi_label,
        )


def save_bundle(
    path: str | Path,
    classifier: CrossModalClassifier,
    schema: LabelSchema,
    *,
    lineage: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    licence_notes: Sequence[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write a fitted classifier as a folder with `model.safetensors` and `bundle.json`, whole or not at all.

    Parameters
    ----------
    path : path-like
        The folder.
    classifier : CrossModalClassifier
        Fitted.
    schema : LabelSchema
        Names of the classes.
    lineage, metrics : mapping, optional
        Numbers, names and fingerprints; a text of more than 200 characters is refused, since it could be a
        report's.
    licence_notes : sequence of str, optional
        What the licences of the training data ask for, an attribution for example.
    overwrite : bool, default False
        Replace a bundle that is there already.

    Raises
    ------
    UsageError
        When the folder is there already.
    """
    network = classifier._fitted()
    if schema.cardinality != classifier.n_classes_:
        raise ValueError(f"schema has {schema.cardinality} classes; the model has {classifier.n_classes_}")
    about = {
        "format": FORMAT,
        "encoder": _recipe(network.encoder, BUNDLED),
        "head": _recipe(network.head, HEADS),
        "input": classifier.contract_.to_json(),
        "classes": list(schema.classes),
        "task": schema.task,
        "multi_label": classifier.multi_label,
        "temperature": classifier.temperature_,
        "training": {
            "n_rows": classifier.n_rows_,
            "best_epoch": classifier.best_epoch_,
            "n_epochs": max(len(classifier.history_), classifier.best_epoch_),
            "seed": classifier.seed,
            "torch": torch.__version__,
        },
        "lineage": _plain(lineage or {}, "lineage"),
        "metrics": _plain(metrics or {}, "metrics"),
        "intended_use": INTENDED_USE,
        "licence_notes": [str(note) for note in licence_notes],
    }
    about["summary"] = summarize(about)
    weights = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    text = json.dumps(about, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    with write_folder(path, overwrite=overwrite) as folder:
        (folder / WEIGHTS).write_bytes(safetensors.torch.save(weights))
        (folder / ABOUT).write_text(text, encoding="utf-8")
    return Path(path)


def load_bundle(
    path: str | Path, *, encoder: nn.Module | None = None, head: nn.Module | None = None
) -> Bundle:
    """Read a bundle that `save_bundle` wrote; runs no code from it.

    Parameters
    ----------
    path : path-like
        The folder.
    encoder, head : Module, optional
        A network of the same shape, where the bundle holds one of a user's own kind.

    Raises
    ------
    InputError
        When a file is missing, damaged or of another format.
    """
    folder = Path(path)
    about, packed = _read(folder)
    try:
        network = Network(
            encoder if encoder is not None else _rebuild(about["encoder"], BUNDLED, "encoder"),
            head if head is not None else _rebuild(about["head"], HEADS, "head"),
        )
        bundle = Bundle(
            network=network,
            contract=InputContract.from_json(about["input"]),
            schema=LabelSchema(about["classes"], about["task"]),
            temperature=float(about["temperature"]),
            fingerprint=_fingerprint(folder),
            lineage=about["lineage"],
            metrics=about["metrics"],
            intended_use=about["intended_use"],
            multi_label=bool(about.get("multi_label", False)),
            summary=about.get("summary", {}),
            licence_notes=tuple(about["licence_notes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            folder / ABOUT, f"lacks or garbles a field ({type(error).__name__}: {error})"
        ) from None
    try:
        network.load_state_dict(safetensors.torch.load(packed))
    except (RuntimeError, safetensors.SafetensorError):
        raise InputError(folder / WEIGHTS, "is damaged or does not fit the network of bundle.json") from None
    network.eval()
    return bundle


def _read(folder: Path) -> tuple[dict[str, Any], bytes]:
    for name in (ABOUT, WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(folder, f"is no bundle: it holds no {name}")
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(folder / ABOUT, "is no JSON") from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise InputError(folder / ABOUT, f"is not in format {FORMAT}; this sidelight reads no other")
    return about, (folder / WEIGHTS).read_bytes()


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in (ABOUT, WEIGHTS):
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()[:32]


def _recipe(module: nn.Module, registry: Mapping[str, type[nn.Module]]) -> dict[str, Any]:
    """Return how to build a module again; a user's own kind is known by its class alone."""
    for name, kind in registry.items():
        if type(module) is kind and not getattr(module, "holds_own", False):
            replaced = {"group_norm": True} if getattr(module, "group_norm", False) else {}
            return {"name": name, "config": module.config, **replaced}
    return {"name": None, "class": type(module).__qualname__}


def _rebuild(recipe: Mapping[str, Any], registry: Mapping[str, type[nn.Module]], part: str) -> nn.Module:
    if recipe["name"] is None:
        raise UsageError(
            f"the bundle's {part} is of a user's own class {recipe['class']}; hand one in as {part}="
        )
    if recipe["name"] not in registry:
        raise UsageError(
            f"the bundle's {part} is {recipe['name']!r}; known are {', '.join(sorted(registry))}"
        )
    module = registry[recipe["name"]](**recipe["config"])
    return without_batch_norm(module) if recipe.get("group_norm") else module


def _plain(values: Any, place: str) -> Any:
    """Return JSON values; refuse long texts and what is no plain value."""
    if isinstance(values, Mapping):
        return {str(key): _plain(value, f"{place}.{key}") for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_plain(value, f"{place}[{index}]") for index, value in enumerate(values)]
    if isinstance(values, np.generic):
        values = values.item()
    if isinstance(values, float) and not np.isfinite(values):
        return None
    if isinstance(values, str) and len(values) > MAX_TEXT:
        raise ValueError(
            f"{place} holds a text of {len(values)} characters; a bundle holds none over {MAX_TEXT}"
        )
    if values is None or isinstance(values, str | int | float | bool):
        return values
    raise TypeError(f"{place} is a {type(values).__name__}; a bundle holds plain values")
