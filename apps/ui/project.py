"""Opening a project for labeling: its file says which export, functions, slices and signals belong together."""

from dataclasses import replace
from pathlib import Path

from sidelight.apps.project import load_project
from sidelight.apps.project.checks import open_export
from sidelight.apps.project.file import Payload, Project
from sidelight.apps.project.sources import functions_of, slices_of
from sidelight.labeling import LabelingFunction, UsageError

from .viewers.studies import StudyFolder
from .workspace import Workspace

LABELS = "labels.sqlite"
"""Where a project keeps the labels of people."""


def is_project(path: str | Path) -> bool:
    """Return whether a path is a project's folder or file."""
    place = Path(path)
    return (place / "sidelight.toml").is_file() or place.name == "sidelight.toml"


def open_project(
    path: str | Path,
    task: str | None = None,
    show: tuple[str, ...] = (),
    guideline: str = "",
    studies: StudyFolder | None = None,
    findings: str | Path | None = None,
    language: str = "",
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
    studies : StudyFolder, optional
        Files shown beside the text, in place of those of the project.
    findings, language
        See `Workspace.open`.

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
    target = _target(project, chosen)
    workspace = Workspace.open(
        open_export(project),
        project.schema(chosen),
        name=project.config.project.name,
        functions=functions,
        slicing_functions=slices_of(project),
        signals=_npz(project, target),
        studies=studies or _folder(project, target),
        findings=findings,
        language=language,
        show=show,
        guideline=guideline or project.config.project.purpose,
        functions_file=files[0] if files else project.home / "lfs.py",
    )
    return replace(workspace, evidence=project.config.ui.evidence)


def _target(project: Project, task: str) -> Payload | None:
    """Return the payload that a task's network reads, or else the first one that a network may read."""
    target = project.config.questions[task].target
    payloads = project.config.payloads
    found = payloads.get(target) if target else next((p for p in payloads.values() if p.is_target), None)
    return None if found is None or not found.is_target or not found.path else found


def _npz(project: Project, payload: Payload | None) -> Path | None:
    """Return the one file of a payload's signals."""
    paths = [] if payload is None else project.study_paths(payload)
    return paths[0] if len(paths) == 1 and paths[0].suffix == ".npz" else None


def _folder(project: Project, payload: Payload | None) -> StudyFolder | None:
    """Return the folder of a payload's files."""
    paths = [] if payload is None else project.study_paths(payload)
    if payload is None or len(paths) != 1 or not paths[0].is_dir():
        return None
    return StudyFolder.open(paths[0], payload.study or "")
