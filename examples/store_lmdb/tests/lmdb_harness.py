"""The LMDB store for the conformance suite: what a URL can't tell."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from unittest.mock import patch

import acme_rota_lmdb.store
from acme_rota_lmdb.environments import close, transaction
from acme_rota_lmdb.store import LmdbKV, open_store

from rota.model.clock import Clock
from rota.store.contract import Store
from rota.store.ordered_kv import Page, Range, Value
from rota.store.url import StoreURL
from rota_conformance import StoreHarness


class Harness(StoreHarness):
    """Stores in one file, in a folder that goes with the harness when no URL was given."""

    def __init__(self, url: str | None = None) -> None:
        self._folder = None if url else tempfile.TemporaryDirectory(prefix="acme-rota-lmdb-")
        super().__init__(url or f"lmdb:///{self._folder.name}/suite.lmdb")
        self._path = Path(StoreURL.parse(self.url).file).resolve()
        self.counted = 0

    def open(self, namespace: str, clock: Clock) -> Store:
        """A client whose operations count; the plugin need not be installed."""
        with patch.object(acme_rota_lmdb.store, "LmdbKV", partial(_Counted, self)):
            store = open_store(StoreURL.parse(self.url), namespace=namespace, clock=clock)
        store.open()
        return store

    def dump(self, namespace: str) -> Mapping[str, int]:
        """Every key that has the namespace in it, read past the store."""
        with transaction(self._path, 1 << 30) as txn:
            stored = [(bytes(key), len(value)) for key, value in txn.cursor()]
        return {repr(key): size for key, size in stored if namespace.encode() in key}

    def operations(self) -> int:
        """Keys and ranges read, keys checked, put and deleted."""
        return self.counted

    def drop_connections(self) -> bool:
        """Close the file behind the stores' backs."""
        close(self._path)
        return True

    def restart_backend(self) -> bool:
        """There is no server; what a restart comes to is that nobody has the file open."""
        return self.drop_connections()

    def close(self) -> None:
        """Remove the file, by whoever made its folder."""
        close(self._path)
        if self._folder is not None:
            self._folder.cleanup()


class _Counted(LmdbKV):
    """Tells the harness of each operation."""

    def __init__(self, harness: Harness, url: StoreURL, clock: Clock) -> None:
        super().__init__(url, clock)
        self._harness = harness

    def read(self, keys: Sequence[bytes], ranges: Sequence[Range]) -> tuple[int, list[Value], list[Page]]:
        self._harness.counted += len(keys) + len(ranges)
        return super().read(keys, ranges)

    def commit(self, checks: Mapping[bytes, int], puts: Mapping[bytes, bytes], deletes: Iterable[bytes]) -> int | None:
        deletes = list(deletes)
        self._harness.counted += len(checks) + len(puts) + len(deletes)
        return super().commit(checks, puts, deletes)
