"""Maintenance: schedules fired on time, the dead reaped, what was declared kept in step; one fault stops no other."""

from collections.abc import Iterator

import msgspec
import pytest
from core.tests.runtime.harness import HOUR_S, LOOPS, faulty, pass_time, running, timed

from rota import Cron, Every, Manager, Query, State
from rota.model.records import TriggerRecord, WorkerRecord
from rota.testing import FakeClock, Harness, wait_until


@pytest.fixture
def manager(clock: FakeClock) -> Iterator[Manager]:
    """A manager by the clock that stands still, on 2026-01-01 at midnight UTC."""
    with timed(clock, name="shop") as manager:
        yield manager


def _slots(manager: Manager, name: str) -> list[str]:
    found = manager.find(Query(schedule=name, newest_first=False), limit=1000)
    return [one.slot.strftime("%H:%M:%S") for one in found if one.slot is not None]


def test_schedules_are_fired_at_their_slots(manager: Manager, clock: FakeClock) -> None:
    """Neither early nor late by more than the clock was moved; each slot once, by whichever worker."""
    ran: list[float] = []

    @manager.job
    def tick() -> None:
        ran.append(clock.monotonic())

    manager.put_schedule("minutely", Cron("* * * * *"), tick.call())
    with (
        running(clock, manager.worker(concurrency=1, lease=HOUR_S)),
        running(clock, manager.worker(concurrency=1, lease=HOUR_S)),
    ):
        for number in range(1, 181):
            wait_until(lambda: clock.waiters >= 8)
            clock.advance(1)
            wait_until(lambda number=number: len(ran) == number // 60)
    assert [60.0, 120.0, 180.0] == ran
    assert ["00:01:00", "00:02:00", "00:03:00"] == _slots(manager, "minutely")


def test_a_slot_between_two_ticks_is_not_late(manager: Manager, clock: FakeClock) -> None:
    """The pause ends at the next slot, not at the next full second."""
    ran: list[float] = []

    @manager.job
    def tick() -> None:
        ran.append(clock.monotonic())

    manager.put_schedule("often", Every(0.3), tick.call(), overlap="allow")
    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        for number in range(1, 91):
            wait_until(lambda: clock.waiters >= LOOPS)
            clock.advance(0.01)
            if number % 30 == 1:
                wait_until(lambda number=number: len(ran) == number // 30)
        wait_until(lambda: len(ran) == 3)
    assert [0.3, 0.6, 0.9] == pytest.approx(ran, abs=0.011)


def test_a_schedule_that_cant_be_fired_stops_no_other(kit: Harness, caplog: pytest.LogCaptureFixture) -> None:
    """Told once for each version of it; the others fire, and the dead are reaped."""
    manager, store = kit.manager, kit.store

    @manager.job
    def tick(name: str) -> None: ...

    for name in ("a-broken", "b-sound"):
        manager.put_schedule(name, Cron("* * * * *"), tick.call(name), overlap="allow")
    (broken,) = [one for one in store.schedules() if one.name == "a-broken"]
    future = TriggerRecord(type="cron", expression="@never-heard-of")
    store.put_schedule(msgspec.structs.replace(broken, trigger=future))
    store.beat("dead", 1000, WorkerRecord(id="dead"))
    assert ["b-sound"] * 3 == [one.schedule for one in kit.advance(185)]
    assert "dead" not in store._space.leases.live  # type: ignore[attr-defined]
    assert 1 == caplog.text.count("the schedule 'a-broken' can't be fired")


def test_however_many_schedules_cant_be_fired_they_stop_no_other(manager: Manager, clock: FakeClock) -> None:
    """They stay due, and first, for good; what one look takes in grows by them."""
    store = manager._store
    call = manager.remote("nobody-runs-this").call()
    manager.put_schedule("z-sound", Cron("* * * * *"), call)
    (sound,) = store.schedules()
    future = TriggerRecord(type="cron", expression="@never-heard-of")
    for number in range(250):
        store.put_schedule(msgspec.structs.replace(sound, name=f"broken-{number}", trigger=future))
    manager.job(kind="other")(lambda: None)
    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        pass_time(clock, 66)
        wait_until(lambda: _slots(manager, "z-sound") == ["00:01:00"])


def test_a_queue_policy_that_fails_stops_no_other_schedule(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it raises: it is somebody else's code."""
    ran: list[str] = []
    with timed(clock) as manager:

        @manager.job
        def tick(name: str) -> None:
            ran.append(name)

        for name in ("a", "b"):
            manager.put_schedule(name, Cron("* * * * *"), tick.call(name), overlap="allow")
        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)) as worker:
            maintenance = worker._consumer._maintenance  # type: ignore[union-attr]
            rank = maintenance._rank

            def picky(record):  # type: ignore[no-untyped-def]
                if record.schedule == "a":
                    raise ZeroDivisionError
                return rank(record)

            maintenance._rank = picky
            pass_time(clock, 61)
            wait_until(lambda: ran == ["b"])
    assert "ZeroDivisionError" in caplog.text


def test_the_dead_are_reaped_and_their_work_runs_elsewhere(
    manager: Manager, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Within lease + 5 s, as a crash, the attempt not counted; whoever takes it back says so."""

    @manager.job
    def job() -> str:
        return "done"

    store = manager._store
    store.beat("dead", 15_000, WorkerRecord(id="dead"))
    instance = job.schedule()
    (claim,) = store.claim("dead", 1, ["job"], 1)
    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        pass_time(clock, 14)
        assert State.PROCESSING is instance.refresh().state
        pass_time(clock, 6)
        assert "done" == instance.result(10)
    entries = instance.history()
    assert ("dead", "crashed", 1) == (entries[3].worker, entries[3].reason, entries[-1].attempt)
    assert claim.token < instance.refresh()._snapshot.token
    assert "worker dead is dead: took back 1 of what it held" in caplog.text


def test_more_dead_work_than_one_reap_takes_is_all_taken(manager: Manager, clock: FakeClock) -> None:
    """In the same round."""
    ran: list[int] = []

    @manager.job
    def job(number: int) -> None:
        ran.append(number)

    store = manager._store
    store.beat("dead", 1_000, WorkerRecord(id="dead"))
    manager.schedule_many(job.call(number) for number in range(350))
    for seq in range(1, 5):
        store.claim("dead", seq, ["job"], 100)
    clock.advance(2)
    with running(clock, manager.worker(concurrency=2, lease=HOUR_S)):
        wait_until(lambda: len(ran) == 350)
    assert list(range(350)) == sorted(ran)


def test_what_is_declared_is_kept_in_the_store_while_a_worker_runs(clock: FakeClock) -> None:
    """Put at the start before anything is claimed; dropped by hand, it comes back within 15 s."""
    with timed(clock, name="shop") as manager:

        @manager.job(recurring=Cron("0 * * * *"))
        def hourly() -> None: ...

        assert [] == manager.schedules()
        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
            assert [("hourly", "shop", "code")] == [(one.name, one.owner, one.origin) for one in manager.schedules()]
            assert manager.drop_schedule("hourly")
            pass_time(clock, 16)
            wait_until(lambda: len(manager.schedules()) == 1)
            pass_time(clock, 3600, 5)
            wait_until(lambda: _slots(manager, "hourly") == ["01:00:00"])


def test_a_fault_in_maintenance_does_not_stop_it(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """The next round does what this one could not."""
    manager, store = faulty(clock)
    ran: list[int] = []
    with manager:

        @manager.job
        def tick() -> None:
            ran.append(1)

        manager.put_schedule("minutely", Cron("* * * * *"), tick.call())

        def broken(*arguments):  # type: ignore[no-untyped-def]
            raise ValueError("a fault of the plugin")

        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
            store.overrides["due_schedules"] = broken
            pass_time(clock, 70)
            assert [] == ran
            del store.overrides["due_schedules"]
            pass_time(clock, 6)
            wait_until(lambda: ran == [1])
    assert "maintenance: a step failed" in caplog.text
