"""The lines and the progress of instances."""

from collections.abc import Sequence

from rota.model.errors import UnknownInstance
from rota.model.query import LogFilter
from rota.model.records import LogPage, LogRecord
from rota_store_memory.instance_log import InstanceLog
from rota_store_memory.space import Space

__all__ = ["append_logs", "read_logs"]


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
        raise UnknownInstance(
            f"no instance {query.id!r} in namespace {space.name!r}: it never was, or it was purged; look for it "
            "with `find`"
        )
    log = space.logs.get(query.id)
    lines = log.lines if log is not None else []
    found: list[LogRecord] = []
    position = query.position
    while position < len(lines) and len(found) < query.limit:
        if lines[position].level >= query.min_level:
            found.append(lines[position])
        position += 1
    return LogPage(tuple(found), position, entry.ended and position >= len(lines))
