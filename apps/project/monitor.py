"""Watching what comes in after a run: a new export against the run's own records."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidelight.labeling import InputError, UsageError, write_file, write_folder
from sidelight.slicing.page import page_environment, style_sheet

from .checks import check_columns
from .drift import Comparison, Drift, compare
from .file import Project
from .page import TEMPLATES
from .profile import Profile, profile_export
from .runs import Run, find_run

FORMAT, VERSION = "sidelight-monitoring", 1
FAMILIES = {
    "columns": "Columns of the export",
    "slices": "Sizes of slices",
    "text": "Shape of the texts",
    "words": "Words the texts use",
    "votes": "Votes of each function",
    "coverage": "Coverage of each source",
    "labels": "Labels",
    "signals": "Signals and images",
    "predictions": "Predictions of the network",
}
_MEANING = {
    "columns": "the export's own columns changed: another population, device or coding",
    "slices": "some groups of records are more or less frequent than before",
    "text": "texts are written differently: a template, a system or a habit changed",
    "words": "texts use other words: functions that look for the old ones go blind",
    "votes": "functions vote more or less often: the records changed, or the words that functions look for",
    "coverage": "sources reach more or fewer records than before",
    "labels": "classes are given in other proportions: prevalence changed, or functions read records differently",
    "signals": "signals differ in amplitude, offset or noise: device, gain or filter changed",
    "predictions": "the network gives other probabilities than on the records it was tested on",
}


@dataclass(frozen=True, eq=False)
class Monitoring:
    """What a check of a new export found.

    Parameters
    ----------
    run : Run
        The reference.
    comparison : Comparison
        Every test.
    export : str
        Name of the new export.
    """

    run: Run
    comparison: Comparison
    export: str

    @property
    def alarm(self) -> bool:
        """Whether anything drifted."""
        return bool(self.comparison.alarms)

    def by_family(self) -> dict[str, list[Drift]]:
        """Return the alarms, sorted by what they are about."""
        found: dict[str, list[Drift]] = {}
        for row in self.comparison.alarms:
            found.setdefault(row.family, []).append(row)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return plain values; no record is named in them."""
        said = {family: _MEANING[family] for family in self.by_family()}
        about = {"format": FORMAT, "version": VERSION, "project": self.run.manifest["project"]}
        return {
            **about, "run": self.run.number, "export": self.export, "means": said, **self.comparison.to_json(),
        }  # fmt: skip

    def to_html(self) -> str:
        """Return one self-contained page."""
        rows = self.comparison.rows
        tables = {
            title: [row for row in rows if row.family == family and family != "words"]
            for family, title in FAMILIES.items()
        }
        template = page_environment(TEMPLATES).get_template("monitor.html.j2")
        return (
            template.render(
                monitoring=self,
                comparison=self.comparison,
                meaning=_MEANING,
                titles=FAMILIES,
                tables={title: found for title, found in tables.items() if found},
                style=style_sheet(),
            )
            + "\n"
        )

    def write(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write `monitor.json` and `monitor.html` into a new folder, all or nothing."""
        with write_folder(folder, overwrite=overwrite) as path:
            write_file(path / "monitor.json", json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")
            write_file(path / "monitor.html", self.to_html())
        return Path(folder)


def monitor(
    project: Project,
    export: str | Path,
    *,
    run: str | None = None,
    studies: Mapping[str, str | Path] | None = None,
) -> Monitoring:
    """Compare a new export with the records of a run.

    Parameters
    ----------
    project : Project
        The project.
    export : path-like
        The new export, laid out as the project's.
    run : str, optional
        Number of the reference run; the newest one when not given.
    studies : mapping from payload to path, optional
        New signals or images; without them only what is read from the export is compared.
    """
    reference = find_run(project, run)
    paths = {name: Path(path) for name, path in (studies or {}).items()}
    for name in paths:
        payload = project.config.payloads.get(name)
        if payload is None or not payload.is_target:
            known = [key for key, value in project.config.payloads.items() if value.is_target]
            raise UsageError(
                f"no signal or image payload {name!r}; the project has {', '.join(known) or 'none'}"
            )
    check_columns(project, export)
    before = Profile.read(reference.step("profile") / "profile.parquet")
    now = profile_export(project, reference.steps(), Path(export), paths)
    watched = project.config.monitors
    comparison = compare(
        before, now, family_error=watched.family_error, margin=watched.margin, least=watched.least,
        seed=project.config.project.seed,
    )  # fmt: skip
    return Monitoring(reference, comparison, Path(export).name)


def list_monitorings(home: Path) -> list[Path]:
    """Return the `monitor.json` files that checks left in a project's folder or below, the newest first."""
    hidden = (".sidelight", "runs")
    found = [
        file
        for pattern in ("*/monitor.json", "*/*/monitor.json")
        for file in home.glob(pattern)
        if file.relative_to(home).parts[0] not in hidden
    ]
    return sorted(found, key=lambda file: (-file.stat().st_mtime_ns, file))


def read_monitoring(file: str | Path) -> dict[str, Any]:
    """Return what `Monitoring.write` wrote as JSON.

    Raises
    ------
    InputError
        When the file is no such file, or of a newer version.
    """
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(file, "is no readable JSON") from None
    if (
        not isinstance(content, dict)
        or content.get("format") != FORMAT
        or content.get("version", 0) > VERSION
    ):
        raise InputError(
            file, f"is no check of `sidelight monitor` that this sidelight can read (version {VERSION})"
        )
    return content
