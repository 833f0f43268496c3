"""Where votes come from: which function made a column, who ran it, on what input, with which versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..vote_files import read_manifest
from .folder_votes import function_keys
from .journal import check_log, read_log
from .store import PartStore


@dataclass(frozen=True)
class Lineage:
    """The provenance of a folder of votes.

    Parameters
    ----------
    functions : tuple of mapping
        Of each column: name, fingerprint, the versions it was computed with, who ran it first and when.
    sources : tuple of mapping
        Of each input file: name, bytes, hash.
    runs : tuple of mapping
        What happened in the folder, oldest first.
    broken_line : int
        First line of the log that does not follow from the one before; 0 when none was changed.
    """

    functions: tuple[Mapping[str, Any], ...]
    sources: tuple[Mapping[str, Any], ...]
    runs: tuple[Mapping[str, Any], ...]
    broken_line: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the provenance as plain values."""
        return {
            "functions": [dict(entry) for entry in self.functions],
            "sources": [dict(entry) for entry in self.sources],
            "runs": [dict(entry) for entry in self.runs],
            "broken_line": self.broken_line,
        }


def read_lineage(folder: str | Path) -> Lineage:
    """Return where the votes of a folder come from."""
    path = Path(folder)
    manifest = read_manifest(path)
    if manifest["version"] == 1:
        functions = [{"name": f["name"], "fingerprint": f["fingerprint"]} for f in manifest["functions"]]
        return Lineage(tuple(functions), tuple(manifest["sources"]), tuple(read_log(path)))
    log = read_log(path)
    runs = [entry for entry in log if entry["event"] in ("label", "erase")]
    made = _versions(path, manifest)
    functions = []
    for key in function_keys(manifest):
        first = next((run for run in runs if run.get("functions", {}).get(key.name) == key.fingerprint), {})
        entry = {
            "name": key.name, "fingerprint": key.fingerprint, "versions": made.get(key.key, []),
            "run_by": first.get("user", ""), "on": first.get("host", ""), "at": first.get("time", ""),
            "file": first.get("functions_file", ""),
        }  # fmt: skip
        functions.append(entry)
    shown = [
        {name: value for name, value in run.items() if name not in ("seconds", "functions")} for run in runs
    ]
    return Lineage(tuple(functions), tuple(manifest["sources"]), tuple(shown), check_log(path))


def _versions(folder: Path, manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the versions of everything that computed each column, by function key."""
    made: dict[str, set[str]] = {}
    for part in manifest["parts"]:
        _, groups = PartStore(folder, part["key"]).receipts()
        for receipt in groups:
            text = ", ".join(f"{name} {version}" for name, version in receipt["versions"].items())
            for function in receipt["functions"]:
                made.setdefault(function["key"], set()).add(text)
    return {key: sorted(found) for key, found in made.items()}
