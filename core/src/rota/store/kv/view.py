"""One namespace as one client sees it: steps that are begun again on a conflict, and blocked calls."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import get_ident
from typing import Final, TypeVar
from zlib import crc32

from rota.model.clock import Clock
from rota.model.errors import StoreUnavailable
from rota.store.blocking import mono_ms
from rota.store.kv.hub import Hub
from rota.store.kv.keys import Keys
from rota.store.kv.lanes import settle_lanes
from rota.store.kv.releases import go_on
from rota.store.kv.step import SHARDS, Conflict, Step

__all__ = ["TRIES", "View"]

T = TypeVar("T")
TRIES: Final = 200  #: conflicts in a row before a call gives up


class View:
    """The connection, the namespace, the clock, and the session whose blocked calls `close` ends."""

    __slots__ = ("_clock", "_hub", "_keys", "_name", "_session")

    def __init__(self, hub: Hub, namespace: str, clock: Clock, session: object = None) -> None:
        self._hub = hub
        self._name = namespace
        self._keys = Keys(namespace)
        self._clock = clock
        self._session = session or object()

    def _step(self, tries: int = 0) -> Step:
        """Begin a step. Threads keep their numbers apart; after a conflict they do so elsewhere."""
        self._hub.refuse_child()
        shard = (crc32(b"%d %d" % (os.getpid(), get_ident())) + tries) % SHARDS
        return Step(self._hub.kv, self._keys, self._hub.kv.now_ms(), mono_ms(self._clock), shard)

    @property
    def most_bytes(self) -> int:
        """The largest payload: arguments and result of an instance are one value, of a quarter of a commit at most."""
        return min(16 * 1024 * 1024, self._hub.kv.max_bytes // 10)

    def _change(self, apply: Callable[[Step], T]) -> tuple[T, int]:
        """What `apply` answers in a step that was committed, and the revision. Raises: StoreUnavailable."""
        for tries in range(TRIES):
            step = self._step(tries)
            found = apply(step)
            try:
                return found, self._commit(step)
            except Conflict:
                continue
        raise self._crowded()

    def _commit(self, step: Step) -> int:
        """Commit a step, and go on with what it left to further ones. Raises: Conflict, StoreUnavailable."""
        settle_lanes(step)
        revision = step.commit()
        self._go_on(step.marks)
        return revision

    def _go_on(self, ids: Iterable[bytes]) -> None:
        left = deque(ids)
        tries = 0
        while left:
            step = self._step(tries)
            more = go_on(step, left[0], self.most_bytes)
            settle_lanes(step)
            try:
                step.commit()
            except Conflict:
                tries += 1
                if tries > TRIES:
                    raise self._crowded() from None
                continue
            tries = 0
            left.extend(one for one in step.marks if one != left[0])
            if not more:
                left.popleft()

    def _crowded(self) -> StoreUnavailable:
        return StoreUnavailable(f"namespace {self._name!r}: {TRIES} commits in a row met others; repeat the call")

    def _until(
        self,
        look: Callable[[], tuple[T, int | None]],
        enough: Callable[[T], object],
        prefixes: Sequence[bytes],
        timeout_ms: int,
        name: str = "",
    ) -> T:
        """What `look` finds once that is `enough`, or when `timeout_ms` are over or the call is ended. It looks when
        something under one of the prefixes was put: to delete a key wakes nobody."""
        found, _ = look()
        if enough(found) or timeout_ms <= 0:
            return found
        with self._hub.listening(tuple(sorted(set(prefixes)))) as topic:
            return self._hub.calls.until(
                look, enough, clock=self._clock, topics=topic, name=(self._name, name), session=self._session,
                timeout_ms=timeout_ms,
            )  # fmt: skip
