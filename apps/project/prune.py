"""Making room: old runs, and what steps keep for no run any more; a run that is kept is kept whole."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .file import Project
from .graph import Step, build_graph
from .runs import Run, list_runs
from .store import Store


@dataclass(frozen=True)
class Pruned:
    """What was removed, or would be.

    Parameters
    ----------
    runs : tuple of str
        Numbers of the runs.
    kept : tuple of str
        Numbers of those that stay.
    folders : int
        Folders that steps had kept.
    bytes : int
        Room they took, runs included.
    """

    runs: tuple[str, ...]
    kept: tuple[str, ...]
    folders: int
    bytes: int


def prune(project: Project, *, keep: int | None = None, dry_run: bool = False) -> Pruned:
    """Remove runs beyond the newest ones, and whatever neither a kept run nor the next one needs.

    Parameters
    ----------
    project : Project
        The project.
    keep : int, optional
        So many of the newest runs stay, at least 1; all of them when not given.
    dry_run : bool, default False
        Say what would go, and remove nothing.
    """
    store = Store(project.work)
    with store.locked():
        runs = list_runs(project)
        gone = runs[: max(0, len(runs) - keep)] if keep is not None else []
        kept = [run for run in runs if run not in gone]
        # runs go first: killed in between, every run that is left is whole
        folders = [run.folder for run in gone] + list(_unused(project, store, kept, build_graph(project)))
        size = sum(_size(folder) for folder in folders)
        if not dry_run:
            for folder in folders:
                _remove(folder)
        numbers = tuple(run.number for run in gone), tuple(run.number for run in kept)
        return Pruned(*numbers, len(folders) - len(gone), size)


def _unused(project: Project, store: Store, kept: list[Run], graph: Mapping[str, Step]) -> Iterator[Path]:
    """Yield the folders that steps kept for no run that stays and not for the next one."""
    needed = {store.place(name, key) for run in kept for name, key in run.keys.items()}
    needed |= {store.place(name, step.key) for name, step in graph.items()}
    needed |= {store.partial(name, step.key) for name, step in graph.items()}
    voting = {name for name, source in project.config.sources.items() if source.functions is not None}
    needed |= {project.work / "votes" / name for name in voting}
    for pattern in ("steps/*/*", "partial/*", "votes/*", "monitor-*"):
        yield from (folder for folder in sorted(project.work.glob(pattern)) if folder not in needed)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _remove(folder: Path) -> None:
    """Remove a folder that vanishes in one step, so that nobody finds half of it."""
    hidden = folder.with_name(f".sidelight-{folder.name}-pruned")
    shutil.rmtree(hidden, ignore_errors=True)
    folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)
