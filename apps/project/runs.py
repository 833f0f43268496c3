"""Run folders: what a run was made of, what it measured, and the page that tells of it; no record is named in them."""

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidelight import __version__
from sidelight.labeling import InputError, UsageError, write_file, write_folder

from .file import Project
from .graph import Step
from .store import Store
from .work import write_json

FORMAT = "sidelight-run"
VERSION = 1


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Parameters
    ----------
    project : Project
        The project, as it is now.
    folder : Path
        The run's folder.
    manifest : mapping
        What it was made of; equal runs have equal manifests, byte for byte.
    new : bool, default False
        Whether it was just made.
    number : str
        As in "0003"; the name of its folder.
    """

    project: Project
    folder: Path
    manifest: Mapping[str, Any]
    new: bool = False
    number: str = ""

    def __post_init__(self) -> None:
        """Call the run after its folder when it has no number yet."""
        if not self.number:
            object.__setattr__(self, "number", self.folder.name)

    @property
    def keys(self) -> dict[str, str]:
        """The key of each of its steps."""
        return {entry["name"]: entry["key"] for entry in self.manifest["steps"]}

    def step(self, name: str) -> Path:
        """Return the folder of a step's output.

        Raises
        ------
        InputError
            When it was removed.
        """
        store = Store(self.project.work)
        if name not in self.keys or store.receipt(name, self.keys[name]) is None:
            raise InputError(
                self.folder, f"what its step {name!r} made is not there any more; run the project again"
            )
        return store.place(name, self.keys[name])

    def steps(self) -> dict[str, Path]:
        """Return the folders of all its steps."""
        return {name: self.step(name) for name in self.keys}

    def read_json(self, step: str, name: str) -> Any:
        """Return a file of a step's output."""
        return json.loads((self.step(step) / name).read_text())

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`."""
        return [json.loads(line) for line in (self.folder / "metrics.jsonl").read_text().splitlines()]

    def log(self) -> dict[str, Any]:
        """Return when and where it ran."""
        try:
            content: dict[str, Any] = json.loads((self.folder / "run.log.jsonl").read_text().splitlines()[-1])
        except (OSError, ValueError, IndexError):
            return {}
        return content


def list_runs(project: Project) -> list[Run]:
    """Return all runs of a project, the oldest first."""
    if not project.runs.is_dir():
        return []
    folders = sorted(folder for folder in project.runs.iterdir() if folder.name.isdigit())
    return [Run(project, folder, _manifest(folder)) for folder in folders]


def latest_run(project: Project) -> Run | None:
    """Return the newest run, None when there is none."""
    runs = list_runs(project)
    return runs[-1] if runs else None


def find_run(project: Project, name: str | None = None) -> Run:
    """Return a run by its number, as "3" or "0003"; the newest one without a name.

    Raises
    ------
    UsageError
        When there is no such run.
    """
    runs = list_runs(project)
    if not runs:
        raise UsageError(f"{project.file.name}: there is no run yet; `sidelight run` makes one")
    if name is None or name == "latest":
        return runs[-1]
    for run in runs:
        if run.number == name or (name.isdigit() and int(run.number) == int(name)):
            return run
    raise UsageError(f"there is no run {name!r}; there are {', '.join(run.number for run in runs)}")


def commit_run(
    project: Project, steps: Mapping[str, Step], store: Store, seconds: Mapping[str, float]
) -> Run:
    """Write the folder of a run whose steps are all done; an equal latest run is returned as it is."""
    manifest = _make_manifest(project, steps, store)
    before = latest_run(project)
    if before is not None and before.manifest == manifest:
        return before
    number = 1 if before is None else int(before.number) + 1
    target = project.runs / f"{number:04d}"
    lines = []
    for name, step in steps.items():
        lines += json.loads((store.place(name, step.key) / "metrics.json").read_text())
    with write_folder(target) as folder:
        write_json(folder / "manifest.json", manifest)
        write_file(folder / "effective.toml", project.effective())
        write_file(
            folder / "metrics.jsonl", "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
        )
        for name, step in steps.items():
            place = store.place(name, step.key)
            if step.kind == "analyze":
                write_file(
                    folder / "functions" / f"{step.subject}.json", (place / "functions.json").read_bytes()
                )
            if step.kind == "audit" and (place / "audit").is_dir():
                for file in sorted((place / "audit").iterdir()):
                    write_file(folder / "audit" / step.subject / file.name, file.read_bytes())
            if step.kind == "bundle":
                for file in sorted((place / "bundle").iterdir()):
                    write_file(folder / "bundle" / step.subject / file.name, file.read_bytes())
        for given in _code_files(project):
            name = given.replace("/", "_").replace("..", "_")
            write_file(folder / "code" / name, project.path(given).read_bytes())
        log = {
            "ended": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
            "versions": {"sidelight": __version__, "python": platform.python_version()},
        }
        write_file(folder / "run.log.jsonl", json.dumps(log) + "\n")
        run = Run(project, folder, manifest, number=target.name)
        from .page import run_page

        write_file(folder / "report.html", run_page(run))
    return Run(project, target, manifest, new=True)


def _make_manifest(project: Project, steps: Mapping[str, Step], store: Store) -> dict[str, Any]:
    """Return all that a run was made of, without times."""
    entries = []
    for name, step in steps.items():
        receipt = store.receipt(name, step.key)
        assert receipt is not None  # noqa: S101 - only asked when all steps are done
        entries.append({"name": name, "key": step.key, "needs": list(step.needs), "files": receipt["files"]})
    records = steps["records"].parts
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "project": project.config.project.name,
        "sidelight": __version__,
        "data": records["data"],
        "config": project.config.model_dump(mode="json", exclude_none=True),
        "functions": {n: dict(s.parts["functions"]) for n, s in steps.items() if "functions" in s.parts},
        "slices": dict(steps["slices"].parts["slices"]) if "slices" in steps else {},
        "steps": entries,
    }
    return dict(json.loads(json.dumps(manifest, sort_keys=True)))


def _code_files(project: Project) -> list[str]:
    """Return the files of functions that a project names."""
    config = project.config
    named = [source.functions for source in config.sources.values()]
    named += [part.functions for part in config.slices.values()]
    return sorted({given for given in named if given is not None})


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError):
        raise InputError(folder, "is no folder of a run (it has no readable manifest.json)") from None
    if manifest.get("format") != FORMAT or manifest.get("version", 0) > VERSION:
        raise InputError(folder, f"is no run that this sidelight can read (runs version {VERSION})")
    return manifest
