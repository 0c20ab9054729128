"""`purge`: remove finished instances with all that belongs to them."""

from itertools import islice

from rota.model.query import PurgeFilter
from rota_store_memory.entry import Entry
from rota_store_memory.finished import finished
from rota_store_memory.space import Space

__all__ = ["purge"]


def purge(space: Space, query: PurgeFilter, limit: int) -> int:
    """Remove up to `limit` that match, those that ended first, first; how many. What a live dependent needs stays.
    O(kinds + log n + (limit + what stays) * log n)."""
    free = (entry for entry in finished(space, query) if not space.dependents.hold(entry.id))
    victims = list(islice(free, max(0, limit)))
    for entry in victims:
        _remove(space, entry)
    if victims:
        for queue in list(space.queues.values()):
            space.drop_if_empty(queue)
        space.shrink()
    return len(victims)


def _remove(space: Space, entry: Entry) -> None:
    queue, instance_id, state = space.queue_of(entry), entry.id, entry.state
    del space.entries[instance_id]
    space.logs.pop(instance_id, None)
    queue.counts[state] -= 1
    queue.ended[state].remove(entry)
    space.endings.call(instance_id)
    space.log_readers.call(instance_id)
