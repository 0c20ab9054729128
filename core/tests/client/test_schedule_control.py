"""Recurring rules from outside: paused, resumed, run now, and asked for their next slots."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from core.tests.client.managers import LEASE, Watched, creep_until, fresh_url, managed, store_of, working

from rota import ConfigError, Cron, Every, Manager, Query
from rota.errors import UnknownSchedule
from rota.testing import FakeClock

_START = datetime(2026, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


def report(region: str = "EU") -> str:
    """A job."""
    return region


def _minutely(manager: Manager, **more: Any) -> None:
    manager.put_schedule("r", Every(60), manager.job(report).call(), **{"overlap": "allow", **more})


def _slots(manager: Manager) -> list[datetime]:
    found = manager.scan(Query(schedule="r", newest_first=False))
    return [one.slot for one in found if one.slot is not None]


def _pass(clock: FakeClock, store: Watched, duration: timedelta) -> None:
    """Move the clock on, and let the worker look at the rules after that."""
    clock.advance(duration)
    before = [name for name, _ in store.asked].count("due_schedules")
    creep_until(clock, lambda: [name for name, _ in store.asked].count("due_schedules") > before + 1, "a look")


# ---- pause and resume -------------------------------------------------------------------------------


@pytest.mark.parametrize("misfire", ["latest", "skip", "all"])
def test_paused_rule_fires_nothing_and_resumed_none_of_what_it_missed(misfire: Any) -> None:
    """What was missed on purpose is no misfire: it goes on with the first slot after the resume."""
    clock = FakeClock()
    store = Watched.memory(clock=clock)
    with managed(clock, store) as manager:
        _minutely(manager, misfire=misfire)
        with manager.worker(concurrency=1, lease=LEASE):
            _pass(clock, store, _MINUTE)
            assert manager.pause_schedule("r")
            _pass(clock, store, 10 * _MINUTE)
            assert [_START + _MINUTE] == _slots(manager)
            assert manager.resume_schedule("r")
            (rule,) = manager.schedules()
            assert (False, _START + 12 * _MINUTE) == (rule.paused, rule.next_slot)
            _pass(clock, store, _MINUTE)
            assert [_START + _MINUTE, _START + 12 * _MINUTE] == _slots(manager)


def test_slot_that_was_due_when_the_rule_was_paused_does_not_fire_later() -> None:
    """However short the pause."""
    clock = FakeClock()
    with managed(clock) as manager:
        _minutely(manager)
        clock.advance(61)
        assert (True, True) == (manager.pause_schedule("r"), manager.resume_schedule("r"))
        (rule,) = manager.schedules()
        assert _START + 2 * _MINUTE == rule.next_slot


def test_pausing_twice_and_resuming_what_runs_change_nothing() -> None:
    """True all the same: the rule stands as asked."""
    clock = FakeClock()
    with managed(clock) as manager:
        _minutely(manager)
        (put,) = store_of(manager).schedules()
        clock.advance(90)
        assert manager.resume_schedule("r")
        assert [put] == store_of(manager).schedules()  # its slot is due still
        assert manager.pause_schedule("r")
        paused = store_of(manager).schedules()
        assert manager.pause_schedule("r")
        assert paused == store_of(manager).schedules()


def test_rule_that_nobody_knows_can_not_be_paused_or_resumed() -> None:
    """False, as `drop_schedule`."""
    with managed() as manager:
        assert (False, False) == (manager.pause_schedule("r"), manager.resume_schedule("r"))


def test_all_rules_of_a_name_are_paused() -> None:
    """As `drop_schedule` drops them."""
    clock, url = FakeClock(), fresh_url()
    shop, bank = managed(clock, url, name="shop"), managed(clock, url, name="bank")
    for manager in (shop, bank):
        manager.recurring("r", Every(60), manager.job(report).call())
    with working(shop, concurrency=1), working(bank, concurrency=1):
        shop.put_schedule("r", Every(60), shop["report"].call())
        shop.put_schedule("other", Every(60), shop["report"].call())
        assert shop.pause_schedule("r")
        assert [False, True, True, True] == [one.paused for one in bank.schedules()]
        assert bank.resume_schedule("r")
        assert not any(one.paused for one in bank.schedules())


def _changed(manager: Manager) -> None:
    manager.put_schedule("r", Every(30), manager["report"].call("US"))


def _same(manager: Manager) -> None:
    manager.put_schedule("r", Every(60), manager["report"].call(), overlap="allow")


@pytest.mark.parametrize("put", [_changed, _same])
def test_paused_rule_stays_paused_when_it_is_put_again(put: Callable[[Manager], None]) -> None:
    """Changed or not: only `resume_schedule` lets it go on."""
    clock = FakeClock()
    store = Watched.memory(clock=clock)
    with managed(clock, store) as manager:
        _minutely(manager)
        manager.pause_schedule("r")
        put(manager)
        (rule,) = manager.schedules()
        assert (True, None) == (rule.paused, rule.next_slot)
        with manager.worker(concurrency=1, lease=LEASE):
            _pass(clock, store, _HOUR)
        assert 0 == manager.count()


class _Interrupted(Watched):
    """A store in which something happens between the client's look at the rules and its order."""

    between: Callable[[], object] = staticmethod(bool)

    def patch_schedule(self, *args: Any, **kwargs: Any) -> Any:
        """Let it happen, once, then do as told."""
        happens, self.between = self.between, bool
        happens()
        return self._store.patch_schedule(*args, **kwargs)

    def namespaced(self, namespace: str) -> "_Interrupted":
        """Itself: a test has one namespace."""
        return self


def _interrupted(clock: FakeClock) -> tuple[Manager, _Interrupted]:
    store = _Interrupted(Watched.memory(clock=clock)._store, [], frozenset())
    return managed(clock, store), store


def test_pause_meets_a_rule_that_fires_meanwhile() -> None:
    """What fired stays fired, and the rule is paused: neither step undoes the other."""
    clock = FakeClock()
    manager, store = _interrupted(clock)
    with manager:
        _minutely(manager)
        clock.advance(60)
        (rule,) = store.schedules()
        store.between = lambda: store.fire(rule, rule.next_slot_ms, rule.next_slot_ms + 60_000, [])
        assert manager.pause_schedule("r")
        (after,) = store.schedules()
        assert (True, rule.next_slot_ms) == (after.paused, after.last_slot_ms)


def test_resume_meets_a_rule_that_is_changed_meanwhile() -> None:
    """It goes on by the trigger that it has now."""
    clock = FakeClock()
    manager, store = _interrupted(clock)
    with manager:
        _minutely(manager)
        manager.pause_schedule("r")
        store.between = lambda: manager.put_schedule("r", Every(3600), manager["report"].call())
        assert manager.resume_schedule("r")
        (rule,) = manager.schedules()
        assert (False, _START + _HOUR) == (rule.paused, rule.next_slot)


def test_late_resume_does_not_set_the_slot_of_a_running_rule_back() -> None:
    """Two people resume; between them the rule has fired: no slot comes again, not even once its instance is purged."""
    clock = FakeClock()
    manager, store = _interrupted(clock)
    with manager:
        _minutely(manager)
        manager.pause_schedule("r")

        def resumed_and_fired() -> None:
            manager.resume_schedule("r")
            clock.advance(61)
            (rule,) = store.schedules()
            store.fire(rule, rule.next_slot_ms, rule.next_slot_ms + 60_000, [])

        store.between = resumed_and_fired
        assert manager.resume_schedule("r")
        (rule,) = manager.schedules()
        assert (_START + _MINUTE, _START + 2 * _MINUTE) == (rule.last_slot, rule.next_slot)


@pytest.mark.parametrize("order", ["pause_schedule", "resume_schedule"])
def test_rule_that_is_dropped_meanwhile_is_not_there(order: str) -> None:
    """False, and it does not come back."""
    manager, store = _interrupted(FakeClock())
    with manager:
        _minutely(manager)
        if order == "resume_schedule":
            manager.pause_schedule("r")
        store.between = lambda: manager.drop_schedule("r")
        assert (False, []) == (getattr(manager, order)("r"), manager.schedules())


def test_rule_without_another_slot_can_be_paused_and_resumed() -> None:
    """It starts after the last slot that there is, and never fires."""
    with managed() as manager:
        trigger = Every(1, start=datetime(9999, 1, 1, tzinfo=UTC))
        rule = manager.put_schedule("r", trigger, manager.job(report).call())
        assert (None, []) == (rule.next_slot, rule.next_slots())
        assert (True, True) == (manager.pause_schedule("r"), manager.resume_schedule("r"))
        (rule,) = manager.schedules()
        assert (False, None) == (rule.paused, rule.next_slot)


# ---- run now ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("paused", [False, True])
def test_rule_is_run_now_beside_its_slots(paused: bool) -> None:
    """Paused or not: an instance of its call, linked to the rule, without a slot; the rule is left as it was."""
    clock = FakeClock()
    with managed(clock) as manager:
        job = manager.job(report)
        manager.put_schedule("r", Every(60, jitter=30), job.options(priority=1, expires=9).call("US"))
        if paused:
            manager.pause_schedule("r")
        before = manager.schedules()
        clock.advance(7)
        one = manager.run_schedule("r")
        assert before == manager.schedules()
        record = one._snapshot.record
        assert ("report", "r", None, False, 1) == (one.kind, one.schedule, one.slot, one.duplicate, record.priority)
        assert (_START + timedelta(seconds=7), 9000) == (one.due_at, record.expires_after_ms)
        assert [one.id] == [found.id for found in manager.find(Query(schedule="r"))]
        with manager.worker(concurrency=1, lease=LEASE):
            assert "US" == one.result(10)


def test_running_a_rule_now_takes_no_slot_of_it() -> None:
    """The next slot fires, and the one run by hand does not count as the last, for overlap "skip"."""
    clock = FakeClock()
    store = Watched.memory(clock=clock)
    with managed(clock, store) as manager:
        manager.job(kind="other")(lambda: None)
        manager.put_schedule("r", Every(60), manager.remote("nobody-runs-this").call())
        by_hand = [manager.run_schedule("r").id for _ in range(2)]
        with manager.worker(concurrency=1, lease=LEASE):
            _pass(clock, store, _MINUTE)
        assert 2 == len(set(by_hand))
        assert [_START + _MINUTE] == _slots(manager)
        assert 3 == manager.count(Query(schedule="r"))


def test_run_now_honours_what_the_call_says() -> None:
    """A delay counts from now, a unique key is held."""
    clock = FakeClock()
    with managed(clock) as manager:
        job = manager.job(unique_key="{region}")(report)
        manager.put_schedule("r", Every(60), job.options(after=10).call("US"))
        clock.advance(5)
        first, second = manager.run_schedule("r"), manager.run_schedule("r")
        assert (_START + timedelta(seconds=15), first.id, True) == (first.due_at, second.id, second.duplicate)


def test_run_now_inside_a_job_is_that_jobs_work() -> None:
    """Found by its parent, unlike what the slots fire."""
    with working(managed(), concurrency=1) as manager:
        manager.put_schedule("r", Every(3600), manager.remote("nobody-runs-this").call())
        outer = manager.job(kind="outer")(lambda: manager.run_schedule("r").id.hex).schedule()
        assert [outer.result(10)] == [one.id.hex for one in manager.find(Query(parent=outer.id))]


def test_unknown_rule_can_not_be_run() -> None:
    """The error names it and the namespace."""
    with managed() as manager, pytest.raises(UnknownSchedule, match=r"no recurring rule 'r' .* 'default'"):
        manager.run_schedule("r")


def test_name_of_several_owners_can_not_be_run() -> None:
    """Nobody could say whose call is meant; nothing is added."""
    clock, url = FakeClock(), fresh_url()
    shop = managed(clock, url, name="shop")
    shop.recurring("r", Every(60), shop.job(report).call())
    with working(shop, concurrency=1):
        shop.put_schedule("r", Every(60), shop["report"].call())
        with pytest.raises(
            UnknownSchedule, match=r"2 recurring rules .* 'r', owned by nobody \(put_schedule\), 'shop'"
        ):
            shop.run_schedule("r")
        assert 0 == shop.count()


# ---- next slots, and all of it awaited --------------------------------------------------------------


@pytest.mark.parametrize("trigger", [Cron("30 2 * * *", tz="Europe/Berlin"), Every(900)])
def test_next_slots_are_those_that_will_fire(trigger: Cron | Every) -> None:
    """Five unless said otherwise, from the next one on, in UTC as the other instants of a rule."""
    with managed() as manager:
        rule = manager.put_schedule("r", trigger, manager.job(report).call())
        assert trigger.next(_START, 5) == rule.next_slots()
        assert rule.next_slot == rule.next_slots()[0]
        assert {timedelta(0)} == {slot.utcoffset() for slot in rule.next_slots()}
        assert [0, 1, 3] == [len(rule.next_slots(count)) for count in (0, 1, 3)]
        with pytest.raises(ConfigError, match="count"):
            rule.next_slots(-1)


def test_paused_rule_has_no_next_slot() -> None:
    """It fires none until it is resumed, and when that is nobody knows."""
    with managed() as manager:
        _minutely(manager)
        manager.pause_schedule("r")
        (rule,) = manager.schedules()
        assert (True, None, []) == (rule.paused, rule.next_slot, rule.next_slots())


def test_last_slots_of_a_trigger_are_fewer() -> None:
    """Triggers end with the year 8999."""
    with managed(FakeClock(start_ms=int(datetime(8999, 12, 31, 22, tzinfo=UTC).timestamp()) * 1000)) as manager:
        rule = manager.put_schedule("r", Every(3600), manager.job(report).call())
        assert 2 == len(rule.next_slots())


def test_twins_do_the_same() -> None:
    """Beside an event loop."""

    async def control(manager: Manager) -> tuple[bool, bool, bool, bool, str]:
        paused, (rule,) = await manager.apause_schedule("r"), await manager.aschedules()
        one = await manager.arun_schedule("r")
        resumed, (after,) = await manager.aresume_schedule("r"), await manager.aschedules()
        return paused, rule.paused, resumed, after.paused, one.schedule or ""

    with managed() as manager:
        _minutely(manager)
        assert (True, True, True, False, "r") == asyncio.run(control(manager))
        with pytest.raises(UnknownSchedule):
            asyncio.run(manager.arun_schedule("s"))
