"""What steps made, kept under the key of all that decided it; a folder is there whole or not at all."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sidelight.labeling import write_file, write_folder

from .lock import hold

RECEIPT = "receipt.json"
VARYING = frozenset({RECEIPT, "run.log.jsonl"})
"""Files that may differ between equal steps: times are in them."""


class Store:
    """The folder in which a project's steps keep what they made.

    Parameters
    ----------
    folder : Path
        `.sidelight` beside the project file. Record ids, votes and labels lie in it: it is not for sharing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, step: str, key: str) -> Path:
        """Return where a step with this key keeps what it made."""
        return self.folder / "steps" / step.replace(":", ".") / key[:16]

    def partial(self, step: str, key: str) -> Path:
        """Return where a step may keep what lets it go on after it was killed."""
        return self.folder / "partial" / f"{step.replace(':', '.')}-{key[:16]}"

    def receipt(self, step: str, key: str) -> dict[str, Any] | None:
        """Return the receipt of a finished step, None when it is not there or a file of it is missing or cut."""
        folder = self.place(step, key)
        try:
            receipt: dict[str, Any] = json.loads((folder / RECEIPT).read_text())
            sizes = {name: (folder / name).stat().st_size for name in receipt["files"]}
        except (OSError, ValueError, KeyError):
            return None
        whole = all(size == receipt["files"][name]["bytes"] for name, size in sizes.items())
        return receipt if receipt["key"] == key and whole else None

    @contextmanager
    def write(self, step: str, key: str, about: Mapping[str, Any]) -> Iterator[Path]:
        """Hand out a folder for a step; it gets a receipt and its place when the block ends well."""
        place = self.place(step, key)
        with write_folder(place, overwrite=True) as folder:
            yield folder
            files = {}
            for file in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
                name = file.relative_to(folder).as_posix()
                if file.name not in VARYING:
                    digest = hashlib.sha256(file.read_bytes()).hexdigest()
                    files[name] = {"bytes": file.stat().st_size, "sha256": digest}
            receipt = {"step": step, "key": key, **about, "files": files}
            write_file(folder / RECEIPT, json.dumps(receipt, indent=1, sort_keys=True) + "\n")
        shutil.rmtree(self.partial(step, key), ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second run of the same project out until the block ends, or the process does."""
        for folder in (self.folder, self.folder / "steps", self.folder / "partial", self.folder / "votes"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with hold(self.folder / "lock"):
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove what a killed run left unfinished."""
        for left in [*self.folder.glob("steps/*/.sidelight-*"), *self.folder.glob("../runs/.sidelight-*")]:
            if left.name.startswith(".sidelight-") and "-old-" in left.name:
                home = left.parent / left.name.removeprefix(".sidelight-").partition("-old-")[0]
                if not home.exists():  # killed between setting the old one aside and naming the new one
                    left.rename(home)
                    continue
            shutil.rmtree(left, ignore_errors=True)
