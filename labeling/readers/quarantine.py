"""Rows set aside: where they stand and why, never what they say."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

HARMLESS = frozenset(
    {
        "superseded",
        "retracted",
        "entered_in_error",
        "cancelled",
        "no_report",
        "no_content",
        "empty_file",
        "has_notes",
        "erased",
    }
)
"""Reasons that are no damage: such rows are counted, but not held against the limit."""
NOTHING = frozenset({"blank_line", "empty_file"})
"""Reasons that are no rows: an export that holds nothing else is empty."""


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that was set aside: where it stands and why, never what it says.

    Parameters
    ----------
    source : str
        Name of the file, relative to the export.
    offset : int
        Byte at which the row starts in text formats (of the unpacked file); row counted from 0 in Parquet.
    reason : str
        A short code, such as "duplicate_id" or "bad_utf8".
    field : str
        The column at fault, empty when the whole row is.
    sha256 : str
        Hash of the raw row, so that it can be recognised without being repeated.
    line : int
        Line at which the row starts, counted from 1; 0 where the format has no lines.
    """

    source: str
    offset: int
    reason: str
    field: str = ""
    sha256: str = ""
    line: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "QuarantinedRow":
        """Read what `to_json` wrote."""
        return cls(**data)


@dataclass
class Quarantine:
    """The rows set aside so far, in the order in which they were met."""

    rows: list[QuarantinedRow] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def counts(self) -> dict[str, int]:
        """Return how many rows were set aside for each reason, sorted by reason."""
        return count_reasons(self.rows)

    @property
    def n_damaged(self) -> int:
        """Rows set aside for a reason that is damage, and no ordinary thing such as a superseded report."""
        return sum(row.reason not in HARMLESS for row in self.rows)


def count_reasons(rows: list[QuarantinedRow]) -> dict[str, int]:
    """Return how many rows were set aside for each reason and field, sorted."""
    tally = Counter(f"{row.reason}:{row.field}" if row.field else row.reason for row in rows)
    return dict(sorted(tally.items()))
