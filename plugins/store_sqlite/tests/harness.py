"""The SQLite store for the conformance suite, by its file: the plugin need not be installed."""

import sqlite3
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from rota.model.clock import Clock
from rota.store.contract import Store
from rota.store.url import StoreURL
from rota_conformance.harness import StoreHarness
from rota_store_sqlite.location import Location
from rota_store_sqlite.store import SQLiteStore, open_store

__all__ = ["Harness"]

_OF_NAMESPACE: Final = ("instance", "kind", "worker", "schedule", "document", "change")
_OF_INSTANCE: Final = {"line": "instance", "edge": "child"}
_OF_KIND: Final = ("counter", "lane")


class Harness(StoreHarness):
    """Stores on one file, in a folder that goes with the harness when no URL was given."""

    def __init__(self, url: str | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rota-sqlite-suite-")
        super().__init__(url or f"sqlite:///{self._folder.name}/jobs.db?synchronous=normal")
        self._opened: list[SQLiteStore] = []

    def open(self, namespace: str, clock: Clock) -> Store:
        """A client with a connection of its own."""
        store = open_store(self.url, namespace=namespace, clock=clock)
        store.open()
        self._opened.append(store)
        return store

    def dump(self, namespace: str) -> Mapping[str, int]:
        """Rows by table, read past the store."""
        with closing(sqlite3.connect(self._path)) as connection:
            return {table: number for table, number in _counted(connection, namespace) if number}

    def drop_connections(self) -> bool:
        """Close every connection behind the stores' backs, as a fork does: they connect anew."""
        for store in self._opened:
            store._hub.database.disconnect()
        return True

    def restart_backend(self) -> bool:
        """There is no server: what a restart comes to is that all processes end at once, and with them what they have
        in memory. What stands in the file and its log at this moment is all that is left, not put in order by anybody.

        Copied by another process: a descriptor that this one closed would drop its locks.
        """
        names = [self._path, self._path.with_name(f"{self._path.name}-wal")]
        copies = [one.with_name(f"{one.name}-left") for one in names]
        for name, copy in zip(names, copies, strict=True):
            subprocess.run(["cp", name, copy], check=True)
        self.drop_connections()
        for name, copy in zip(names, copies, strict=True):
            copy.replace(name)
        return True

    @property
    def _path(self) -> Path:
        return Location.of(StoreURL.parse(self.url)).path

    def close(self) -> None:
        """Remove the file."""
        self._folder.cleanup()


def _counted(connection: sqlite3.Connection, namespace: str) -> list[tuple[str, int]]:
    ns = "SELECT id FROM namespace WHERE name = ?"
    instances, kinds = f"SELECT n FROM instance WHERE ns = ({ns})", f"SELECT id FROM kind WHERE ns = ({ns})"
    tables = dict.fromkeys(_OF_NAMESPACE, f"ns = ({ns})")
    tables |= {table: f"{column} IN ({instances})" for table, column in _OF_INSTANCE.items()}
    tables |= dict.fromkeys(_OF_KIND, f"kind IN ({kinds})")
    return [
        (table, connection.execute(f"SELECT count(*) FROM {table} WHERE {where}", (namespace,)).fetchone()[0])
        for table, where in tables.items()
    ]
