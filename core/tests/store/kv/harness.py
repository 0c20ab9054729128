"""KVStore on an ordered KV in memory, for the conformance suite: four kinds of backend."""

import random
from collections.abc import Collection, Mapping
from threading import Lock, local
from typing import Any, Final, Literal, cast

from core.tests.store.kv.memory_kv import MemoryKV, Space

from rota.model.clock import Clock
from rota.model.errors import StoreUnavailable
from rota.store.contract import Store
from rota.store.kv.store import KVStore
from rota_conformance.faults import OPERATIONS, again
from rota_conformance.harness import StoreHarness

__all__ = ["Client", "Faulty", "Plain", "Small"]

#: Operations whose repetition answers what the first call did, however much of it was done: faults can go by unseen.
#: What becomes of the others is in `test_repeats.py`, and in the suite's own FLT, which know what may be answered.
_SAME_ANSWER: Final = frozenset(
    {
        "append_logs", "beat", "changes", "claim", "clear", "pause", "put_kinds", "resize", "resume", "retire",
        "sync_schedules",
    }
)  # fmt: skip
_SHARE: Final = 0.1


class Plain(StoreHarness):
    """A backend of the host's clock, which wakes; every client has a connection of its own."""

    kv_class: type[MemoryKV] = MemoryKV

    def __init__(self, url: str | None = None) -> None:
        super().__init__(url)
        self._space = Space()

    def open(self, namespace: str, clock: Clock) -> Store:
        """A client with a connection of its own."""
        store = KVStore(self.kv_class(self._space, clock), namespace=namespace, clock=clock, name="the KV in memory")
        store.open()
        return store

    def dump(self, namespace: str) -> Mapping[str, int]:
        """How many keys there are of each letter, read past the store."""
        prefix = namespace.encode() + b"\0"
        kept = {_without_shard(key, len(prefix)) for key in self._space.order if key.startswith(prefix)}
        letters = [chr(key[len(prefix)]) for key in kept]
        return {letter: letters.count(letter) for letter in set(letters)}

    def operations(self) -> int:
        """Keys read, put and deleted, and ranges."""
        return self._space.operations


def _without_shard(key: bytes, start: int) -> bytes:
    """The numbers of a kind stand in up to 16 shards, whichever its clients fell on: they count as one."""
    return key[:-1] if key[start : start + 1] == b"o" else key


class _SmallKV(MemoryKV):
    max_ops = 64
    max_bytes = 1_536 * 1024
    max_key = 256


class Small(Plain):
    """The least that `OrderedKV` allows."""

    kv_class = _SmallKV


class _ClientKV(MemoryKV):
    clock: Literal["server", "host", "client"] = "client"


class Client(Plain):
    """A backend without a clock."""

    kv_class = _ClientKV


class _FaultyKV(MemoryKV):
    """One commit in ten meets another. While `call.may_fail` is set as many raise, done or not."""

    def __init__(self, space: Space, clock: Clock) -> None:
        super().__init__(space, clock)
        self.call = local()
        self._rng = random.Random(7)
        self._lock = Lock()

    def commit(
        self, checks: Mapping[bytes, int], puts: Mapping[bytes, bytes], deletes: Collection[bytes]
    ) -> int | None:
        """As `OrderedKV.commit`."""
        with self._lock:
            drawn = self._rng.random()
        fails = getattr(self.call, "may_fail", False)
        if checks and drawn < _SHARE:
            return None
        if fails and drawn > 1 - _SHARE / 2:
            raise StoreUnavailable("not done")
        revision = super().commit(checks, puts, deletes)
        if fails and drawn > 1 - _SHARE:
            raise StoreUnavailable("done, the reply is lost")
        return revision


class _Repeating:
    """A store whose caller does what the contract asks of it: repeat the same call."""

    def __init__(self, store: KVStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in OPERATIONS:
            return found

        def call(*args: Any, **options: Any) -> Any:
            where = cast(_FaultyKV, self._store._hub.kv).call
            where.may_fail = name in _SAME_ANSWER
            try:
                return again(lambda: found(*args, **options))
            finally:
                where.may_fail = False

        return call

    def namespaced(self, namespace: str) -> Store:
        """As `Store.namespaced`."""
        return cast(Store, _Repeating(self._store.namespaced(namespace)))


class Faulty(Plain):
    """A backend that fails, under callers that repeat."""

    kv_class = _FaultyKV

    def open(self, namespace: str, clock: Clock) -> Store:
        """A client with a connection of its own."""
        return cast(Store, _Repeating(cast(KVStore, super().open(namespace, clock))))
