"""Waiting for other processes that write.

SQLite's own way looks less and less often, up to ten times a second, and starves: among three processes that write
without pause one came to its turn once in 3 s. Looking every millisecond all have an equal share, and waited 0.2 s at
most.
"""

import sqlite3
from threading import Event
from typing import Final

from rota.model.clock import SystemClock

__all__ = ["take_turn"]

_LOOK_S: Final = 0.001


def take_turn(connection: sqlite3.Connection, statement: str, busy_s: float) -> sqlite3.Cursor:
    """Execute `statement` as soon as nobody else is in its way. Raises: sqlite3.OperationalError after `busy_s`."""
    clock, pause = SystemClock(), Event()  # other processes keep no other time
    give_up_s = clock.monotonic() + busy_s
    while True:
        try:
            return connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or clock.monotonic() >= give_up_s:
                raise
        pause.wait(_LOOK_S)
