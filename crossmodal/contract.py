"""What a model may be given: leads, sampling rate, length and units, checked before the first prediction."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from sidelight.labeling.faults import UsageError


@dataclass(frozen=True)
class InputContract:
    """Shape and meaning of a model's input.

    Parameters
    ----------
    lead_names : tuple of str
        Leads or channels, in order.
    sampling_hz : float
        Samples a second; 0 when not known.
    length : int
        Samples of one study.
    units : str
        Units of the samples; empty when not known.

    Examples
    --------
    >>> print(InputContract(("I", "II"), 100.0, 1000, "mV"))
    2 leads x 1000 samples at 100 Hz in mV
    """

    lead_names: tuple[str, ...]
    sampling_hz: float
    length: int
    units: str = ""

    def check(self, given: "InputContract") -> None:
        """Raise when inputs described by `given` are not what this contract asks for.

        A sampling rate or unit that either side does not know is not compared.

        Raises
        ------
        UsageError
            One line: what was found and what is needed.
        """
        for found, needed, what in (
            (len(given.lead_names), len(self.lead_names), "leads"),
            (list(given.lead_names), list(self.lead_names), "as leads"),
            (given.length, self.length, "samples a study"),
            (given.sampling_hz, self.sampling_hz, "Hz"),
            (given.units, self.units, "as units"),
        ):
            if found != needed and (found or what == "leads") and needed:
                raise UsageError(f"the signals have {found} {what}; the model needs {needed}")

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `bundle.json`."""
        return {**asdict(self), "lead_names": list(self.lead_names)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Return the contract that `to_json` wrote."""
        return cls(
            lead_names=tuple(str(name) for name in plain["lead_names"]),
            sampling_hz=float(plain["sampling_hz"]),
            length=int(plain["length"]),
            units=str(plain["units"]),
        )

    def __str__(self) -> str:
        rate = f" at {self.sampling_hz:g} Hz" if self.sampling_hz else ""
        units = f" in {self.units}" if self.units else ""
        return f"{len(self.lead_names)} leads x {self.length} samples{rate}{units}"
