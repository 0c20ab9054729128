"""The lines and the progress of instances."""

from collections.abc import Sequence
from typing import Final

from rota.model.query import LogFilter, PurgeFilter
from rota.model.records import LogPage, LogRecord
from rota.store.contract import MAX_LOG_BYTES, MAX_LOG_LINES
from rota.store.refusals import no_cursor, no_instance
from rota_store_sqlite.entry import as_bytes
from rota_store_sqlite.purge import finished
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step
from rota_store_sqlite.topics import LINES

__all__ = ["append_logs", "drop_logs", "read_logs"]

_LOG: Final = statements("log")
_INSTANCE: Final = statements("instance")
_PREFIX: Final = "ended-"


def append_logs(step: Step, lines: Sequence[LogRecord]) -> None:
    """Keep `lines` of instances that are there."""
    rows: dict[str, int | None] = {}
    for line in lines:
        if line.id not in rows:
            found = step.one(_INSTANCE, "n_by_id", step.ns, as_bytes(line.id))
            rows[line.id] = None if found is None else found[0]
        n = rows[line.id]
        if n is None:
            continue
        if line.progress is None:
            _append(step, n, line)
        else:
            named = {"progress": line.progress, "message": line.message, "token": line.token, "line": line.n, "n": n}
            step.connection.execute(_INSTANCE["progress"], named)
        step.rings |= LINES


def _append(step: Step, n: int, line: LogRecord) -> None:
    (position,) = step.one(_LOG, "end", n)
    added_size = len(line.message.encode("utf-8", "replace"))
    row = (n, position, line.token, line.n, line.attempt, line.at_ms, line.level, line.message, added_size)
    if not step.connection.execute(_LOG["add"], row).rowcount:
        return
    step.connection.execute(_LOG["set_end"], (position + 1, n))
    number, size = step.one(_LOG, "kept", n)
    while number > 1 and (number > MAX_LOG_LINES or size > MAX_LOG_BYTES):
        oldest, dropped_size = step.one(_LOG, "oldest", n)
        step.connection.execute(_LOG["drop_one"], (n, oldest))
        number, size = number - 1, size - dropped_size


def read_logs(step: Step, query: LogFilter, namespace: str) -> LogPage:
    """Lines from `query.position` on. Raises: UnknownInstance."""
    found = step.one(_INSTANCE, "n_by_id", step.ns, as_bytes(query.id))
    if found is None:
        raise no_instance(query.id, namespace)
    n, _, ended_ms = found
    parameters = (n, query.position, query.min_level, query.limit)
    rows = step.connection.execute(_LOG["page"], parameters).fetchall()
    (end,) = step.one(_LOG, "end", n)
    position = rows[-1][0] + 1 if len(rows) >= query.limit else max(end, query.position)
    lines = tuple(
        LogRecord(query.id, token, number, at_ms, level, message, attempt)
        for _, token, number, attempt, at_ms, level, message in rows
    )
    return LogPage(lines, position, ended_ms is not None and position >= end)


def drop_logs(step: Step, query: PurgeFilter, cursor: str | None, limit: int) -> tuple[int, str | None]:
    """Remove the lines of up to `limit` finished instances that match, by the time of their end."""
    after = None if cursor is None else _place_of(cursor)
    rows = finished(step, query, limit, after)
    dropped = sum(step.connection.execute(_LOG["drop"], (n,)).rowcount > 0 for _, _, n in rows)
    if len(rows) < limit:
        return dropped, None
    ended_ms, instance_id, _ = rows[-1]
    return dropped, f"{_PREFIX}{ended_ms}-{instance_id.hex()}"


def _place_of(cursor: str) -> tuple[int, bytes]:
    ended_ms, _, instance_id = cursor.removeprefix(_PREFIX).partition("-")
    if not cursor.startswith(_PREFIX) or not ended_ms.isdecimal():
        raise no_cursor(cursor, "drop_logs")
    return int(ended_ms), as_bytes(instance_id)
