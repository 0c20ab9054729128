"""From a URL to the file and how it is written."""

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from rota.model.errors import ConfigError
from rota.store.url import StoreURL

__all__ = ["Location"]

_SYNCHRONOUS: Final = ("full", "normal")
_BUSY_S: Final = 30.0
_NEEDED: Final = (3, 37, 0)  # STRICT tables; RETURNING, and upserts that name no index, since 3.35


class Location(NamedTuple):
    """`synchronous` "full" waits for the disk at every commit: what was answered survives a power cut. "normal" leaves
    that to the operating system: it survives the end of any process, and a power cut may take the last moments.
    `busy_s` is how long a call waits for other processes that write."""

    path: Path
    synchronous: str = "full"
    busy_s: float = _BUSY_S

    @classmethod
    def of(cls, url: StoreURL) -> "Location":
        """What `sqlite:///jobs.db?synchronous=normal&busy=30` says. Raises: ConfigError, also for an old SQLite."""
        if sqlite3.sqlite_version_info < _NEEDED:
            raise ConfigError(
                f"this Python's SQLite is {sqlite3.sqlite_version}, the SQLite store needs "
                f"{'.'.join(map(str, _NEEDED))} or newer; use a Python that brings it, or another store"
            )
        options = url.options({"synchronous": str, "busy": float})
        if not url.file:
            raise ConfigError(
                f"the store URL {url.redacted!r} names no file\n"
                "  try:     sqlite:///jobs.db for one here   |   sqlite:////var/lib/jobs.db for an absolute path"
            )
        synchronous, busy_s = str(options.get("synchronous", "full")), float(options.get("busy", _BUSY_S))
        if synchronous not in _SYNCHRONOUS:
            raise ConfigError(f"the store URL {url.redacted!r}: synchronous= is full or normal; got {synchronous!r}")
        if not 0 <= busy_s <= 3600:
            raise ConfigError(f"the store URL {url.redacted!r}: busy= is seconds, 0 to 3,600; got {busy_s!r}")
        return cls(Path(url.file).expanduser().absolute(), synchronous, busy_s)
