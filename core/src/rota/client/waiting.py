"""Why an instance has not ended yet, as far as its store knows."""

from rota.model.errors import StoreError
from rota.model.ids import id_to_uuid
from rota.model.records import Snapshot
from rota.model.state import State
from rota.store.contract import Store

__all__ = ["why_not_ended"]


def why_not_ended(store: Store, instance_id: str) -> str:
    """Where it stands now, and what a queued one waits for; up to four questions to the store, none of them
    worth an error of its own."""
    try:
        (found,) = store.get([instance_id])
        if found is None:
            return "it was purged meanwhile"
        return _queued(store, found) if found.state is State.SCHEDULED else _elsewhere(store, found)
    except StoreError as error:
        return f"where it stands now is not known ({error})"


def _elsewhere(store: Store, found: Snapshot) -> str:
    if found.state is State.CREATED:
        parents = store.get(found.record.depends_on)
        left = [one for one in parents if one is not None and not one.state.final]
        named = "".join(f", {one.record.kind!r} {id_to_uuid(one.record.id)} among them" for one in left[:1])
        return f"it waits for {len(left)} of the {len(parents)} instances that it depends on{named}"
    if found.state is State.PROCESSING:
        return f"it is processing, attempt {found.attempt} on the worker {found.worker}"
    return f"it is {found.state.value} now"


def _queued(store: Store, found: Snapshot) -> str:
    kind, late_ms = found.record.kind, found.due_ms - store.now_ms()
    if late_ms > 0:
        return f"it is scheduled and due in {late_ms / 1000:g} s{' for another attempt' if found.attempt else ''}"
    stats = store.stats([kind])
    if any(one.paused for one in stats):
        return f"it is scheduled, and its kind is paused until resume({kind!r})"
    takers = sum(kind in worker.kinds for worker in store.workers())
    if not takers:
        return f"it is scheduled, and no live worker takes {kind!r}: start one, with manager.worker() or `rota run`"
    if held_back := sum(one.held_back for one in stats):
        which = "it is one of them" if all(one.oldest_due_ms is None for one in stats) else "it may be one of them"
        return f"it is scheduled, and the limits of {kind!r} hold {held_back} back: {which}"
    return f"it is scheduled and waits for a free slot; live workers that take {kind!r}: {takers}"
