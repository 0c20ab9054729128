"""Recurring rules declared in code: kept in step by workers, by the identity namespace + owner + name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from core.tests.client.managers import LEASE, Watched, creep_until, kept_url, managed

from rota import ConfigError, Cron, Every, Jobs, Manager, Query
from rota.testing import FakeClock, wait_until

_START = datetime(2026, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def report(region: str = "EU") -> str:
    """A job."""
    return region


def _declaring(
    clock: FakeClock,
    store: Any,
    *,
    name: str | None = "shop",
    period: float | None = 3600,
    region: str = "EU",
    **more: Any,
) -> Manager:
    """A version of a program, which declares the rule "r" unless `period` is None."""
    manager = managed(clock, store, name=name, **more)
    job = manager.job(report)
    if period is not None:
        manager.recurring("r", Every(period), job.call(region))
    return manager


def _run(manager: Manager) -> None:
    """Start a worker of this version, and stop it again."""
    with manager, manager.worker(concurrency=1, lease=LEASE):
        pass


def _rules(url: str) -> list[tuple[str, str | None, str]]:
    with Manager(url) as manager:
        return [(one.name, one.owner, one.origin) for one in manager.schedules()]


@pytest.fixture
def url() -> Any:
    """A store that outlives the managers of a test."""
    yield from kept_url()


def test_declared_rule_is_in_the_store_once_a_worker_runs(url: str) -> None:
    """Not before: managers that only schedule touch no rules."""
    clock = FakeClock()
    manager = _declaring(clock, url)
    with manager:
        assert [] == manager.schedules()
        with manager.worker(concurrency=1, lease=LEASE):
            (rule,) = manager.schedules()
    assert ("r", "report", "code", "shop", _START + _HOUR) == (
        rule.name, rule.kind, rule.origin, rule.owner, rule.next_slot
    )  # fmt: skip


def test_every_way_of_declaring_is_one() -> None:
    """`recurring=` of a job, `recurring(...)` of a collection, with its prefix."""
    jobs = Jobs("billing.")
    invoice = jobs.job(kind="invoice", recurring=Cron("0 2 * * *"))(report)
    jobs.recurring("report-us", Every(60), invoice.call("US"), misfire="all", overlap="allow")
    with managed(name="shop", jobs=[jobs]) as manager, manager.worker(concurrency=1, lease=LEASE):
        found = {one.name: (one.kind, one.trigger) for one in manager.schedules()}
    assert {
        "billing.invoice": ("billing.invoice", Cron("0 2 * * *")),
        "billing.report-us": ("billing.invoice", Every(60)),
    } == found


def test_unchanged_rule_keeps_its_slot_over_a_restart(url: str) -> None:
    """A deployment without changes delays nothing."""
    clock = FakeClock()
    _run(_declaring(clock, url))
    clock.advance(1800)
    manager = _declaring(clock, url)
    _run(manager)
    assert [_START + _HOUR] == [one.next_slot for one in manager.schedules()]
    manager.close()


@pytest.mark.parametrize("change", [{"period": 7200}, {"region": "US"}])
def test_changed_rule_goes_on_from_now(url: str, change: dict[str, Any]) -> None:
    """Nothing is back-fired."""
    clock = FakeClock()
    _run(_declaring(clock, url))
    clock.advance(3 * 3600)
    manager = _declaring(clock, url, **change)
    with manager, manager.worker(concurrency=1, lease=LEASE):
        (rule,) = manager.schedules()
        assert _START + 4 * _HOUR == rule.next_slot
        assert 0 == manager.count()


def test_rule_no_longer_declared_is_dropped(url: str) -> None:
    """By the next worker of that owner; rules that were put stay."""
    clock = FakeClock()
    manager = _declaring(clock, url)
    _run(manager)
    manager.put_schedule("by-hand", Every(60), manager["report"].call())
    manager.close()
    assert [("by-hand", None, "store"), ("r", "shop", "code")] == _rules(url)
    _run(_declaring(clock, url, period=None))
    assert [("by-hand", None, "store")] == _rules(url)


def test_rules_that_were_put_are_never_touched_by_code(url: str) -> None:
    """Also under the same name."""
    clock = FakeClock()
    manager = _declaring(clock, url)
    with manager:
        put = manager.put_schedule("r", Every(60), manager["report"].call("by hand"))
        with manager.worker(concurrency=1, lease=LEASE):
            assert [(None, "store"), ("shop", "code")] == [(one.owner, one.origin) for one in manager.schedules()]
            assert put in manager.schedules()


def test_one_name_in_two_owners_is_two_rules(url: str) -> None:
    """Two programs on one namespace don't know of each other's names."""
    clock = FakeClock()
    shop, bank = _declaring(clock, url, region="shop"), _declaring(clock, url, name="bank", region="bank")
    with shop, bank, shop.worker(concurrency=1, lease=LEASE), bank.worker(concurrency=1, lease=LEASE):
        assert [("r", "bank", "code"), ("r", "shop", "code")] == _rules(url)
        clock.advance(3600)
        creep_until(clock, lambda: 2 == shop.count(Query(schedule="r")), "both to fire")
        ids = {one.id for one in shop.scan(Query(schedule="r"))}
        assert 2 == len(ids)


def test_dropping_a_name_drops_it_of_all_owners_until_a_worker_declares_it(url: str) -> None:
    """Code is the truth while it runs."""
    clock = FakeClock()
    manager = _declaring(clock, url)
    _run(manager)
    assert manager.drop_schedule("r")
    assert [] == manager.schedules()
    with manager.worker(concurrency=1, lease=LEASE):
        assert 1 == len(manager.schedules())
    manager.close()


def _reconcile_again(clock: FakeClock, store: Watched, times: int) -> None:
    """Let the workers look at the rules so many times more."""

    def syncs() -> int:
        return [name for name, _ in store.asked].count("sync_schedules")

    wanted = syncs() + times
    while syncs() < wanted:
        before = syncs()
        clock.advance(15)
        creep_until(clock, lambda before=before: syncs() > before, "a reconciliation")


def test_later_version_stands_while_both_run() -> None:
    """A rolling deployment: the set whose earliest worker started last; the old worker does not bring its own back."""
    clock = FakeClock()
    store = Watched.memory(clock=clock)
    old, new = _declaring(clock, store), _declaring(clock, store, period=600)
    with old, new, old.worker(concurrency=1, lease=LEASE):
        assert [Every(3600)] == [one.trigger for one in new.schedules()]
        clock.advance(1)
        with new.worker(concurrency=1, lease=LEASE):
            _reconcile_again(clock, store, 6)
            assert [Every(600)] == [one.trigger for one in new.schedules()]
        clock.advance(1)
        _reconcile_again(clock, store, 2)
        assert [Every(3600)] == [one.trigger for one in old.schedules()]  # rolled back


def test_revision_decides_when_it_is_given() -> None:
    """The higher one stands, whichever started last."""
    clock = FakeClock()
    store = Watched.memory(clock=clock)
    old, new = _declaring(clock, store, revision=1), _declaring(clock, store, period=600, revision=2)
    with old, new, new.worker(concurrency=1, lease=LEASE):
        clock.advance(1)
        with old.worker(concurrency=1, lease=LEASE):
            _reconcile_again(clock, store, 6)
            assert [(Every(600), 2)] == [(one.trigger, one.revision) for one in new.schedules()]


def test_declaring_without_a_name_is_fine_where_no_other_process_sees_it() -> None:
    """`memory://` alone."""
    with managed(jobs=[_recurring_jobs()]) as manager, manager.worker(concurrency=1, lease=LEASE):
        assert ["code", "code"] == [one.origin for one in manager.schedules()]


def test_declaring_without_a_name_is_refused_where_processes_share_a_store() -> None:
    """Nobody could say whose rules they are; the message names them and the way out."""
    manager = Manager(Watched.memory("multi_process"), jobs=[_recurring_jobs()])  # type: ignore[arg-type]
    with manager, pytest.raises(ConfigError, match=r'\(a, b\).*Manager\(name="\.\.\."\)'):
        manager.worker(concurrency=1, lease=LEASE).start()


def test_nothing_declared_needs_no_name() -> None:
    """Whatever the store."""
    with Manager(Watched.memory("multi_process")) as manager, manager.worker(concurrency=1, lease=LEASE):  # type: ignore[arg-type]
        assert [] == manager.schedules()


def _recurring_jobs() -> Jobs:
    jobs = Jobs()
    job = jobs.job(kind="a", recurring=Every(60))(report)
    jobs.recurring("b", Every(60), job.call())
    return jobs


def test_slots_of_a_declared_rule_fire_once_with_two_workers(url: str) -> None:
    """Two processes that run the same code."""
    clock = FakeClock()
    first, second = _declaring(clock, url, region="US"), _declaring(clock, url, region="US")
    with first, second, first.worker(concurrency=1, lease=LEASE), second.worker(concurrency=1, lease=LEASE):
        for hour in range(1, 4):
            clock.advance(3600)
            creep_until(clock, lambda hour=hour: hour == first.count(Query(schedule="r")), f"slot {hour}")
            wait_until(lambda: all(one.state.final for one in first.scan()), description="it to end")
        found = list(first.scan(Query(schedule="r", newest_first=False)))
        assert [_START + hour * _HOUR for hour in (1, 2, 3)] == [one.slot for one in found]
        assert {"US"} == {one.result(0) for one in found}


def test_rule_with_jitter_is_the_same_rule_at_each_reconciliation() -> None:
    """The jitter is drawn for each instance, not for each look at the code."""
    clock = FakeClock()
    store = Watched.memory(clock=clock)
    manager = managed(clock, store, name="shop")
    job = manager.job(report)
    manager.recurring("j", Every(3600, jitter=600), job.options(after=5, expires=60).call())
    with manager, manager.worker(concurrency=1, lease=LEASE):
        (before,) = manager.schedules()
        _reconcile_again(clock, store, 3)
        assert [before] == manager.schedules()


def test_two_nameless_managers_on_one_store_keep_their_rules_apart() -> None:
    """Without names they are two owners all the same: one's start does not drop what the other declared."""
    first, second = Manager("memory://nameless"), Manager("memory://nameless")
    for manager, name in ((first, "a"), (second, "b")):
        job = manager.job(kind=name)(lambda: None)
        manager.recurring(name, Every(3600), job.call())
    with first, second, first.worker(concurrency=1), second.worker(concurrency=1):
        assert ["a", "b"] == [one.name for one in first.schedules()]
