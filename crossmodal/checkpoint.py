"""A file from which a killed training goes on, to the same weights as if it had never stopped."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sidelight.labeling.faults import InputError, UsageError

from .targets import Targets

PRIVATE_FILE = 0o600
FIELDS = {"training", "history", "best_epoch", "best", "best_weights", "last_weights", "stopped", "random"}


class Checkpoint:
    """Where a training keeps its state, once an epoch: weights, optimizer, losses, random numbers; no signals.

    A loss may keep features and labels of some training records here for a while, by position, without an id.

    Parameters
    ----------
    path : path-like
        The file.
    training : str
        Fingerprint of settings and labels; a checkpoint of another training is refused.
    """

    def __init__(self, path: str | Path, training: str) -> None:
        self.path = Path(path)
        self.training = training

    def read(self) -> dict[str, Any] | None:
        """Return the state kept in the file, None when there is no file.

        Raises
        ------
        InputError, UsageError
            When the file is damaged, or of another training.
        """
        if not self.path.exists():
            return None
        try:
            # weights_only: a checkpoint that holds anything but plain values and tensors is not loaded
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            state = next(state for state in content["callbacks"].values() if set(state) >= FIELDS)
        except Exception as error:  # torch raises many kinds for a damaged file
            raise InputError(self.path, f"is no checkpoint of sidelight ({type(error).__name__})") from None
        if state["training"] != self.training:
            raise UsageError(
                f"{self.path.name}: is of another training (settings, labels or data differ); "
                "remove it or choose another file"
            )
        return dict(state)

    def write(self, save: Callable[[Path], None]) -> None:
        """Let `save` write a file and put it in place in one step."""
        temporary = self.path.with_name(f".sidelight-{self.path.name}-{uuid.uuid4().hex[:8]}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            save(temporary)
            temporary.chmod(PRIVATE_FILE)
            temporary.replace(self.path)
        except OSError as error:
            raise InputError(self.path, f"cannot be written ({error.strerror})") from None
        finally:
            temporary.unlink(missing_ok=True)


def training_fingerprint(settings: Mapping[str, Any], targets: Targets, example: Any) -> str:
    """Return a fingerprint of everything that decides a training's course, as far as it can be told.

    Modules are told by their class and their weights, other objects by their class.
    """
    digest = hashlib.sha256()
    for name, value in sorted(settings.items()):
        digest.update(f"{name}={_told(value)};".encode())
    for array in (targets.proba, targets.weight, np.asarray(example)):
        digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def _told(value: Any) -> str:
    if value is None or isinstance(value, str | int | float | bool):
        return repr(value)
    name = getattr(value, "__qualname__", type(value).__qualname__)
    if isinstance(value, torch.nn.Module):
        digest = hashlib.sha256()
        for key, weights in value.state_dict().items():
            digest.update(key.encode() + weights.detach().cpu().numpy().tobytes())
        return f"{name}:{digest.hexdigest()}"
    return name
