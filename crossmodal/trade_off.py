"""How good a network gets for how long it is trained, from one training with cycles of the learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .learning_rate import FIRST_CYCLE
from .time_to_quality import Epoch


@dataclass(frozen=True)
class TradeOff:
    """Validation losses at the ends of cycles, each standing for a training of that length.

    Parameters
    ----------
    epochs : tuple of int
        Epochs done at the end of each cycle.
    seconds : tuple of float
        On the clock until then, without validation.
    losses : tuple of float
        Validation loss there.
    """

    epochs: tuple[int, ...]
    seconds: tuple[float, ...]
    losses: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"epochs": list(self.epochs), "seconds": list(self.seconds), "losses": list(self.losses)}

    def __str__(self) -> str:
        rows = zip(self.epochs, self.seconds, self.losses, strict=True)
        return "; ".join(f"{n} epochs, {seconds:.1f} s: {loss:.3f}" for n, seconds, loss in rows)

    def seconds_to(self, loss: float) -> float | None:
        """Return when the loss was reached, along straight lines between cycles; None when it was not."""
        before: tuple[float, float] | None = None
        for seconds, value in zip(self.seconds, self.losses, strict=True):
            if value <= loss:
                if before is None or before[1] == value:
                    return seconds
                share = (before[1] - loss) / (before[1] - value)
                return before[0] + share * (seconds - before[0])
            before = (seconds, value)
        return None


def trade_off(history: Sequence[Epoch]) -> TradeOff | None:
    """Return losses at the ends of the cycles of ``CrossModalClassifier(schedule="cycles")``, None without validation.

    Between the ends the rate is high and the loss says nothing. A cycle that `max_epochs` cut short is left out; whole
    ones end after 2, 6, 14, 30 and 62 epochs.

    Parameters
    ----------
    history : sequence of EpochRecord
        ``CrossModalClassifier.history_``.

    References
    ----------
    J. Portes et al., "Fast benchmarking of accuracy vs. training time with cyclic learning rates", arXiv 2206.00832.

    Examples
    --------
    >>> from types import SimpleNamespace as Epoch
    >>> losses = [0.9, 0.6, 0.8, 0.7, 0.5, 0.4, 0.7]
    >>> found = trade_off([Epoch(epoch=n + 1, dev_loss=loss, seconds=n + 1.0) for n, loss in enumerate(losses)])
    >>> print(found)
    2 epochs, 2.0 s: 0.600; 6 epochs, 6.0 s: 0.400
    >>> found.seconds_to(0.5)
    4.0
    """
    found, end, length = [], FIRST_CYCLE, FIRST_CYCLE
    while end <= len(history):
        row = history[end - 1]
        found.append((row.epoch, row.seconds, row.dev_loss))
        length *= 2
        end += length
    known = [(epoch, seconds, loss) for epoch, seconds, loss in found if loss is not None]
    if not known or len(known) < len(found):
        return None
    epochs, seconds, losses = zip(*known, strict=True)
    return TradeOff(epochs, seconds, losses)
