"""`sidelight ui`: the labeling app, in one command and one process."""

import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .exports import export_options, open_export, parse_classes
from .output import json_option, note, print_facts, print_json

if TYPE_CHECKING:
    from sidelight.apps.ui.workspace import Workspace

SAMPLE_LABELS = "sidelight-labels.sqlite"


@click.command(
    short_help="Label records in the browser.",
    epilog="Example: sidelight ui notes.csv --functions lfs.py --text report --show age,sex",
)
@click.argument("source", type=click.Path(), required=False)
@click.option("--task", help="Which task of the project, where it has several.")
@click.option("--functions", help="A Python file (lfs.py) or module of labeling functions. Its code is run.")
@click.option("--slices", help="A Python file or module of slicing functions. Its code is run.")
@click.option("--classes", help="Class names, by comma; else the schema that the functions file defines.")
@click.option("--signals", type=click.Path(), help="Signals by record id (NPZ), shown beside the text.")
@click.option(
    "--studies",
    type=click.Path(),
    help="Folder of pictures and signals (PNG, JPEG, DICOM, EDF, WFDB) by record id.",
)
@click.option("--study-column", default="", help="Field that names a record's file in that folder.")
@click.option(
    "--findings", type=click.Path(), help="Findings to mark in the text, one a line [default: common ones]."
)
@click.option(
    "--language", default="", type=click.Choice(["", "en", "de", "sv"]),
    help="Language of the texts, for what they say of findings [default: told from each text].",
)  # fmt: skip
@click.option(
    "--queue", type=click.Path(), help="A queue drawn elsewhere (Parquet), offered beside the others."
)
@click.option(
    "--audit",
    "audits",
    type=click.Path(),
    multiple=True,
    help="A finished audit (JSON) to show; a project's are found.",
)
@click.option("--show", default="", help="Fields shown beside the text, by comma; no others are shown.")
@click.option("--guideline", type=click.Path(), help="Markdown file with what annotators are asked to do.")
@click.option(
    "--labels", help="SQLite file or postgresql:// URL that labels go to [default: beside the export]."
)
@click.option(
    "--roles", "roles_file", type=click.Path(), help="TOML file: annotator, adjudicator, developer = [names]."
)
@click.option(
    "--login", default="os", show_default=True,
    help="Who people are: os (this account), oidc, or header:NAME set by a proxy on this machine.",
)  # fmt: skip
@click.option("--readers", default=0, help="How many people label each record; 0 for everybody.")
@click.option("--suggestions/--no-suggestions", default=True, help="Let annotators switch on suggestions.")
@click.option(
    "--evidence", type=click.Choice(["asked", "shown", "never"]),
    help="When annotators see how functions vote: asked (a key shows it), shown or never "
    "[default: what a project's [ui] says, else asked].",
)  # fmt: skip
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to bind to.")
@click.option("--port", default=8501, show_default=True, help="Port to bind to.")
@click.option(
    "--allow-workbench", is_flag=True, help="Open the function workbench although others can reach the port."
)
@click.option("--browser/--no-browser", default=True, help="Open the page.")
@click.option(
    "--export-labels", type=click.Path(), help="Write the settled labels to this JSONL file, and stop."
)
@click.option(
    "--export-events", type=click.Path(), help="Write every label event to this JSONL file, and stop."
)
@click.option(
    "--import-labels", nargs=2, metavar="FORMAT FILE",
    help="Add labels of jsonl, label-studio, doccano or prodigy, or events, and stop.",
)  # fmt: skip
@export_options
@json_option
def ui(
    source: str | None,
    task: str | None,
    functions: str | None,
    slices: str | None,
    classes: str | None,
    signals: str | None,
    studies: str | None,
    study_column: str,
    findings: str | None,
    language: str,
    queue: str | None,
    audits: tuple[str, ...],
    show: str,
    guideline: str | None,
    labels: str | None,
    roles_file: str | None,
    login: str,
    readers: int,
    suggestions: bool,
    evidence: str | None,
    address: str,
    port: int,
    allow_workbench: bool,
    browser: bool,
    export_labels: str | None,
    export_events: str | None,
    import_labels: tuple[str, str] | None,
    as_json: bool,
    columns: Mapping[str, Any],
) -> int:
    """Label the records of SOURCE, an export or a project, in the browser; without SOURCE, the bundled ECG reports.

    Labels are events that are only ever added, acknowledged once they are on disk, in a SQLite file or in PostgreSQL.
    The page makes no request to any other machine.
    """
    _check_installed()
    from sidelight.apps.ui.context import Context
    from sidelight.apps.ui.finished import finished_audits
    from sidelight.apps.ui.people import LOCAL, Login, Roles
    from sidelight.apps.ui.store import LabelStore
    from sidelight.labeling import InputError

    known = Login.parse(login, address)
    roles = Roles() if roles_file is None else Roles.read(roles_file)
    if not (export_labels or export_events or import_labels):
        check_port(address, port)
    if source is not None and not Path(source).exists():
        raise InputError(source, "does not exist")
    note("reading records and running functions")
    workspace = open_workspace(
        source, functions, slices, classes, signals, show, guideline, columns, task, studies, study_column,
        findings, language,
    )  # fmt: skip
    if evidence is not None:
        workspace = replace(workspace, evidence=evidence)
    place = labels or _beside(source)
    store = LabelStore(place, workspace.schema.task)
    if export_labels or export_events or import_labels:
        with store:
            facts = _exchange(store, workspace, export_labels, export_events, import_labels)
        print_json(facts) if as_json else print_facts(facts)
        return 0
    from sidelight.apps.ui.server import serve

    context = Context(
        workspace, store, roles, known, suggestions=suggestions, readers=readers,
        workbench=allow_workbench or (address in LOCAL and known.kind == "os"),
        chosen=None if queue is None else Path(queue), audits=(*finished_audits(source), *map(Path, audits)),
    )  # fmt: skip
    note("ordering the queues")
    context.warm()
    facts = {"page": f"http://{address}:{port}", "records": len(workspace.records), "labels": place}
    print_json(facts) if as_json else print_facts(facts)
    serve(context, address=address, port=port, open_browser=browser)
    return 0


def check_port(address: str, port: int) -> None:
    """Refuse a port that is taken, before all records are read for it."""
    from sidelight.labeling import UsageError

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OverflowError:
            raise UsageError(f"--port is {port}; it is 0 to 65535") from None
        except OSError as error:
            raise UsageError(
                f"port {port} of {address} cannot be had ({error.strerror}); --port takes another one"
            ) from None


def _beside(source: str | None) -> str:
    """Return where labels go when nobody says: into the project, beside the export, or here for the sample."""
    from sidelight.apps.ui.project import LABELS, is_project

    if source is None:
        return SAMPLE_LABELS
    if is_project(source):
        return str((Path(source) if Path(source).is_dir() else Path(source).parent) / LABELS)
    return str(Path(source).with_suffix(".labels.sqlite"))


def open_workspace(
    export: str | None,
    functions: str | None,
    slices: str | None,
    classes: str | None,
    signals: str | None,
    show: str,
    guideline: str | None,
    columns: Mapping[str, Any],
    task: str | None = None,
    studies: str | None = None,
    study_column: str = "",
    findings: str | None = None,
    language: str = "",
) -> "Workspace":
    """Return what the options describe, or the bundled sample."""
    from sidelight.apps.ui.workspace import Workspace
    from sidelight.labeling import InputError, LabelingFunction, UsageError, load_functions

    if export is None:
        return Workspace.sample()
    words = ""
    if guideline is not None:
        try:
            words = Path(guideline).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise InputError(guideline, "cannot be read as UTF-8 text") from None
    shown = tuple(name.strip() for name in show.split(",") if name.strip())
    from sidelight.apps.ui.project import is_project, open_project
    from sidelight.apps.ui.viewers.studies import StudyFolder
    from sidelight.slicing import SlicingFunction

    folder = None if studies is None else StudyFolder.open(studies, study_column)
    if is_project(export):
        return open_project(export, task, shown, words, folder, findings, language)
    schema = parse_classes(classes, functions)
    if schema is None:
        raise UsageError(
            "name the classes (--classes normal,abnormal), or a functions file that defines a schema"
        )
    return Workspace.open(
        open_export(export, columns),
        schema,
        name=Path(export).name,
        functions=load_functions(functions, LabelingFunction) if functions else (),
        slicing_functions=load_functions(slices, SlicingFunction) if slices else (),
        signals=signals,
        studies=folder,
        findings=findings,
        language=language,
        show=shown,
        guideline=words,
        functions_file=Path(functions) if functions and functions.endswith(".py") else None,
    )


def _exchange(
    store: Any,
    workspace: "Workspace",
    labels_to: str | None,
    events_to: str | None,
    labels_from: tuple[str, str] | None,
) -> dict[str, Any]:
    """Read or write labels without serving anything."""
    from sidelight.apps.ui import exchange

    facts: dict[str, Any] = {}
    if labels_from:
        kind, path = labels_from
        if kind == "events":
            facts["new events"] = exchange.import_events(store, path)
        else:
            facts["new labels"] = exchange.import_labels(store, path, workspace.schema, tool=kind)
    if labels_to:
        facts["labels written"] = exchange.export_labels(store, labels_to, workspace.schema)
    if events_to:
        facts["events written"] = exchange.export_events(store, events_to)
    return facts


def _check_installed() -> None:
    from importlib.util import find_spec

    from sidelight.labeling import UsageError

    missing = [name for name in ("streamlit", "sqlalchemy") if find_spec(name) is None]
    if missing:
        raise UsageError(f"the labeling app needs {' and '.join(missing)}: pip install 'sidelight[ui]'")
