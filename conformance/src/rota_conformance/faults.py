"""A store whose calls fail, by a seed: before anything was done, or after all was done, the reply being lost."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast

from rota.model.errors import StoreUnavailable
from rota.store.contract import Store

__all__ = ["Fault", "FaultyStore", "OPERATIONS", "again", "lose_reply", "seeded"]

T = TypeVar("T")

Fault: TypeAlias = Literal["before", "after"] | None

#: Every operation of the contract that talks to the backend.
OPERATIONS: Final = tuple(
    name
    for name, value in vars(Store).items()
    if callable(value) and not name.startswith("_") and name not in ("namespaced", "open", "close", "interrupt")
)
_TRIES: Final = 100


class FaultyStore:
    """A `Store` that asks `plan(operation)` at each call what goes wrong with it. `lost` counts the faults."""

    def __init__(self, store: Store, plan: Callable[[str], Fault]) -> None:
        self._store = store
        self._plan = plan
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in OPERATIONS:
            return found

        def call(*args: Any, **options: Any) -> Any:
            fault = self._plan(name)
            if fault is not None:
                self.lost += 1
            if fault == "before":
                raise StoreUnavailable(f"a fault before {name}(): nothing was done")
            answer = found(*args, **options)
            if fault == "after":
                raise StoreUnavailable(f"a fault after {name}(): it was done, the reply is lost")
            return answer

        return call

    @property
    def as_store(self) -> Store:
        """Itself, as what it stands for."""
        return cast(Store, self)


def lose_reply(store: Store, operation: str) -> FaultyStore:
    """Lose the reply of the first call of `operation`, and of no other."""
    left = [operation]

    def plan(name: str) -> Fault:
        if name in left:
            left.remove(name)
            return "after"
        return None

    return FaultyStore(store, plan)


def seeded(store: Store, seed: int, share: float = 0.05, shares: Mapping[str, float] | None = None) -> FaultyStore:
    """Let `share` of the calls fail before, and as many after; `shares` says otherwise by operation."""
    rng = random.Random(seed)

    def plan(name: str) -> Fault:
        of_this, drawn = (shares or {}).get(name, share), rng.random()
        return "before" if drawn < of_this else "after" if drawn < 2 * of_this else None

    return FaultyStore(store, plan)


def again(call: Callable[[], T]) -> T:
    """Repeat the same call until it answers. Raises: StoreUnavailable when it never does."""
    for _ in range(_TRIES):
        try:
            return call()
        except StoreUnavailable:
            continue
    return call()
