"""The SQLite store for the conformance suite, by its file: the plugin need not be installed."""

import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from rota.model.clock import Clock
from rota.store.contract import Store
from rota_conformance.harness import StoreHarness
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
        path = Path(self.url.removeprefix("sqlite:///").partition("?")[0])
        with closing(sqlite3.connect(path)) as connection:
            return {table: number for table, number in _counted(connection, namespace) if number}

    def drop_connections(self) -> bool:
        """Close every connection behind the stores' backs: they connect anew."""
        for store in self._opened:
            store._hub.database.close()
        return True

    def restart_backend(self) -> bool:
        """There is no server: what a restart comes to is that every connection is gone."""
        return self.drop_connections()

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
