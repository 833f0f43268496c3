"""The bundled example: ECG reports and signals, labeling functions, slicing functions and the run that ties them."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
REPORTS = DATA / "records.csv"
"""367 ECG reports of PTB-XL with metadata (CC BY 4.0; see the README beside it)."""

SIGNALS = DATA / "signals.npz"
"""The ECGs those reports describe."""

__all__ = ["DATA", "REPORTS", "SIGNALS"]
