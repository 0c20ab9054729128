"""The queue of the model: enqueue, claim, settle, cancel, purge, with the time as it is given."""

from collections.abc import Sequence

from rota.model.errors import ConfigError, LeaseLost
from rota.model.query import PurgeFilter
from rota.model.records import Claim, Ending, EnqueueAnswer, InstanceRecord, Outcome, SettleAnswer
from rota.model.state import State
from rota.store.contract import MAX_FOLLOWUPS, CancelAnswer
from rota_conformance.model.book import Book
from rota_conformance.model.instance import Instance
from rota_conformance.model.limits import may_start, note_start

__all__ = ["cancel", "claim", "enqueue", "purge", "settle"]

_FINAL = {
    Ending.COMPLETED: State.COMPLETED, Ending.TERMINATED: State.TERMINATED,
    Ending.CANCELED: State.CANCELED, Ending.TIMED_OUT: State.TIMED_OUT,
}  # fmt: skip


def enqueue(book: Book, record: InstanceRecord, max_bytes: int, now_ms: int) -> EnqueueAnswer:
    """Add one."""
    if record.id in book.instances:
        return EnqueueAnswer("exists", record.id)
    if len(record.arguments) > max_bytes:
        return EnqueueAnswer("refused", record.id, error="too large")
    if any(parent not in book.instances for parent in record.depends_on):
        return EnqueueAnswer("refused", record.id, error="unknown parent")
    holder = None if record.unique_key is None else _holder(book, record.kind, record.unique_key)
    if holder is not None:
        return EnqueueAnswer("duplicate", holder)
    one = book.instances[record.id] = Instance(record, now_ms, now_ms, record.expires_ms)
    one.left = {parent for parent in record.depends_on if not book.instances[parent].state.final}
    one.move(State.CREATED, now_ms)
    book.look_at_parents(one, now_ms)
    return EnqueueAnswer("added", record.id, one.due_ms, state=one.state)


def _holder(book: Book, kind: str, key: str) -> str | None:
    """Who holds the key: whoever has it and has not ended, or has not started where that is enough."""
    for one in book.instances.values():
        record = one.record
        free = one.state.final or (record.unique_until == "started" and one.token > 0)
        if record.kind == kind and record.unique_key == key and not free:
            return record.id
    return None


def claim(book: Book, worker: str, seq: int, kinds: Sequence[str], limit: int, now_ms: int) -> list[Claim]:
    """Take one after the other, the first in ready order of those that may start."""
    working = book.workers.get(worker)
    if working is None:
        raise LeaseLost(f"worker {worker!r} is not live")
    if seq == working.seq:
        return working.answer
    claims: list[Claim] = []
    while len(claims) < limit and (one := _next(book, kinds, now_ms)) is not None:
        claims.append(_start(book, one, worker, now_ms))
    working.seq, working.answer = seq, claims
    return claims


def _next(book: Book, kinds: Sequence[str], now_ms: int) -> Instance | None:
    due = [
        one
        for one in book.instances.values()
        if one.state is State.SCHEDULED and one.due_ms <= now_ms and one.kind in kinds and one.kind not in book.paused
    ]
    for one in sorted(due, key=lambda one: one.ready_order):
        if one.may_expire(now_ms):
            book.end(one, State.CANCELED, now_ms, reason="expired")
        elif may_start(book, one, now_ms):
            return one
    return None


def _start(book: Book, one: Instance, worker: str, now_ms: int) -> Claim:
    note_start(book, one, now_ms)
    book.token += 1
    one.token, one.worker, one.started_ms, one.error = book.token, worker, now_ms, None
    one.attempt += 1
    one.move(State.PROCESSING, now_ms, worker)
    return Claim(one.record, one.token, one.attempt, one.due_ms, now_ms, one.crashes)


def settle(book: Book, outcomes: Sequence[Outcome], max_bytes: int, now_ms: int) -> list[SettleAnswer]:
    """End attempts, one after the other."""
    if any(len(outcome.followups) > MAX_FOLLOWUPS for outcome in outcomes):
        raise ConfigError("too many follow-ups")
    return [_settle(book, outcome, max_bytes, now_ms) for outcome in outcomes]


def _settle(book: Book, outcome: Outcome, max_bytes: int, now_ms: int) -> SettleAnswer:
    one = book.instances.get(outcome.id)
    if one is None:
        return SettleAnswer("lost", None)
    if outcome.token in one.settled:
        return SettleAnswer("already", one.state)
    if one.state is not State.PROCESSING or one.token != outcome.token or one.orphan:
        return SettleAnswer("lost", one.state)
    one.settled.append(outcome.token)
    _end(book, one, outcome, now_ms)
    for record in outcome.followups:
        enqueue(book, record, max_bytes, now_ms)
    return SettleAnswer("done", one.state)


def _end(book: Book, one: Instance, outcome: Outcome, now_ms: int) -> None:
    if outcome.ending is Ending.CRASHED:
        book.crash(one, now_ms, outcome.error)
    elif outcome.ending is Ending.RELEASED:
        book.release(one, now_ms)
    else:
        state, retried = _FINAL[outcome.ending], outcome.retry_after_ms is not None
        if not retried or state not in (State.TERMINATED, State.TIMED_OUT):
            book.end(one, state, now_ms, one.worker, outcome.reason, outcome.error, outcome.result)
            return
        if not one.cancel_requested:
            one.move(state, now_ms, one.worker, outcome.reason, outcome.error)
        book.back(one, now_ms + (outcome.retry_after_ms or 0), now_ms)


def cancel(book: Book, instance_id: str, where: frozenset[State] | None, now_ms: int) -> CancelAnswer:
    """Cancel one."""
    one = book.instances.get(instance_id)
    if one is None:
        return "missing"
    if one.state.final:
        return "final"
    if where is not None and one.state not in where:
        return "changed"
    if one.state is State.PROCESSING:
        one.cancel_requested = True
        return "requested"
    book.end(one, State.CANCELED, now_ms)
    return "canceled"


def purge(book: Book, query: PurgeFilter, limit: int) -> int:
    """Remove those that ended first, first."""
    found = sorted((one for one in book.instances.values() if _matches(book, one, query)), key=_by_end)[:limit]
    for one in found:
        del book.instances[one.id]
        book.lines.pop(one.id, None)
        book.progress.pop(one.id, None)
    return len(found)


def _by_end(one: Instance) -> tuple[int, str]:
    return one.ended_ms or 0, one.id


def _matches(book: Book, one: Instance, query: PurgeFilter) -> bool:
    needed = any(one.id in other.record.depends_on and not other.state.final for other in book.instances.values())
    return (
        one.ended_ms is not None
        and not needed
        and (query.ids is None or one.id in query.ids)
        and (query.kinds is None or one.kind in query.kinds)
        and (query.states is None or one.state in query.states)
        and (query.ended_since_ms is None or query.ended_since_ms <= one.ended_ms)
        and (query.ended_until_ms is None or one.ended_ms < query.ended_until_ms)
    )
