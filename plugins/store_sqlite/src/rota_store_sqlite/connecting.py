"""How a connection to the file is made."""

import sqlite3
from typing import Final

from rota.model.errors import ConfigError, StoreUnavailable
from rota_store_sqlite.functions import register_functions
from rota_store_sqlite.layout import claim_file, migrate, refuse_foreign
from rota_store_sqlite.location import Location
from rota_store_sqlite.mounts import network_file_system
from rota_store_sqlite.turn import take_turn

__all__ = ["connect"]

_PAGE_CACHE_KIB: Final = 16_384
_WAL_PAGES: Final = 4_000  # the log is written back into the file once it has so many


def connect(location: Location, *, reads: bool) -> sqlite3.Connection:
    """A connection to the file in its present layout; one that `reads` can do nothing else.

    Raises: sqlite3.Error; StoreUnavailable, IncompatibleStore and ConfigError as `Database.open`.
    """
    _refuse_place(location)
    refuse_foreign(location)
    connection = sqlite3.connect(
        location.path, timeout=location.busy_s, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        _prepare(connection, location)
        if reads:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA busy_timeout = 0")  # `take_turn` waits instead
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_place(location: Location) -> None:
    path = location.path
    if not path.parent.is_dir():
        raise StoreUnavailable(f"the SQLite store {path}: there is no folder {path.parent}; make it, or name another")
    if path.exists() and not path.is_file():
        raise StoreUnavailable(f"the SQLite store {path}: that is no file; name one, which is made when there is none")
    kind = network_file_system(path.parent)
    if kind is not None:
        raise ConfigError(
            f"the SQLite store {path} is on a network file system ({kind}), whose locks and shared memory SQLite can't "
            "rely on; put the file on a disk of this machine, or use a store with a server"
        )


def _prepare(connection: sqlite3.Connection, location: Location) -> None:
    claim_file(connection, location)
    (mode,) = take_turn(connection, "PRAGMA journal_mode = WAL", location.busy_s).fetchone()
    if mode != "wal":
        raise StoreUnavailable(
            f"the SQLite store {location.path}: its file system can't do what SQLite's write-ahead log needs (journal "
            f"mode {mode}); put the file on a disk of this machine"
        )
    connection.execute(f"PRAGMA synchronous = {location.synchronous}")
    connection.execute(f"PRAGMA cache_size = -{_PAGE_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
    connection.execute("PRAGMA temp_store = MEMORY")
    register_functions(connection)
    migrate(connection, location)
