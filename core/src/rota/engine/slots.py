"""What a due schedule does next: which slot fires, which pass, and what the instance looks like."""

import random
from typing import Final

import msgspec

from rota.engine.trigger import Trigger, trigger_from
from rota.model.ids import slot_id
from rota.model.records import InstanceRecord, ScheduleRecord, TriggerRecord

__all__ = ["MISFIRE_GRACE_MS", "SlotStep", "first_slot", "next_step", "slot_record"]

#: A slot is missed when it is older than this: the node that fires was away, not just busy.
MISFIRE_GRACE_MS: Final = 30_000


class SlotStep(msgspec.Struct, frozen=True, gc=False):
    """One step of a schedule: `slot_ms` fires, or passes without an instance; `next_ms` is the slot after
    it, due already or still to come (None: there is no other)."""

    slot_ms: int
    next_ms: int | None
    fires: bool = True


def first_slot(trigger: Trigger | TriggerRecord, after_ms: int) -> int | None:
    """The first slot strictly after an instant: where a new or changed schedule begins."""
    return _trigger(trigger).next_ms(after_ms)


def next_step(schedule: ScheduleRecord, now_ms: int) -> SlotStep | None:
    """The next step of a schedule; None when it is paused or nothing is due.

    "latest" fires the last due slot for all of them. "skip" fires those within `MISFIRE_GRACE_MS` and
    passes over older ones, in one step that does not fire when nothing else is due. "all" fires every
    due slot, earliest first, one a step, but no more than the last `misfire_cap` of them.
    Cost: one search while a single slot is due; else a few, with "all" up to `misfire_cap`; never one for
    each slot missed.
    """
    due_ms = schedule.next_slot_ms
    if schedule.paused or due_ms is None or due_ms > now_ms:
        return None
    trigger = trigger_from(schedule.trigger)
    following_ms = trigger.next_ms(due_ms)
    if following_ms is None or following_ms > now_ms:
        on_time = schedule.misfire != "skip" or due_ms >= now_ms - MISFIRE_GRACE_MS
        return SlotStep(due_ms, following_ms, fires=on_time)
    if schedule.misfire == "all":
        slot_ms = _earliest_kept(trigger, due_ms, now_ms, max(schedule.misfire_cap, 1))
        return SlotStep(slot_ms, trigger.next_ms(slot_ms))
    if schedule.misfire == "skip":
        return _skipping(trigger, due_ms, now_ms)
    return SlotStep(_latest(trigger, due_ms, now_ms), trigger.next_ms(now_ms))


def slot_record(
    schedule: ScheduleRecord, slot_ms: int, rng: random.Random, now_ms: int, *, scope: str
) -> InstanceRecord:
    """The instance that a schedule fires for a slot: its template, with an id that only `scope` (the
    namespace), rule and slot decide, due at the slot + the template's delay + a draw of the trigger's jitter.

    The rank stays the template's: a queue policy that looks at times has to be asked anew.
    """
    owner = "" if schedule.owner is None else f"@{schedule.owner}"
    delay_ms = schedule.template.delay_ms + rng.randint(0, schedule.trigger.jitter_ms)
    return msgspec.structs.replace(
        schedule.template,
        id=slot_id(f"{scope}\0{owner}\0{schedule.name}", slot_ms),
        created_ms=now_ms,
        due_ms=slot_ms + delay_ms,
        delay_ms=0,
        schedule=schedule.name,
        slot_ms=slot_ms,
    )


def _trigger(trigger: Trigger | TriggerRecord) -> Trigger:
    return trigger_from(trigger) if isinstance(trigger, TriggerRecord) else trigger


def _latest(trigger: Trigger, due_ms: int, now_ms: int) -> int:
    # The slot kept may be none of the trigger's here: another machine's time zone data chose it.
    latest_ms = trigger.latest_ms(now_ms, due_ms)
    return due_ms if latest_ms is None else latest_ms


def _skipping(trigger: Trigger, due_ms: int, now_ms: int) -> SlotStep:
    on_time_ms = now_ms - MISFIRE_GRACE_MS
    slot_ms = due_ms if due_ms >= on_time_ms else trigger.next_ms(on_time_ms - 1)
    if slot_ms is not None and slot_ms <= now_ms:
        return SlotStep(slot_ms, trigger.next_ms(slot_ms))
    return SlotStep(_latest(trigger, due_ms, now_ms), slot_ms, fires=False)


def _earliest_kept(trigger: Trigger, due_ms: int, now_ms: int, cap: int) -> int:
    slot_ms = _latest(trigger, due_ms, now_ms)
    for _ in range(cap - 1):
        earlier_ms = trigger.latest_ms(slot_ms - 1, due_ms)
        if earlier_ms is None:
            return due_ms
        slot_ms = earlier_ms
    return slot_ms
