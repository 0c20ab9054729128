"""Recurring rules: put, drop, reconcile and fire them."""

from collections.abc import Sequence

from msgspec.structs import replace

from rota.engine.reconcile import changed, standing_fingerprint
from rota.model.records import InstanceRecord, ScheduleRecord
from rota.store.contract import FireAnswer
from rota_store_memory.enqueue import enqueue
from rota_store_memory.space import Space

__all__ = ["all_schedules", "due_schedules", "fire", "patch_schedule", "put_schedule", "sync_schedules"]


def put_schedule(space: Space, schedule: ScheduleRecord) -> ScheduleRecord:
    """Add or change one rule; what stands afterwards."""
    identity = schedule.name, schedule.owner
    old = space.schedules.get(identity)
    if old is not None:
        same_rule = not changed(old, schedule)
        if same_rule and old.revision == schedule.revision:
            return old
        schedule = replace(
            schedule,
            paused=old.paused,
            last_slot_ms=old.last_slot_ms,
            last_id=old.last_id,
            next_slot_ms=old.next_slot_ms if same_rule else schedule.next_slot_ms,
        )
    stored = space.schedules[identity] = replace(schedule, version=space.next_version())
    return stored


def patch_schedule(
    space: Space, name: str, owner: str | None, paused: bool, next_slot_ms: int | None
) -> ScheduleRecord | None:
    """Pause one rule or let it go on; what stands afterwards, None when there is no such rule."""
    rule = space.schedules.get((name, owner))
    if rule is None:
        return None
    stored = replace(rule, paused=paused, next_slot_ms=next_slot_ms, version=space.next_version())
    space.schedules[name, owner] = stored
    return stored


def all_schedules(space: Space) -> list[ScheduleRecord]:
    """All rules, by name."""
    return sorted(space.schedules.values(), key=lambda rule: (rule.name, rule.owner or ""))


def sync_schedules(
    space: Space, owner: str, fingerprint: str, schedules: Sequence[ScheduleRecord], monotonic_ms: int
) -> bool:
    """Make the rules of `owner` those of `schedules`, unless a live worker's set stands before this one."""
    standing = standing_fingerprint(space.leases.running(monotonic_ms), owner)
    if standing is not None and standing != fingerprint:
        return False
    declared = {schedule.name for schedule in schedules}
    for name, of_owner in list(space.schedules):
        if of_owner == owner and name not in declared:
            del space.schedules[name, of_owner]
    for schedule in schedules:
        put_schedule(space, replace(schedule, owner=owner))
    return True


def due_schedules(space: Space, limit: int, now_ms: int) -> tuple[list[ScheduleRecord], int | None]:
    """Rules whose slot has come, earliest first, and the next slot to come. O(rules)."""
    active = [(rule.next_slot_ms, rule) for rule in space.schedules.values() if not rule.paused]
    slots = [(slot_ms, rule) for slot_ms, rule in active if slot_ms is not None]
    due = sorted((item for item in slots if item[0] <= now_ms), key=lambda item: (item[0], item[1].name))
    coming = min((slot_ms for slot_ms, _ in slots if slot_ms > now_ms), default=None)
    return [rule for _, rule in due[:limit]], coming


def fire(
    space: Space,
    schedule: ScheduleRecord,
    slot_ms: int,
    next_ms: int | None,
    records: Sequence[InstanceRecord],
    now_ms: int,
) -> FireAnswer:
    """Pass a slot of a rule, with its instances unless the last one still lives."""
    identity = schedule.name, schedule.owner
    rule = space.schedules.get(identity)
    if rule is None or rule.version != schedule.version:
        return "lost"
    skipped = rule.overlap == "skip" and _lives(space, rule.last_id)
    answers = [] if skipped else enqueue(space, records, now_ms)
    space.schedules[identity] = replace(
        rule,
        version=space.next_version(),
        last_slot_ms=slot_ms,
        next_slot_ms=next_ms,
        last_id=answers[-1].id if answers else rule.last_id,
    )
    return "skipped" if skipped else "fired"


def _lives(space: Space, instance_id: str | None) -> bool:
    entry = space.entries.get(instance_id or "")
    return entry is not None and not entry.ended
