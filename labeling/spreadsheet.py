"""Cells that a spreadsheet opens without running them."""

import re

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\x00")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")


def safe_cell(cell: str) -> str:
    """Return a cell as a spreadsheet may see it: with an apostrophe where it would be a formula, numbers as they are.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell("-1.5"), safe_cell("-x"), safe_cell("a")
    ("'=1+1", '-1.5', "'-x", 'a')
    """
    risky = cell.startswith(_DANGEROUS) and not _NUMBER.match(cell)
    return f"'{cell}" if risky or cell.startswith("'") else cell


def plain_cell(cell: str) -> str:
    """Return what `safe_cell` was given."""
    return cell[1:] if cell.startswith("'") and (cell[1:].startswith((*_DANGEROUS, "'"))) else cell
