"""Recurring rules: put, drop, reconcile and fire them."""

from collections.abc import Sequence

from msgspec.structs import replace

from rota.engine.reconcile import changed, standing_fingerprint
from rota.model.records import InstanceRecord, ScheduleRecord
from rota.store.contract import FireAnswer
from rota_store_memory.enqueue import enqueue, refuse_unsupported
from rota_store_memory.space import Space

__all__ = ["all_schedules", "fire", "patch_schedule", "put_schedule", "sync_schedules"]


def put_schedule(space: Space, schedule: ScheduleRecord) -> ScheduleRecord:
    """Add or change one rule; what stands afterwards. Raises: UnsupportedFeature."""
    refuse_unsupported((schedule.template,))
    old = space.schedules.get(schedule.name, schedule.owner)
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
    return _keep(space, schedule)


def patch_schedule(
    space: Space, schedule: ScheduleRecord, paused: bool, next_slot_ms: int | None
) -> ScheduleRecord | None:
    """Pause one rule or let it go on; what stands afterwards, None when it is gone or not what `schedule` says."""
    rule = _current(space, schedule)
    return None if rule is None else _keep(space, replace(rule, paused=paused, next_slot_ms=next_slot_ms))


def all_schedules(space: Space) -> list[ScheduleRecord]:
    """All rules, by name."""
    return sorted(space.schedules, key=lambda rule: (rule.name, rule.owner or ""))


def sync_schedules(
    space: Space, owner: str, fingerprint: str, schedules: Sequence[ScheduleRecord], monotonic_ms: int
) -> bool:
    """Make the rules of `owner` those of `schedules`, unless a live worker's set stands before this one."""
    standing = standing_fingerprint(space.leases.running(monotonic_ms), owner)
    if standing is not None and standing != fingerprint:
        return False
    for schedule in schedules:
        refuse_unsupported((schedule.template,))
    declared = {schedule.name for schedule in schedules}
    for rule in list(space.schedules):
        if rule.owner == owner and rule.name not in declared:
            space.schedules.drop(rule.name, owner)
    for schedule in schedules:
        put_schedule(space, replace(schedule, owner=owner))
    return True


def fire(
    space: Space,
    schedule: ScheduleRecord,
    slot_ms: int,
    next_ms: int | None,
    records: Sequence[InstanceRecord],
    now_ms: int,
) -> FireAnswer:
    """Pass a slot of a rule, with its instances unless the last one still lives. Raises: UnsupportedFeature."""
    refuse_unsupported(records)
    rule = _current(space, schedule)
    if rule is None:
        return "lost"
    skipped = rule.overlap == "skip" and _lives(space, rule.last_id)
    answers = [] if skipped else enqueue(space, records, now_ms)
    last_id = answers[-1].id if answers else rule.last_id
    _keep(space, replace(rule, last_slot_ms=slot_ms, next_slot_ms=next_ms, last_id=last_id))
    return "skipped" if skipped else "fired"


def _current(space: Space, schedule: ScheduleRecord) -> ScheduleRecord | None:
    """The rule as it stands, None when that is not what `schedule` was read from."""
    rule = space.schedules.get(schedule.name, schedule.owner)
    return rule if rule is not None and rule.version == schedule.version else None


def _keep(space: Space, rule: ScheduleRecord) -> ScheduleRecord:
    """Let `rule` stand, with a new version."""
    stored = replace(rule, version=space.next_version())
    space.schedules.set(stored)
    return stored


def _lives(space: Space, instance_id: str | None) -> bool:
    entry = space.entries.get(instance_id or "")
    return entry is not None and not entry.ended
