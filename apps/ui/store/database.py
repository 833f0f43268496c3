"""The one table of label events, in SQLite or Postgres: opened privately, and refusing update and delete."""

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sidelight.labeling import InputError, UsageError
from sidelight.labeling.folder import PRIVATE_FILE

VERSION = 1
_POSTGRES_LOCK = 7_305_914_261
_metadata = sa.MetaData()

EVENTS = sa.Table(
    "label_event",
    _metadata,
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("annotator", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("chance", sa.Float),
    sa.Column("ms_on_screen", sa.BigInteger),
    sa.Column("suggestion", sa.Text, nullable=False),
    sa.Column("evidence", sa.Boolean),
    sa.Column("at", sa.Text, nullable=False),
    sa.Index("label_event_of", "task", "item_id", "annotator", "seq"),
    sqlite_autoincrement=True,
)
"""Label events, in the order in which they were committed."""

_ABOUT = sa.Table("label_store", _metadata, sa.Column("version", sa.Integer, primary_key=True))

_SQLITE_GUARDS = [
    f"create trigger if not exists label_event_no_{act} before {act} on label_event "
    "begin select raise(abort, 'label events are only ever added'); end"
    for act in ("update", "delete")
]
_POSTGRES_GUARDS = [
    "create or replace function label_event_guard() returns trigger language plpgsql as "
    "$$ begin raise exception 'label events are only ever added'; end $$",
    "create or replace trigger label_event_append_only before update or delete on label_event "
    "for each row execute function label_event_guard()",
    "create or replace trigger label_event_no_truncate before truncate on label_event "
    "for each statement execute function label_event_guard()",
]


def store_url(place: str | Path) -> sa.URL:
    """Return the database URL of a file name or of a `postgresql://` URL."""
    text = str(place)
    if "://" not in text:
        return sa.URL.create("sqlite", database=str(Path(text).absolute()))
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        raise UsageError("the place of the labels is no file name and no database URL") from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(f"labels are kept in SQLite or PostgreSQL, not in {url.get_backend_name()}")
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def open_engine(url: sa.URL, *, writing: bool) -> sa.Engine:
    """Return an engine; a writing one takes the write lock when its transaction begins."""
    if url.get_backend_name() == "postgresql":
        return sa.create_engine(url, pool_pre_ping=True, pool_size=1 if writing else 5, hide_parameters=True)
    engine = sa.create_engine(
        url, connect_args={"timeout": 30, "check_same_thread": False}, hide_parameters=True
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    begin = "BEGIN IMMEDIATE" if writing else "BEGIN"
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def prepare(engine: sa.Engine) -> None:
    """Create table and guards where they are missing, and refuse a store of a newer version.

    Raises
    ------
    InputError
        When the database cannot be opened or was written by a newer sidelight.
    """
    name = engine.url.database or "database"
    if engine.dialect.name == "sqlite":
        _make_private(Path(name))
    problem = ""
    try:
        with engine.begin() as connection:
            hold_lock(connection)
            _metadata.create_all(connection)
            _add_evidence(connection)
            guards = _SQLITE_GUARDS if engine.dialect.name == "sqlite" else _POSTGRES_GUARDS
            for statement in guards:
                connection.exec_driver_sql(statement)
            found = connection.execute(sa.select(_ABOUT.c.version)).scalar()
            if found is None:
                connection.execute(_ABOUT.insert().values(version=VERSION))
            elif found > VERSION:
                problem = f"holds labels of format {found}; this sidelight reads up to {VERSION}"
    except sa.exc.SQLAlchemyError as error:
        problem = f"cannot be opened as a store of labels ({type(error).__name__})"
    if problem:
        raise InputError(name, problem)


def _add_evidence(connection: sa.Connection) -> None:
    """Give a table of before there was such a column one, empty: an older sidelight goes on with it as it did."""
    if "evidence" not in {column["name"] for column in sa.inspect(connection).get_columns(EVENTS.name)}:
        connection.exec_driver_sql(f"alter table {EVENTS.name} add column evidence boolean")


def hold_lock(connection: sa.Connection) -> None:
    """Let one transaction at a time write, so that events become visible in the order of their numbers."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_POSTGRES_LOCK)))


def _prepare_sqlite(connection: Any, record: Any) -> None:
    del record
    connection.isolation_level = None  # we say when transactions begin
    for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on", "busy_timeout=30000"):
        connection.execute(f"pragma {pragma}")


def _make_private(path: Path) -> None:
    """Create the file readable by its owner alone; SQLite gives its companions the same rights."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))
    except OSError as error:
        raise InputError(path, f"cannot be written ({error.strerror})") from None
