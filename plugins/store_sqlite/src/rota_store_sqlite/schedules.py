"""Recurring rules: put, patch, drop, reconcile and fire them."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from rota.engine.reconcile import changed, standing_fingerprint
from rota.model.records import InstanceRecord, ScheduleRecord
from rota.store.contract import FireAnswer
from rota_store_sqlite.enqueue import enqueue
from rota_store_sqlite.entry import encode
from rota_store_sqlite.statements import statements
from rota_store_sqlite.step import Step
from rota_store_sqlite.workers import live_workers

__all__ = [
    "all_schedules", "drop_schedule", "due_schedules", "fire", "patch_schedule", "put_schedule", "sync_schedules"
]  # fmt: skip

_SCHEDULE: Final = statements("schedule")
_NAMESPACE: Final = statements("namespace")
_decode: Final = msgspec.msgpack.Decoder(ScheduleRecord).decode


def put_schedule(step: Step, schedule: ScheduleRecord) -> ScheduleRecord:
    """Add or change one rule; what stands afterwards."""
    old = _found(step, schedule.name, schedule.owner)
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
    return _save(step, schedule)


def patch_schedule(
    step: Step, schedule: ScheduleRecord, paused: bool, next_slot_ms: int | None
) -> ScheduleRecord | None:
    """Pause one rule or let it go on; what stands afterwards, None when it is another than the one given."""
    rule = _current(step, schedule)
    return None if rule is None else _save(step, replace(rule, paused=paused, next_slot_ms=next_slot_ms))


def drop_schedule(step: Step, name: str, owner: str | None) -> bool:
    """Forget one rule."""
    return step.one(_SCHEDULE, "drop", step.ns, name, owner or "") is not None


def all_schedules(step: Step) -> list[ScheduleRecord]:
    """All rules, by name."""
    return [_decode(record) for (record,) in step.connection.execute(_SCHEDULE["all"], (step.ns,)).fetchall()]


def sync_schedules(step: Step, owner: str, fingerprint: str, schedules: Sequence[ScheduleRecord], boot: str) -> bool:
    """Make the rules of `owner` those of `schedules`, unless a live worker's set stands before this one."""
    standing = standing_fingerprint(live_workers(step, boot), owner)
    if standing is not None and standing != fingerprint:
        return False
    declared = {schedule.name for schedule in schedules}
    for (name,) in step.connection.execute(_SCHEDULE["of_owner"], (step.ns, owner)).fetchall():
        if name not in declared:
            drop_schedule(step, name, owner)
    for schedule in schedules:
        put_schedule(step, replace(schedule, owner=owner))
    return True


def due_schedules(step: Step, limit: int) -> tuple[list[ScheduleRecord], int | None]:
    """Rules whose slot has come, earliest first, and the next slot to come. O(limit + log n)."""
    rows = step.connection.execute(_SCHEDULE["due"], (step.ns, step.now_ms, limit)).fetchall()
    (coming,) = step.one(_SCHEDULE, "next", step.ns, step.now_ms)
    return [_decode(record) for (record,) in rows], coming


def fire(
    step: Step, schedule: ScheduleRecord, slot_ms: int, next_ms: int | None, records: Sequence[InstanceRecord]
) -> FireAnswer:
    """Pass a slot of a rule, with its instances unless the last one still lives."""
    rule = _current(step, schedule)
    if rule is None:
        return "lost"
    skipped = rule.overlap == "skip" and _lives(step, rule.last_id)
    answers = [] if skipped else enqueue(step, records)
    last_id = answers[-1].id if answers else rule.last_id
    _save(step, replace(rule, last_slot_ms=slot_ms, next_slot_ms=next_ms, last_id=last_id))
    return "skipped" if skipped else "fired"


def _found(step: Step, name: str, owner: str | None) -> ScheduleRecord | None:
    row = step.one(_SCHEDULE, "find", step.ns, name, owner or "")
    return None if row is None else _decode(row[0])


def _current(step: Step, schedule: ScheduleRecord) -> ScheduleRecord | None:
    """The rule as it stands, when that is the version given."""
    found = _found(step, schedule.name, schedule.owner)
    return found if found is not None and found.version == schedule.version else None


def _save(step: Step, schedule: ScheduleRecord) -> ScheduleRecord:
    (version,) = step.one(_NAMESPACE, "take_version", step.ns)
    stored = replace(schedule, version=version)
    slot_ms = None if stored.paused else stored.next_slot_ms
    row = (step.ns, stored.name, stored.owner or "", slot_ms, version, encode(stored))
    step.connection.execute(_SCHEDULE["save"], row)
    return stored


def _lives(step: Step, instance_id: str | None) -> bool:
    entry = None if instance_id is None else step.entry(instance_id)
    return entry is not None and not entry.ended
