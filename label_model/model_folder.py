"""Folders that hold several label models: a description in JSON, and each model in a numbered folder below."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sidelight.labeling.faults import InputError
from sidelight.labeling.folder import write_file, write_folder

from .matrix_completion import LabelModel


def write_models(
    folder: str | Path, name: str, about: Mapping[str, Any], models: Iterable[LabelModel], *, overwrite: bool
) -> Path:
    """Write `about` to the file `name` of a folder, and the models to folders below it, numbered in their order."""
    with write_folder(folder, overwrite=overwrite) as temporary:
        write_file(temporary / name, json.dumps(about, indent=1) + "\n")
        for number, model in enumerate(models):
            model.save(temporary / f"{number:03d}")
    return Path(folder)


def read_about(folder: str | Path, name: str, file_format: str, kind: str) -> dict[str, Any]:
    """Return what `write_models` wrote to the file `name`.

    Raises
    ------
    InputError
        When it cannot be read, or is of another format or version.
    """
    path = Path(folder)
    try:
        about: dict[str, Any] = json.loads((path / name).read_text())
    except (OSError, ValueError):
        raise InputError(path, f"holds no readable {kind} model ({name})") from None
    if about.get("format") != file_format or about.get("version") != 1:
        raise InputError(path, f"holds no {file_format} of version 1")
    return about


def read_models(folder: str | Path, n_models: int) -> list[LabelModel]:
    """Return the models that `write_models` wrote, in their order."""
    return [LabelModel.load(Path(folder) / f"{number:03d}") for number in range(n_models)]
