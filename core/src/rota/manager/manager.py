"""The manager: definitions plus a store. It runs nothing by itself."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakSet

from rota.client.connection import Connection
from rota.client.environment import Environment
from rota.client.store_client import StoreClient
from rota.engine.policy_choice import PolicyChoice
from rota.jobs.definition import Definition
from rota.jobs.job import Job
from rota.jobs.jobs import Jobs
from rota.manager.configuration import Configuration, checked_store, default_concurrency
from rota.manager.other_process import client_terms, refuse_in_a_child
from rota.manager.worker import Worker, takes
from rota.model.duration import Duration, to_ms
from rota.model.errors import ConfigError
from rota.model.name import SYSTEM_OWNER, check_name, is_system
from rota.store.contract import Store
from rota.store.url import StoreURL

if TYPE_CHECKING:
    from rota.jobs.client import Client
    from rota.plugins.host import PluginHost
    from rota.runtime.lifespan import LifespanFunction
    from rota.runtime.settings import ConsumerSettings

__all__ = ["Manager"]

_NAMESPACE: Final = "default"


class Manager(Jobs, StoreClient):
    """Definitions plus a store. Making one does no I/O but for reading the configuration; it connects at first
    use and runs no job until a worker is started.

    `store` is a URL or a `Store`; without one `ROTA_STORE`, then `rota.toml` or `[tool.rota]` say it. `name`
    owns the recurring rules declared in code, and `revision` decides between versions of them. `jobs` are
    collections, by object or "package.module:name". `policy` decides the order of the queue: a name, options
    behind it ("priority?ageing=60"); None takes whichever the namespace has. `lifespan` is entered once per worker
    process, before its first claim.

    Raises: ConfigError when no store is given anywhere, or what is given can't be one.
    """

    def __init__(
        self,
        store: str | Store | None = None,
        *,
        name: str | None = None,
        namespace: str | None = None,
        jobs: Iterable[Jobs | str] = (),
        policy: str | None = "priority",
        lifespan: "LifespanFunction | None" = None,
        revision: int | None = None,
    ) -> None:
        self._configuration = Configuration.here()
        given, where = store, "Manager(store)"
        if given is None:
            given, where = self._configuration.text("store"), self._configuration.where("store")
        if given is None:
            raise ConfigError(
                'no store is given: write Manager("memory://") for one in this process, or another URL; '
                "or set ROTA_STORE, or store in rota.toml or [tool.rota]"
            )
        self._given_store = checked_store(given, where)
        said = namespace if namespace is not None else self._configuration.text("namespace")
        default = _NAMESPACE if isinstance(given, str) else given.namespace
        self._namespace = check_name("Manager(namespace)", said if said is not None else default)
        self._declared: Final = (
            given if isinstance(given, str) else "",
            self._namespace,
        )  # a copy elsewhere has the same
        self._name = None if name is None else check_name("Manager(name)", name)
        if name == SYSTEM_OWNER:
            raise ConfigError(f"Manager(name) can't be {name!r}, the owner of rota's own recurring rules: take another")
        if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int)):
            raise ConfigError(f"Manager(revision) takes a whole number, higher for later; got {revision!r}")
        self._policy = None if policy is None else str(PolicyChoice.parse(policy))
        self._revision, self._lifespan = revision, _checked_lifespan(lifespan)
        self._environment = Environment()
        self._workers: WeakSet[Worker] = WeakSet()
        self._views: WeakSet[Manager] = WeakSet()
        Jobs.__init__(self)
        self._connect_by(Connection(self._open_store, self._policy))
        if isinstance(jobs, (Jobs, str)):
            raise ConfigError(f"Manager(jobs) takes a list; write jobs=[...] around {jobs!r}")
        self.include(*jobs)

    def _connect_by(self, connection: Connection) -> None:
        StoreClient.__init__(
            self, connection, self._environment, lambda: self._plugins.policies.rank(connection.policy), self._known
        )

    def _open_store(self) -> Store:
        from rota.plugins.stores import open_store

        given, clock = self._given_store, self._environment.clock
        if self._policy is not None:
            self._plugins.policies.rank(self._policy)  # an unknown one must not be recorded as the namespace's
        if not isinstance(given, str):
            return given.namespaced(self._namespace)
        return refuse_in_a_child(open_store(given, namespace=self._namespace, clock=clock, host=self._plugins))

    @cached_property
    def _plugins(self) -> "PluginHost":
        from rota.plugins.host import PluginHost

        return PluginHost.load(self._configuration.environ)

    def __getitem__(self, kind: str) -> Job[..., Any]:
        return super().__getitem__(kind).bound_to(self)

    @cached_property
    def _nameless(self) -> str:
        return f"manager-{self._environment.ids.one()[-12:]}"  # two managers on one memory store own their rules apart

    def _known(self, kind: str) -> Definition | None:
        return self[kind].definition if kind in self else None

    def _clients(self) -> "list[Client]":
        return [self]

    def resolve(self) -> None:
        """Import the collections that were included by name, and take in those of plugins."""
        super().resolve()
        self.include(*(one for one in self._plugins.jobs if one not in self._included))

    # ---- another store, another namespace ----------------------------------------------------

    def use_store(self, store: str | Store, *, namespace: str | None = None) -> None:
        """Go over to another store; what `rota run --store` does. Handles made before ask the new one, too."""
        given = checked_store(store, "use_store(store)")
        self.close()
        self._given_store = given
        self._namespace = self._namespace if namespace is None else check_name("use_store(namespace)", namespace)
        self._connect_by(Connection(self._open_store, self._policy))

    def namespaced(self, namespace: str) -> "Manager":
        """The same definitions and connection, another namespace."""
        other = Manager(
            self._given_store, name=self._name, namespace=namespace, policy=self._policy,
            lifespan=self._lifespan, revision=self._revision,
        )  # fmt: skip
        other._environment = self._environment
        other.__dict__["_plugins"] = self._plugins
        other._included.append(self)
        self._views.add(other)
        other._connect_by(self._connection.namespaced(namespace))
        return other

    # ---- workers -----------------------------------------------------------------------------

    def worker(
        self,
        *,
        concurrency: int | None = None,
        kinds: Iterable[str] | None = None,
        lease: Duration = 15,
        grace: Duration = 25,
    ) -> Worker:
        """A worker for the jobs defined here, not started yet.

        `concurrency` is how many run at once (default `ROTA_CONCURRENCY`, else 4 for each processor);
        `kinds` are names or patterns ("billing.*"), all by default; rota's own come with any. Without a beat for
        `lease`, the worker counts as dead. `grace` is how long a stop waits for running jobs. Raises ConfigError.
        """
        slots = concurrency if concurrency is not None else self._configuration.number("concurrency")
        lease_ms, grace_ms = to_ms(lease, "worker(lease)"), to_ms(grace, "worker(grace)")
        if lease_ms < 100:
            raise ConfigError(f"worker(lease) must be at least 0.1 s; got {lease!r}")
        patterns = (kinds,) if isinstance(kinds, str) else None if kinds is None else tuple(kinds)
        if not all(isinstance(one, str) for one in patterns or ()):
            raise ConfigError(f'worker(kinds) takes names or patterns such as "billing.*"; got {patterns!r}')
        worker = Worker(
            lambda: self._consumer_settings(patterns, worker.concurrency, lease_ms), grace_ms / 1000, patterns
        )
        worker.resize(slots if slots is not None else default_concurrency())
        self._workers.add(worker)
        return worker

    def _changed(self, job: Job[..., Any, Any]) -> None:
        super()._changed(job)
        for view in list(self._views):
            view._changed(job)
        for worker in list(self._workers):
            worker.define(job.definition)

    def run(
        self,
        *,
        concurrency: int | None = None,
        kinds: Iterable[str] | None = None,
        lease: Duration = 15,
        grace: Duration = 25,
        drain: bool = False,
    ) -> int:
        """What `rota run` does: a worker with signal handling, until stopped, or, with `drain`, until nothing is due or
        running; the exit code."""
        from rota.manager.signals import run_until_signal

        with self:
            worker = self.worker(concurrency=concurrency, kinds=kinds, lease=lease, grace=grace)
            return run_until_signal(worker, self._address(), drain=drain)

    def _address(self) -> str:
        given = self._given_store
        shown = StoreURL.parse(given).redacted if isinstance(given, str) else type(given).__name__
        return f"{shown}, namespace {self._namespace}"

    def _consumer_settings(
        self, patterns: tuple[str, ...] | None, concurrency: int, lease_ms: int
    ) -> "ConsumerSettings":
        from rota.manager.recurring import declared_rules, system_rules
        from rota.runtime.settings import ConsumerSettings

        self.resolve()
        store, plugins, policy = self._store, self._plugins, self._connection.policy
        definitions = self._definitions(patterns)
        rules = self.declared_schedules()
        own = {name: rule for name, rule in rules.items() if not is_system(name)}
        system = {name: rule for name, rule in rules.items() if is_system(name)}
        return ConsumerSettings(
            connection=self._connection,
            environment=self._environment,
            client=self,
            source=self._source,
            definitions=definitions,
            executors=plugins.executors.load,
            processors=plugins.processors,
            rank=plugins.policies.rank(policy),
            client_terms=client_terms(self._given_store, store, policy, self._declared),
            concurrency=concurrency,
            lease_ms=max(lease_ms, store.capabilities.min_lease_ms),
            lifespan=self._lifespan,
            declared=declared_rules(self._requests, store, self._name, self._nameless, self._revision, own),
            system=system_rules(self._requests, store, system),
        )

    def _definitions(self, patterns: tuple[str, ...] | None) -> dict[str, Definition]:
        found = ((kind, self[kind].definition) for kind in self._all_kinds())
        here = {kind: definition for kind, definition in found if definition.runs_here}
        if patterns is None:
            return here
        for pattern in patterns:
            if not any(fnmatchcase(kind, pattern) for kind in here):
                known = ", ".join(sorted(kind for kind in here if not is_system(kind))) or "none"
                raise ConfigError(f"worker(kinds): {pattern!r} matches no job defined here; known: {known}")
        return {kind: one for kind, one in here.items() if takes(patterns, kind)}

    # ---- life cycle --------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.resolve()
        return super().__enter__()

    def __repr__(self) -> str:
        name = "" if self._name is None else f" {self._name}"
        return f"<Manager{name} of {len(self._kinds())} jobs>"


def _checked_lifespan(lifespan: "LifespanFunction | None") -> "LifespanFunction | None":
    entered = any(hasattr(type(lifespan), name) for name in ("__enter__", "__aenter__"))  # its call: callable, too
    if lifespan is not None and (entered or not callable(lifespan)):
        raise ConfigError(f"Manager(lifespan) takes a function: pass the function, not its call; got {lifespan!r}")
    return lifespan
