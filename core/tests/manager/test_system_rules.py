"""The recurring rules of rota itself: there once, whoever works, under an owner of their own."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from core.tests.client.managers import LEASE, Watched, kept_url, managed, store_of

from rota import ConfigError, Every, Instance, Manager, Query, State
from rota.model.name import SYSTEM_OWNER
from rota.model.records import InstanceRecord
from rota.testing import FakeClock, wait_until

_RULES = ["system.history.cleaner", "system.log.cleaner"]


@pytest.fixture(autouse=True)
def _with_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is unless somebody turns it off; the other tests do."""
    monkeypatch.delenv("ROTA_DISABLE_PLUGINS")


@pytest.fixture
def url() -> Any:
    """A store that outlives the managers of a test."""
    yield from kept_url()


def _run(manager: Manager) -> None:
    with manager, manager.worker(concurrency=1, lease=LEASE):
        pass


def _rules(url: str) -> list[tuple[str, str | None]]:
    with Manager(url) as manager:
        return [(one.name, one.owner) for one in manager.schedules()]


def _once() -> list[tuple[str, str | None]]:
    return [(name, SYSTEM_OWNER) for name in _RULES]


def _as_time_goes(clock: FakeClock, predicate: Callable[[], bool], description: str) -> None:
    """Wait until it is true, a minute of the clock a look."""

    def looks() -> bool:
        clock.advance(60)
        return predicate()

    wait_until(looks, 30, description)


def test_many_restarts_and_many_managers_keep_one_rule_each(url: str) -> None:
    """Named, nameless or of another name: they all mean the same two rules, which keep their slots."""
    clock = FakeClock()
    _run(managed(clock, url))
    with Manager(url) as manager:
        first = manager.schedules()
    for number in range(50):
        _run(managed(clock, url, name=None if number % 2 else f"shop-{number}"))
    managers = [managed(clock, url, name=name) for name in (None, None, "shop", "shop", "bank")]
    workers = [manager.worker(concurrency=1, lease=LEASE).start() for manager in managers]
    try:
        assert _once() == _rules(url)
    finally:
        for worker, manager in zip(workers, managers, strict=True):
            worker.stop()
            manager.close()
    with Manager(url) as manager:
        assert first == manager.schedules()


def test_program_without_rules_needs_no_name_because_of_them() -> None:
    """Also where other processes see the store; one with rules of its own needs it as ever."""
    manager = managed(store=Watched.memory("multi_process"))
    _run(manager)
    with manager:
        assert _RULES == [one.name for one in manager.schedules()]
    manager.recurring("own", Every(3600), manager.job(print, kind="p").call())
    with pytest.raises(ConfigError, match="own"):
        _run(manager)


def test_own_rules_and_those_of_rota_stand_side_by_side(url: str) -> None:
    """Neither set drops the other; in the manager they are found, but not listed."""
    manager = managed(FakeClock(), url, name="shop")
    manager.job(lambda: None, kind="sweep", recurring=Every(60))
    _run(manager)
    assert [("sweep", "shop"), *_once()] == _rules(url)
    assert ["sweep"] == list(manager)
    assert all(name in manager for name in _RULES)


def test_worker_for_some_kinds_runs_them_too() -> None:
    """Else history would grow where every worker has its kinds."""
    manager = managed()
    manager.job(print, kind="a")
    with manager, manager.worker(kinds=["a"], lease=LEASE):
        (worker,) = manager.workers()
        assert {"a", "system.group", *_RULES} == worker.kinds


def test_paused_one_stays_paused_over_restarts(url: str) -> None:
    """Until somebody resumes it."""
    clock = FakeClock()
    _run(managed(clock, url))
    with managed(clock, url) as manager:
        assert manager.pause_schedule(_RULES[0])
        _run(managed(clock, url))
        clock.advance(LEASE + 60)
        _run(managed(clock, url, name="shop"))
        assert [True, False] == [one.paused for one in manager.schedules()]
        assert manager.resume_schedule(_RULES[0])
        assert [False, False] == [one.paused for one in manager.schedules()]


def test_turned_off_they_go_from_the_store(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And come back when they are turned on. While workers of both kinds run, those started last have the say."""
    clock = FakeClock()
    with managed(clock, url) as on, on.worker(lease=LEASE):
        assert _once() == _rules(url)
        clock.advance(1)
        monkeypatch.setenv("ROTA_DISABLE_PLUGINS", "retention")
        with managed(clock, url) as off, off.worker(lease=LEASE):
            assert [] == _rules(url)
            assert "system.history.cleaner" not in off
            clock.advance(20)
            assert [] == _rules(url)
        _as_time_goes(clock, lambda: _rules(url) == _once(), "the worker that is left brings its rules back")


def test_owner_of_these_rules_is_no_name_for_a_manager() -> None:
    """Its own rules would be taken for those of rota, and dropped."""
    with pytest.raises(ConfigError, match="owner of rota's own"):
        Manager("memory://", name="system")


def test_they_run_by_themselves_at_their_slots() -> None:
    """One at full hours, one at half past, each with a spread; as low as it goes, so that all other work comes
    first. None runs before its first slot."""
    clock = FakeClock()
    with managed(clock) as manager, manager.worker(concurrency=1, lease=LEASE) as worker:
        assert worker.drain(5)
        assert 0 == manager.count()

        def both_ran_twice() -> bool:
            return all(manager.count(Query(kind=kind, state=State.COMPLETED)) >= 2 for kind in _RULES)

        _as_time_goes(clock, both_ran_twice, "two runs of each")
        for kind, minute in zip(_RULES, (0, 30), strict=True):
            ran = list(manager.scan(Query(kind=kind)))
            slots = [one.slot for one in ran if one.slot is not None]
            assert {minute} == {slot.minute for slot in slots}
            assert len(ran) == len(set(slots))
            assert all(
                timedelta() <= one.due_at - slot <= timedelta(minutes=10) for one, slot in zip(ran, slots, strict=True)
            )
            assert {10} == {record.priority for record in _records(manager, ran)}
            assert {} == next(one for one in ran if one.state is State.COMPLETED).outcome()


def _records(manager: Manager, instances: list[Instance[Any]]) -> list[InstanceRecord]:
    found = store_of(manager).get([one.id.hex for one in instances])
    return [one.record for one in found if one is not None]
