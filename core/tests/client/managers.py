"""Managers for tests: on a clock that stands still where time matters, each with its store to itself."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import msgspec

from rota import Instance, Manager, State
from rota.client.environment import Environment
from rota.model.clock import Clock
from rota.model.records import Claim, Ending, ErrorRecord, Outcome, WorkerRecord
from rota.store.contract import Store, StoreCapabilities
from rota.testing import FakeClock, wait_until
from rota_store_memory.store import open_store

__all__ = ["LEASE", "ByHand", "Watched", "creep_until", "fresh_url", "managed", "reach", "store_of", "working"]

LEASE = 10_000_000.0  #: seconds; a clock that jumps by an hour must not make a worker lose its lease

_numbers = count(1)


def fresh_url() -> str:
    """A memory store that managers of this process can share, used by nobody before."""
    return f"memory://shared-{next(_numbers)}"


def managed(clock: Clock | None = None, store: Any = "memory://", **options: Any) -> Manager:
    """A manager on this clock, with repeatable randomness."""
    manager = Manager(store, **options)
    manager._environment = Environment(clock=clock or FakeClock(), rng=random.Random(next(_numbers)))
    manager.use_store(store)
    return manager


def store_of(manager: Manager) -> Store:
    """The store beneath, to look at what no public object shows."""
    return manager._store


def reach(instance: Instance[Any], *states: State) -> Instance[Any]:
    """Wait until the instance stands in one of these states; the clock need not move for it."""
    wait_until(lambda: instance.refresh().state in states, 10, f"{instance!r} to be {states}")
    return instance.refresh()


def creep_until(clock: FakeClock, predicate: Callable[[], object], description: str) -> None:
    """Wait until it is true, while the clock creeps on by 50 ms a look: a loop that was just about to wait when
    the clock was moved would else sleep from the new time on."""

    def looks() -> object:
        clock.advance(0.05)
        return predicate()

    wait_until(looks, 10, description)


@contextmanager
def working(manager: Manager, **options: Any) -> Iterator[Manager]:
    """The manager, open, with a worker."""
    with manager, manager.worker(**{"concurrency": 2, "lease": LEASE, **options}):
        yield manager


class Watched:
    """A real store that notes what it is asked, and may declare more features than it has."""

    def __init__(self, store: Store, asked: list[tuple[str, tuple[Any, ...]]], features: frozenset[Any]) -> None:
        self._store = store
        self._features = features
        self.asked = asked

    @classmethod
    def memory(cls, *features: str, clock: Clock | None = None) -> "Watched":
        """Over a private memory store."""
        return cls(open_store("memory://", clock=clock or FakeClock()), [], frozenset(features))

    @property
    def capabilities(self) -> StoreCapabilities:
        """What is declared."""
        own = self._store.capabilities
        return msgspec.structs.replace(own, features=own.features | self._features)

    def namespaced(self, namespace: str) -> "Watched":
        """Notes go to the same list."""
        return Watched(self._store.namespaced(namespace), self.asked, self._features)

    def sizes(self, operation: str) -> list[int]:
        """The number of items in each call of a batch operation."""
        return [len(arguments[0]) for name, arguments in self.asked if name == operation]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def noted(*args: Any, **kwargs: Any) -> Any:
            self.asked.append((name, args))
            return found(*args, **kwargs)

        return noted


class ByHand:
    """A worker without threads: claims and settles what it is told to, so that a test decides every outcome."""

    def __init__(self, manager: Manager, name: str = "by-hand") -> None:
        self.store = store_of(manager)
        self.name = name
        self.store.beat(name, 60_000, WorkerRecord(id=name))
        self._seq = count(1)

    def claim(self, *kinds: str, limit: int = 1000) -> list[Claim]:
        """What is due of these kinds, in order."""
        return self.store.claim(self.name, next(self._seq), kinds, limit)

    def settle(self, claim: Claim, ending: Ending = Ending.COMPLETED, **more: Any) -> None:
        """End one so."""
        self.store.settle([Outcome(claim.record.id, claim.token, ending, **more)])

    def end(self, *kinds: str, ending: Ending = Ending.COMPLETED, limit: int = 1000, **more: Any) -> list[str]:
        """Claim what is due and end it so; the ids, in the order they were handed out."""
        claims = self.claim(*kinds, limit=limit)
        self.store.settle([Outcome(one.record.id, one.token, ending, **more) for one in claims])
        return [one.record.id for one in claims]

    def fail(self, *kinds: str, message: str = "no") -> list[str]:
        """End what is due as failed."""
        return self.end(*kinds, ending=Ending.TERMINATED, error=ErrorRecord("failed", "OSError", message))
