"""The errors of SQLite as those of rota."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from rota.model.errors import ConfigError, CorruptRecord, IncompatibleStore, StoreError, StoreUnavailable

__all__ = ["translated"]

#: By SQLite's primary result code: what it means here, and what to do. The same call may succeed later.
_PASSING: Final = {
    sqlite3.SQLITE_BUSY: "other processes write for too long; raise busy= in the URL, or write less at a time",
    sqlite3.SQLITE_LOCKED: "a table is locked; repeat the call",
    sqlite3.SQLITE_FULL: "the disk is full: nothing of this call was kept; free some space",
    sqlite3.SQLITE_READONLY: "the file or its folder can't be written; check its owner and permissions",
    sqlite3.SQLITE_IOERR: "the disk refused; see the system's log, and the limits on space and file sizes",
    sqlite3.SQLITE_CANTOPEN: "the file can't be opened or made; check its folder and permissions",
    sqlite3.SQLITE_PERM: "the file may not be used; check its owner and permissions",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_INTERRUPT: "the call was interrupted; repeat it",
    sqlite3.SQLITE_PROTOCOL: "the file's lock could not be had; is it on a network file system?",
}
_BROKEN: Final = {
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore it from a copy, or save what is left with sqlite3's .recover",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database; name another one",
}


@contextmanager
def translated(path: object) -> Iterator[None]:
    """Raise what SQLite raises as StoreUnavailable, CorruptRecord, IncompatibleStore or StoreError, from its cause;
    what its binding and the encoder refuse, as ConfigError; what can't be decoded, as CorruptRecord."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(path, error) from error
    except OSError as error:
        raise StoreUnavailable(
            f"the SQLite store {path}: {error}; check the file, its folder and their owner"
        ) from error
    except OverflowError as error:
        raise ConfigError(
            f"the SQLite store {path}: {error}: a number is beyond 64 bits; nothing of this call was kept"
        ) from error
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"the SQLite store {path} keeps text as UTF-8, which {error.object!r} has no form in ({error.reason}); "
            "nothing of this call was kept; replace what stands for undecodable bytes"
        ) from error
    except msgspec.DecodeError as error:
        raise CorruptRecord(f"the SQLite store {path}: a record can't be decoded: {error}") from error


def _translation(path: object, error: sqlite3.Error) -> StoreError:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    where = f"the SQLite store {path}"
    if code in _PASSING:
        return StoreUnavailable(f"{where}: {error}: {_PASSING[code]}")
    if code in _BROKEN:
        kind = CorruptRecord if code == sqlite3.SQLITE_CORRUPT else IncompatibleStore
        return kind(f"{where}: {error}: {_BROKEN[code]}")
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return StoreUnavailable(f"{where}: it was closed in the midst of this call; repeat it")
    return StoreError(f"{where}: {type(error).__name__}: {error}")
