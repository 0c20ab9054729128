"""Which slots of a schedule fire when nodes were away, and what instance a slot becomes."""

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import msgspec
import pytest

from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.engine.slots import MISFIRE_GRACE_MS, SlotStep, first_slot, next_step, slot_record
from rota.engine.trigger import Trigger, trigger_record
from rota.model.ids import slot_id
from rota.model.records import InstanceRecord, ScheduleRecord

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
MIDNIGHT_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
EVERY_5 = Cron("*/5 * * * *")
Misfire = Literal["latest", "skip", "all"]

_CALL = InstanceRecord(id="", kind="report", arguments=b"[1]", rank=5, created_ms=0)


def _schedule(trigger: Trigger = EVERY_5, misfire: Misfire = "latest", cap: int = 100, after_ms: int = MIDNIGHT_MS,
              name: str = "report") -> ScheduleRecord:  # fmt: skip
    record = trigger_record(trigger)
    return ScheduleRecord(
        name=name, trigger=record, template=_CALL, misfire=misfire, misfire_cap=cap,
        next_slot_ms=first_slot(record, after_ms),
    )  # fmt: skip


@dataclass
class _Fired:
    """What a caller does with the steps of a schedule."""

    schedule: ScheduleRecord
    fired: list[int] = field(default_factory=list)
    passed: list[int] = field(default_factory=list)

    def wake(self, now_ms: int) -> "_Fired":
        while (step := next_step(self.schedule, now_ms)) is not None:
            (self.fired if step.fires else self.passed).append(step.slot_ms)
            self.schedule = msgspec.structs.replace(self.schedule, next_slot_ms=step.next_ms, last_slot_ms=step.slot_ms)
        return self


@pytest.mark.parametrize("now_ms", [MIDNIGHT_MS, MIDNIGHT_MS + 5 * MINUTE_MS - 1])
def test_before_its_slot_a_schedule_does_nothing(now_ms: int) -> None:
    """Nothing is early, not by a millisecond."""
    assert next_step(_schedule(), now_ms) is None


def test_paused_or_ended_schedule_does_nothing() -> None:
    """A pause holds however much is due; without a next slot there is none."""
    due_ms = MIDNIGHT_MS + DAY_MS
    assert next_step(msgspec.structs.replace(_schedule(), paused=True), due_ms) is None
    assert next_step(msgspec.structs.replace(_schedule(), next_slot_ms=None), due_ms) is None


@pytest.mark.parametrize("misfire", ["latest", "skip", "all"])
def test_slot_on_time_fires_whatever_the_misfire_rule(misfire: Misfire) -> None:
    """Due this moment: it fires, and the next is the one after."""
    slot_ms = MIDNIGHT_MS + 5 * MINUTE_MS
    assert SlotStep(slot_ms, slot_ms + 5 * MINUTE_MS) == next_step(_schedule(misfire=misfire), slot_ms)


@pytest.mark.parametrize(
    ("misfire", "cap", "back_ms", "fired", "passed"),
    [
        # Away from 00:00 to 03:01, so that the slot of 03:00 is missed as well: 36 missed slots.
        ("latest", 100, 3 * HOUR_MS + MINUTE_MS, [180], []),
        ("skip", 100, 3 * HOUR_MS + MINUTE_MS, [], [180]),
        ("all", 100, 3 * HOUR_MS + MINUTE_MS, list(range(5, 181, 5)), []),
        ("all", 36, 3 * HOUR_MS + MINUTE_MS, list(range(5, 181, 5)), []),
        ("all", 35, 3 * HOUR_MS + MINUTE_MS, list(range(10, 181, 5)), []),
        ("all", 10, 3 * HOUR_MS + MINUTE_MS, list(range(135, 181, 5)), []),
        ("all", 1, 3 * HOUR_MS + MINUTE_MS, [180], []),
        # Back at 03:00:10, when the slot of 03:00 is not missed yet.
        ("latest", 100, 3 * HOUR_MS + 10_000, [180], []),
        ("skip", 100, 3 * HOUR_MS + 10_000, [180], []),
        ("all", 100, 3 * HOUR_MS + 10_000, list(range(5, 181, 5)), []),
        # The edge: missed is older than the grace, not as old.
        ("skip", 100, 3 * HOUR_MS + MISFIRE_GRACE_MS, [180], []),
        ("skip", 100, 3 * HOUR_MS + MISFIRE_GRACE_MS + 1, [], [180]),
    ],
)
def test_after_three_hours_down_the_rule_decides(
    misfire: Misfire, cap: int, back_ms: int, fired: list[int], passed: list[int]
) -> None:
    """On */5: "skip" runs none of the missed, "latest" one, "all" each of the 36 or as many as the cap allows."""
    run = _Fired(_schedule(misfire=misfire, cap=cap)).wake(MIDNIGHT_MS + back_ms)
    assert fired == [(slot_ms - MIDNIGHT_MS) // MINUTE_MS for slot_ms in run.fired]
    assert passed == [(slot_ms - MIDNIGHT_MS) // MINUTE_MS for slot_ms in run.passed]
    assert MIDNIGHT_MS + 185 * MINUTE_MS == run.schedule.next_slot_ms


def test_skip_with_a_short_period_fires_each_slot_still_in_time() -> None:
    """Of a minute away on every 5 s, the 7 slots of the last 30 s run and the 5 before them don't."""
    run = _Fired(_schedule(Every(5), "skip")).wake(MIDNIGHT_MS + MINUTE_MS)
    assert [MIDNIGHT_MS + seconds * 1000 for seconds in range(30, 61, 5)] == run.fired
    assert run.passed == []


def test_slot_that_is_none_of_the_triggers_is_fired_all_the_same() -> None:
    """Machines may differ in their time zone data: the slot that is kept is not lost."""
    odd_ms = MIDNIGHT_MS + 7 * MINUTE_MS
    odd = msgspec.structs.replace(_schedule(), next_slot_ms=odd_ms)
    assert SlotStep(odd_ms, MIDNIGHT_MS + 10 * MINUTE_MS) == next_step(odd, odd_ms + 1)


@pytest.mark.parametrize("misfire", ["latest", "skip", "all"])
@pytest.mark.parametrize("trigger", [Cron("* * * * *", tz="Europe/Berlin"), Every(0.001)])
def test_after_a_year_down_a_step_costs_no_more(trigger: Trigger, misfire: Misfire) -> None:
    """Half a million missed slots (or 31 thousand million) are not walked through."""
    schedule, begun = _schedule(trigger, misfire, cap=20), time.process_time()
    step = next_step(schedule, MIDNIGHT_MS + 365 * DAY_MS)
    assert step is not None
    assert time.process_time() - begun < 0.25
    assert step.slot_ms > MIDNIGHT_MS + 364 * DAY_MS


@pytest.mark.parametrize("misfire", ["latest", "skip", "all"])
def test_over_a_simulated_year_with_outages_no_slot_is_lost_or_doubled(misfire: Misfire) -> None:
    """Waking at random, sometimes after days, each slot is met at most once, in order, and as the rule has it."""
    rng, trigger = random.Random(2026), Cron("20 */3 * * *", tz="America/New_York")
    run, now_ms, expected = _Fired(_schedule(trigger, misfire, cap=10_000)), MIDNIGHT_MS, []
    while now_ms < MIDNIGHT_MS + 365 * DAY_MS:
        last_ms, now_ms = now_ms, now_ms + rng.choice([5_000, 25_000, HOUR_MS, rng.randint(1, 3 * DAY_MS)])
        slots, slot_ms = [], trigger.next_ms(last_ms)
        while slot_ms is not None and slot_ms <= now_ms:
            slots.append(slot_ms)
            slot_ms = trigger.next_ms(slot_ms)
        run.wake(now_ms)
        expected += {
            "all": slots, "latest": slots[-1:], "skip": [s for s in slots if now_ms - s <= MISFIRE_GRACE_MS],
        }[misfire]  # fmt: skip
    assert expected == run.fired
    assert sorted(set(run.fired + run.passed)) == sorted(run.fired + run.passed)


def test_first_slot_takes_trigger_or_record() -> None:
    """Strictly after the instant given."""
    assert MIDNIGHT_MS + 5 * MINUTE_MS == first_slot(EVERY_5, MIDNIGHT_MS)
    assert MIDNIGHT_MS + 5 * MINUTE_MS == first_slot(trigger_record(EVERY_5), MIDNIGHT_MS)
    assert MIDNIGHT_MS == first_slot(EVERY_5, MIDNIGHT_MS - 1)


def test_instance_of_a_slot_is_the_same_whoever_makes_it() -> None:
    """Two machines with other clocks and draws make one id, so the store keeps one instance (invariant 8)."""
    one = slot_record(_schedule(), 300_000, random.Random(1), 301_000, scope="ns")
    other = slot_record(_schedule(), 300_000, random.Random(2), 999_000, scope="ns")
    assert one.id == other.id
    assert one.id != slot_record(_schedule(), 600_000, random.Random(1), 301_000, scope="ns").id
    assert ("report", 300_000, 301_000) == (one.schedule, one.slot_ms, one.created_ms)
    assert (300_000, 0) == (one.due_ms, one.delay_ms)
    assert (_CALL.kind, _CALL.arguments, _CALL.rank) == (one.kind, one.arguments, one.rank)


def test_identity_is_namespace_owner_and_name() -> None:
    """The same name under another owner or in another namespace is another rule, however they are spelt."""
    rules = [
        ("ns", None, "a"), ("ns", "", "a"), ("ns", "o", "a"), ("ns", "p", "a"), ("ns", None, "b"), ("other", None, "a"),
        ("ns", "o/a", "b"), ("ns", "o", "a/b"), ("ns/o", None, "a"), ("ns", None, "o/a"), ("ns", None, "@o"),
    ]  # fmt: skip
    ids = {
        slot_record(
            msgspec.structs.replace(_schedule(name=name), owner=owner), 300_000, random.Random(1), 1, scope=scope
        ).id
        for scope, owner, name in rules
    }
    assert len(rules) == len(ids)
    assert slot_id("ns\0\0a", 300_000) in ids


def test_jitter_is_drawn_evenly_and_added_to_slot_and_delay() -> None:
    """Each instance is late by a draw between zero and the trigger's jitter, both ends included."""
    template = msgspec.structs.replace(_CALL, delay_ms=10_000)
    schedule = msgspec.structs.replace(_schedule(Cron("@hourly", jitter=0.009)), template=template)
    rng = random.Random(5)
    drawn = [(slot_record(schedule, HOUR_MS, rng, 0, scope="").due_ms or 0) - HOUR_MS - 10_000 for _ in range(2_000)]
    assert set(range(10)) == set(drawn)
    assert all(140 < drawn.count(ms) < 260 for ms in range(10))
