"""Recurring rules as a client sees them: the records that a store takes, and the rules of one name."""

from rota.client.requests import Requests
from rota.engine.slots import first_slot
from rota.engine.trigger import trigger_record
from rota.jobs.rule import DeclaredSchedule
from rota.model.errors import UnknownSchedule
from rota.model.records import ScheduleRecord
from rota.store.contract import Store

__all__ = ["only_rule", "rules_named", "schedule_record", "set_paused"]


def schedule_record(rule: DeclaredSchedule, requests: Requests, store: Store, now_ms: int) -> ScheduleRecord:
    """The stored form of a rule, without owner, whose first slot comes after `now_ms`."""
    return ScheduleRecord(
        name=rule.name,
        trigger=trigger_record(rule.trigger),
        template=requests.template(rule.call, store.capabilities.max_payload_bytes),
        misfire=rule.misfire,
        misfire_cap=rule.misfire_cap,
        overlap=rule.overlap,
        next_slot_ms=first_slot(rule.trigger, now_ms),
    )


def rules_named(store: Store, name: str) -> list[ScheduleRecord]:
    """The rules of a name, one for each owner."""
    return [rule for rule in store.schedules() if rule.name == name]


def only_rule(store: Store, name: str) -> ScheduleRecord:
    """The one rule of a name. Raises: UnknownSchedule when there is none, or several owners have one."""
    found = rules_named(store, name)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownSchedule(f"no recurring rule {name!r} is in the namespace {store.namespace!r}: see schedules()")
    owners = ", ".join("nobody (put_schedule)" if rule.owner is None else repr(rule.owner) for rule in found)
    raise UnknownSchedule(
        f"{len(found)} recurring rules in the namespace {store.namespace!r} are named {name!r}, owned by {owners}: "
        "rename one, or schedule its call"
    )


def set_paused(store: Store, name: str, *, paused: bool) -> bool:
    """Pause the rules of a name, or let them go on after now; False when there is none."""
    return sum(_set_paused(store, rule, paused) for rule in rules_named(store, name)) > 0


def _set_paused(store: Store, rule: ScheduleRecord, paused: bool) -> bool:
    current: ScheduleRecord | None = rule
    while current is not None and current.paused is not paused:
        next_slot_ms = current.next_slot_ms if paused else first_slot(current.trigger, store.now_ms())
        if store.patch_schedule(current, paused=paused, next_slot_ms=next_slot_ms) is not None:
            return True
        current = next((one for one in rules_named(store, rule.name) if one.owner == rule.owner), None)
    return current is not None
