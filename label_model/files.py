"""A label model on disk: a folder with `model.json` and `arrays.npz`, versioned, never a pickle."""

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sidelight.labeling import LabelSchema
from sidelight.labeling.faults import InputError
from sidelight.labeling.folder import write_file, write_folder

FORMAT = "sidelight label model"
VERSION = 1


def write_state(
    folder: str | Path,
    kind: str,
    params: Mapping[str, Any],
    state: Mapping[str, Any],
    *,
    overwrite: bool,
) -> Path:
    """Write a model's parameters and learned state to `folder` and return it."""
    plain, arrays = _split(state)
    document = {"format": FORMAT, "version": VERSION, "kind": kind, "params": _plain(params), "state": plain}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    with write_folder(folder, overwrite=overwrite) as temporary:
        write_file(temporary / "model.json", json.dumps(document, indent=1, sort_keys=True) + "\n")
        write_file(temporary / "arrays.npz", buffer.getvalue())
    return Path(folder)


def read_state(folder: str | Path, kinds: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the kind, parameters and state of the model in `folder`."""
    path = Path(folder)
    try:
        document = json.loads((path / "model.json").read_text())
        with np.load(path / "arrays.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError):
        raise InputError(path, "holds no readable label model (model.json and arrays.npz)") from None
    if document.get("format") != FORMAT:
        raise InputError(path, f"is no {FORMAT}")
    if not isinstance(document.get("version"), int) or document["version"] > VERSION:
        raise InputError(
            path, f"was written in version {document.get('version')}; this reads up to {VERSION}"
        )
    kind = document.get("kind")
    if kind not in kinds:
        raise InputError(path, f"holds a {kind}; wanted is one of {', '.join(sorted(kinds))}")
    state = {name: _rebuild(value) for name, value in document["state"].items()}
    return kind, document["params"], {**state, **arrays}


def fingerprint_state(kind: str, params: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """Return SHA-256 over a model's kind, parameters and state, the same in every process."""
    plain, arrays = _split(state)
    digest = hashlib.sha256(json.dumps([kind, _plain(params), plain], sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _split(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what goes into JSON from the arrays."""
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    plain = {name: _plain(value) for name, value in state.items() if name not in arrays}
    return plain, arrays


def _plain(value: Any) -> Any:
    """Return `value` as what JSON can hold; tuples are marked, so that they come back as tuples."""
    if isinstance(value, LabelSchema):
        return value.to_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple):
        return {"tuple": [_plain(entry) for entry in value]}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value


def _rebuild(value: Any) -> Any:
    """Undo `_plain` for tuples."""
    if isinstance(value, dict):
        if set(value) == {"tuple"}:
            return tuple(_rebuild(entry) for entry in value["tuple"])
        return {key: _rebuild(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rebuild(entry) for entry in value]
    return value
