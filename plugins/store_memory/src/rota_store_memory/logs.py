"""The lines and the progress of instances."""

from collections.abc import Sequence
from itertools import islice

from rota.model.query import LogFilter, PurgeFilter
from rota.model.records import LogPage, LogRecord
from rota.store.refusals import no_instance
from rota_store_memory.finished import finished, place_of, read_place
from rota_store_memory.instance_log import InstanceLog
from rota_store_memory.space import Space

__all__ = ["append_logs", "drop_logs", "read_logs"]


def append_logs(space: Space, lines: Sequence[LogRecord]) -> None:
    """Keep `lines` of instances that are there, and call those who follow them."""
    for line in lines:
        if line.id not in space.entries:
            continue
        log = space.logs.get(line.id)
        if log is None:
            log = space.logs[line.id] = InstanceLog()
        if log.add(line):
            space.log_readers.call(line.id)


def read_logs(space: Space, query: LogFilter) -> LogPage:
    """Lines from `query.position` on; O(lines looked at). Raises: UnknownInstance."""
    entry = space.entries.get(query.id)
    if entry is None:
        raise no_instance(query.id, space.name)
    log = space.logs.get(query.id)
    if log is None:
        return LogPage((), query.position, entry.ended)
    found: list[LogRecord] = []
    position = max(query.position, log.first)
    for line in log.beyond(position) if query.limit > 0 else ():
        position += 1
        if line.level >= query.min_level:
            found.append(line)
        if len(found) == query.limit:
            break
    return LogPage(tuple(found), position, entry.ended and position >= log.end)


def drop_logs(space: Space, query: PurgeFilter, cursor: str | None, limit: int) -> tuple[int, str | None]:
    """Remove the lines of up to `limit` finished instances that match, by the time of their end, beyond `cursor`;
    how many lost some, and where to go on. O(kinds + log n + limit). Raises: QueryError."""
    after = None if cursor is None else read_place(cursor)
    entries = list(islice(finished(space, query, after), max(0, limit)))
    dropped = 0
    for entry in entries:
        log = space.logs.get(entry.id)
        if log is not None and log.drop():
            dropped += 1
    return dropped, place_of(entries[-1]) if 0 < limit == len(entries) else None
