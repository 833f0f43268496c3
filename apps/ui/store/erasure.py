"""Taking records out of a store of labels in PostgreSQL, whose guards forbid it otherwise."""

from collections.abc import Collection

import sqlalchemy as sa

from sidelight.labeling import InputError

from .database import EVENTS, hold_lock, open_engine

_TRIGGER = "label_event_append_only"


def erase_items(url: sa.URL, ids: Collection[str], *, dry_run: bool = False) -> int:
    """Take all events on some records out of a store, of every task, and return how many there were.

    It happens whole or not at all: while it does, nobody else writes, and the guard stands again before anyone sees the
    result. The table is written anew, so that what was erased does not stay in its file; logs and backups that the
    server keeps are its administrator's to clear.

    Parameters
    ----------
    url : sqlalchemy.URL
        A PostgreSQL database, as `store_url` returns it; the user owns the table.
    ids : collection of str
        The records.
    dry_run : bool, default False
        Count, and change nothing.

    Raises
    ------
    InputError
        When the database cannot be reached, holds no labels, or does not let this user erase.
    """
    name = url.database or "database"
    engine = open_engine(url, writing=True)
    theirs = EVENTS.c.item_id.in_(sorted(ids))
    problem = ""
    try:
        if not sa.inspect(engine).has_table(EVENTS.name):
            raise InputError(name, "holds no labels")
        with engine.begin() as connection:
            hold_lock(connection)
            n = connection.execute(sa.select(sa.func.count()).select_from(EVENTS).where(theirs)).scalar_one()
            if n and not dry_run:
                connection.exec_driver_sql(f"alter table {EVENTS.name} disable trigger {_TRIGGER}")
                connection.execute(EVENTS.delete().where(theirs))
                connection.exec_driver_sql(f"alter table {EVENTS.name} enable trigger {_TRIGGER}")
        if n and not dry_run:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql(f"vacuum full {EVENTS.name}")
        return int(n)
    except sa.exc.SQLAlchemyError as error:
        problem = f"labels cannot be erased there ({type(error).__name__})"
    finally:
        engine.dispose()
    raise InputError(name, problem)
