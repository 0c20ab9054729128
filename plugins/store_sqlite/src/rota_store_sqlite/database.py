"""One file, as this process has it: a connection that writes, one that reads, and their transactions."""

import os
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import RLock

from rota.model.errors import RotaError, StoreUnavailable
from rota.store.forks import watch_forks
from rota_store_sqlite.connecting import connect
from rota_store_sqlite.faults import translated
from rota_store_sqlite.location import Location
from rota_store_sqlite.turn import take_turn

__all__ = ["Database"]


class Database:
    """All threads of the process share it: of those that write, and of those that read, one at a time goes on.

    No connection is ever carried across a fork: SQLite notes in memory which locks its process has, where the child
    would find those of the parent and take them for its own; the parent would then drop a log that the child still
    writes. So a fork waits for what is under way and closes both; parent and child connect anew.
    """

    def __init__(self, location: Location) -> None:
        self._location = location
        self._writer = _Seat()
        self._reader = _Seat()
        self._seats = self._writer, self._reader
        self._closed = False
        self._seen: tuple[sqlite3.Connection, int] | None = None
        watch_forks(self)

    def open(self) -> None:
        """Connect, and bring the file to the present layout. Idempotent.

        Raises: StoreUnavailable when the file can't be opened; IncompatibleStore for one of another program, or of a
        newer rota; ConfigError for one on a network file system.
        """
        with self._writer.lock, translated(self._location.path):
            self._closed = False
            self._connected(self._writer)

    def close(self) -> None:
        """Let go of the file. Idempotent; what uses it later connects for that one transaction, until `open`."""
        self._closed = True
        self.disconnect()

    def disconnect(self) -> None:
        """Close the connections; whoever comes next connects anew."""
        for seat in self._seats:
            with seat.lock, translated(self._location.path):
                seat.let_go()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that writes: all of it or nothing. It waits its turn among those who write."""
        with self._using(self._writer) as connection:
            take_turn(connection, "BEGIN IMMEDIATE", self._location.busy_s)
            with _transaction(connection):
                yield connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One transaction that reads: all of it sees the same moment. It waits for nobody who writes."""
        with self._using(self._reader) as connection:
            connection.execute("BEGIN")
            with _transaction(connection):
                yield connection

    def changed(self) -> bool:
        """Whether anybody has committed since this was asked last; True when it can't be told. Some microseconds."""
        with self._reader.lock:
            if self._closed:
                return False
            try:
                with translated(self._location.path):
                    connection = self._connected(self._reader)
                    seen = connection, connection.execute("PRAGMA data_version").fetchone()[0]
            except RotaError:
                return True  # whoever waits meets the error itself
            changed, self._seen = seen != self._seen, seen
            return changed

    def before_fork(self) -> None:
        """Wait for the transactions under way, let nobody begin another, and close the connections."""
        for seat in self._seats:
            seat.lock.acquire()
            with suppress(sqlite3.Error):
                seat.let_go()

    def after_fork(self, *, in_child: bool) -> None:
        """Let others in again; the child has none, and locks of its own."""
        for seat in self._seats:
            if in_child:
                seat.lock = RLock()
            else:
                seat.lock.release()

    @contextmanager
    def _using(self, seat: "_Seat") -> Iterator[sqlite3.Connection]:
        with seat.lock, translated(self._location.path):
            connection = self._connected(seat)
            try:
                yield connection
            except BaseException as error:
                traceback.clear_frames(error.__traceback__)  # a cursor in one would keep the connection open
                if seat.connection is connection and connection.in_transaction:  # it could not even be rolled back
                    seat.let_go()
                raise
            finally:
                if self._closed:
                    seat.let_go()

    def _connected(self, seat: "_Seat") -> sqlite3.Connection:
        if seat.connection is None:
            seat.connection = connect(self._location, reads=seat is self._reader)
            seat.pid = os.getpid()
        elif seat.pid != os.getpid():
            raise StoreUnavailable(
                f"the SQLite store {self._location.path} was open while a process was forked past Python: this child "
                "can't use the file without harming it; close the store before such a fork, or open it after"
            )
        return seat.connection


class _Seat:
    """A connection, for whoever holds the lock. A thread that is interrupted in it by itself does not wait for ever.

    `pid` is the process that made the connection: no other one may use it, or close it.
    """

    __slots__ = ("connection", "lock", "pid")

    def __init__(self) -> None:
        self.lock = RLock()
        self.connection: sqlite3.Connection | None = None
        self.pid = 0

    def let_go(self) -> None:
        if self.pid == os.getpid():
            connection, self.connection = self.connection, None
            if connection is not None:
                connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """What has begun, to its end."""
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has rolled it back already
            connection.execute("ROLLBACK")
        raise
