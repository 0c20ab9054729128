"""The last state changes of a namespace, for those who follow it; nothing is kept before somebody asks."""

from typing import Final

import msgspec

from rota.model.records import Change, ChangePage, TransitionRecord
from rota.store.refusals import cursor_expired, no_cursor
from rota_store_sqlite.entry import encode
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step
from rota_store_sqlite.topics import CHANGES

__all__ = ["KEPT", "page", "write_changes"]

KEPT: Final = 100_000
_SLACK: Final = 1_000  # dropped at once, so that it is not done for each
_PREFIX: Final = "change-"
_CHANGE: Final = statements("change")
_NAMESPACE: Final = statements("namespace")
_decode: Final = msgspec.msgpack.Decoder(tuple[bytes, str, TransitionRecord]).decode


def write_changes(step: Step) -> None:
    """Write what the step gathered, and drop what is beyond the bound."""
    if not step.changes:
        return
    names: dict[int, str] = {}
    rows = []
    for instance_id, kind, transition in step.changes:
        if kind not in names:
            names[kind] = step.one(_NAMESPACE, "kind_by_id", kind)[1]
        rows.append((step.ns, encode((instance_id, names[kind], transition))))
    step.connection.executemany(_CHANGE["add"], rows)
    step.rings |= CHANGES
    beyond = step.one(_CHANGE, "oldest_beyond", step.ns, KEPT + _SLACK)
    if beyond is not None:
        (newest_dropped,) = step.one(_CHANGE, "oldest_beyond", step.ns, KEPT)
        step.connection.execute(_CHANGE["drop"], (step.ns, newest_dropped))
        step.connection.execute(_NAMESPACE["set_dropped"], (newest_dropped, step.ns))


def page(step: Step, cursor: str | None, limit: int) -> ChangePage:
    """Up to `limit` changes after `cursor`; without one none, and the recording begins. Raises: CursorExpired;
    QueryError when it is no cursor."""
    start = None if cursor is None else _number(cursor)
    followed, dropped = step.one(_NAMESPACE, "state", step.ns) or (0, 0)
    if cursor is None or start is None:
        if not followed:
            step.connection.execute(_NAMESPACE["follow"], (step.ns,))
        return ChangePage((), f"{_PREFIX}{step.one(_CHANGE, 'last')[0]}")
    if start < dropped or start > step.one(_CHANGE, "last")[0]:
        raise cursor_expired(cursor, "the SQLite store", KEPT)
    found = []
    for number, body in step.connection.execute(_CHANGE["page"], (step.ns, start, limit)).fetchall():
        instance_id, kind, transition = _decode(body)
        found.append(Change(instance_id.hex(), kind, transition, f"{_PREFIX}{number}"))
    return ChangePage(tuple(found), found[-1].cursor if found else cursor)


def _number(cursor: str) -> int:
    number = cursor.removeprefix(_PREFIX)
    if number == cursor or not number.isdecimal():
        raise no_cursor(cursor, "changes")
    return int(number)
