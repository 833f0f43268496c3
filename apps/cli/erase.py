"""`sidelight erase`: take one patient out of votes, labels and label stores."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import dry_run_option, json_option, note, print_facts, print_json

if TYPE_CHECKING:
    from sqlalchemy import URL

_SKIPPED = {".git", "node_modules", ".venv"}


@click.command(
    short_help="Take one patient out of votes and labels.",
    epilog="Example: sidelight erase project/ --patient P0042",
)
@click.argument("places", nargs=-1, required=True)
@click.option("--patient", required=True, help="The patient's id, as it stands in the export.")
@dry_run_option
@json_option
def erase(places: tuple[str, ...], patient: str, dry_run: bool, as_json: bool) -> int:
    """Take a patient out of all votes, labels and label stores in PLACES.

    These are files, folders, or the postgresql:// URL of a label store. A label store knows records and no patients: name
    it together with the votes or labels, which say whose the records are. Folders of votes keep the patient out when they
    are labeled again. Trained models cannot forget: the bundles that were trained with the patient's labels are named, so
    that they can be trained again. The export itself is not touched.
    """
    from sidelight.labeling import UsageError
    from sidelight.labeling.engine import erase_patient, read_erasable
    from sidelight.labeling.engine.erasure import read_erased

    servers, paths = _servers_and_paths(places)
    votes, tables, stores, bundles = _find(paths)
    if not (votes or tables or stores or servers):
        raise UsageError("these places hold no votes, no labels and no label store")
    if not (votes or tables):
        raise UsageError(
            "a label store does not say whose its records are; name the votes or labels beside it"
        )
    found = {folder: read_erasable(folder, patient) for folder in votes}
    labels = {table: _erase_labels(table, patient, dry_run=True) for table in tables}
    lists = [
        file for file in _walk_all(paths) if file.name == "records.parquet" and ".sidelight" in file.parts
    ]
    gone = {name for ids in found.values() for name in ids} | {
        name for row in labels.values() for name in row[2]
    }
    changed: dict[str, int] = {str(folder): len(ids) for folder, ids in found.items()}
    changed |= {str(table): n for table, (n, _, _) in labels.items()}
    changed |= {str(file): _erase_rows(file, patient, dry_run=True) for file in lists}
    touched = {name for n, prints, _ in labels.values() if n for name in prints}
    # What knows the patient's records goes last, so that the command can be given again wherever it was cut off.
    for server in servers:
        from sidelight.apps.ui.store.erasure import erase_items

        changed[server.render_as_string(hide_password=True)] = erase_items(server, gone, dry_run=dry_run)
    for store in stores:
        changed[str(store)] = _erase_events(store, gone, dry_run)
    if not gone:
        before = any(patient in read_erased(folder) for folder in votes)
        note(
            "this patient was erased here before, and nothing has come back"
            if before
            else "no record in these places is of that patient; is the id written as in the export?"
        )
    if not dry_run:
        for table in tables:
            _erase_labels(table, patient, dry_run)
        for file in lists:
            _erase_rows(file, patient, dry_run)
        for folder in votes:
            erase_patient(folder, patient)
    affected = [str(bundle) for bundle in bundles if _names(bundle) & touched]
    facts = {
        "records": len(gone),
        "places": len(changed),
        "train again": ", ".join(affected) or "no bundle in these places",
    }
    print_json({**facts, "removed": changed, "train again": affected}) if as_json else print_facts(
        {**facts, **changed}
    )
    return 0


def _servers_and_paths(places: Iterable[str]) -> tuple[list["URL"], list[str]]:
    """Tell URLs of label stores on a server from files and folders, which must exist."""
    from sidelight.labeling import UsageError

    servers: list[URL] = []
    paths: list[str] = []
    for place in places:
        if "://" in place:
            try:
                from sidelight.apps.ui.store.database import store_url
            except ImportError:
                raise UsageError("label stores named by URL need SQLAlchemy; install sidelight[ui]") from None
            url = store_url(place)
            if url.get_backend_name() != "sqlite":
                servers.append(url)
                continue
            place = url.database or ""
        if not Path(place).exists():
            raise UsageError(f"{place} does not exist")
        paths.append(place)
    return servers, paths


def _find(places: Iterable[str]) -> tuple[list[Path], list[Path], list[Path], list[Path]]:
    """Return the folders of votes, tables of labels, label stores and bundles below some places."""
    votes: list[Path] = []
    tables: list[Path] = []
    stores: list[Path] = []
    bundles: list[Path] = []
    for file in _walk_all(places):
        if file.name == "manifest.json" and _is_votes(file):
            votes.append(file.parent)
        elif file.name == "bundle.json":
            bundles.append(file.parent)
        elif _is_parquet(file) and not any(folder in file.parents for folder in votes) and _is_labels(file):
            tables.append(file)
        elif file.suffix in (".sqlite", ".db") and _is_store(file):
            stores.append(file)
    return votes, [t for t in tables if not any(v in t.parents for v in votes)], stores, bundles


def _walk_all(places: Iterable[str]) -> list[Path]:
    """Return all files of some places, sorted, each once."""
    return sorted({path.resolve() for place in places for path in _walk(Path(place))})


def _walk(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for path in place.rglob("*"):
        if path.is_file() and not _SKIPPED & set(path.parts):
            yield path


def _is_votes(manifest: Path) -> bool:
    """Whether a manifest is of votes, those that are written from Python among them."""
    from sidelight.labeling import InputError
    from sidelight.labeling.vote_files import read_manifest

    if (manifest.parent / "plan.json").is_file():
        return True
    try:
        read_manifest(manifest.parent)
    except InputError:
        return False
    return True


def _is_parquet(file: Path) -> bool:
    """Whether a file is Parquet by its first bytes: labels may be called anything."""
    from sidelight.labeling import InputError

    try:
        with file.open("rb") as opened:
            return opened.read(4) == b"PAR1"
    except OSError:
        raise InputError(file, "cannot be read, so nobody knows whether the patient is in it") from None


def _is_labels(file: Path) -> bool:
    from sidelight.label_model import Labels
    from sidelight.labeling import InputError

    try:
        Labels.read(file)
    except InputError:
        return False
    return True


def _erase_labels(file: Path, patient: str, dry_run: bool) -> tuple[int, set[str], set[str]]:
    """Take a patient out of a table of labels; return how many rows, the table's fingerprints, and the records' ids."""
    from sidelight.label_model import Labels

    labels = Labels.read(file)
    theirs = labels.patient_ids == patient
    prints = {str(value) for value in labels.lineage.values() if isinstance(value, str) and len(value) >= 32}
    if theirs.any() and not dry_run:
        labels.take_rows(~theirs).write(file)
    return int(theirs.sum()), prints, set(labels.ids[theirs].tolist())


def _erase_rows(file: Path, patient: str, dry_run: bool) -> int:
    """Take a patient out of a project's list of records, which its next run makes anew; return how many rows."""
    import io

    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from sidelight.labeling import write_file

    table = pq.read_table(file)
    kept = table.filter(pc.not_equal(pc.fill_null(table.column("patient_id"), ""), patient))
    if len(kept) < len(table) and not dry_run:
        content = io.BytesIO()
        pq.write_table(kept, content)
        write_file(file, content.getvalue())
    return len(table) - len(kept)


def _is_store(file: Path) -> bool:
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            found = connection.execute(
                "select 1 from sqlite_master where type = 'table' and name = 'label_event'"
            )
            return found.fetchone() is not None
    except sqlite3.Error:
        return False


def _erase_events(file: Path, ids: set[str], dry_run: bool) -> int:
    """Take all events on some records out of a label store, whose guards forbid it otherwise."""
    connection = sqlite3.connect(file)
    try:
        marks = [(name,) for name in sorted(ids)]
        counted = sum(
            connection.execute("select count(*) from label_event where item_id = ?", mark).fetchone()[0]
            for mark in marks
        )
        if counted and not dry_run:
            guard = connection.execute(
                "select name, sql from sqlite_master where type = 'trigger' and name = 'label_event_no_delete'"
            ).fetchone()
            with connection:
                connection.execute("begin immediate")
                if guard is not None:
                    connection.execute("drop trigger label_event_no_delete")
                connection.executemany("delete from label_event where item_id = ?", marks)
                if guard is not None:
                    connection.execute(guard[1])
            connection.execute("vacuum")
        return int(counted)
    finally:
        connection.close()


def _names(bundle: Path) -> set[str]:
    """Return all fingerprints that a bundle's description mentions."""

    def strings(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for inner in value.values():
                yield from strings(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from strings(inner)
        elif isinstance(value, str):
            yield value

    try:
        return set(strings(json.loads((bundle / "bundle.json").read_text())))
    except (OSError, ValueError):
        return set()
