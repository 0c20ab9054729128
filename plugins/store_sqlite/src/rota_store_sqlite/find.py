"""`get`, `find`, `count`, `stats`: what stands in the store."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from rota.model.query import InstanceFilter
from rota.model.records import FindPage, KindStats, Snapshot
from rota.model.state import State
from rota.store.contract import MAX_LOOKED_AT
from rota.store.refusals import no_cursor
from rota_store_sqlite.entry import BEFORE_ALL, NUMBER, STATES, Entry, as_bytes
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Kind, Step

__all__ = ["count_by_counters", "find", "get", "stats"]

_PREFIX: Final = "after-"
_EDGE: Final = statements("edge")
_LANE: Final = statements("lane")
_INSTANCE: Final = statements("instance")
_NAMESPACE: Final = statements("namespace")
_CREATED: Final = NUMBER[State.CREATED]


def get(step: Step, ids: Iterable[str]) -> list[Snapshot | None]:
    """Instances as they stand, in the order of `ids`."""
    return [None if entry is None else _snapshot(step, entry) for entry in map(step.entry, ids)]


def find(step: Step, query: InstanceFilter, cursor: str | None, limit: int) -> FindPage:
    """Up to `limit` matches in id order beyond `cursor`; looks at `MAX_LOOKED_AT` rows at most. Raises: QueryError."""
    after = None if cursor is None else _id_of(cursor)
    rows = _walk(step, query, after)
    found: list[Entry] = []
    looked_at, last = 0, after
    for instance_id, n, matches in rows:
        looked_at, last = looked_at + 1, instance_id
        if matches:
            found.append(step.entry_at(n))
        if len(found) >= limit:
            break
    more = looked_at == MAX_LOOKED_AT or len(found) >= limit
    items = tuple(_snapshot(step, entry) for entry in found)
    return FindPage(items, f"{_PREFIX}{last.hex()}" if more and last is not None else None)


def count_by_counters(step: Step, query: InstanceFilter) -> int | None:
    """The number of matches from the kept counters, when kinds and states are all that the query asks for."""
    if query != InstanceFilter(kinds=query.kinds, states=query.states, newest_first=query.newest_first):
        return None
    wanted = {NUMBER[state] for state in (STATES if query.states is None else query.states)}
    return sum(
        int(number)
        for kind in _kinds(step, query.kinds)
        for state, number in step.connection.execute(_NAMESPACE["counters"], (kind.id,))
        if state in wanted
    )


def stats(step: Step, kinds: Iterable[str] | None) -> list[KindStats]:
    """Per kind with instances, or paused. O(kinds), and O(lanes) for kinds that limits hold back."""
    found = sorted(_kinds(step, None if kinds is None else frozenset(kinds)), key=lambda kind: kind.name)
    return [one for one in (_stats(step, kind) for kind in found) if one.counts or one.paused]


def _stats(step: Step, kind: Kind) -> KindStats:
    counts = {STATES[state]: number for state, number in step.connection.execute(_NAMESPACE["counters"], (kind.id,))}
    ready, delayed = step.one(_INSTANCE, "ready", kind.id, 1), step.one(_INSTANCE, "next_due", kind.id, BEFORE_ALL)
    coming = step.one(_INSTANCE, "next_due", kind.id, step.now_ms)
    shut = kind.gate is not None and kind.gate.room(step.running(kind.id), kind.tat_us, step.now_ms) <= 0
    heads = (None if ready is None else ready[1], None if delayed is None else delayed[0])
    due = [at_ms for at_ms in heads if at_ms is not None and at_ms <= step.now_ms]
    return KindStats(
        kind=kind.name,
        counts=counts,
        oldest_due_ms=min(due, default=None) if not shut else None,
        next_due_ms=None if coming is None else coming[0],
        held_back=_due(step, kind) if shut else step.one(_LANE, "held_back", kind.id)[0],
        paused=bool(kind.paused),
    )


def _due(step: Step, kind: Kind) -> int:
    return int(step.one(_INSTANCE, "due", kind.id, step.now_ms)[0])


def _snapshot(step: Step, entry: Entry) -> Snapshot:
    if entry.state != _CREATED:
        return entry.snapshot()
    parents, left = step.one(_EDGE, "parents", entry.n)[0], step.one(_EDGE, "left", entry.n)[0]
    return entry.snapshot((parents - left) / parents if parents else None)


def _kinds(step: Step, names: frozenset[str] | None) -> Iterator[Kind]:
    if names is not None:
        return step.named_kinds(names)
    return (Kind(*row) for row in step.connection.execute(_NAMESPACE["kinds"], (step.ns,)).fetchall())


def _walk(step: Step, query: InstanceFilter, after: bytes | None) -> Iterable[tuple[bytes, int, int]]:
    """(id, row, whether it matches) beyond `after` in the order asked for, off the narrowest index, as many as one call
    may look at."""
    order, beyond = ("DESC", "<") if query.newest_first else ("ASC", ">")
    where, parameters = "ns = ?", list[Any]([step.ns])
    if query.ids is not None:
        marks = ", ".join("?" * len(query.ids))
        where, parameters = f"ns = ? AND id IN ({marks})", [step.ns, *map(as_bytes, query.ids)]
    elif query.kinds is not None:
        ids = [kind.id for kind in _kinds(step, query.kinds)]
        where, parameters = f"kind IN ({', '.join('?' * len(ids))})", [*ids]
        if len(ids) > 1:  # several walks through one index would have to be sorted: the namespace's is in order
            where, parameters = f"ns = ? AND +{where}", [step.ns, *ids]
    if after is not None:
        where, parameters = f"{where} AND id {beyond} ?", [*parameters, after]
    conditions, asked = _conditions(step, query)
    matches = " AND ".join(conditions) or "1"
    text = f"SELECT id, n, {matches} FROM instance WHERE {where} ORDER BY id {order} LIMIT {MAX_LOOKED_AT}"  # noqa: S608
    return step.connection.execute(text, [*asked, *parameters])


def _conditions(step: Step, query: InstanceFilter) -> tuple[list[str], list[Any]]:
    """What a row must meet besides, as SQL."""
    conditions: list[str] = []
    parameters: list[Any] = []
    for column, wanted in (("worker", query.worker), ("reason", query.reason)):
        if wanted is not None:
            conditions.append(f"{column} = ?")
            parameters.append(wanted)
    if query.states is not None:
        conditions.append(f"state IN ({', '.join(str(NUMBER[state]) for state in query.states)})")
    for column, sign, bound in (("ended_ms", ">=", query.ended_since_ms), ("ended_ms", "<", query.ended_until_ms)):
        if bound is not None:
            conditions.append(f"{column} {sign} ?")
            parameters.append(bound)
    if query.kinds is not None and query.ids is not None:
        ids = [kind.id for kind in _kinds(step, query.kinds)]
        conditions.append(f"kind IN ({', '.join(map(str, ids))})")
    _asked(conditions, parameters, query)
    return conditions, parameters


def _asked(conditions: list[str], parameters: list[Any], query: InstanceFilter) -> None:
    """What only the record tells: a function of the connection reads it."""
    if any(
        one is not None
        for one in (query.created_since_ms, query.created_until_ms, query.schedule, query.parent, query.unique_key)
    ):
        conditions.append("rota_asked(record, ?, ?, ?, ?, ?)")
        parameters += [
            query.created_since_ms, query.created_until_ms, query.schedule, query.parent, query.unique_key
        ]  # fmt: skip


def _id_of(cursor: str) -> bytes:
    text = cursor.removeprefix(_PREFIX)
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if text == cursor or len(found) != 16:
        raise no_cursor(cursor, "find")
    return found
