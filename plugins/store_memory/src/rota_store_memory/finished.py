"""Finished instances by the time of their end: which ones a `PurgeFilter` means."""

import heapq
from collections.abc import Iterator, Sequence
from typing import Final

from rota.model.query import PurgeFilter
from rota.model.state import FINAL_STATES
from rota.store.refusals import no_cursor
from rota_store_memory.ended import Ended, Place, by_end
from rota_store_memory.entry import Entry
from rota_store_memory.space import Space

__all__ = ["finished", "place_of", "read_place"]

_PREFIX: Final = "ended-"


def finished(space: Space, query: PurgeFilter, after: Place | None = None) -> Iterator[Entry]:
    """Finished instances that match, by the time of their end, beyond the place `after`. Nothing may end or be
    removed while they are walked.

    O(kinds + log n), then O(log kinds) each; for named ones O(ids * log ids).
    """
    found = _named(space, query.ids, after) if query.ids is not None else _by_end(space, query, after)
    return (entry for entry in found if _matches(entry, query))


def place_of(entry: Entry) -> str:
    """Where `entry` stands among the finished, as text to go on from."""
    ended_ms, instance_id = by_end(entry)
    return f"{_PREFIX}{ended_ms}-{instance_id}"


def read_place(cursor: str) -> Place:
    """The place that a text names. Raises: QueryError when it is none."""
    ended_ms, _, instance_id = cursor.removeprefix(_PREFIX).partition("-")
    if not cursor.startswith(_PREFIX) or not ended_ms.isdecimal() or not instance_id:
        raise no_cursor(cursor, "drop_logs")
    return int(ended_ms), instance_id


def _named(space: Space, ids: Sequence[str], after: Place | None) -> Iterator[Entry]:
    there = (space.entries[one] for one in set(ids) if one in space.entries)
    ended = sorted((entry for entry in there if entry.ended), key=by_end)
    return (entry for entry in ended if after is None or by_end(entry) > after)


def _by_end(space: Space, query: PurgeFilter, after: Place | None) -> Iterator[Entry]:
    """Finished ones over all kinds and states, from `ended_since_ms` until `ended_until_ms`."""
    walks = [group.walk(query.ended_since_ms, after) for group in _groups(space, query)]
    for entry in heapq.merge(*walks, key=by_end):
        if query.ended_until_ms is not None and (entry.ended_ms or 0) >= query.ended_until_ms:
            return
        yield entry


def _matches(entry: Entry, query: PurgeFilter) -> bool:
    if entry.ended_ms is None or (query.kinds is not None and entry.record.kind not in query.kinds):
        return False
    if query.states is not None and entry.state not in query.states:
        return False
    if query.ended_since_ms is not None and entry.ended_ms < query.ended_since_ms:
        return False
    return query.ended_until_ms is None or entry.ended_ms < query.ended_until_ms


def _groups(space: Space, query: PurgeFilter) -> Iterator[Ended]:
    for queue in space.queues.values():
        if query.kinds is not None and queue.kind not in query.kinds:
            continue
        for state in FINAL_STATES if query.states is None else query.states:
            if state in queue.ended:
                yield queue.ended[state]
