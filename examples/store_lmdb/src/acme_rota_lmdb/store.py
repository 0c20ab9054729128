"""From a URL to the store, and its five primitives. A value has its revision before it; one key counts commits."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import Literal

import lmdb

from acme_rota_lmdb.environments import close, transaction
from rota.errors import ConfigError
from rota.model.clock import Clock, SystemClock
from rota.store.doorbell import Doorbell
from rota.store.kv.store import KVStore
from rota.store.ordered_kv import Found, Page, Range, Value
from rota.store.url import StoreURL

_COUNT, _VALUE = b"#", b"="  # the key that counts, and what stands before every other


def open_store(url: StoreURL, *, namespace: str = "default", clock: Clock) -> KVStore:
    """A store for `lmdb:///jobs.lmdb?map_size_mb=1024`. No I/O. Raises: ConfigError."""
    kv = LmdbKV(url, clock)
    return KVStore(kv, namespace=namespace, clock=clock, name="the LMDB store", durable=True, multi_process=True)


class LmdbKV:
    """An `OrderedKV` in one file: a commit is one transaction, and on disk when it answers."""

    max_ops = 4096
    max_key = 510  # LMDB takes 511
    push = False  # who waits wakes at once, but may claim later than 10 ms: a commit waits for the disk
    clock: Literal["server", "host", "client"] = "host"

    def __init__(self, url: StoreURL, clock: Clock) -> None:
        size_mb = int(url.options({"map_size_mb": int}).get("map_size_mb", 1024))
        if not url.file or size_mb < 1:
            raise ConfigError(f"the store URL {url.redacted!r}: it takes a file, and 1 MB or more: lmdb:///jobs.lmdb")
        self.max_bytes = min(64 << 20, size_mb << 18)
        self._file = Path(url.file).resolve(), size_mb << 20
        self._clock = clock
        self._bell = Doorbell(f"lmdb:{self._file[0]}")

    def read(self, keys: Sequence[bytes], ranges: Sequence[Range]) -> tuple[int, list[Value], list[Page]]:
        """As `OrderedKV.read`: one transaction."""
        with transaction(*self._file) as txn:
            found = [txn.get(_VALUE + key) for key in keys]
            values = [None if one is None else (bytes(one[8:]), int.from_bytes(one[:8])) for one in found]
            return int.from_bytes(txn.get(_COUNT, b"")), values, [_page(txn.cursor(), one) for one in ranges]

    def commit(self, checks: Mapping[bytes, int], puts: Mapping[bytes, bytes], deletes: Iterable[bytes]) -> int | None:
        """As `OrderedKV.commit`: one transaction, and a ring for all who wait."""
        with transaction(*self._file, write=True) as txn:
            if any(int.from_bytes(txn.get(_VALUE + key, b"")[:8]) != expected for key, expected in checks.items()):
                return None
            revision = int.from_bytes(txn.get(_COUNT, b"")) + 1
            for key, value in puts.items():
                txn.put(_VALUE + key, revision.to_bytes(8) + value)
            for key in deletes:
                txn.delete(_VALUE + key)
            txn.put(_COUNT, revision.to_bytes(8))
        self._bell.ring(1)
        return revision

    def wait(self, prefixes: Sequence[bytes], since: int, timeout_ms: int) -> int:
        """As `OrderedKV.wait`, for every commit; what it answers is from before it slept: `close` is its end."""
        rung = self._bell.count(1)
        revision, _, _ = self.read((), ())
        if revision <= since:
            self._bell.wait(SystemClock(), 1, rung, timeout_ms / 1000, lambda: False)
        return revision

    def now_ms(self) -> int:
        """The wall clock of this machine."""
        return self._clock.now_ms()

    def close(self) -> None:
        """End every wait, and close the file."""
        self._bell.ring(1)
        self._bell.close()
        close(self._file[0])


def _page(cursor: lmdb.Cursor, wanted: Range) -> Page:
    start, end = _VALUE + wanted.start, _VALUE + wanted.end
    if wanted.reverse:
        there, pairs = cursor.prev() if cursor.set_range(end) else cursor.last(), cursor.iterprev()
    else:
        there, pairs = cursor.set_range(start), cursor.iternext()
    inside = takewhile(lambda pair: start <= bytes(pair[0]) < end, islice(pairs, wanted.limit if there else 0))
    return [Found(bytes(key[1:]), bytes(stored[8:]), int.from_bytes(stored[:8])) for key, stored in inside]
