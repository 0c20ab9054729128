"""The public class: the store contract on an ordered key-value backend."""

from rota.model.clock import Clock
from rota.store.contract import Feature, StoreCapabilities
from rota.store.kv.clearing import clear
from rota.store.kv.hub import Hub
from rota.store.kv.observation import Observation
from rota.store.kv.rule_operations import RuleOperations
from rota.store.ordered_kv import OrderedKV
from rota.store.refusals import in_use

__all__ = ["KVStore"]


class KVStore(RuleOperations, Observation):
    """One namespace of a backend that has the five primitives of `OrderedKV`; every method does what
    `rota.store.contract.Store` says of it.

    A plugin's factory makes one, without I/O:

        def open_store(url: StoreURL, *, namespace: str = "default", clock: Clock) -> KVStore:
            return KVStore(MyKV(url, clock), namespace=namespace, clock=clock, name="the my store", durable=True)

    `kv` is one connection, shared by the views of all namespaces and closed with them; `clock` tells how long calls
    block, and dates leases where the backend's clock is that of the host. `name` is how messages call the store;
    `durable` says that what was answered survives a crash of the backend, `multi_process` that several processes may
    use one backend at a time. What else is declared follows from the attributes of `kv`.

    A batch is as many commits as `kv.max_ops` and `kv.max_bytes` ask for. A commit that met another one is made anew; a
    StoreUnavailable of the backend is passed on, since who called repeats the same call.
    """

    __slots__ = ("_declared",)

    def __init__(
        self,
        kv: OrderedKV,
        *,
        namespace: str = "default",
        clock: Clock,
        name: str = "this store",
        durable: bool = False,
        multi_process: bool = False,
    ) -> None:
        features: set[Feature] = {"dependencies", "limits", "rate", "changes", "exact_count"}
        if kv.push:
            features |= {"push", "push_cancel"}
        if durable:
            features.add("durable")
        if multi_process:
            features.add("multi_process")
        super().__init__(Hub(kv, name), namespace, clock)
        self._declared = StoreCapabilities(
            features=frozenset(features), clock=kv.clock, max_payload_bytes=self.most_bytes
        )

    @property
    def capabilities(self) -> StoreCapabilities:
        """What is declared: see `Store.capabilities`."""
        return self._declared

    @property
    def namespace(self) -> str:
        """The namespace of this view."""
        return self._name

    def namespaced(self, namespace: str) -> "KVStore":
        """Another namespace of the same backend, closed together with this one."""
        view = KVStore.__new__(KVStore)
        RuleOperations.__init__(view, self._hub, namespace, self._clock, self._session)
        view._declared = self._declared
        return view

    def open(self) -> None:
        """Connect, so that a backend that is not there is found now. Raises: StoreUnavailable."""
        self._hub.refuse_child()
        self._hub.kv.read((), ())

    def close(self) -> None:
        """End the blocked calls of this store and its views, and let go of the connection."""
        self._hub.calls.end_session(self._session)
        self._hub.close()

    def clear(self, *, force: bool = False) -> None:
        """Remove everything in the namespace. Raises: ConfigError while a worker lives there, unless `force`."""
        living = [] if force else self.workers()
        if living:
            raise in_use(self._name, self._hub.name, living)
        clear(self._hub.kv, self._keys)

    def now_ms(self) -> int:
        """The backend's clock."""
        self._hub.refuse_child()
        return self._hub.kv.now_ms()
