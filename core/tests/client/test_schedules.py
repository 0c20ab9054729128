"""Recurring rules put by a client: kept in the store, changed by name, fired once for each slot."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from core.tests.client.managers import LEASE, creep_until, fresh_url, managed

from rota import ArgumentError, ConfigError, Cron, Every, Manager, Query, Schedule
from rota.testing import FakeClock, harness

_START = datetime(2026, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def report(region: str = "EU") -> str:
    """A job."""
    return region


def test_rule_that_was_put_is_listed_as_it_stands() -> None:
    """With trigger, kind, origin, and the first slot after now."""
    with managed() as manager:
        trigger = Cron("0 * * * *", tz="Europe/Berlin")
        put = manager.put_schedule("hourly", trigger, manager.job(report).call("US"))
        assert [put] == manager.schedules()
        assert Schedule("hourly", "report", trigger, "store", None, None, False, None, _START + _HOUR) == put


def test_rules_are_listed_by_name() -> None:
    """Whenever they were put."""
    with managed() as manager:
        call = manager.job(report).call()
        for name in ("b", "a", "c"):
            manager.put_schedule(name, Every(60), call)
        assert ["a", "b", "c"] == [one.name for one in manager.schedules()]


def test_rule_put_again_unchanged_keeps_its_slot() -> None:
    """A program may put its rules at each start."""
    clock = FakeClock()
    with managed(clock) as manager:
        call = manager.job(report).call()
        first = manager.put_schedule("r", Every(3600), call)
        clock.advance(1800)
        assert first == manager.put_schedule("r", Every(3600), call)


@pytest.mark.parametrize("change", ["trigger", "arguments", "options", "misfire", "overlap"])
def test_changed_rule_goes_on_from_now(change: str) -> None:
    """Nothing is back-fired; the name stays one rule."""
    clock = FakeClock()
    with managed(clock) as manager:
        job = manager.job(report)
        manager.put_schedule("r", Every(3600), job.call())
        clock.advance(2 * 3600)
        changes: dict[str, Any] = {
            "trigger": (Every(600), job.call(), {}),
            "arguments": (Every(3600), job.call("US"), {}),
            "options": (Every(3600), job.options(priority=0).call(), {}),
            "misfire": (Every(3600), job.call(), {"misfire": "all"}),
            "overlap": (Every(3600), job.call(), {"overlap": "allow"}),
        }
        trigger, call, more = changes[change]
        changed = manager.put_schedule("r", trigger, call, **more)
        assert ([changed], _START + 2 * _HOUR + timedelta(milliseconds=trigger.period_ms)) == (
            manager.schedules(), changed.next_slot
        )  # fmt: skip


def test_dropped_rule_is_gone_and_what_it_fired_stays() -> None:
    """False when there was none."""
    with harness(Manager("memory://")) as kit:
        manager = kit.manager
        manager.put_schedule("r", Every(60), manager.job(report).call())
        kit.advance(60)
        assert [True, False] == [manager.drop_schedule("r"), manager.drop_schedule("r")]
        assert ([], 1) == (manager.schedules(), manager.count())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": ""}, "schedule's name"),
        ({"name": "a b"}, "schedule's name"),
        ({"name": "x" * 101}, "1 to 100"),
        ({"trigger": "0 * * * *"}, r"Cron\(\.\.\.\) or rota\.Every"),
        ({"trigger": 60}, "trigger"),
        ({"misfire": "never"}, '"latest", "skip" or "all"; got \'never\''),
        ({"overlap": "perhaps"}, '"skip" or "allow"; got \'perhaps\''),
        ({"options": {"at": _START}}, "at="),
        ({"options": {"jitter": 5}}, "trigger's jitter"),
    ],
    ids=str,
)
def test_impossible_rule_is_refused(arguments: dict[str, Any], said: str) -> None:
    """By `put_schedule` and by a declaration alike, where it is written."""
    given = {"name": "r", "trigger": Every(60), **arguments}
    with managed() as manager:
        call = manager.job(report).options(**given.pop("options", {})).call()
        with pytest.raises(ConfigError, match=said):
            manager.put_schedule(**given, call=call)
        with pytest.raises(ConfigError, match=said):
            manager.recurring(**given, call=call)
        assert ([], {}) == (manager.schedules(), manager.declared_schedules())


def test_recurring_job_that_needs_arguments_is_refused() -> None:
    """A rule of its own could not say them; nothing is registered."""
    manager = Manager("memory://")
    with pytest.raises(ArgumentError, match="missing"):
        manager.job(recurring=Every(60))(_needs)


def _needs(region: str) -> None: ...


def _fired(clock: FakeClock, manager: Manager, rule: str, slots: int) -> list[datetime]:
    query = Query(schedule=rule, newest_first=False)
    creep_until(clock, lambda: manager.count(query) >= slots, f"{slots} slots of {rule}")
    return [one.slot for one in manager.scan(query) if one.slot is not None]


def test_each_slot_fires_once_with_two_managers_on_one_store() -> None:
    """Whatever the number of workers that look after it."""
    url, clock = fresh_url(), FakeClock()
    first, second = managed(clock, url), managed(clock, url)
    for manager in (first, second):
        manager.job(report)
    with first, second:
        first.put_schedule("minutely", Every(60), first["report"].call("US"), overlap="allow")
        with first.worker(concurrency=1, lease=LEASE), second.worker(concurrency=1, lease=LEASE):
            for minute in range(1, 6):
                clock.advance(60)
                assert minute == len(_fired(clock, first, "minutely", minute))
        slots = _fired(clock, first, "minutely", 5)
        assert [_START + timedelta(minutes=minute) for minute in range(1, 6)] == slots
        assert {"US"} == {one.result() for one in first.scan(Query(schedule="minutely"))}


def test_fired_instance_is_due_at_its_slot_plus_the_triggers_jitter() -> None:
    """The slot is nominal; the draw delays, and never comes early."""
    with harness(Manager("memory://")) as kit:
        kit.manager.put_schedule("j", Every(60, jitter=30), kit.manager.job(report).call(), overlap="allow")
        ran = kit.advance(9 * 60 - 1)
        waits = [(one.due_at - one.slot).total_seconds() for one in ran if one.slot is not None]
        assert (8, waits) == (len(ran), [(one.started_at - one.slot).total_seconds() for one in ran])  # type: ignore[operator]
        assert 0 <= min(waits) < max(waits) <= 30


def test_option_after_delays_each_instance_of_a_rule() -> None:
    """The call's options are those of every instance that it fires."""
    with harness(Manager("memory://")) as kit:
        job = kit.manager.job(report)
        kit.manager.put_schedule("later", Every(60), job.options(after=10, priority=1).call())
        (one,) = kit.advance(70)
        (snapshot,) = kit.store.get([one.id.hex])
        assert one.slot is not None
        assert snapshot is not None
        assert (timedelta(seconds=10), 1) == (one.due_at - one.slot, snapshot.record.priority)


def test_rule_put_inside_a_job_makes_no_children() -> None:
    """What it fires next year is not the job's work."""
    with harness(Manager("memory://")) as kit:
        job = kit.manager.job(report)
        put = kit.manager.job(kind="put")(lambda: kit.manager.put_schedule("r", Every(60), job.call()).name)
        put.schedule()
        assert ["r"] == [one.outcome() for one in kit.drain()]
        (rule,) = kit.store.schedules()
        assert rule.template.parent is None


@pytest.mark.parametrize(("overlap", "fired"), [("skip", 1), ("allow", 3)])
def test_overlap_decides_whether_a_slot_waits_for_the_last(overlap: Any, fired: int) -> None:
    """`skip`: while the last instance is not final, slots pass without one."""
    with harness(Manager("memory://")) as kit:
        kit.manager.put_schedule("r", Every(60), kit.manager.remote("nobody-runs-this").call(), overlap=overlap)
        kit.advance(180)
        assert _START + timedelta(minutes=3) == kit.manager.schedules()[0].last_slot
        assert fired == len(kit.scheduled()) == kit.manager.count(Query(schedule="r"))
