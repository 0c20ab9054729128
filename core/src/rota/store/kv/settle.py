"""`settle` and `cancel`: end attempts, and what is queued."""

from typing import Final

from rota.engine.settlement import DONE, GONE, refused, settlement
from rota.model.records import Ending, Outcome, SettleAnswer
from rota.model.state import State
from rota.store.contract import CancelAnswer
from rota.store.histories import FINAL, STATES
from rota.store.kv.enqueue import ENQUEUE_OPS, enqueue
from rota.store.kv.entry import encode
from rota.store.kv.keys import as_bytes, number, text
from rota.store.kv.lanes import load_lanes
from rota.store.kv.moves import PROCESSING, apply, end_queued, is_asked, place_of
from rota.store.kv.step import Step

__all__ = ["SETTLE_OPS", "cancel", "load_for_end", "settle"]

SETTLE_OPS: Final = 12  #: keys that one end puts and deletes, or checks, at most, beside those of a lane
_LANE_OPS: Final = 6
_READ: Final = (b"i", b"P", b"R")


def load_for_end(step: Step, ids: list[bytes]) -> None:
    """Read in two round trips what ending these will ask for."""
    step.load(step.keys.of(letter, one) for one in ids for letter in _READ)
    keys: list[bytes] = []
    lanes: list[tuple[str, str]] = []
    for instance_id in ids:
        entry = step.peek_entry(instance_id)
        if entry is None or entry.state in FINAL:
            continue
        record = entry.record
        if record.lane is not None:
            lanes.append((record.kind, record.lane))
            keys.append(step.keys.of(b"p", text(record.kind), text(record.lane)) + place_of(entry))
        keys.append(step.keys.of(b"o", text(record.kind), bytes([step.shard])))
        if entry.state == PROCESSING:
            worker = entry.worker or ""
            keys += [step.keys.worker(b"w", worker), step.keys.worker(b"j", worker)]
            keys += [step.keys.claim(worker, entry.seq), step.keys.request(worker, instance_id)]
    load_lanes(step, lanes, keys)


def settle(step: Step, outcome: Outcome, most_bytes: int) -> SettleAnswer:
    """Apply one outcome. What was left undone of an earlier one of the instance is marked to go on."""
    instance_id = as_bytes(outcome.id)
    entry = step.entry(instance_id)
    if entry is None:
        return GONE
    if step.peek(step.keys.of(b"R", instance_id)) is not None:
        step.marks.append(instance_id)
    alive = step.get(step.keys.worker(b"w", entry.worker or "")) is not None
    refusal = refused(outcome, STATES[entry.state], entry.token, entry.settled, alive)
    if refusal is not None:
        return refusal
    what = settlement(outcome, is_asked(step, entry), entry.crashes, entry.record.max_crashes, entry.worker)
    entry.settled = outcome.token
    entry.crashes += outcome.ending is Ending.CRASHED
    apply(step, entry, what, outcome.result)
    _follow_up(step, outcome, instance_id, most_bytes)
    return DONE[STATES[entry.state]]


def _follow_up(step: Step, outcome: Outcome, instance_id: bytes, most_bytes: int) -> None:
    """Enqueue the follow-ups; where the step can't carry that, keep them, to be enqueued right after it."""
    size_bytes = sum(len(record.arguments) for record in outcome.followups)
    if step.fits((ENQUEUE_OPS + _LANE_OPS) * len(outcome.followups), size_bytes):
        for record in outcome.followups:
            enqueue(step, record, most_bytes)
        return
    for at, record in enumerate(outcome.followups):
        step.put(step.keys.of(b"W", instance_id, number(outcome.token), bytes([at])), encode(record))
    step.mark(instance_id)


def cancel(step: Step, instance_id: str, where: frozenset[State] | None) -> CancelAnswer:
    """Cancel one whose state is in `where`."""
    entry = step.entry(as_bytes(instance_id))
    if entry is None:
        return "missing"
    if entry.state in FINAL:
        return "final"
    if where is not None and STATES[entry.state] not in where:
        return "changed"
    if entry.state != PROCESSING:
        end_queued(step, entry)
        return "canceled"
    if not is_asked(step, entry):
        step.put(step.keys.request(entry.worker or "", as_bytes(instance_id)), encode(False))
    return "requested"
