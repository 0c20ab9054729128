"""Whose file it is, and which layout it has."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Final

from rota.model.errors import IncompatibleStore
from rota_store_sqlite.location import Location
from rota_store_sqlite.statements import LAYOUT, schema
from rota_store_sqlite.turn import take_turn

__all__ = ["claim_file", "migrate", "refuse_foreign"]

_APPLICATION_ID: Final = 0x726F7461  # "rota": what `file` and `PRAGMA application_id` show of the file


def refuse_foreign(location: Location) -> None:
    """Raise IncompatibleStore for a database of another program, without touching it: not its journal, nor its lock.

    It is opened as one that never changes, and closed by SQLite alone, since a descriptor closed past it would drop
    this process's locks on the file. What stands in the file without its log tells enough: `claim_file` comes before
    there is one.
    """
    if not location.path.exists():
        return
    has_log = location.path.with_name(f"{location.path.name}-wal").exists()  # asked first: another may be making both
    with closing(sqlite3.connect(f"{location.path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        try:
            _layout(connection, location, has_log)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_CORRUPT:  # that is how it looks while its log is written back
                raise


def claim_file(connection: sqlite3.Connection, location: Location) -> None:
    """Write into a new file whose it is."""
    if _pragma(connection, "application_id") == _APPLICATION_ID:
        return
    take_turn(connection, "BEGIN IMMEDIATE", location.busy_s)
    try:
        _layout(connection, location)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def migrate(connection: sqlite3.Connection, location: Location) -> None:
    """Bring the file to `LAYOUT`, one layout after the other, each in a transaction of its own.

    Raises: IncompatibleStore for one of another program, or of a newer rota.
    """
    while _layout(connection, location) < LAYOUT:
        take_turn(connection, "BEGIN IMMEDIATE", location.busy_s)  # of several processes one does it
        try:
            layout = _layout(connection, location)
            if layout < LAYOUT:
                for statement in _split(schema(layout + 1)):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {layout + 1}")
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise


def _layout(connection: sqlite3.Connection, location: Location, has_log: bool = False) -> int:
    layout = _pragma(connection, "user_version")
    in_use = layout or has_log or connection.execute("SELECT 1 FROM sqlite_schema").fetchone() is not None
    application = _pragma(connection, "application_id")  # asked last: who makes the file meanwhile begins with it
    if application != _APPLICATION_ID and (application or in_use):
        raise IncompatibleStore(f"{location.path} is a database of another program; give the jobs a file of their own")
    if layout > LAYOUT:
        raise IncompatibleStore(
            f"{location.path} has layout {layout}, this rota-store-sqlite knows up to {LAYOUT}: upgrade it, or use "
            "another file"
        )
    return layout


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _roll_back(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        connection.execute("ROLLBACK")


def _split(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit the transaction that it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
