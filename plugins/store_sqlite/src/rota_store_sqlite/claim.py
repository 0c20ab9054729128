"""`claim`: hand due instances to a worker."""

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

import msgspec

from rota.engine.limits import UNBOUNDED
from rota.model.records import Claim
from rota.store.contract import MAX_PROMOTED
from rota.store.refusals import lease_lost
from rota_store_sqlite.entry import BEFORE_ALL, NOWHERE, Entry, decode_record
from rota_store_sqlite.lanes import lane_started, settle_lanes
from rota_store_sqlite.moves import CANCELED, PROCESSING, finish, move
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Kind, Step

__all__ = ["claim", "due_in_ms", "remember_nothing"]

_INSTANCE: Final = statements("instance")
_LANE: Final = statements("lane")
_NAMESPACE: Final = statements("namespace")
_WORKER: Final = statements("worker")

_Place = tuple[int, int, bytes, int]  # rank, due, id, row: as ready order compares


class _Answered(msgspec.Struct, array_like=True):
    """What is kept of a claim, for a repeated `seq`."""

    id: bytes
    token: int
    attempt: int
    due_ms: int
    started_ms: int
    crashes: int


_encode_answer: Final = msgspec.msgpack.Encoder().encode
_decode_answer: Final = msgspec.msgpack.Decoder(list[_Answered]).decode


def claim(step: Step, worker: str, seq: int, names: Sequence[str], limit: int) -> list[Claim] | None:
    """Up to `limit` instances in ready order; None when there are none, and `seq` is not used up then.

    A `seq` that was answered before gets its answer again; one older than that nothing. Raises: LeaseLost.
    """
    known = step.one(_WORKER, "claims", step.ns, worker)
    if known is None:
        raise lease_lost(worker)
    last, answer = known
    if last is not None and seq <= last:
        return _again(step, answer) if seq == last else []
    kinds = {kind.id: kind for kind in step.named_kinds(names) if not kind.paused}
    for kind in kinds.values():
        _promote(step, kind)
    settle_lanes(step)
    claims, answered = _take(step, kinds, worker, limit) if limit > 0 else ([], [])
    if not claims:
        return None
    step.connection.execute(_WORKER["answer"], (seq, _encode_answer(answered), step.ns, worker))
    return claims


def remember_nothing(step: Step, worker: str, seq: int) -> None:
    """Keep that claim `seq` was answered with nothing."""
    step.connection.execute(_WORKER["answer_nothing"], (seq, step.ns, worker, seq))


def due_in_ms(step: Step, names: Sequence[str]) -> int | None:
    """In how many milliseconds a claim of these kinds may find something by the passing of time alone; 0: now."""
    soonest: int | None = None
    for kind in step.named_kinds(names):
        if kind.paused:
            continue
        for at_ms in _instants(step, kind):
            soonest = at_ms if soonest is None else min(soonest, at_ms)
    return None if soonest is None else max(0, soonest - step.now_ms)


def _instants(step: Step, kind: Kind) -> Iterator[int]:
    gate_opens_ms = step.now_ms
    if kind.gate is not None:
        opens_ms = kind.gate.opens_ms(step.running(kind.id), kind.tat_us, step.now_ms)
        if opens_ms is None:
            return
        gate_opens_ms = opens_ms
    if step.one(_INSTANCE, "ready", kind.id, 1) is not None:
        yield gate_opens_ms
    for row in (step.one(_INSTANCE, "next_due", kind.id, BEFORE_ALL), step.one(_LANE, "next_refill", kind.id)):
        if row is not None and row[0] is not None:
            yield max(row[0], gate_opens_ms)


def _promote(step: Step, kind: Kind) -> None:
    """Make ready what has become due, at most `MAX_PROMOTED`, and note the lanes that a refill lets go on."""
    for (lane,) in step.connection.execute(_INSTANCE["promote"], (kind.id, step.now_ms, MAX_PROMOTED)).fetchall():
        if lane is not None:
            step.note_running(kind.id, lane, 0)
    for (lane,) in step.connection.execute(_LANE["refilled"], (kind.id, step.now_ms)).fetchall():
        step.note_running(kind.id, lane, 0)


def _take(step: Step, kinds: dict[int, Kind], worker: str, limit: int) -> tuple[list[Claim], list[_Answered]]:
    rooms = {kind.id: _room(step, kind) for kind in kinds.values()}
    taken = dict.fromkeys(kinds, 0)
    heads: list[tuple[_Place, int]] = []
    for kind_id, room in rooms.items():
        if room > 0:
            rows = step.connection.execute(_INSTANCE["ready"], (kind_id, min(limit + MAX_PROMOTED, 2 * limit + 16)))
            heads += [(row, kind_id) for row in rows]
    heapify(heads)
    chosen: list[Entry] = []
    expired = 0
    while heads and len(chosen) < limit and expired < MAX_PROMOTED:
        (*_, n), kind_id = heappop(heads)
        if taken[kind_id] >= rooms[kind_id]:
            continue
        entry = step.entry_at(n)
        entry.place = NOWHERE
        if not entry.token and entry.expires_ms is not None and entry.expires_ms <= step.now_ms:
            finish(step, entry, CANCELED, reason="expired")
            expired += 1
            starts = False
        else:
            _begin(step, entry, worker)
            chosen.append(entry)
            taken[kind_id] += 1
            starts = True
        if entry.lane is not None:
            following = lane_started(step, kinds[kind_id], entry.lane, starts)
            if following is not None:
                heappush(heads, (following, kind_id))
    _take_of_gates(step, kinds, taken)
    return _claims(step, chosen)


def _room(step: Step, kind: Kind) -> int:
    return UNBOUNDED if kind.gate is None else kind.gate.room(step.running(kind.id), kind.tat_us, step.now_ms)


def _begin(step: Step, entry: Entry, worker: str) -> None:
    entry.attempt += 1
    entry.worker = worker
    entry.started_ms = step.now_ms
    entry.error = None
    if entry.unique_key is not None and decode_record(entry.record).unique_until == "started":
        entry.unique_key = None
    move(step, entry, PROCESSING, worker)


def _take_of_gates(step: Step, kinds: dict[int, Kind], taken: dict[int, int]) -> None:
    for kind_id, number in taken.items():
        gate = kinds[kind_id].gate
        if number and gate is not None and gate.rate is not None:
            tat_us = gate.rate.after(kinds[kind_id].tat_us, step.now_ms, number)
            step.connection.execute(_NAMESPACE["set_gate"], (tat_us, kind_id))


def _claims(step: Step, chosen: list[Entry]) -> tuple[list[Claim], list[_Answered]]:
    if not chosen:
        return [], []
    (last,) = step.one(_NAMESPACE, "take_tokens", len(chosen), step.ns)
    answered: list[_Answered] = []
    for token, entry in enumerate(chosen, last - len(chosen) + 1):
        entry.token = token
        step.touch(entry)
        answered.append(_Answered(entry.id, token, entry.attempt, entry.due_ms, step.now_ms, entry.crashes))
    return [_claim(entry.record, one) for entry, one in zip(chosen, answered, strict=True)], answered


def _claim(record: bytes, one: _Answered) -> Claim:
    return Claim(decode_record(record), one.token, one.attempt, one.due_ms, one.started_ms, one.crashes)


def _again(step: Step, answer: bytes | None) -> list[Claim]:
    found = [] if answer is None else _decode_answer(answer)
    rows = [(one, step.one(_INSTANCE, "record", step.ns, one.id)) for one in found]
    return [_claim(row[0], one) for one, row in rows if row is not None]
