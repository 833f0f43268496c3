"""What a project's runs have left to look at."""

from pathlib import Path


def finished_audits(source: str | Path | None) -> tuple[Path, ...]:
    """Return the audits in the runs of a project, the oldest first; none where the source is no project."""
    if source is None:
        return ()
    from sidelight.apps.project import load_project
    from sidelight.apps.project.runs import list_runs

    from .project import is_project

    if not is_project(source):
        return ()
    runs = list_runs(load_project(source))
    return tuple(path for run in runs for path in sorted(run.folder.glob("audit/*/*.json")))
