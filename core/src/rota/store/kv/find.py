"""`find`: a walk in id order, along the narrowest of three: the ids given, the kinds given, all there is."""

from collections.abc import Callable
from typing import Final

from rota.model.query import InstanceFilter
from rota.model.records import FindPage, InstanceRecord, Snapshot
from rota.model.state import State
from rota.store.contract import MAX_LOOKED_AT
from rota.store.histories import STATES
from rota.store.kv.entry import Entry, decode
from rota.store.kv.keys import as_bytes, text
from rota.store.kv.snapshots import look
from rota.store.kv.step import Step
from rota.store.refusals import no_cursor

__all__ = ["find"]

_PREFIX: Final = "after-"
_SLICE: Final = (8, 250)  # records that one round trip brings: from, to
_MANY_KINDS: Final = 16  # beyond, the walk through all is the shorter one


def find(begin: Callable[[], Step], query: InstanceFilter, cursor: str | None, limit: int) -> FindPage:
    """Up to `limit` matches in id order beyond `cursor`; looks at `MAX_LOOKED_AT` at most. Raises: QueryError.

    A walk in slices, which double: two or three round trips each."""
    last = None if cursor is None else _id_of(cursor)
    found: list[Snapshot] = []
    size, looked_at = min(max(limit, _SLICE[0]), _SLICE[1]), 0
    while looked_at < MAX_LOOKED_AT:
        size = min(size, MAX_LOOKED_AT - looked_at)
        ids, chosen = _slice(begin(), query, last, size)
        for one, snapshot in zip(chosen, look(begin, chosen), strict=True):
            if snapshot is not None and _matches_snapshot(query, snapshot):
                found.append(snapshot)
                if len(found) >= limit:
                    return FindPage(tuple(found), f"{_PREFIX}{one.hex()}")
        if len(ids) < size:
            return FindPage(tuple(found))
        last, looked_at, size = ids[-1], looked_at + len(ids), min(2 * size, _SLICE[1])
    return FindPage(tuple(found), f"{_PREFIX}{last.hex()}" if last is not None else None)


def _slice(step: Step, query: InstanceFilter, last: bytes | None, size: int) -> tuple[list[bytes], list[bytes]]:
    """The next ids, and those among them that are worth a look."""
    if query.ids is not None:
        ids = sorted({as_bytes(one) for one in query.ids}, reverse=query.newest_first)
        beyond = [one for one in ids if last is None or ((one < last) if query.newest_first else (one > last))][:size]
        return beyond, beyond
    if query.kinds is not None and len(query.kinds) <= _MANY_KINDS:
        ids = sorted(_of_kinds(step, query, last, size), reverse=query.newest_first)[:size]
        return ids, ids
    start = step.keys.of(b"i")
    beyond_key = b"" if last is None else start + last
    (page,) = step.load((), [step.keys.under(start, size, beyond=beyond_key, reverse=query.newest_first)])
    read = [(key[len(start) :], decode.entry(value)) for key, value, _ in page]
    return [one for one, _ in read], [one for one, entry in read if _matches_entry(query, entry)]


def _of_kinds(step: Step, query: InstanceFilter, last: bytes | None, size: int) -> list[bytes]:
    starts = [step.keys.of(b"k", text(kind)) for kind in query.kinds or ()]
    ranges = [
        step.keys.under(start, size, beyond=b"" if last is None else start + last, reverse=query.newest_first)
        for start in starts
    ]
    pages = step.load((), ranges)
    return [key[len(start) :] for start, page in zip(starts, pages, strict=True) for key, _, _ in page]


def _matches_snapshot(query: InstanceFilter, one: Snapshot) -> bool:
    return _matches(query, one.record, one.state, one.ended_ms, one.worker, one.reason)


def _matches_entry(query: InstanceFilter, one: Entry) -> bool:
    return _matches(query, one.record, STATES[one.state], one.ended_ms, one.worker, one.reason)


def _matches(
    query: InstanceFilter,
    record: InstanceRecord,
    state: State,
    ended_ms: int | None,
    worker: str | None,
    reason: str | None,
) -> bool:
    return (
        (query.kinds is None or record.kind in query.kinds)
        and (query.states is None or state in query.states)
        and (query.worker is None or query.worker == worker)
        and (query.reason is None or query.reason == reason)
        and (query.schedule is None or query.schedule == record.schedule)
        and (query.parent is None or query.parent == record.parent or query.parent in record.depends_on)
        and (query.unique_key is None or query.unique_key == record.unique_key)
        and _within(record.created_ms, query.created_since_ms, query.created_until_ms)
        and _within(ended_ms, query.ended_since_ms, query.ended_until_ms)
    )


def _within(at_ms: int | None, since_ms: int | None, until_ms: int | None) -> bool:
    if at_ms is None:
        return since_ms is None and until_ms is None
    return (since_ms is None or since_ms <= at_ms) and (until_ms is None or at_ms < until_ms)


def _id_of(cursor: str) -> bytes:
    raw = cursor.removeprefix(_PREFIX)
    try:
        found = bytes.fromhex(raw)
    except ValueError:
        found = b""
    if raw == cursor or len(found) != 16:
        raise no_cursor(cursor, "find")
    return found
