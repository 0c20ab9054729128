"""A KV that fails: it loses the reply of a commit, or does not do it, at the commit that was named."""

from collections.abc import Callable, Collection, Mapping, Sequence

from core.tests.store.kv.memory_kv import MemoryKV, Space

from rota.model.clock import Clock
from rota.model.errors import StoreUnavailable
from rota.store.ordered_kv import Page, Range, Value


class FailingKV(MemoryKV):
    """One connection with the smallest bounds that a KV may have. `fail_at` counts commits from now on; `done` tells
    whether the one that fails is done. `meanwhile` happens before the round trip `meanwhile_at` from now on."""

    max_ops = 64
    max_key = 256

    def __init__(self, space: Space, clock: Clock) -> None:
        super().__init__(space, clock)
        self.fail_at = 0
        self.done = False
        self.meanwhile: Callable[[], object] = bool
        self.meanwhile_at = 0

    def read(self, keys: Sequence[bytes], ranges: Sequence[Range]) -> tuple[int, list[Value], list[Page]]:
        """As `OrderedKV.read`."""
        self._let_others_in()
        return super().read(keys, ranges)

    def _let_others_in(self) -> None:
        self.meanwhile_at -= 1
        if self.meanwhile_at == 0:
            self.meanwhile()

    def commit(
        self, checks: Mapping[bytes, int], puts: Mapping[bytes, bytes], deletes: Collection[bytes]
    ) -> int | None:
        """As `OrderedKV.commit`."""
        assert all(len(key) <= self.max_key for key in (*checks, *puts, *deletes))
        self._let_others_in()
        self.fail_at -= 1
        if self.fail_at == 0 and not self.done:
            raise StoreUnavailable("not done")
        revision = super().commit(checks, puts, deletes)
        if self.fail_at == 0:
            raise StoreUnavailable("done, the reply is lost")
        return revision
