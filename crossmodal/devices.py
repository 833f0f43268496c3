"""Training on several devices: a process for each, all with the same weights, each with its piece of every batch."""

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sidelight.labeling.faults import UsageError

from .checkpoint import Checkpoint


def check_portable(**parts: Any) -> None:
    """Raise when a part of a training cannot be sent to the other devices' processes.

    Raises
    ------
    UsageError
        Naming the part; functions written in place (lambdas) and open files are what mostly cannot be sent.
    """
    for name, part in parts.items():
        try:
            pickle.dumps(part)
        except (pickle.PicklingError, AttributeError, TypeError):
            raise UsageError(
                f"{name} cannot be sent to the processes of other devices; give an object of a class or a function "
                "of a module, or train on one device"
            ) from None


@contextmanager
def state_brought_back(checkpoint: Checkpoint | None) -> Iterator[Checkpoint]:
    """Yield where the first device's process leaves its state, for the one that waits for it."""
    if checkpoint is not None:
        yield checkpoint
        return
    with tempfile.TemporaryDirectory(prefix="sidelight-") as folder:
        yield Checkpoint(Path(folder, "training.ckpt"), "")


@contextmanager
def faults_told() -> Iterator[None]:
    """Say in one sentence what stopped the processes of the devices, or why there are none."""
    from lightning.fabric.utilities.exceptions import MisconfigurationException
    from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

    try:
        yield
    except MisconfigurationException as error:
        raise UsageError(f"there are no such devices here: {str(error).splitlines()[0].strip()}") from None
    except ProcessRaisedException as error:
        raise UsageError(f"a device's process failed: {str(error).strip().splitlines()[-1]}") from None
    except ProcessExitedException:
        raise UsageError("a device's process was killed; out of memory, perhaps") from None
