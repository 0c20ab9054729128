"""The part of the store contract that looks: instances, histories, logs, endings and changes."""

from collections.abc import Iterable, Sequence

from rota.model.query import InstanceFilter, LogFilter, PurgeFilter
from rota.model.records import ChangePage, FindPage, History, KindStats, LogPage, LogRecord, Snapshot
from rota.store.contract import MAX_LOOKED_AT
from rota_store_memory.changes import EVERY
from rota_store_memory.find import counted, find_step, snapshot, stats
from rota_store_memory.history import read_history
from rota_store_memory.logs import append_logs, drop_logs, read_logs
from rota_store_memory.view import View

__all__ = ["Observation"]


class Observation(View):
    """Everything that reads instances, and the logs that are written to be read."""

    __slots__ = ()

    def get(self, ids: Sequence[str]) -> list[Snapshot | None]:
        """Instances as they stand."""
        with self._lock:
            found = [self._space.entries.get(instance_id) for instance_id in ids]
            return [None if entry is None else snapshot(self._space, entry) for entry in found]

    def find(self, query: InstanceFilter, cursor: str | None = None, limit: int = 100) -> FindPage:
        """A page of instances in id order."""
        with self._lock:
            entries, further = find_step(self._space, query, cursor, limit)
            return FindPage(tuple(snapshot(self._space, entry) for entry in entries), further)

    def count(self, query: InstanceFilter, limit: int | None = None) -> int:
        """How many match; exact. O(kinds) for kinds and states alone, else a walk that lets others in between."""
        with self._lock:
            total = counted(self._space, query)
        return self._count_by_walk(query, limit) if total is None else min(total, total if limit is None else limit)

    def stats(self, kinds: Iterable[str] | None = None) -> list[KindStats]:
        """Numbers per kind. `oldest_due_ms` is read off the heads of the two orders."""
        with self._lock:
            return stats(self._space, kinds, self._clock.now_ms())

    def history(self, ids: Sequence[str]) -> list[History | None]:
        """What happened to each."""
        with self._lock:
            found = [self._space.entries.get(instance_id) for instance_id in ids]
            return [None if entry is None else read_history(entry) for entry in found]

    def append_logs(self, lines: Sequence[LogRecord]) -> None:
        """Keep lines and progress."""
        with self._lock:
            append_logs(self._space, lines)

    def logs(self, query: LogFilter, timeout_ms: int = 0) -> LogPage:
        """Lines from a position on."""
        space = self._space
        with self._lock:
            return self._until(
                lambda: read_logs(space, query),
                space.log_readers, (query.id,), "", timeout_ms, lambda page: page.lines or page.final,
            )  # fmt: skip

    def drop_logs(self, query: PurgeFilter, cursor: str | None = None, limit: int = 1000) -> tuple[int, str | None]:
        """Remove the lines of finished instances."""
        with self._lock:
            return drop_logs(self._space, query, cursor, limit)

    def await_final(self, ids: Sequence[str], timeout_ms: int, waiter: str = "") -> list[str]:
        """Those that are final or gone."""
        with self._lock:
            return self._until(lambda: self._ended(ids), self._space.endings, ids, waiter, timeout_ms, bool)

    def changes(self, cursor: str | None = None, limit: int = 1000, timeout_ms: int = 0) -> ChangePage:
        """State changes after `cursor`; the first call starts the recording."""
        ring = self._space.changes
        with self._lock:
            return self._until(
                lambda: ring.page(cursor, limit),
                ring.followers, EVERY, "", timeout_ms, lambda page: page.changes or cursor is None,
            )  # fmt: skip

    def _ended(self, ids: Sequence[str]) -> list[str]:
        entries = self._space.entries
        return [one for one in ids if (entry := entries.get(one)) is None or entry.ended]

    def _count_by_walk(self, query: InstanceFilter, limit: int | None) -> int:
        total, cursor = 0, None
        while limit is None or total < limit:
            with self._lock:
                found, cursor = find_step(self._space, query, cursor, MAX_LOOKED_AT if limit is None else limit - total)
            total += len(found)
            if cursor is None:
                break
        return total
