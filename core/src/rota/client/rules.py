"""From recurring rules to the records that a store takes."""

from rota.client.requests import Requests
from rota.engine.slots import first_slot
from rota.engine.trigger import trigger_record
from rota.jobs.rule import DeclaredSchedule
from rota.model.records import ScheduleRecord
from rota.store.contract import Store

__all__ = ["schedule_record"]


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
