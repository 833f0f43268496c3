"""Opening a project for labeling: its file says which export, functions, slices and signals belong together."""

from pathlib import Path

from sidelight.apps.project import load_project
from sidelight.apps.project.checks import open_export
from sidelight.apps.project.file import Project
from sidelight.apps.project.sources import functions_of, slices_of
from sidelight.labeling import LabelingFunction, UsageError

from .workspace import Workspace

LABELS = "labels.sqlite"
"""Where a project keeps the labels of people."""


def is_project(path: str | Path) -> bool:
    """Return whether a path is a project's folder or file."""
    place = Path(path)
    return (place / "sidelight.toml").is_file() or place.name == "sidelight.toml"


def open_project(
    path: str | Path, task: str | None = None, show: tuple[str, ...] = (), guideline: str = ""
) -> Workspace:
    """Return the records of a project with the functions, slices and signals of one of its tasks.

    Parameters
    ----------
    path : path-like
        The project's folder or file.
    task : str, optional
        Which task, where the project has several.
    show : tuple of str
        Fields shown beside the text.
    guideline : str
        What annotators are asked to do; the project's purpose where this is empty.

    Raises
    ------
    UsageError
        When the project has no such task, or several and none was named.
    """
    project = load_project(path)
    tasks = list(project.config.questions)
    if task is None and len(tasks) > 1:
        raise UsageError(f"this project has several tasks; say which with --task ({', '.join(tasks)})")
    chosen = task or tasks[0]
    if chosen not in tasks:
        raise UsageError(f"this project has no task {chosen!r}; there are {', '.join(tasks)}")
    functions: list[LabelingFunction] = []
    files: list[Path] = []
    for name, source in project.sources(chosen).items():
        functions += functions_of(project, name)
        files += [project.path(source.functions)] if source.functions else []
    return Workspace.open(
        open_export(project),
        project.schema(chosen),
        name=project.config.project.name,
        functions=functions,
        slicing_functions=slices_of(project),
        signals=_signals(project, chosen),
        show=show,
        guideline=guideline or project.config.project.purpose,
        functions_file=files[0] if files else project.home / "lfs.py",
    )


def _signals(project: Project, task: str) -> Path | None:
    """Return the file of the signals that a task's network reads, where it is one the page can draw."""
    target = project.config.questions[task].target
    payloads = project.config.payloads
    found = (
        payloads.get(target) if target else next((p for p in payloads.values() if p.kind == "signal"), None)
    )
    if found is None or found.kind != "signal" or not found.path or not found.path.endswith(".npz"):
        return None
    return project.path(found.path)
