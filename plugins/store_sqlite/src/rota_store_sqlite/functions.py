"""What SQL asks of a record, which is one value to it: a function of the connection."""

import sqlite3

from rota_store_sqlite.entry import decode_record

__all__ = ["register_functions"]


def register_functions(connection: sqlite3.Connection) -> None:
    """Let statements call `rota_asked(record, created since, created until, schedule, parent, unique key)`."""
    connection.create_function("rota_asked", 6, _asked, deterministic=True)


def _asked(
    data: bytes, since_ms: int | None, until_ms: int | None, schedule: str | None, parent: str | None, key: str | None
) -> bool:
    record = decode_record(data)
    return (
        (since_ms is None or record.created_ms >= since_ms)
        and (until_ms is None or record.created_ms < until_ms)
        and (schedule is None or record.schedule == schedule)
        and (parent is None or record.parent == parent or parent in record.depends_on)
        and (key is None or record.unique_key == key)
    )
