"""An ordered KV in memory: one lock, one number. It counts its round trips."""

from bisect import bisect_left, insort
from collections.abc import Collection, Mapping, Sequence
from threading import Condition
from typing import Literal

from rota.model.clock import Clock
from rota.store.ordered_kv import Found, Page, Range, Value


class Space:
    """What all connections share."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.revision = 0
        self.values: dict[bytes, tuple[bytes, int]] = {}
        self.order: list[bytes] = []
        self.reads = self.commits = self.operations = 0


class MemoryKV:
    """One connection."""

    max_ops = 4096
    max_bytes = 64 * 1024 * 1024
    max_key = 1024
    push = True
    clock: Literal["server", "host", "client"] = "host"

    def __init__(self, space: Space, clock: Clock) -> None:
        self.space = space
        self._clock = clock
        self._closings = 0

    def read(self, keys: Sequence[bytes], ranges: Sequence[Range]) -> tuple[int, list[Value], list[Page]]:
        """As `OrderedKV.read`."""
        with self.space.changed:
            self.space.reads += 1
            self.space.operations += len(keys) + len(ranges)
            return (
                self.space.revision,
                [self.space.values.get(key) for key in keys],
                [self._page(one) for one in ranges],
            )

    def _page(self, wanted: Range) -> Page:
        order = self.space.order
        first, last = bisect_left(order, wanted.start), bisect_left(order, wanted.end)
        if wanted.reverse:
            keys = order[max(first, last - wanted.limit) : last][::-1]
        else:
            keys = order[first : min(last, first + wanted.limit)]
        return [Found(key, *self.space.values[key]) for key in keys]

    def commit(
        self, checks: Mapping[bytes, int], puts: Mapping[bytes, bytes], deletes: Collection[bytes]
    ) -> int | None:
        """As `OrderedKV.commit`."""
        assert max(len(checks), len(puts) + len(deletes)) <= self.max_ops
        with self.space.changed:
            self.space.commits += 1
            self.space.operations += len(puts) + len(deletes)
            if any(self.space.values.get(key, (b"", 0))[1] != revision for key, revision in checks.items()):
                return None
            self.space.revision += 1
            for key, value in puts.items():
                if key not in self.space.values:
                    insort(self.space.order, key)
                self.space.values[key] = value, self.space.revision
            for key in deletes:
                if self.space.values.pop(key, None) is not None:
                    del self.space.order[bisect_left(self.space.order, key)]
            self.space.changed.notify_all()
            return self.space.revision

    def wait(self, prefixes: Sequence[bytes], since: int, timeout_ms: int) -> int:
        """As `OrderedKV.wait`; for every commit."""
        with self.space.changed:
            closings = self._closings
            self.space.changed.wait_for(
                lambda: self.space.revision > since or closings != self._closings, timeout_ms / 1000
            )
            return self.space.revision

    def now_ms(self) -> int:
        """The clock that was passed in."""
        return self._clock.now_ms()

    def close(self) -> None:
        """End every wait."""
        with self.space.changed:
            self._closings += 1
            self.space.changed.notify_all()
