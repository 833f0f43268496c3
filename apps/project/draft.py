"""Drafting a project: on the bundled sample, or on an export, after a look at its columns."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidelight.apps.ui.findings import language_of
from sidelight.labeling import UsageError, read, write_file

from .columns import guess_columns
from .file import FILE
from .toml_text import write_toml

TEMPLATES = Path(__file__).parent / "templates"
LOOKED_AT = 2000
"""Records that a draft looks at."""
TOLD_BY = 200
"""Texts by which their language is told."""
CODED = ("condition", "drug", "lab", "procedure")
"""Kinds of events whose most frequent codes a draft lists."""
MOST_CODES, FEWEST_PATIENTS = 8, 3

_LABELISH = range(2, 9)


@dataclass(frozen=True)
class Look:
    """What a glance at an export showed.

    Parameters
    ----------
    format : str
        Its format.
    n_records : int
        Records looked at.
    columns : mapping from canonical name to column
        Columns that seem to hold id, patient, time and text.
    has_text, has_patient, has_events : bool
        What the records carry.
    labelish : mapping from column to values
        Columns of few different values, which may be labels or groups.
    kinds : sequence of str
        Kinds of the events that were met: "condition", "drug".
    codes : mapping from kind to (code, name, patients)
        The codes that most patients have, and how many do; only codes of several patients.
    language : str
        The language most of the first texts seem to be in.
    """

    format: str
    n_records: int
    columns: Mapping[str, str]
    has_text: bool
    has_patient: bool
    has_events: bool
    labelish: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kinds: Sequence[str] = ()
    codes: Mapping[str, Sequence[tuple[str, str, int]]] = field(default_factory=dict)
    language: str = "en"


def init_sample(folder: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Write a project on the bundled PTB-XL sample: the file, functions, slices and the data; it runs at once."""
    from sidelight.apps.demo import DATA

    home = Path(folder)
    demo = DATA.parent
    files = {
        FILE: (TEMPLATES / "sample.toml").read_bytes(),
        "functions.py": (demo / "functions.py").read_bytes(),
        "slices.py": (demo / "slices.py").read_bytes(),
        **{
            f"data/{name}": (DATA / name).read_bytes() for name in ("records.csv", "signals.npz", "README.md")
        },
        ".gitignore": b".sidelight/\nruns/\n",
    }
    return _write(home, files, overwrite)


def init_export(
    folder: str | Path,
    export: str | Path,
    *,
    columns: Mapping[str, str | None] | None = None,
    overwrite: bool = False,
) -> tuple[list[Path], Look]:
    """Write a project on an export, drafted from a look at it, with functions to be rewritten by hand.

    Parameters
    ----------
    folder : path-like
        Where the project file goes.
    export : path-like
        A file or folder that `sidelight.labeling.read` reads; it stays where it is.
    columns : mapping from "id", "patient", "time", "text" to column, optional
        What the user knows; the others are guessed, see `guess_columns`.
    overwrite : bool, default False
        Replace a project file that is there.

    Returns
    -------
    list of Path
        The files written.
    Look
        What was seen.
    """
    home, source = Path(folder), Path(export)
    look = look_at(source, columns)
    if not look.has_text and not look.has_events:
        raise UsageError(
            f"{source.name} has neither text nor events that functions could read; --text names a column of texts"
        )
    try:
        given = source.resolve().relative_to(home.resolve()).as_posix()
    except ValueError:
        given = source.resolve().as_posix()
    files = {
        FILE: draft_file(look, given, source.stem or source.name).encode(),
        "functions.py": draft_functions(look).encode(),
        ".gitignore": b".sidelight/\nruns/\n",
    }
    return _write(home, files, overwrite), look


def _write(home: Path, files: Mapping[str, bytes], overwrite: bool) -> list[Path]:
    there = [name for name in files if (home / name).exists() and name != ".gitignore"]
    if there and not overwrite:
        raise UsageError(f"{', '.join(there)} is there already; choose another folder or pass --overwrite")
    order = sorted(
        files, key=lambda name: name == FILE
    )  # the project file last: with it the project is whole
    return [
        write_file(home / name, files[name])
        for name in order
        if name != ".gitignore" or not (home / name).exists()
    ]


def look_at(path: Path, given: Mapping[str, str | None] | None = None) -> Look:
    """Look at the first records of an export: which columns hold what, and what may be a label."""
    columns = guess_columns(path, given)
    reading = read(
        path, id=columns.get("id"), text=columns.get("text"), patient_id=columns.get("patient"), time=columns.get("time")
    )  # fmt: skip
    n_records, has_text, has_patient, language = 0, False, False, "en"
    values: dict[str, set[str]] = {}
    met_by: dict[tuple[str, str, str], set[str]] = {}
    for batch in reading:
        names = batch.records.schema.names
        for name in names:
            if name in ("id", "text", "time", "patient_id") or name in columns.values():
                continue
            met = values.setdefault(name, set())
            if len(met) <= max(_LABELISH):
                met.update(
                    str(value) for value in batch.records.column(name).to_pylist() if value not in (None, "")
                )
        if "text" in names and not n_records:
            spoken = Counter(
                language_of(text) for text in batch.records.column("text").to_pylist()[:TOLD_BY] if text
            )
            language = spoken.most_common(1)[0][0] if spoken else language
        if "text" in names:
            has_text = has_text or any(batch.records.column("text").to_pylist())
        if "patient_id" in names:
            has_patient = has_patient or any(batch.records.column("patient_id").to_pylist())
        if reading.has_events:
            records = list(batch)
            for record in records[
                :: max(1, len(records) // 200)
            ]:  # from first to last: records lie patient by patient
                for event in record.events:
                    met_by.setdefault((event.kind, event.code, event.name), set()).add(str(record.patient_id))
        n_records += len(batch)
        if n_records >= LOOKED_AT:
            break
    plain = {
        name: sorted(met)
        for name, met in values.items()
        if len(met) in _LABELISH and all(len(value) <= 24 for value in met) and n_records > 3 * len(met)
    }
    return Look(
        next(iter(reading.files)).format,
        n_records,
        columns,
        has_text,
        has_patient,
        reading.has_events,
        plain,
        sorted({kind for kind, _, _ in met_by}),
        _frequent(met_by),
        language,
    )


def _frequent(met_by: Mapping[tuple[str, str, str], set[str]]) -> dict[str, list[tuple[str, str, int]]]:
    """Return the codes of each kind that most patients have; what few have might tell who they are."""
    found: dict[str, list[tuple[str, str, int]]] = {}
    order = sorted(met_by, key=lambda entry: (-len(met_by[entry]), entry))
    for kind, code, name in order:
        if len(met_by[kind, code, name]) >= FEWEST_PATIENTS and kind in CODED:
            found.setdefault(kind, []).append((code, name, len(met_by[kind, code, name])))
    return {kind: codes[:MOST_CODES] for kind, codes in sorted(found.items())}


def draft_file(look: Look, export: str, name: str) -> str:
    """Return a commented project file for an export that was looked at."""
    data: dict[str, Any] = {"export": export}
    data |= {key: look.columns[key] for key in ("id", "patient", "time") if key in look.columns}
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "project"
    lines = [
        f"# A sidelight project, drafted from {look.n_records} records. `sidelight run` runs it; `sidelight run --dry-run`",
        "# says what it would do. Every key left out has a default: see effective.toml in the folder of a run.",
        "version = 1",
        "",
        write_toml({"project": {"name": plain, "purpose": "", "seed": 0}}).rstrip(),
        "",
        "# The export, read where it is; id, patient and time name its columns.",
        write_toml({"data": data}).rstrip(),
        "",
    ]
    if look.has_text:
        lines += ["[payloads.text]", 'kind = "text"']
        lines += [f'column = "{look.columns["text"]}"', ""] if "text" in look.columns else [""]
    if look.has_events:
        lines += [
            "# Conditions, drugs, labs and procedures: record.events in the functions.",
            "[payloads.events]",
        ]
        lines += ['kind = "events"', ""]
    lines += [
        '# To train a network, declare what it reads, and add target = "ecg" to the task:',
        "# [payloads.ecg]",
        '# kind = "signal"            # or "image"',
        '# path = "signals.npz"       # or a folder of files named after the record ids',
        "",
        "# The question, and its possible answers. The functions vote for these names.",
        "[tasks.abnormal]",
        'classes = ["normal", "abnormal"]',
        "",
        "[sources.rules]",
        'task = "abnormal"',
        'functions = "functions.py"',
        'tags = ["drafted"]',
        "",
        "# Gold labels measure; they never teach. People give them in `sidelight ui .`, and `sidelight ui . --export-labels",
        "# gold.jsonl` writes them; or they come from a file with the columns id and label, or from a column of the export:",
        "# [sources.reader]",
        '# task = "abnormal"',
        '# role = "gold"',
        '# labels = "gold.jsonl"      # or "gold.csv"',
        '# column = "label"',
        "",
    ]
    if look.labelish:
        lines.append(
            '# Columns of few values, for slices, or as labels (role = "gold" or "vote", with a map):'
        )
        for column, values in list(look.labelish.items())[:6]:
            lines.append(f"#   {column}: {', '.join(values[:8])}")
        column, values = next(iter(look.labelish.items()))
        lines += ["# [slices.some_group]", f'# column = "{column}"', f'# equals = "{values[0]}"', ""]
    lines += [
        "[splits]                     # by patient; a patient keeps the part while the key stays",
        f'key = "{plain}"',
        "dev = 0.2",
        "test = 0.2",
    ]
    if not look.has_patient:
        lines.append(
            "# No patient column was found: if a patient can have several records, name it in [data]."
        )
    return "\n".join(lines) + "\n"


def draft_functions(look: Look) -> str:
    """Return a functions file to start from: it runs, and is to be rewritten for the question at hand."""
    template = "functions_text_de.py.txt" if look.language == "de" else "functions_text.py.txt"
    text = (TEMPLATES / template).read_text(encoding="utf-8") if look.has_text else ""
    events = ""
    if look.has_events:
        events = (TEMPLATES / "functions_events.py.txt").read_text(encoding="utf-8")
        kind = "condition" if "condition" in look.kinds or not look.kinds else look.kinds[0]
        events = events.replace("KIND", kind)
    head = '"""Labeling functions, drafted: rewrite them for your question.\n\nEach says what one sign in a record says, or nothing."""\n'
    imports = ["LabelSchema"]
    imports += ["keyword_lf", "regex_lf"] if text else []
    imports += ["labeling_function"] if events else []
    return (
        head
        + f"\nfrom sidelight.labeling import {', '.join(imports)}\n"
        + '\nschema = LabelSchema(classes=("normal", "abnormal"))\n'
        + _list_codes(look)
        + text
        + events
    )


def _list_codes(look: Look) -> str:
    """Return comments with the codes that most patients have, to write functions with."""
    if not look.codes:
        return ""
    lines = ["", "# Codes that most of the patients looked at have, for event.kind and event.code:"]
    for kind, codes in look.codes.items():
        lines += [
            f"#   {kind} {code}: {' '.join(name.split())[:60]} ({n} patients)" for code, name, n in codes
        ]
    return "\n".join(lines) + "\n"
