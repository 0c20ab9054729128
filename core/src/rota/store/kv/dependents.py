"""Dependents: who waits for whose end.

A parent's settle checks the key `P` of the parent, and each new dependent puts it: so none is overlooked. The gate `G`
of a dependent counts the parents that have not ended; every change of it checks and puts it: so of two parents that end
at once one finds the other's end counted, and the last one releases the dependent. An open edge (`e`) turns into one
that is kept (`h`) in the step that counts it: so each end is counted once, whatever is repeated.
"""

from typing import Final

from rota.model.state import State
from rota.store.histories import FINAL, NUMBER
from rota.store.kv.entry import Entry, Waiting, decode, encode
from rota.store.kv.keys import as_bytes
from rota.store.kv.moves import end_queued, let_in
from rota.store.kv.step import Step

__all__ = ["free_parents", "pass_on", "wait_for_parents", "waiting_for"]

_CREATED, _COMPLETED = NUMBER[State.CREATED], NUMBER[State.COMPLETED]
_SPARE: Final = 24  # keys that the release or the end of one dependent may take beside its edges


def wait_for_parents(step: Step, entry: Entry) -> bool:
    """Bind a CREATED `entry` to as many of its parents as the step takes, from where that was left off; whether that
    was all. It is released when they have all ended, and CANCELED with one that failed."""
    child = as_bytes(entry.record.id)
    gate = step.keys.of(b"G", child)
    parents = [as_bytes(one) for one in dict.fromkeys(entry.record.depends_on)]
    value = step.get(gate)
    waiting = Waiting(len(parents), len(parents)) if value is None else decode.waiting(value)
    step.load(map(step.keys.instance, parents[waiting.bound : waiting.bound + step.kv.max_ops // 2]))
    while waiting.bound < len(parents):
        if not step.fits(_SPARE + 2):
            step.put(gate, encode(waiting))
            return False
        parent = parents[waiting.bound]
        waiting.bound += 1
        found = step.entry(parent)
        if found is None:  # purged, after the first of several steps
            waiting.left -= 1
            continue
        ended = found.state in FINAL
        if ended and _fails(found, entry):
            end_queued(step, entry, "parent")
            return True
        waiting.left -= ended
        step.put(step.keys.of(b"h" if ended else b"e", parent, child))
        step.put(step.keys.of(b"P", parent))
    _count(step, entry, gate, waiting)
    return True


def pass_on(step: Step, parent: Entry, child: bytes) -> None:
    """Tell one dependent of the end of `parent`."""
    entry = step.entry(child)
    parent_id = as_bytes(parent.record.id)
    step.delete(step.keys.of(b"e", parent_id, child))
    if entry is None or entry.state != _CREATED:
        return
    step.put(step.keys.of(b"h", parent_id, child))
    if _fails(parent, entry):
        end_queued(step, entry, "parent")
        return
    gate = step.keys.of(b"G", child)
    value = step.get(gate)
    if value is not None:
        waiting = decode.waiting(value)
        waiting.left -= 1
        _count(step, entry, gate, waiting)


def _count(step: Step, entry: Entry, gate: bytes, waiting: Waiting) -> None:
    if waiting.left:
        step.put(gate, encode(waiting))
    else:
        step.delete(gate)
        let_in(step, entry)


def _fails(parent: Entry, child: Entry) -> bool:
    return parent.state != _COMPLETED and child.record.on_parent_failure == "cancel"


def waiting_for(step: Step, instance_id: bytes) -> float | None:
    """The part of its parents that have ended; None for what waits for none. Key: `G`, to be read before for many."""
    value = step.peek(step.keys.of(b"G", instance_id))
    if value is None:
        return None
    waiting = decode.waiting(value)
    return (waiting.total - waiting.left) / waiting.total


def free_parents(step: Step, ids: list[bytes]) -> list[bytes]:
    """Those of `ids`, final all, that nothing needs any more, with what is kept of them as parents removed by this
    step. Who becomes a dependent meanwhile breaks the step. Two round trips."""
    marks = {one: (step.keys.of(b"P", one), step.keys.of(b"R", one)) for one in ids}
    step.load(key for pair in marks.values() for key in pair)
    done = [one for one, (_, unfinished) in marks.items() if step.get(unfinished) is None]
    parents = [one for one in done if step.get(marks[one][0]) is not None]
    ranges = [step.keys.under(step.keys.of(letter, one), 1) for one in parents for letter in (b"e", b"h")]
    pages = step.load((), ranges)
    needed = {one for at, one in enumerate(parents) if pages[2 * at] or pages[2 * at + 1]}
    for one in parents:
        if one not in needed:
            step.delete(marks[one][0])
    return [one for one in done if one not in needed]
