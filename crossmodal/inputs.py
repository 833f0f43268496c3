"""What a model is trained on: anything that hands out float32 batches by row, or a plain array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .contract import InputContract


@runtime_checkable
class Inputs(Protocol):
    """Studies of the target modality; `SignalSet` is one."""

    @property
    def contract(self) -> InputContract:
        """Shape and meaning of one study."""
        ...

    def batch(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Return the studies at these positions as float32 of shape (n_rows, ...)."""
        ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, eq=False)
class ArrayInputs:
    """A plain array of shape (n_studies, n_leads, ...) seen as `Inputs`."""

    values: NDArray[Any]

    @property
    def contract(self) -> InputContract:
        """Shape of one study; leads are numbered, rate and units unknown."""
        n_leads, *shape = self.values.shape[1:]
        return InputContract(tuple(str(lead) for lead in range(n_leads)), tuple(shape))

    def batch(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Return the rows as float32."""
        return self.values[np.asarray(rows, dtype=np.intp)].astype(np.float32)

    def __len__(self) -> int:
        return len(self.values)


def as_inputs(signals: Inputs | ArrayLike) -> Inputs:
    """Return `signals` as `Inputs`: what every public function does with what it is given."""
    if isinstance(signals, Inputs):
        return signals
    values = np.asarray(signals)
    if values.ndim not in (3, 4, 5) or values.dtype.kind not in "iuf":
        raise ValueError(
            f"signals are {values.dtype} of shape {values.shape}; give numbers (n_studies, n_leads, length), or "
            "(n_studies, n_channels, height, width) for images"
        )
    wrong = [row for row, study in enumerate(values) if not np.isfinite(study).all()]
    if wrong:
        raise ValueError(f"signals[{wrong[0]}] holds samples that are not finite ({len(wrong)} such rows)")
    return ArrayInputs(values)
