"""How long a training took to be good, which says more than how long it ran."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

N_CONFIRM = 2
"""Later epochs that must hold a quality before it counts as reached."""


class Epoch(Protocol):
    """What is needed of an epoch's record: ``CrossModalClassifier.history_`` holds them."""

    @property
    def epoch(self) -> int:
        """Its number."""
        ...

    @property
    def dev_loss(self) -> float | None:
        """Loss on the validation rows."""
        ...

    @property
    def seconds(self) -> float:
        """Seconds since training began."""
        ...


@dataclass(frozen=True)
class TimeToQuality:
    """When a validation loss was first reached and held.

    Parameters
    ----------
    target : float
        The loss that was asked for.
    epoch : int or None
        None when it was not reached, or not held.
    seconds : float or None
        On the clock, without validation.
    of : float
        Seconds of the whole training.
    """

    target: float
    epoch: int | None
    seconds: float | None
    of: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"target": self.target, "epoch": self.epoch, "seconds": self.seconds, "of": self.of}

    def __str__(self) -> str:
        if self.epoch is None or self.seconds is None:
            return f"validation loss {self.target:.3f} not reached in {self.of:.1f} s"
        return (
            f"validation loss {self.target:.3f} in {self.seconds:.1f} of {self.of:.1f} s (epoch {self.epoch})"
        )


def time_to_quality(
    history: Sequence[Epoch], target: float | None = None, *, slack: float = 0.02
) -> TimeToQuality | None:
    """Return when the validation loss came down to `target` and stayed, None without validation.

    Parameters
    ----------
    history : sequence of EpochRecord
        ``CrossModalClassifier.history_``.
    target : float, optional
        Loss to reach; the best one of the training and a twentieth of the way back to the first epoch's by default.
    slack : float, default 0.02
        How far the next two epochs may lie above the target.

    References
    ----------
    C. Coleman et al., "Analysis of DAWNBench, a time-to-accuracy machine learning performance benchmark", 2018.

    Examples
    --------
    >>> from types import SimpleNamespace as Epoch
    >>> losses = [0.7, 0.5, 0.31, 0.30, 0.30]
    >>> history = [Epoch(epoch=n + 1, dev_loss=loss, seconds=2.0 * n + 2) for n, loss in enumerate(losses)]
    >>> print(time_to_quality(history, 0.31))
    validation loss 0.310 in 6.0 of 10.0 s (epoch 3)
    """
    losses = [epoch.dev_loss for epoch in history]
    if not losses or any(loss is None for loss in losses):
        return None
    known = [float(loss) for loss in losses if loss is not None]
    goal = min(known) + 0.05 * (known[0] - min(known)) if target is None else target
    whole = history[-1].seconds
    for place, loss in enumerate(known):
        later = known[place + 1 : place + 1 + N_CONFIRM]
        if loss <= goal and all(value <= goal + slack for value in later):
            return TimeToQuality(goal, history[place].epoch, history[place].seconds, whole)
    return TimeToQuality(goal, None, None, whole)
