"""One file, one connection of this process to it, and its transactions."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from rota.model.errors import IncompatibleStore
from rota.model.process_lock import ProcessLock
from rota_store_sqlite.faults import translated
from rota_store_sqlite.functions import register_functions
from rota_store_sqlite.location import Location
from rota_store_sqlite.statements import LAYOUT, schema

__all__ = ["Database"]

_APPLICATION_ID: Final = 0x726F7461  # "rota": what `file` and `PRAGMA application_id` show of the file
_PAGE_CACHE_KIB: Final = 16_384
_WAL_PAGES: Final = 4_000  # the log is written back into the file once it has so many


class Database:
    """A connection that all threads of the process share, one at a time. A forked child makes its own."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._lock = ProcessLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0

    def open(self) -> None:
        """Connect, and bring the file to the present layout. Idempotent.

        Raises: StoreUnavailable when the file can't be opened or written; IncompatibleStore for one of another
        program, or of a newer rota.
        """
        with self._lock, translated(self.location.path):
            self._connected()

    def close(self) -> None:
        """Let go of the file. Idempotent; the next use opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None and self._pid == os.getpid():
                with translated(self.location.path):
                    connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that writes: all of it or nothing. It waits for other writers."""
        with self._lock, translated(self.location.path):
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled it back already
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One transaction that reads: all of it sees the same moment. It waits for nobody."""
        with self._lock, translated(self.location.path):
            connection = self._connected()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None or self._pid != os.getpid():
            self._connection = self._connect()  # a parent's is left to the parent
            self._pid = os.getpid()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        location = self.location
        connection = sqlite3.connect(
            location.path, timeout=location.busy_s, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {location.synchronous}")
            connection.execute(f"PRAGMA cache_size = -{_PAGE_CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
            connection.execute("PRAGMA temp_store = MEMORY")
            register_functions(connection)
            _migrate(connection, location)
        except BaseException:
            connection.close()
            raise
        return connection


def _migrate(connection: sqlite3.Connection, location: Location) -> None:
    """Bring the file to `LAYOUT`, one layout after the other, each in a transaction of its own."""
    if _layout(connection, location) == LAYOUT:
        return
    while True:
        connection.execute("BEGIN IMMEDIATE")  # of several processes one does it
        try:
            layout = _layout(connection, location)
            if layout == LAYOUT:
                connection.execute("ROLLBACK")
                return
            for statement in _split(schema(layout + 1)):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {layout + 1}")
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


def _layout(connection: sqlite3.Connection, location: Location) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != _APPLICATION_ID and (application or layout or tables):
        raise IncompatibleStore(f"{location.path} is a database of another program; give the jobs a file of their own")
    if layout > LAYOUT:
        raise IncompatibleStore(
            f"{location.path} has layout {layout}, this rota-store-sqlite knows up to {LAYOUT}: upgrade it, or use "
            "another file"
        )
    return int(layout)


def _split(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit the transaction that it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
