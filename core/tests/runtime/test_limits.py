"""Limits through real workers: what jobs can see of them."""

import pytest
from core.tests.client.managers import creep_until, fresh_url
from core.tests.runtime.harness import Gate, running, timed

from rota import Limit, Manager, Retry, State
from rota.testing import FakeClock, wait_until


def test_max_running_holds_over_two_workers(manager: Manager) -> None:
    """Counted inside the job: with eight slots never more than three at once, and all of a hundred run."""
    gate = Gate()
    gate.open()

    @manager.job(limits=Limit(3))
    def work() -> None:
        gate.hold()

    with manager.worker(concurrency=4) as one, manager.worker(concurrency=4) as two:
        manager.schedule_many(work.call() for _ in range(100))
        assert one.drain(30)
        assert two.drain(30)
    assert (100, True) == (gate.came, 1 <= gate.most <= 3)


def test_workers_of_two_managers_share_a_limit() -> None:
    """The store enforces it, whoever claims."""
    url, gate = fresh_url(), Gate()
    managers = [Manager(url), Manager(url)]
    for one in managers:
        one.job(kind="work", limits=Limit(1))(gate.hold)
    with (
        managers[0] as first,
        managers[1] as second,
        first.worker(concurrency=2) as worker,
        second.worker(concurrency=2),
    ):
        first.schedule_many(first["work"].call() for _ in range(4))
        gate.await_arrivals(1)
        wait_until(lambda: first.stats("work")[0].held_back == 3, description="three held back")
        gate.open()
        assert worker.drain(30)
    assert (4, 1) == (gate.came, gate.most)


def test_one_tenant_at_its_bound_leaves_the_others_alone(manager: Manager, gate: Gate) -> None:
    """Behind a hundred of one tenant, of better priority too, another tenant's runs at once."""

    @manager.job(limits=Limit(1, key="{tenant}"))
    def work(tenant: str) -> str:
        if tenant == "big":
            gate.hold()
        return tenant

    with manager.worker(concurrency=2) as worker:
        manager.schedule_many(work.options(priority=0).call("big") for _ in range(100))
        gate.await_arrivals(1)
        assert "small" == work.schedule("small").result(10)
        assert "by name" == manager.remote("work").schedule("by name").result(10)
        manager.remote("work").schedule("big")  # waits in the lane of the others
        gate.open()
        assert worker.drain(30)
    assert 1 == gate.most


def test_rate_lets_as_many_start_in_each_second_as_it_says(clock: FakeClock) -> None:
    """Five at once, then five in each second of a clock that goes on by tenths."""
    started: list[int] = []
    with timed(clock) as manager:

        @manager.job(limits=Limit(rate="5/s"))
        def work() -> None:
            started.append(clock.now_ms() - began_ms)

        with running(clock, manager.worker(concurrency=4, lease=10**6)):
            began_ms = clock.now_ms()
            manager.schedule_many(work.call() for _ in range(20))
            wait_until(lambda: len(started) == 5, description="the burst")
            creep_until(clock, lambda: len(started) == 20, "all to start")
    assert [0] * 5 == started[:5]
    assert all(200 * number <= at_ms for number, at_ms in enumerate(started[5:], 1))


def test_backoff_gives_its_place_to_others(manager: Manager) -> None:
    """A failed attempt that waits for its retry holds nothing."""

    @manager.job(limits=Limit(1), retry=Retry(1, backoff=3600))
    def work(fails: bool) -> str:
        if fails:
            raise OSError
        return "done"

    with manager.worker(concurrency=2):
        failed = work.schedule(True)
        wait_until(lambda: failed.refresh().attempt == 1, description="the first attempt")
        assert "done" == work.schedule(False).result(10)
        assert State.SCHEDULED is failed.refresh().state


def test_wait_that_was_too_short_names_the_limit(manager: Manager, gate: Gate) -> None:
    """Who looks for a free worker in vain is told what holds the instance back."""

    @manager.job(limits=Limit(1))
    def work() -> None:
        gate.hold()

    with manager.worker(concurrency=2):
        work.schedule()
        gate.await_arrivals(1)
        held = work.schedule()
        with pytest.raises(TimeoutError, match="the limits of 'work' hold 1 back: it is one of them"):
            held.result(0.01)
        gate.open()
        held.result(10)


def test_drain_waits_for_what_is_held_back(manager: Manager, gate: Gate) -> None:
    """Also when nothing runs here: the one at the bound is another worker's."""

    @manager.job(limits=Limit(1, key="{tenant}"))
    def work(tenant: str) -> None:
        gate.hold()

    with manager.worker(concurrency=1) as one, manager.worker(concurrency=1) as two:
        manager.schedule_many(work.call("x") for _ in range(3))
        gate.await_arrivals(1)
        assert [False, False] == [one.drain(0.05), two.drain(0.05)]
        gate.open()
        assert one.drain(30)
    assert 3 == gate.came
