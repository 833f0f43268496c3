"""What an annotator did to a record, as one small event; a label is what the events add up to."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from sidelight.labeling import UsageError

KINDS = ("label", "skip", "flag", "unflag", "comment", "undo")
"""What can happen to a record. `skip` decides as `label` does; `undo` takes back the event it names."""

PURPOSES = ("label", "adjudicate")
"""Why a label was given: by an annotator for himself, or by an adjudicator for all."""


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """One thing one person did to one record.

    Parameters
    ----------
    event_id : str
        Made where the event arose, before it was sent; an event sent twice counts once.
    item_id : str
        The record's id.
    annotator : str
        Who did it, as the login says.
    kind : str
        One of `KINDS`.
    value : str
        The class name of a label, the words of a comment, the event an undo takes back; else empty.
    purpose : str, default "label"
        One of `PURPOSES`.
    queue : str, default ""
        The queue that brought the record up.
    chance : float or None
        Probability with which the queue drew the record; None where the queue chose it.
    ms_on_screen : int or None
        Milliseconds between the record's first showing and the event.
    suggestion : str, default ""
        The class that the page suggested, when it suggested one.
    evidence : bool or None
        Whether the page had shown this person how functions vote on the record; None where nobody knows.
    at : str, default ""
        When the store committed it, ISO 8601 in UTC; the store sets it.
    seq : int, default 0
        Its place in the store; the store sets it.
    """

    event_id: str
    item_id: str
    annotator: str
    kind: str
    value: str = ""
    purpose: str = "label"
    queue: str = ""
    chance: float | None = None
    ms_on_screen: int | None = None
    suggestion: str = ""
    evidence: bool | None = None
    at: str = ""
    seq: int = 0

    def __post_init__(self) -> None:
        """Refuse an event that could mean two things."""
        if self.kind not in KINDS:
            raise UsageError(f"an event's kind is one of {', '.join(KINDS)}")
        if self.purpose not in PURPOSES:
            raise UsageError(f"an event's purpose is one of {', '.join(PURPOSES)}")
        for name in ("event_id", "item_id", "annotator"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise UsageError(f"an event's {name} is a non-empty string")
        if self.evidence not in (None, True, False):
            raise UsageError("an event's evidence is true, false or null")
        if self.kind in ("label", "comment", "undo") and not self.value:
            raise UsageError(f"a {self.kind} event has a value")

    def says_the_same(self, other: "LabelEvent") -> bool:
        """Return whether two events of one person on one record say the same thing."""
        return (self.item_id, self.annotator, self.kind, self.value, self.purpose) == (
            other.item_id,
            other.annotator,
            other.kind,
            other.value,
            other.purpose,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; unknown keys are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


def new_event_id() -> str:
    """Return an id no other event has."""
    return uuid.uuid4().hex
