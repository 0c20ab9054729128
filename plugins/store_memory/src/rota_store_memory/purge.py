"""`purge`: remove finished instances with all that belongs to them."""

from collections.abc import Iterator, Sequence
from heapq import merge

from rota.model.query import PurgeFilter
from rota.model.state import FINAL_STATES
from rota_store_memory.ended import Ended
from rota_store_memory.entry import Entry
from rota_store_memory.space import Space

__all__ = ["purge"]


def purge(space: Space, query: PurgeFilter, limit: int) -> int:
    """Remove up to `limit` that match, those that ended first, first; how many. What a live dependent
    needs stays. O(kinds + (limit + what stays) * log kinds)."""
    victims = _oldest(space, query, limit) if query.ids is None else _named(space, query, query.ids, limit)
    removed = 0
    for entry in victims:
        _remove(space, entry)
        removed += 1
    if removed:
        for queue in list(space.queues.values()):
            space.drop_if_empty(queue)
        space.shrink()
    return removed


def _named(space: Space, query: PurgeFilter, ids: Sequence[str], limit: int) -> Iterator[Entry]:
    for instance_id in ids:
        entry = space.entries.get(instance_id)
        if limit > 0 and entry is not None and _matches(entry, query) and not space.dependents.hold(instance_id):
            limit -= 1
            yield entry


def _matches(entry: Entry, query: PurgeFilter) -> bool:
    if entry.ended_ms is None or (query.kinds is not None and entry.record.kind not in query.kinds):
        return False
    if query.states is not None and entry.state not in query.states:
        return False
    return query.ended_until_ms is None or entry.ended_ms < query.ended_until_ms


def _oldest(space: Space, query: PurgeFilter, limit: int) -> Iterator[Entry]:
    """Matches by the time of their end, over all kinds and states; each is removed before the next is asked for."""
    for entry in merge(*(group.by_end() for group in _groups(space, query)), key=_end):
        if limit <= 0 or not _matches(entry, query):
            return  # the oldest of all that are left is too young
        if not space.dependents.hold(entry.id):
            limit -= 1
            yield entry


def _end(entry: Entry) -> tuple[int, str]:
    return entry.ended_ms or 0, entry.id


def _groups(space: Space, query: PurgeFilter) -> Iterator[Ended]:
    for queue in space.queues.values():
        if query.kinds is not None and queue.kind not in query.kinds:
            continue
        for state in FINAL_STATES if query.states is None else query.states:
            if state in queue.ended:
                yield queue.ended[state]


def _remove(space: Space, entry: Entry) -> None:
    queue, instance_id, state = space.queue_of(entry), entry.id, entry.state
    del space.entries[instance_id]
    space.logs.pop(instance_id, None)
    queue.counts[state] -= 1
    entry.empty()
    queue.ended[state].discard()
    space.endings.call(instance_id)
    space.log_readers.call(instance_id)
