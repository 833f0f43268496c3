"""What a model may be given: channels, shape, sampling rate and units, checked before the first prediction."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from sidelight.labeling.faults import UsageError

KINDS = {1: "signal", 2: "image", 3: "volume"}


@dataclass(frozen=True)
class InputContract:
    """Shape and meaning of a model's input.

    Parameters
    ----------
    lead_names : tuple of str
        Leads of a signal or channels of an image, in order.
    shape : tuple of int
        Samples of one study: (length,) of a signal, (height, width) of an image.
    sampling_hz : float, default 0
        Samples a second of a signal; 0 when not known.
    units : str, default ""
        Units of the samples; empty when not known.
    bag : bool, default False
        Each record is several such studies; the rest says what one of them is.

    Examples
    --------
    >>> print(InputContract(("I", "II"), (1000,), 100.0, "mV"))
    signal of 2 leads x 1000 samples at 100 Hz in mV
    """

    lead_names: tuple[str, ...]
    shape: tuple[int, ...]
    sampling_hz: float = 0.0
    units: str = ""
    bag: bool = False

    @property
    def kind(self) -> str:
        """What a study is: signal, image or volume."""
        return KINDS[len(self.shape)]

    @property
    def length(self) -> int:
        """Samples of one signal; the height of an image."""
        return self.shape[0]

    def check(self, given: "InputContract") -> None:
        """Raise when inputs described by `given` are not what this contract asks for.

        A sampling rate or unit that either side does not know is not compared.

        Raises
        ------
        UsageError
            One line: what was found and what is needed.
        """
        if given.kind != self.kind:
            raise UsageError(f"the studies are {given.kind}s; the model needs {self.kind}s")
        if given.bag != self.bag:
            these, those = ("single studies", "bags") if self.bag else ("bags", "single studies")
            raise UsageError(f"these are {these}; the model needs {those}")
        what = "signals" if self.kind == "signal" else "studies"
        for found, needed, words in (
            (len(given.lead_names), len(self.lead_names), "leads"),
            (list(given.lead_names), list(self.lead_names), "as leads"),
            (_size(given.shape), _size(self.shape), "samples a study"),
            (given.sampling_hz, self.sampling_hz, "Hz"),
            (given.units, self.units, "as units"),
        ):
            if found != needed and needed and (found or words == "leads"):
                raise UsageError(f"the {what} have {found} {words}; the model needs {needed}")

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `bundle.json`."""
        return {**asdict(self), "lead_names": list(self.lead_names), "shape": list(self.shape)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Return the contract that `to_json` wrote."""
        return cls(
            lead_names=tuple(str(name) for name in plain["lead_names"]),
            shape=tuple(int(size) for size in plain["shape"]),
            sampling_hz=float(plain["sampling_hz"]),
            units=str(plain["units"]),
            bag=bool(plain.get("bag", False)),
        )

    def __str__(self) -> str:
        rate = f" at {self.sampling_hz:g} Hz" if self.sampling_hz else ""
        units = f" in {self.units}" if self.units else ""
        part = "leads" if self.kind == "signal" else "channels"
        return f"{'bags, each ' if self.bag else ''}{self.kind} of {len(self.lead_names)} {part} x {_size(self.shape)} samples{rate}{units}"


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape)
