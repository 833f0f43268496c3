"""What functions raised while they were counted as abstaining, as `sidelight label` and `analyze` show it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .output import print_table

if TYPE_CHECKING:
    from sidelight.labeling.engine import FaultCount


def print_faults(faults: Sequence["FaultCount"]) -> None:
    """Print a line for each function and what it raised; nothing where none raised."""
    if faults:
        rows = [[fault.function, fault.fault, fault.n_calls, len(fault.parts)] for fault in faults]
        print_table("Calls that raised", ["function", "what", "calls", "parts"], rows)


def faults_json(faults: Sequence["FaultCount"]) -> list[dict[str, Any]]:
    """Return the same with the calls of each part."""
    return [
        {"function": fault.function, "fault": fault.fault, "calls": fault.n_calls, "parts": dict(fault.parts)}
        for fault in faults
    ]
