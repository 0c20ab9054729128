"""What the model tells of its instances."""

from collections import Counter
from collections.abc import Iterable

from rota.model.errors import UnknownInstance
from rota.model.query import InstanceFilter, LogFilter
from rota.model.records import KindStats, LogPage, LogRecord, Snapshot
from rota.model.state import State
from rota_conformance.model.book import Book
from rota_conformance.model.instance import Instance
from rota_conformance.model.limits import may_start

__all__ = ["append_log", "logs", "matching", "snapshot", "stats"]


def snapshot(book: Book, one: Instance) -> Snapshot:
    """One as it stands."""
    last = book.progress.get(one.id)
    return one.snapshot((None, "") if last is None else (last.progress, last.message))


def matching(book: Book, query: InstanceFilter) -> list[Snapshot]:
    """All that meet the query, in the order asked for."""
    found = [snapshot(book, one) for one in book.instances.values()]
    found = [one for one in found if _meets(one, query)]
    return sorted(found, key=lambda one: one.record.id, reverse=query.newest_first)


def _meets(one: Snapshot, query: InstanceFilter) -> bool:
    record = one.record
    return (
        (query.ids is None or record.id in query.ids)
        and (query.kinds is None or record.kind in query.kinds)
        and (query.states is None or one.state in query.states)
        and (query.worker is None or one.worker == query.worker)
        and (query.schedule is None or record.schedule == query.schedule)
        and (query.parent is None or query.parent in (record.parent, *record.depends_on))
        and (query.unique_key is None or record.unique_key == query.unique_key)
        and (query.reason is None or one.reason == query.reason)
        and _within(record.created_ms, query.created_since_ms, query.created_until_ms)
        and _within(one.ended_ms, query.ended_since_ms, query.ended_until_ms)
    )


def _within(at_ms: int | None, since_ms: int | None, until_ms: int | None) -> bool:
    if since_ms is None and until_ms is None:
        return True
    return at_ms is not None and (since_ms or 0) <= at_ms and (until_ms is None or at_ms < until_ms)


def stats(book: Book, kinds: Iterable[str] | None, now_ms: int) -> list[KindStats]:
    """Counted anew, by kind."""
    there = {one.kind for one in book.instances.values()} | book.paused
    return [_stats(book, kind, now_ms) for kind in sorted(there if kinds is None else there & set(kinds))]


def _stats(book: Book, kind: str, now_ms: int) -> KindStats:
    ours = [one for one in book.instances.values() if one.kind == kind]
    queued = sorted((one for one in ours if one.state is State.SCHEDULED), key=lambda one: one.ready_order)
    due = [one for one in queued if one.due_ms <= now_ms]
    free = [one for one in due if may_start(book, one, now_ms)]
    return KindStats(
        kind=kind,
        counts=dict(Counter(one.state for one in ours)),
        oldest_due_ms=free[0].due_ms if free else None,
        next_due_ms=min((one.due_ms for one in queued if one.due_ms > now_ms), default=None),
        held_back=len(due) - len(free),
        paused=kind in book.paused,
    )


def append_log(book: Book, line: LogRecord) -> None:
    """Keep a line once, and of progress the last."""
    if line.id not in book.instances:
        return
    if line.progress is not None:
        last = book.progress.get(line.id)
        if last is None or (last.token, last.n) < (line.token, line.n):
            book.progress[line.id] = line
    elif (line.token, line.n) not in [(kept.token, kept.n) for kept in book.lines.setdefault(line.id, [])]:
        book.lines[line.id].append(line)


def logs(book: Book, query: LogFilter) -> LogPage:
    """Lines from a position on. Raises: UnknownInstance."""
    one = book.instances.get(query.id)
    if one is None:
        raise UnknownInstance(f"no instance {query.id!r}")
    lines = book.lines.get(query.id, [])
    position = query.position
    found: list[LogRecord] = []
    while position < len(lines) and len(found) < query.limit:
        found += [lines[position]] if lines[position].level >= query.min_level else []
        position += 1
    return LogPage(tuple(found), position, one.state.final and position >= len(lines))
