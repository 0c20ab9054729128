"""The part of the store contract that looks: instances, histories, logs, endings, changes; and what removes them."""

from collections.abc import Iterable, Sequence

from rota.model.query import InstanceFilter, LogFilter, PurgeFilter
from rota.model.records import ChangePage, FindPage, History, KindStats, LogPage, LogRecord, Snapshot
from rota.store.contract import MAX_LOOKED_AT
from rota.store.histories import FINAL, read_history
from rota.store.kv.blocks import BLOCKS
from rota.store.kv.changes import page, start_following
from rota.store.kv.find import find
from rota.store.kv.finished import Ended, finished
from rota.store.kv.keys import CLEARED, as_bytes
from rota.store.kv.logs import append_logs, read_logs, strip
from rota.store.kv.purge import purge
from rota.store.kv.snapshots import look
from rota.store.kv.stats import count_by_counters, stats, tidy_counters
from rota.store.kv.view import View
from rota.store.refusals import no_cursor

__all__ = ["Observation"]

_PREFIX = "ended-"
_PURGE_OPS = 16  # keys that one finished instance puts, deletes or checks at most
_SPARE = 20
_LINE_BYTES = 100  # of a line beside its text
_PART_BYTES = 64 * 1024  # of several lines in one block


class Observation(View):
    """Everything that reads instances, and the logs that are written to be read."""

    __slots__ = ()

    def get(self, ids: Sequence[str]) -> list[Snapshot | None]:
        """Instances as they stand, of one moment."""
        return look(self._step, [as_bytes(one) for one in ids])

    def find(self, query: InstanceFilter, cursor: str | None = None, limit: int = 100) -> FindPage:
        """A page of instances in id order."""
        return find(self._step, query, cursor, limit)

    def count(self, query: InstanceFilter, limit: int | None = None) -> int:
        """How many match; exact. O(kinds) for kinds and states alone, else a walk."""
        total = count_by_counters(self._step(), query)
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
        return stats(self._step(), kinds)

    def history(self, ids: Sequence[str]) -> list[History | None]:
        """What happened to each, of one moment."""
        step = self._step()
        step.load(step.keys.instance(as_bytes(one)) for one in ids)
        entries = [step.entry(as_bytes(one)) for one in ids]
        return [None if one is None else read_history(one.history, one.entries, one.dropped) for one in entries]

    def append_logs(self, lines: Sequence[LogRecord]) -> None:
        """Keep lines and progress: a commit for each instance, and for each line that is long. A line beyond half of
        what one commit takes is cut."""
        most_bytes = self._hub.kv.max_bytes // 2
        by_id: dict[str, list[LogRecord]] = {}
        for line in lines:
            by_id.setdefault(line.id, []).append(line)
        for instance_id, own in by_id.items():
            for part in _parts(own, min(_PART_BYTES, most_bytes // 4)):
                self._change(lambda step: append_logs(step, as_bytes(instance_id), part, most_bytes))  # noqa: B023

    def logs(self, query: LogFilter, timeout_ms: int = 0) -> LogPage:
        """Lines from a position on."""
        one = as_bytes(query.id)
        return self._until(
            lambda: (read_logs(self._step, query, self._name), None),
            lambda found: found.lines or found.final,
            [self._keys.of(b"L", one), self._keys.instance(one), self._keys.of(CLEARED)],
            timeout_ms,
        )

    def await_final(self, ids: Sequence[str], timeout_ms: int, waiter: str = "") -> list[str]:
        """Those that are final or gone."""
        keys = [self._keys.instance(as_bytes(one)) for one in ids]

        def look_again() -> tuple[list[str], None]:
            step = self._step()
            step.load(keys)
            entries = [(one, step.entry(as_bytes(one))) for one in ids]
            return [one for one, entry in entries if entry is None or entry.state in FINAL], None

        return self._until(look_again, bool, [*keys, self._keys.of(CLEARED)], timeout_ms, waiter)

    def changes(self, cursor: str | None = None, limit: int = 1000, timeout_ms: int = 0) -> ChangePage:
        """State changes after `cursor`; the first call starts the recording."""
        if cursor is None:
            self._change(start_following)
        return self._until(
            lambda: (page(self._step, cursor, limit, self._hub.name), None),
            lambda found: found.changes,
            [self._keys.of(b"H"), self._keys.of(CLEARED)],
            0 if cursor is None else timeout_ms,
        )

    def purge(self, query: PurgeFilter, limit: int = 1000) -> int:
        """Remove finished instances, those that ended first, first: as many a commit as it takes."""
        most = max(1, (self._hub.kv.max_ops - _SPARE) // _PURGE_OPS)
        removed, after = 0, None
        while removed < limit:
            found = finished(self._step, query, limit - removed, after)
            for start in range(0, len(found), most):
                removed += self._purge(found[start : start + most])
            if len(found) < limit - removed or not found:
                break
            after = found[-1]
        return removed

    def _purge(self, part: Sequence[Ended]) -> int:
        removed, kinds = 0, {one.kind for one in part}
        while True:
            (number, long), _ = self._change(lambda step: purge(step, part))  # noqa: B023 - called at once
            removed += number
            if not long:
                break
            for instance_id in long:
                self._strip(instance_id)
            part = [one for one in part if one.id in long]
        for kind in kinds if removed else ():
            self._change(lambda step: tidy_counters(step, kind))  # noqa: B023 - called at once
        return removed

    def _strip(self, instance_id: bytes) -> bool:
        """Remove the lines of an instance; whether there were any."""
        most = max(BLOCKS, self._hub.kv.max_ops // 2)
        had_lines = False
        while True:
            (some, over), _ = self._change(lambda step: strip(step, instance_id, most))
            had_lines |= some
            if over:
                return had_lines

    def drop_logs(self, query: PurgeFilter, cursor: str | None = None, limit: int = 1000) -> tuple[int, str | None]:
        """Remove the log lines of what has ended."""
        found = finished(self._step, query, limit, None if cursor is None else _place_of(cursor))
        dropped = sum(self._strip(one.id) for one in found)
        if len(found) < limit or not found:
            return dropped, None
        return dropped, f"{_PREFIX}{found[-1].ended_ms}-{found[-1].id.hex()}"


def _parts(lines: Sequence[LogRecord], most_bytes: int) -> Iterable[list[LogRecord]]:
    """The lines in order, in parts of up to so many bytes; one that is longer comes alone."""
    part: list[LogRecord] = []
    size = 0
    for line in lines:
        size += len(line.message.encode("utf-8", "replace")) + _LINE_BYTES
        if part and size > most_bytes:
            yield part
            part, size = [], len(line.message) + _LINE_BYTES
        part.append(line)
    if part:
        yield part


def _place_of(cursor: str) -> Ended:
    ended_ms, _, instance_id = cursor.removeprefix(_PREFIX).partition("-")
    if not cursor.startswith(_PREFIX) or not ended_ms.isdecimal():
        raise no_cursor(cursor, "drop_logs")
    return Ended(int(ended_ms), as_bytes(instance_id), "")
