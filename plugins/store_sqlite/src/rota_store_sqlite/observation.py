"""The part of the store contract that looks: instances, histories, logs, endings and changes."""

from collections.abc import Iterable, Sequence
from typing import Final

from rota.model.query import InstanceFilter, LogFilter, PurgeFilter
from rota.model.records import ChangePage, FindPage, History, KindStats, LogPage, LogRecord, Snapshot
from rota.store.contract import MAX_LOOKED_AT
from rota.store.histories import read_history
from rota_store_sqlite.changes import page
from rota_store_sqlite.entry import as_bytes
from rota_store_sqlite.find import count_by_counters, find, get, stats
from rota_store_sqlite.logs import append_logs, drop_logs, read_logs
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step
from rota_store_sqlite.topics import CHANGES, ENDED, LINES
from rota_store_sqlite.view import View

__all__ = ["Observation"]

_INSTANCE: Final = statements("instance")


class Observation(View):
    """Everything that reads instances, and the logs that are written to be read."""

    __slots__ = ()

    def get(self, ids: Sequence[str]) -> list[Snapshot | None]:
        """Instances as they stand."""
        with self._reading() as step:
            return get(step, ids)

    def find(self, query: InstanceFilter, cursor: str | None = None, limit: int = 100) -> FindPage:
        """A page of instances in id order."""
        with self._reading() as step:
            return find(step, query, cursor, limit)

    def count(self, query: InstanceFilter, limit: int | None = None) -> int:
        """How many match; exact. O(kinds) for kinds and states alone, else a walk."""
        with self._reading() as step:
            total = count_by_counters(step, query)
        if total is None:
            total = self._count_by_walk(query, limit)
        return total if limit is None else min(total, limit)

    def _count_by_walk(self, query: InstanceFilter, limit: int | None) -> int:
        total, cursor = 0, None
        while limit is None or total < limit:
            found = self.find(query, cursor, MAX_LOOKED_AT if limit is None else limit - total)
            total, cursor = total + len(found.items), found.cursor
            if cursor is None:
                break
        return total

    def stats(self, kinds: Iterable[str] | None = None) -> list[KindStats]:
        """Numbers per kind."""
        with self._reading() as step:
            return stats(step, kinds)

    def history(self, ids: Sequence[str]) -> list[History | None]:
        """What happened to each."""
        with self._reading() as step:
            rows = [step.connection.execute(_INSTANCE["history"], (step.ns, as_bytes(one))).fetchone() for one in ids]
        return [None if row is None else read_history(*row) for row in rows]

    def append_logs(self, lines: Sequence[LogRecord]) -> None:
        """Keep lines and progress."""
        with self._changing() as step:
            append_logs(step, lines)

    def logs(self, query: LogFilter, timeout_ms: int = 0) -> LogPage:
        """Lines from a position on."""

        def look() -> tuple[LogPage, None]:
            with self._reading() as step:
                return read_logs(step, query, self._name), None

        return self._until(look, lambda found: found.lines or found.final, LINES, timeout_ms)

    def drop_logs(self, query: PurgeFilter, cursor: str | None = None, limit: int = 1000) -> tuple[int, str | None]:
        """Remove the log lines of what has ended."""
        with self._changing() as step:
            return drop_logs(step, query, cursor, limit)

    def await_final(self, ids: Sequence[str], timeout_ms: int, waiter: str = "") -> list[str]:
        """Those that are final or gone."""

        def look() -> tuple[list[str], None]:
            with self._reading() as step:
                return [one for one in ids if _is_over(step, one)], None

        return self._until(look, bool, ENDED, timeout_ms, waiter)

    def changes(self, cursor: str | None = None, limit: int = 1000, timeout_ms: int = 0) -> ChangePage:
        """State changes after `cursor`; the first call starts the recording."""
        if cursor is None:
            with self._changing() as step:
                return page(step, None, limit)

        def look() -> tuple[ChangePage, None]:
            with self._reading() as step:
                return page(step, cursor, limit), None

        return self._until(look, lambda found: found.changes, CHANGES, timeout_ms)


def _is_over(step: Step, instance_id: str) -> bool:
    found = step.one(_INSTANCE, "n_by_id", step.ns, as_bytes(instance_id))
    return found is None or found[2] is not None
