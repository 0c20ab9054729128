"""KVStore on an ordered KV in memory, for the conformance suite: four kinds of backend."""

from collections.abc import Mapping
from typing import Literal

from core.tests.store.kv.memory_kv import MemoryKV, Space

from rota.model.clock import Clock
from rota.store.contract import Store
from rota.store.kv.store import KVStore
from rota_conformance.harness import StoreHarness

__all__ = ["Client", "Plain", "Small"]


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
        letters = [chr(key[len(prefix)]) for key in self._space.order if key.startswith(prefix)]
        return {letter: letters.count(letter) for letter in set(letters)}

    def operations(self) -> int:
        """Keys read, put and deleted, and ranges."""
        return self._space.operations


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
