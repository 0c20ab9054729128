"""The harness: a program's own manager, its jobs run inline by the real engine, and everything put back."""

import logging
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from core.tests.client.managers import fresh_url

from rota import (
    ArgumentError,
    ConfigError,
    Context,
    Cron,
    Every,
    Instance,
    Jobs,
    JobTimedOut,
    Manager,
    Query,
    Resolved,
    Retry,
    State,
)
from rota.model.records import KindStats
from rota.testing import Harness, harness

_START = datetime(2026, 1, 1, tzinfo=UTC)


def _app(**options: Any) -> Manager:
    """A manager as a program has it: named, on a store that other processes might share."""
    return Manager(fresh_url(), name="app", **options)


@pytest.fixture
def manager() -> Manager:
    """The program's manager."""
    return _app()


@pytest.fixture
def kit(manager: Manager) -> Iterator[Harness]:
    """Its harness."""
    with harness(manager) as kit:
        yield kit


# ---- drain ---------------------------------------------------------------------------------------


def test_drain_runs_what_is_due_in_the_thread_of_the_test(manager: Manager, kit: Harness) -> None:
    """In the order of the queue, without another thread, and answers the instances as they ended."""
    threads: list[threading.Thread] = []

    @manager.job
    def add(a: int, b: int) -> int:
        threads.append(threading.current_thread())
        return a + b

    before = set(threading.enumerate())
    second, first = add.schedule(1, 2), add.options(priority=0).schedule(3, 4)
    ran = kit.drain()
    assert [first.refresh(), second.refresh()] == ran
    assert [7, 3] == [one.outcome() for one in ran]
    assert {threading.main_thread()} == set(threads)
    assert before == set(threading.enumerate())
    assert [] == kit.drain()


def test_drain_goes_on_with_what_the_jobs_schedule(manager: Manager, kit: Harness) -> None:
    """Each instance once in the answer, in the order of first starts, retried ones as they stand in the end."""

    @manager.job(retry=Retry(2, backoff=0))
    def leaf(ctx: Context) -> int:
        if ctx.attempt < 3:
            raise OSError("not yet")
        return ctx.attempt

    @manager.job
    def root() -> None:
        leaf.schedule()
        leaf.options(after=60).schedule()

    root.schedule()
    assert [("root", 1), ("leaf", 3)] == [(one.kind, one.attempt) for one in kit.drain()]
    assert [("leaf", State.SCHEDULED)] == [(one.kind, one.state) for one in kit.scheduled()]


def test_everything_around_a_job_is_that_of_a_worker(manager: Manager, kit: Harness) -> None:
    """Conversion by annotation, the context, its log and that of `logging`, progress, processors, history."""
    told: list[object] = []

    @manager.job
    def work(ctx: Context, day: timedelta) -> float:
        ctx.log.info("works on %s", ctx.worker)
        logging.getLogger("mine").warning("by logging")
        ctx.progress(0.5, "half")
        return day.total_seconds()

    @work.on_complete
    def completed(instance: Instance[Any], result: float) -> None:
        told.append(result)

    @work.on_state_change
    def changed(instance: Instance[Any], transition: Any) -> None:
        told.append(transition.state)

    one = manager.remote("work").schedule("5s")
    bad = manager.remote("work").schedule("soon")
    assert [State.COMPLETED, State.TERMINATED] == [each.state for each in kit.drain()]
    assert 5.0 == one.result()
    assert (0.5, "by logging") == (one.refresh().progress, [line.message for line in one.logs()][1])
    assert "day" in str(bad.refresh().error)
    assert [State.CREATED, State.SCHEDULED, State.PROCESSING, State.COMPLETED] == [each.state for each in one.history()]
    assert [State.PROCESSING, 5.0, State.COMPLETED] == told[:3]
    with pytest.raises(ArgumentError):
        work.schedule("x")  # type: ignore[arg-type]


def test_a_failure_may_be_resolved_by_a_processor(manager: Manager, kit: Harness) -> None:
    """As in a worker."""

    @manager.job
    def fails() -> int:
        raise ValueError("no")

    @fails.on_terminate
    def resolve(instance: Instance[Any], error: Exception) -> Resolved[int]:
        return Resolved(7)

    fails.schedule()
    assert [7] == [one.outcome() for one in kit.drain()]


def test_a_unique_key_is_held_until_its_instance_has_ended(manager: Manager, kit: Harness) -> None:
    """The store that stands in knows unique keys."""
    job = manager.job(unique_key="one:{n}")(_number)
    assert [False, True, False] == [job.schedule(n).duplicate for n in (1, 1, 2)]
    kit.drain()
    assert not job.schedule(1).duplicate


def _number(n: int) -> int:
    return n


def test_a_job_that_schedules_itself_at_once_is_stopped(manager: Manager) -> None:
    """Told as a failed assertion that names it, not as a test that hangs."""

    @manager.job
    def again() -> None:
        again.schedule()

    with harness(manager, max_runs=50) as kit:
        again.schedule()
        with pytest.raises(AssertionError, match=r"50 attempts ran on end.*'again'"):
            kit.drain()
        assert 1 == len(kit.scheduled("again"))


def test_draining_inside_a_job_is_refused(manager: Manager, kit: Harness) -> None:
    """It would wait for itself."""

    @manager.job
    def inside() -> None:
        kit.drain()

    inside.schedule()
    (one,) = kit.drain()
    assert "call them from the test" in str(one.error)


def test_waiting_in_the_test_is_refused_instead_of_hanging(manager: Manager, kit: Harness) -> None:
    """Nothing runs beside the test: the error says what to call first."""
    one = manager.job(_number).schedule(3)
    for wait in (one.result, lambda: one.result(5), lambda: list(one.logs(follow=True)), lambda: next(manager.watch())):
        with pytest.raises(ConfigError, match=r"call drain\(\) or advance\(\)"):
            wait()
    with pytest.raises(TimeoutError):
        one.result(0)
    kit.drain()
    assert 3 == one.result(5)


def test_waiting_in_a_processor_is_refused_too(
    manager: Manager, kit: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """It runs in the thread that would have to go on."""
    job = manager.job(_number)
    late = job.options(after=60).schedule(2)

    @job.on_state_change
    def waits(instance: Instance[Any], transition: Any) -> None:
        late.result()

    job.schedule(1)
    assert [1] == [one.outcome() for one in kit.drain()]
    assert "waiting here would never end" in caplog.text


def test_jobs_defined_meanwhile_run_too(manager: Manager, kit: Harness) -> None:
    """Also one that is defined anew."""
    manager.job(kind="work")(_number).schedule(1)
    assert [1] == [one.outcome() for one in kit.drain()]
    late = manager.job(kind="late", executor="elsewhere")(_number)
    late.schedule(2)
    assert [2] == [one.outcome() for one in kit.drain()]


# ---- time ----------------------------------------------------------------------------------------


def test_advance_stops_where_something_becomes_due(manager: Manager, kit: Harness) -> None:
    """Delays, retries and slots each run at their own instant, in order; the clock ends where it was sent."""
    at: list[tuple[str, float]] = []

    @manager.job(retry=Retry(1, backoff=20))
    def work(ctx: Context, name: str) -> None:
        at.append((name, kit.clock.monotonic()))
        if name == "retried" and ctx.attempt == 1:
            raise OSError("no")

    manager.put_schedule("slots", Every(25), work.call("slot"))
    work.options(after=30.5).schedule("delayed")
    work.schedule("retried")
    kit.advance(60)
    assert [("retried", 0), ("retried", 20), ("slot", 25), ("delayed", 30.5), ("slot", 50)] == at
    assert 60.0 == kit.clock.monotonic()


def test_advance_leaves_it_to_the_store_when_a_limit_lets_go(
    manager: Manager, kit: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While something is held back the store waits, since it alone knows the instant: no step passes it over."""
    stats = type(kit.store).stats

    def all_held_back(store: Any, kinds: Any = None) -> list[KindStats]:
        return [msgspec.structs.replace(one, next_due_ms=None, held_back=1) for one in stats(store, kinds)]

    monkeypatch.setattr(type(kit.store), "stats", all_held_back)
    job = manager.job(_number)
    for n in (3, 11):
        job.options(after=n).schedule(n)
    assert [(3, _START + timedelta(seconds=3)), (11, _START + timedelta(seconds=11))] == [
        (one.outcome(), one.started_at) for one in kit.advance(20)
    ]
    assert 20.0 == kit.clock.monotonic()


def test_advance_answers_what_ran(manager: Manager, kit: Harness) -> None:
    """In order; what is due at the very end is among it."""
    job = manager.job(_number)
    for n in (3, 1, 2):
        job.options(after=n).schedule(n)
    assert [1, 2] == [one.outcome() for one in kit.advance(2)]
    assert [3] == [one.outcome() for one in kit.advance(timedelta(seconds=1))]


def test_declared_rules_fire_at_each_of_their_slots(manager: Manager) -> None:
    """From the first drain on, by their time zone."""
    manager.recurring("night", Cron("0 2 * * *", tz="Europe/Berlin"), manager.job(_number).call(1))
    with harness(manager, start=datetime(2026, 3, 28, tzinfo=UTC)) as kit:
        kit.drain()
        hours = [one.slot.hour for one in kit.advance(timedelta(days=3)) if one.slot is not None]
        assert [1, 1, 0, 0] == hours  # on the 29th 02:00 does not exist: it is 03:00, which is 01:00 UTC


def test_a_jump_of_the_clock_is_an_outage(manager: Manager, kit: Harness) -> None:
    """Nothing runs on the way; the misfire rule says what fires afterwards."""
    job = manager.job(_number)
    for number, misfire in enumerate(("latest", "skip", "all")):
        manager.put_schedule(misfire, Every(600), job.call(number), misfire=misfire, overlap="allow")  # type: ignore[arg-type]
    kit.drain()
    kit.clock.advance(3600 - 60)
    assert {"latest": 1, "all": 5} == _fired(kit.drain())
    assert {"latest": 1, "skip": 1, "all": 1} == _fired(kit.advance(60))


def _fired(instances: list[Instance[Any]]) -> dict[str | None, int]:
    names = [one.schedule for one in instances]
    return {name: names.count(name) for name in names}


def test_a_wait_of_a_job_takes_no_real_time(manager: Manager, kit: Harness) -> None:
    """The clock goes on instead, and what becomes due meanwhile runs afterwards."""

    @manager.job
    def slow(ctx: Context) -> None:
        ctx.wait(timedelta(days=1))

    slow.schedule()
    manager.job(_number).options(after=10).schedule(1)
    assert ["slow", "_number"] == [one.kind for one in kit.drain()]
    assert 86_400.0 == kit.clock.monotonic()


@pytest.mark.parametrize("listens", [True, False])
def test_a_wait_past_the_deadline_is_a_time_out(manager: Manager, kit: Harness, listens: bool) -> None:
    """At the deadline exactly; a job that ends well all the same ends TIMED_OUT all the same."""

    @manager.job(timeout=10, retry=Retry(1, backoff=5))
    def slow(ctx: Context) -> None:
        try:
            ctx.wait(60)
        except Exception:
            if listens:
                raise

    one = slow.schedule()
    kit.drain()
    assert (State.SCHEDULED, 10.0) == (one.refresh().state, kit.clock.monotonic())
    kit.advance(5)
    assert (State.TIMED_OUT, 25.0) == (one.refresh().state, kit.clock.monotonic())
    with pytest.raises(JobTimedOut):
        one.result()


def test_a_jump_inside_a_job_past_its_deadline_is_a_time_out(manager: Manager, kit: Harness) -> None:
    """How a test says that a job's work took so long."""

    @manager.job(timeout=10)
    def works() -> None:
        kit.clock.advance(11)

    works.schedule()
    assert [State.TIMED_OUT] == [one.state for one in kit.drain()]


def test_a_job_that_waits_learns_that_it_was_canceled(manager: Manager, kit: Harness) -> None:
    """By itself here, since nobody else is there."""

    @manager.job
    def canceled(ctx: Context) -> None:
        ctx.client.cancel(Query(kind="canceled"))
        ctx.wait(1)

    canceled.schedule()
    assert [State.CANCELED] == [one.state for one in kit.drain()]


def test_what_expired_in_the_queue_does_not_run(manager: Manager, kit: Harness) -> None:
    """It is CANCELED at the next look."""
    manager.pause("_number")
    one = manager.job(_number).options(expires=60).schedule(1)
    kit.clock.advance(60)
    assert [] == kit.drain()
    assert (State.CANCELED, "expired") == (one.refresh().state, one.history()[-1].reason)


# ---- scheduled -----------------------------------------------------------------------------------


def test_scheduled_is_the_order_in_which_the_queue_would_run(manager: Manager, kit: Harness) -> None:
    """What is due by priority, then what is not by its time: compared with what really runs."""
    job, other = manager.job(_number), manager.job(kind="other")(_number)
    for n, priority, after in ((1, 5, 0), (2, 0, 0), (3, 0, 20), (4, 9, 10), (5, 0, 10), (6, 5, 0)):
        job.options(priority=priority, after=after).schedule(n)
    other.schedule(7)
    expected = [2, 1, 6, 5, 4, 3]
    assert expected == [one.arguments["n"] for one in kit.scheduled(job)]
    assert kit.scheduled(job) == kit.scheduled("_number")
    assert {7, *expected} == {one.arguments["n"] for one in kit.scheduled()}
    ran = [one.outcome() for one in kit.advance(30) if one.kind == "_number"]
    assert expected == ran
    assert [] == kit.scheduled()


# ---- what is under the manager -------------------------------------------------------------------


def test_the_managers_own_store_is_not_touched_and_comes_back(manager: Manager) -> None:
    """Also one that was in use, open, with instances and ids of its own; and after an error."""
    with manager:
        mine = manager.job(_number).schedule(1)
        environment, connection, source = manager._environment, manager._connection, manager._source
        attributes = set(manager.__dict__)
        found: list[Instance[Any]] = []
        with pytest.raises(ZeroDivisionError):
            _fail_in_the_block(manager, found)
        assert (environment, connection, source) == (manager._environment, manager._connection, manager._source)
        assert attributes == set(manager.__dict__)
        assert [mine] == list(manager.find())
        assert State.SCHEDULED is mine.refresh().state
        assert [2] == [one.result() for one in found], "what ran in the block can still be asked"


def _fail_in_the_block(manager: Manager, found: list[Instance[Any]]) -> None:
    with harness(manager) as kit:
        manager["_number"].schedule(2)
        found.extend(kit.drain())
        assert 1 == manager.count()
        raise ZeroDivisionError


def test_a_manager_is_never_connected_to_its_own_store() -> None:
    """Whatever URL it was made with: a test needs no server."""
    manager = Manager("redis://nowhere:1", jobs=[jobs := Jobs("billing.")])
    invoice = jobs.job(kind="invoice")(_number)
    with harness(manager) as kit:
        invoice.schedule(4)
        assert [4] == [one.outcome() for one in kit.drain()]
        assert "memory" in type(kit.store).__module__


def test_jobs_that_are_included_by_name_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imported when the harness first needs them."""
    name = f"named_jobs_{random.randrange(10**9)}"
    (tmp_path / f"{name}.py").write_text("import rota\njobs = rota.Jobs()\n@jobs.job\ndef named(): return 9\n")
    monkeypatch.syspath_prepend(tmp_path)
    with harness(_app(jobs=[f"{name}:jobs"])) as kit:
        kit.manager.remote("named").schedule()
        assert [9] == [one.outcome() for one in kit.drain()]


def test_two_managers_are_in_harness_at_once(manager: Manager) -> None:
    """Each with its own store and clock, whichever was entered first; one in the other's job, too."""
    other = Manager(fresh_url(), name="other")
    work = other.job(kind="work")(_number)

    @manager.job
    def passes_on() -> None:
        other.schedule(work.call(5))

    with harness(manager) as outer, harness(other) as inner:
        passes_on.schedule()
        assert (["passes_on"], [5]) == ([one.kind for one in outer.drain()], [one.outcome() for one in inner.drain()])
        inner.advance(10)
        assert (0.0, 10.0) == (outer.clock.monotonic(), inner.clock.monotonic())
    assert (0, 0) == (manager.count(), other.count())


def test_one_manager_may_be_in_harness_within_a_harness(manager: Manager, kit: Harness) -> None:
    """The inner one hides the outer one for its block."""
    job = manager.job(_number)
    job.schedule(1)
    with harness(manager) as inner:
        job.schedule(2)
        assert [2] == [one.outcome() for one in inner.drain()]
    assert [1] == [one.outcome() for one in kit.drain()]


def test_views_of_other_namespaces_go_along(manager: Manager) -> None:
    """A view made before the block must not reach the real store."""
    view = manager.namespaced("second")
    job = manager.job(_number)
    with harness(manager) as kit:
        view.schedule(job.call(1))
        assert ([], 1) == (kit.drain(), view.count())
    assert 0 == view.count()


def test_randomness_repeats(manager: Manager) -> None:
    """Two runs of a test draw the same jitter."""

    @manager.job(retry=Retry(3))
    def fails() -> None:
        raise OSError("no")

    def waits() -> list[datetime]:
        with harness(manager) as kit:
            one = fails.schedule()
            kit.advance(600)
            return [entry.at for entry in one.history()]

    assert waits() == waits()


def test_the_lifespan_is_entered_once_and_left_with_the_block() -> None:
    """By the first drain; its resources are found by the jobs."""
    steps: list[str] = []

    @contextmanager
    def lifespan() -> Iterator[list[str]]:
        steps.append("in")
        yield ["resource"]
        steps.append("out")

    manager = _app(lifespan=lifespan)

    @manager.job
    def uses(ctx: Context) -> str:
        return ctx.resource(str)

    with harness(manager) as kit:
        uses.schedule()
        assert [] == steps
        kit.drain()
        uses.schedule()
        assert ["resource"] == [one.outcome() for one in kit.drain()]
        assert ["in"] == steps
    assert ["in", "out"] == steps


def test_a_lifespan_that_fails_fails_the_drain() -> None:
    """With its own exception; the next drain tries again."""
    failures = [ValueError("no database")]

    @contextmanager
    def lifespan() -> Iterator[None]:
        if failures:
            raise failures.pop()
        yield

    with harness(_app(lifespan=lifespan)) as kit:
        kit.manager.job(_number).schedule(1)
        with pytest.raises(ValueError, match="no database"):
            kit.drain()
        assert 1 == len(kit.drain())


def test_a_harness_is_used_inside_its_block_alone(manager: Manager) -> None:
    """Before and after it would touch nothing of the test's."""
    kit = harness(manager)
    with pytest.raises(ConfigError, match="`with` block"):
        kit.drain()
    with kit, pytest.raises(ConfigError, match="in use"):
        kit.__enter__()
    for use in (lambda: kit.advance(1), kit.scheduled, lambda: kit.store):
        with pytest.raises(ConfigError, match="`with` block"):
            use()


def test_a_start_without_zone_is_refused(manager: Manager) -> None:
    """It names no instant."""
    with pytest.raises(ConfigError, match="aware"):
        harness(manager, start=datetime(2026, 1, 1))  # noqa: DTZ001
    with harness(manager, start=_START + timedelta(days=1)) as kit:
        assert _START + timedelta(days=1) == manager.job(_number).schedule(1).due_at
        assert kit.manager is manager
