"""`get`, `find`, `count`, `stats`: what stands in the store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Final

from rota.model.query import InstanceFilter
from rota.model.records import KindStats, Snapshot
from rota.model.state import FINAL_STATES, State
from rota.store.contract import MAX_LOOKED_AT
from rota.store.refusals import no_cursor
from rota_store_memory.entry import CREATED, Entry
from rota_store_memory.index import IdIndex, by_id
from rota_store_memory.queue import KindQueue
from rota_store_memory.space import Space

__all__ = ["counted", "find_step", "snapshot", "stats"]

_PREFIX: Final = "after-"
_LIVE: Final = frozenset(State) - FINAL_STATES

_Check = Callable[[Entry], bool]


def snapshot(space: Space, entry: Entry) -> Snapshot:
    """`entry` as it stands."""
    log = space.logs.get(entry.id)
    progress = None if log is None else log.progress
    fraction = None if progress is None else progress.progress
    if entry.state is CREATED:
        fraction = 1 - space.dependents.left(entry.id) / len(frozenset(entry.record.depends_on))
    return Snapshot(
        record=entry.record,
        state=entry.state,
        due_ms=entry.due_ms,
        attempt=entry.attempt,
        crashes=entry.crashes,
        token=entry.token,
        expires_ms=entry.expires_ms,
        started_ms=entry.started_ms,
        ended_ms=entry.ended_ms,
        worker=entry.worker,
        reason=entry.reason,
        progress=fraction,
        progress_message="" if progress is None else progress.message,
        cancel_requested=entry.cancel_requested,
        result=entry.result,
        error=entry.error,
    )


def find_step(space: Space, query: InstanceFilter, cursor: str | None, limit: int) -> tuple[list[Entry], str | None]:
    """Up to `limit` matches in id order beyond `cursor`, and where to go on; looks at `MAX_LOOKED_AT` at most.

    An instance that ended may be met twice, where it stood and where it stands: `passed` is the last id that
    was met for good, so that no cut comes between the two. Raises: QueryError. O(kinds * MAX_LOOKED_AT + log n),
    O(wanted * log wanted) for named ids.
    """
    after = None if cursor is None else _id_of(cursor)
    checks = list(_checks(query))
    found: list[Entry] = []
    met = passed = after
    for looked_at, (entry, belongs) in enumerate(_walk(space, query, after), 1):
        if belongs or met == entry.id:
            passed = entry.id
        elif met is not None:
            passed = met
        met = entry.id
        if belongs and all(check(entry) for check in checks):
            found.append(entry)
        if len(found) >= limit or looked_at >= MAX_LOOKED_AT:
            return found, f"{_PREFIX}{passed}"
    return found, None


def counted(space: Space, query: InstanceFilter) -> int | None:
    """The number of matches from the kept counters, when kinds and states are all that the query asks for."""
    if query != InstanceFilter(kinds=query.kinds, states=query.states, newest_first=query.newest_first):
        return None
    states = frozenset(State) if query.states is None else query.states
    return sum(queue.counts[state] for queue in _chosen(space, query.kinds) for state in states)


def stats(space: Space, kinds: Iterable[str] | None, now_ms: int) -> list[KindStats]:
    """Per kind with instances, or paused: the counters and the heads of its two orders."""
    chosen = sorted(_chosen(space, None if kinds is None else frozenset(kinds)), key=lambda queue: queue.kind)
    for queue in chosen:
        if not queue.paused:
            space.promote(queue, now_ms)
    space.line.wake(queue.kind for queue in chosen)
    return [_stats(queue, now_ms) for queue in chosen]


def _stats(queue: KindQueue, now_ms: int) -> KindStats:
    head, next_ms = queue.order().head(), queue.delayed.next_ms()
    heads = (None if head is None else head.due_ms, next_ms)
    due = [at_ms for at_ms in heads if at_ms is not None and at_ms <= now_ms]
    return KindStats(
        kind=queue.kind,
        counts={state: count for state, count in queue.counts.items() if count},
        oldest_due_ms=min(due, default=None),
        next_due_ms=next_ms if next_ms is not None and next_ms > now_ms else None,
        held_back=queue.held_back(),
        paused=queue.paused,
    )


def _chosen(space: Space, kinds: frozenset[str] | None) -> Iterator[KindQueue]:
    if kinds is None:
        return iter(space.queues.values())
    return (space.queues[kind] for kind in kinds if kind in space.queues)


def _walk(space: Space, query: InstanceFilter, after: str | None) -> Iterator[tuple[Entry, bool]]:
    """Entries beyond the id `after` in the order asked for, each with whether it stands where it was met."""
    if query.ids is not None:
        return _walk_ids(space.entries, query.ids, after, query.newest_first)
    walks = [
        _walk_index(index, after, query.newest_first)
        for queue in _chosen(space, query.kinds)
        for index in _indexes(queue, query.states)
    ]
    if len(walks) == 1:
        return walks[0]
    return merge(*walks, key=lambda met: by_id(met[0]), reverse=query.newest_first)


def _walk_ids(
    entries: dict[str, Entry], ids: Sequence[str], after: str | None, newest_first: bool
) -> Iterator[tuple[Entry, bool]]:
    wanted = sorted(set(ids).intersection(entries), reverse=newest_first)
    if after is not None:
        wanted = [one for one in wanted if (one < after if newest_first else one > after)]
    return ((entries[one], True) for one in islice(wanted, MAX_LOOKED_AT))


def _walk_index(index: IdIndex, after: str | None, newest_first: bool) -> Iterator[tuple[Entry, bool]]:
    alive = index.living
    return ((entry, alive(entry)) for entry in index.walk(after, newest_first))


def _indexes(queue: KindQueue, states: frozenset[State] | None) -> Iterator[IdIndex]:
    if states is None or states & _LIVE:
        yield queue.live
    for state, ended in queue.ended.items():
        if states is None or state in states:
            yield ended.index


def _checks(query: InstanceFilter) -> Iterator[_Check]:
    """What an entry must meet; only what the query asks for costs anything."""
    if (kinds := query.kinds) is not None:
        yield lambda entry: entry.record.kind in kinds
    if (states := query.states) is not None:
        yield lambda entry: entry.state in states
    for field in ("worker", "reason"):
        if (wanted := getattr(query, field)) is not None:
            yield _equals(attrgetter(field), wanted)
    for field in ("schedule", "unique_key"):
        if (wanted := getattr(query, field)) is not None:
            yield _equals(attrgetter(f"record.{field}"), wanted)
    if (parent := query.parent) is not None:
        yield lambda entry: parent == entry.record.parent or parent in entry.record.depends_on
    yield from _windows(query)


def _equals(read: Callable[[Entry], object], wanted: object) -> _Check:
    return lambda entry: read(entry) == wanted


def _windows(query: InstanceFilter) -> Iterator[_Check]:
    if (created_since := query.created_since_ms) is not None:
        yield lambda entry: entry.record.created_ms >= created_since
    if (created_until := query.created_until_ms) is not None:
        yield lambda entry: entry.record.created_ms < created_until
    if (ended_since := query.ended_since_ms) is not None:
        yield lambda entry: entry.ended_ms is not None and entry.ended_ms >= ended_since
    if (ended_until := query.ended_until_ms) is not None:
        yield lambda entry: entry.ended_ms is not None and entry.ended_ms < ended_until


def _id_of(cursor: str) -> str:
    found = cursor.removeprefix(_PREFIX)
    if found == cursor or not found:
        raise no_cursor(cursor, "find")
    return found
