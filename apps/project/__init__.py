"""The project: one file declares supervision, slices and splits; everything between it and the report follows."""

from .file import Project, load_project
from .run import run_project
from .runs import Run

__all__ = ["Project", "Run", "load_project", "run_project"]
