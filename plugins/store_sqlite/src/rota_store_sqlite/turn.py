"""Waiting for other processes that write.

SQLite's own way looks less and less often, up to ten times a second, and so starves one among several that write
without pause, for seconds. Looking every millisecond gives all an equal share, at the same throughput. A lock on a file
beside it does no better: who lets go of it has it again before the one that waits for it is awake.
"""

import sqlite3
from threading import Event
from typing import Final

from rota.model.clock import SystemClock

__all__ = ["take_turn"]

_LOOK_S: Final = 0.001


def take_turn(connection: sqlite3.Connection, statement: str, busy_s: float) -> sqlite3.Cursor:
    """Execute `statement` as soon as nobody else is in its way. Raises: sqlite3.OperationalError after `busy_s`."""
    clock = SystemClock()  # other processes keep no other time
    give_up_s = clock.monotonic() + busy_s
    while True:
        try:
            return connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or clock.monotonic() >= give_up_s:
                raise
        Event().wait(_LOOK_S)
