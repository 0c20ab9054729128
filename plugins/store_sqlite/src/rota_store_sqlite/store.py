"""The public class: the store contract over one namespace of a file."""

from typing import Final

from rota.model.clock import Clock
from rota.model.query import PurgeFilter
from rota.store.contract import StoreCapabilities
from rota.store.refusals import in_use
from rota.store.url import StoreURL
from rota_store_sqlite.clearing import clear
from rota_store_sqlite.enqueue import MAX_PAYLOAD_BYTES
from rota_store_sqlite.hub import Hub
from rota_store_sqlite.location import Location
from rota_store_sqlite.observation import Observation
from rota_store_sqlite.purge import purge
from rota_store_sqlite.queue_operations import QueueOperations
from rota_store_sqlite.rule_operations import RuleOperations
from rota_store_sqlite.workers import live_workers

__all__ = ["SQLiteStore", "open_store"]

_CAPABILITIES: Final = StoreCapabilities(
    features=frozenset(
        {
            "dependencies", "limits", "rate", "changes", "push", "push_cancel", "multi_process", "durable",
            "exact_count",
        }
    ),
    clock="host",
    min_lease_ms=100,
    max_payload_bytes=MAX_PAYLOAD_BYTES,
)  # fmt: skip


def open_store(url: StoreURL | str, *, namespace: str = "default", clock: Clock) -> "SQLiteStore":
    """A store for `sqlite:///path.db`. No I/O: `open` connects. Raises: ConfigError."""
    location = Location.of(StoreURL.parse(url) if isinstance(url, str) else url)
    return SQLiteStore(Hub(location), namespace, clock)


class SQLiteStore(QueueOperations, RuleOperations, Observation):
    """One namespace of a file; every method does what `rota.store.contract.Store` says of it.

    A batch is one transaction. Blocked calls sleep until somebody rings, in this process or another one.
    """

    __slots__ = ()

    @property
    def capabilities(self) -> StoreCapabilities:
        """What is declared: see `Store.capabilities`."""
        return _CAPABILITIES

    @property
    def namespace(self) -> str:
        """The namespace of this view."""
        return self._name

    def namespaced(self, namespace: str) -> "SQLiteStore":
        """Another namespace of the same file, closed together with this one."""
        return SQLiteStore(self._hub, namespace, self._clock, self._session)

    def open(self) -> None:
        """Connect; make the file, or bring it to the present layout."""
        self._hub.open()

    def close(self) -> None:
        """End the blocked calls of this store and its views, and let go of the file."""
        self._hub.calls.end_session(self._session)
        self._hub.close()

    def clear(self, *, force: bool = False) -> None:
        """Remove everything in the namespace. Raises: ConfigError while a worker lives there, unless `force`."""
        with self._changing() as step:
            living = [] if force else live_workers(step, self._hub.boot)
            if living:
                raise in_use(self.namespace, "the SQLite store", living)
            clear(step)

    def now_ms(self) -> int:
        """The wall clock of this machine."""
        return self._clock.now_ms()

    def purge(self, query: PurgeFilter, limit: int = 1000) -> int:
        """Remove finished instances."""
        with self._changing() as step:
            return purge(step, query, limit)
