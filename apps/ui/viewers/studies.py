"""Which files belong to a record: those of a folder that bear its id, or that one of its fields names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sidelight.crossmodal import FORMATS
from sidelight.labeling import Record, UsageError

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".dcm"})


@dataclass(frozen=True, eq=False)
class StudyFolder:
    """Files of studies, found by the records they belong to.

    Parameters
    ----------
    folder : Path
        Where they lie; nothing outside it is ever opened.
    by_id : dict from record id to paths
        Files called after a record, or lying in a folder called after it.
    column : str, default ""
        Field of the record that holds the id, or the path within the folder, of its study; else the record's own id.

    Examples
    --------
    >>> record = Record({"id": "17", "text": "Two views of the chest."})
    >>> views = (Path("scans/17/frontal.dcm"), Path("scans/17/lateral.dcm"))
    >>> [path.stem for path in StudyFolder(Path("scans"), {"17": views}).of(record)]
    ['frontal', 'lateral']
    """

    folder: Path
    by_id: dict[str, tuple[Path, ...]]
    column: str = ""

    @classmethod
    def open(cls, folder: str | Path, column: str = "") -> "StudyFolder":
        """List a folder once.

        Raises
        ------
        UsageError
            When it is no folder, or holds no file of a kind that can be shown.
        """
        home = Path(folder)
        if not home.is_dir():
            raise UsageError(f"{home.name} is no folder of studies")
        found: dict[str, list[Path]] = {}
        for path in sorted(home.rglob("*")):
            if path.suffix.lower() in FORMATS and path.is_file() and _inside(path, home):
                found.setdefault(path.stem, []).append(path)
                if path.parent != home:
                    found.setdefault(path.parent.name, []).append(path)
        if not found:
            raise UsageError(f"{home.name} holds no study ({', '.join(sorted(FORMATS))})")
        return cls(home, {name: tuple(dict.fromkeys(paths)) for name, paths in found.items()}, column)

    def of(self, record: Record) -> tuple[Path, ...]:
        """Return the files of a record that lie in the folder; none where it names one outside, or of another kind."""
        if not self.column:
            return self.by_id.get(record.id, ())
        named = str(record.get(self.column) or "").strip()
        if named in self.by_id:
            return self.by_id[named]
        path = self.folder / named
        usable = named and path.suffix.lower() in FORMATS and path.is_file() and _inside(path, self.folder)
        return (path,) if usable else ()


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def labels_of(paths: Sequence[Path]) -> list[str]:
    """Return short names to choose between the files of one record, each another."""
    stems = [path.stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    return [f"{place}: {stem}" for place, stem in enumerate(stems, start=1)]
