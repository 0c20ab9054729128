"""The public class: the store contract over one namespace of a hub."""

from typing import Final

from rota.model.clock import Clock
from rota.model.query import PurgeFilter
from rota.store.contract import StoreCapabilities
from rota.store.refusals import in_use
from rota.store.url import StoreURL
from rota_store_memory.enqueue import MAX_PAYLOAD_BYTES
from rota_store_memory.hub import hub_of
from rota_store_memory.observation import Observation
from rota_store_memory.purge import purge
from rota_store_memory.queue_operations import QueueOperations
from rota_store_memory.rule_operations import RuleOperations
from rota_store_memory.waiting import monotonic_ms

__all__ = ["MemoryStore", "open_store"]

_CAPABILITIES: Final = StoreCapabilities(
    features=frozenset({"dependencies", "limits", "rate", "changes", "push", "wake_one", "push_cancel", "exact_count"}),
    clock="host",
    min_lease_ms=1,
    max_payload_bytes=MAX_PAYLOAD_BYTES,
)


def open_store(url: StoreURL | str, *, namespace: str = "default", clock: Clock) -> "MemoryStore":
    """A store for `memory://` (private) or `memory://NAME` (shared within the process). Raises: ConfigError."""
    return MemoryStore(hub_of(StoreURL.parse(url) if isinstance(url, str) else url), namespace, clock)


class MemoryStore(QueueOperations, RuleOperations, Observation):
    """One namespace of a hub; every method does what `rota.store.contract.Store` says of it.

    A batch is one step under the hub's lock. Blocked calls sleep on that lock, through the clock. A store belongs
    to the process that made it; `open` and `namespaced` refuse a forked child, which opens its own by URL.
    """

    __slots__ = ()

    @property
    def capabilities(self) -> StoreCapabilities:
        """What is declared: see `Store.capabilities`."""
        return _CAPABILITIES

    @property
    def namespace(self) -> str:
        """The namespace of this view."""
        return self._space.name

    def namespaced(self, namespace: str) -> "MemoryStore":
        """Another namespace of the same hub, closed together with this one. Raises: ConfigError as `open`."""
        return MemoryStore(self._hub, namespace, self._clock, self._session)

    def open(self) -> None:
        """Nothing to connect to. Raises: ConfigError in a child forked from the process that made the store."""
        self._hub.refuse_child()

    def close(self) -> None:
        """End the blocked calls of this store and its views; what is stored stays with the hub."""
        self._hub.end_session(self._session)

    def clear(self, *, force: bool = False) -> None:
        """Remove everything in the namespace. Raises: ConfigError while a worker lives there, unless `force`."""
        with self._lock:
            living = [] if force else self._space.leases.running(monotonic_ms(self._clock))
            if living:
                raise in_use(self.namespace, "the memory store", living)
            self._space.clear()

    def now_ms(self) -> int:
        """The wall clock of this process."""
        return self._clock.now_ms()

    def purge(self, query: PurgeFilter, limit: int = 1000) -> int:
        """Remove finished instances."""
        with self._lock:
            return purge(self._space, query, limit)
