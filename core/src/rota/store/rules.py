"""Recurring rules over whatever keeps them: what a change leaves standing, whose set stands, who passes a slot."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from rota.engine.reconcile import changed, standing_fingerprint
from rota.model.records import EnqueueAnswer, ScheduleRecord, WorkerRecord
from rota.store.contract import FireAnswer

__all__ = ["Shelf", "fire_rule", "patch_rule", "put_rule", "sync_rules"]


class Shelf(Protocol):
    """The rules of one namespace, read and changed within one step of a store."""

    def find(self, name: str, owner: str | None) -> ScheduleRecord | None:
        """The rule of that identity."""
        ...

    def names_of(self, owner: str) -> Sequence[str]:
        """The names of an owner's rules."""
        ...

    def save(self, rule: ScheduleRecord) -> ScheduleRecord:
        """Keep `rule` in place of the one of its identity; what is kept, with a new version."""
        ...

    def drop(self, name: str, owner: str | None) -> bool:
        """Forget a rule; False when there was none."""
        ...


def put_rule(shelf: Shelf, rule: ScheduleRecord) -> ScheduleRecord:
    """Add or change one rule; what stands afterwards. A change keeps `paused` and what was fired last; the next slot
    as well unless the rule itself differs."""
    old = shelf.find(rule.name, rule.owner)
    if old is None:
        return shelf.save(rule)
    same_rule = not changed(old, rule)
    if same_rule and old.revision == rule.revision:
        return old
    next_slot_ms = old.next_slot_ms if same_rule else rule.next_slot_ms
    kept = replace(
        rule, paused=old.paused, last_slot_ms=old.last_slot_ms, last_id=old.last_id, next_slot_ms=next_slot_ms
    )
    return shelf.save(kept)


def patch_rule(shelf: Shelf, rule: ScheduleRecord, paused: bool, next_slot_ms: int | None) -> ScheduleRecord | None:
    """Pause one rule or let it go on; what stands afterwards, None when it is gone or not what `rule` says."""
    standing = _current(shelf, rule)
    return None if standing is None else shelf.save(replace(standing, paused=paused, next_slot_ms=next_slot_ms))


def sync_rules(
    shelf: Shelf, owner: str, fingerprint: str, workers: Sequence[WorkerRecord], rules: Sequence[ScheduleRecord]
) -> bool:
    """Make the rules of `owner` those of `rules`, unless the set of a live worker stands before this one."""
    standing = standing_fingerprint(workers, owner)
    if standing is not None and standing != fingerprint:
        return False
    declared = {rule.name for rule in rules}
    for name in shelf.names_of(owner):
        if name not in declared:
            shelf.drop(name, owner)
    for rule in rules:
        put_rule(shelf, replace(rule, owner=owner))
    return True


def fire_rule(
    shelf: Shelf,
    rule: ScheduleRecord,
    slot_ms: int,
    next_ms: int | None,
    *,
    lives: Callable[[str], bool],
    enqueue: Callable[[], Sequence[EnqueueAnswer]],
) -> FireAnswer:
    """Pass a slot of a rule, with its instances unless the last one still `lives`."""
    standing = _current(shelf, rule)
    if standing is None:
        return "lost"
    skipped = standing.overlap == "skip" and standing.last_id is not None and lives(standing.last_id)
    answers = () if skipped else enqueue()
    last_id = answers[-1].id if answers else standing.last_id
    shelf.save(replace(standing, last_slot_ms=slot_ms, next_slot_ms=next_ms, last_id=last_id))
    return "skipped" if skipped else "fired"


def _current(shelf: Shelf, rule: ScheduleRecord) -> ScheduleRecord | None:
    """The rule as it stands, None when that is not what `rule` was read from."""
    found = shelf.find(rule.name, rule.owner)
    return found if found is not None and found.version == rule.version else None
