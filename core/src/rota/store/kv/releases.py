"""What one commit can't carry: a change that goes on in further ones, named by a mark until it is over.

The mark `R` of an instance says that some of this is left: follow-ups of its settle to be enqueued, its edges to
parents to be made or dropped, its dependents to be told of its end. Whoever put it goes on at once; where that was cut
off, a repeated settle or `reap` does.
"""

from typing import Final

from rota.model.state import State
from rota.store.histories import FINAL, STATES
from rota.store.kv.dependents import pass_on, wait_for_parents
from rota.store.kv.enqueue import enqueue
from rota.store.kv.entry import decode, encode
from rota.store.kv.keys import as_bytes
from rota.store.kv.step import Step

__all__ = ["go_on", "unfinished"]

_PAGE: Final = 100
_EACH: Final = 30  # keys that one dependent or follow-up may take


def unfinished(step: Step, limit: int) -> list[bytes]:
    """Up to `limit` ids with a mark."""
    start = step.keys.of(b"R")
    (page,) = step.load((), [step.keys.under(start, limit)])
    return [key[len(start) :] for key, _, _ in page]


def go_on(step: Step, instance_id: bytes, most_bytes: int) -> bool:
    """Do as much of what is left of one as a step takes; whether something is left after it."""
    mark = step.keys.of(b"R", instance_id)
    step.load([mark, step.keys.instance(instance_id)])
    value = step.get(mark)
    if value is None:
        return False
    over = _add_followups(step, instance_id, most_bytes) and _finish(step, instance_id, decode.integer(value))
    if over:
        step.delete(mark)
    return not over


def _add_followups(step: Step, instance_id: bytes, most_bytes: int) -> bool:
    (page,) = step.load((), [step.keys.under(step.keys.of(b"W", instance_id), _PAGE)])
    for key, value, _ in page:
        if not step.fits(_EACH):
            return False
        step.get(key)
        step.delete(key)
        enqueue(step, decode.record(value), most_bytes)
    return True


def _finish(step: Step, instance_id: bytes, position: int) -> bool:
    entry = step.entry(instance_id)
    if entry is None:
        return True
    if STATES[entry.state] is State.CREATED:
        return wait_for_parents(step, entry) and entry.state not in FINAL  # with a failed parent it has just ended
    if entry.state not in FINAL:
        return True
    prefix = step.keys.of(b"e", instance_id)
    (page,) = step.load((), [step.keys.under(prefix, _PAGE)])
    children = [key[len(prefix) :] for key, _, _ in page]
    step.load(key for one in children for key in (step.keys.instance(one), step.keys.of(b"G", one)))
    for child in children:
        if not step.fits(_EACH):
            return False
        pass_on(step, entry, child)
    return len(page) < _PAGE and _drop_edges(step, instance_id, position)


def _drop_edges(step: Step, instance_id: bytes, position: int) -> bool:
    """Need the parents no more."""
    entry = step.entry(instance_id)
    parents = list(dict.fromkeys(entry.record.depends_on)) if entry is not None else []
    while position < len(parents):
        if not step.fits(4):
            step.put(step.keys.of(b"R", instance_id), encode(position))
            return False
        for letter in (b"e", b"h"):
            step.delete(step.keys.of(letter, as_bytes(parents[position]), instance_id))
        position += 1
    return True
