"""Flows through workers: results handed on, failures passed on, and nothing lost when a store or a worker fails."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from core.tests.runtime.harness import HOUR_S, Gate, await_state, faulty, running, states, timed, while_time_passes

from rota import Instance, JobCanceled, JobFailed, Manager, Query, Retry, State, chain, chord, group
from rota.engine.codec import decode_arguments
from rota.model.query import PurgeFilter
from rota.model.records import WorkerRecord
from rota.runtime.parents import with_results
from rota.testing import FakeClock, wait_until


class Color(Enum):
    """Values with names."""

    RED = "red"


@dataclass
class Line:
    """A class with fields."""

    sku: str
    price: Decimal


class Point(NamedTuple):
    """A tuple with names."""

    x: int
    y: int


def _jobs(manager: Manager) -> None:
    @manager.job
    def num(n: int) -> int:
        return n

    @manager.job
    def add(a: int, b: int = 1) -> int:
        return a + b

    @manager.job
    async def total(numbers: list[int]) -> int:
        return sum(numbers)

    @manager.job
    def show(n: int, title: str = "") -> str:
        return f"{title}{n}"

    @manager.job
    def fail() -> int:
        raise OSError("no")

    @manager.job
    def told(given: list[int | None]) -> str:
        return repr(given)


@pytest.fixture
def flows(manager: Manager) -> Manager:
    """With jobs "num", "add", "total" (a coroutine), "show", "fail" and "told"."""
    _jobs(manager)
    return manager


def test_nested_flows_give_their_results(flows: Manager) -> None:
    """Chains in chords in groups in chains, coroutines and functions alike."""
    num, add, total, show = (flows[kind] for kind in ("num", "add", "total", "show"))
    inner = chord([chain(num.call(n), add, add) for n in range(3)], total)
    groups = group([group([inner, num.call(5)]), group([])])
    with flows.worker(concurrency=4, kinds=["num", "add", "total", "show"]):
        assert [[9, 5], []] == flows.schedule(groups).result(10)
        assert "9" == flows.schedule(chain(inner, show)).result(10)
        call = show.call(add.call(inner.output, b=inner.output).output, title="sum ")
        assert "sum 18" == flows.schedule(call).result(10)


def test_worker_restricted_to_some_kinds_collects_groups(flows: Manager) -> None:
    """`system.group` is run by each; an empty one completes at once."""
    with flows.worker(concurrency=1, kinds=["num"]):
        assert [1, 2] == flows.schedule(group([flows["num"].call(1), flows["num"].call(2)])).result(10)
        assert [] == flows.schedule(group([])).result(10)


def test_chord_of_a_thousand_and_of_more(flows: Manager) -> None:
    """Every child once, and the results in order, also when they are collected in parts."""
    with flows.worker(concurrency=4) as worker:
        for count in (1000, 1500):
            one = flows.schedule(chord([flows["num"].call(n) for n in range(count)], flows["total"]))
            assert sum(range(count)) == one.result(30)
        assert [*range(1200)] == flows.schedule(group([flows["num"].call(n) for n in range(1200)])).result(30)
        assert worker.drain(10)


def test_outputs_are_restored_by_annotation(manager: Manager) -> None:
    """What one job returns reaches the next as its annotation says, whatever the data."""
    values: list[tuple[Any, Any]] = [
        (int, 3), (float, 1.5), (str, "ü"), (bytes, b"\0\xff"), (bool, True), (None, None), (date, date(2024, 2, 29)),
        (datetime, datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))), (timedelta, timedelta(seconds=1.5)),
        (UUID, UUID(int=5)), (Decimal, Decimal("1.10")), (Color, Color.RED), (Line, Line("a", Decimal(2))),
        (Point, Point(1, 2)), (list[Line], [Line("b", Decimal(0))]), (dict[str, date], {"d": date(2024, 1, 2)}),
        (tuple[int, Color], (1, Color.RED)), (set[int], {1, 2}), (Any, {"plain": [1, None]}),
    ]  # fmt: skip
    seen: dict[int, Any] = {}

    def made(number: int, kind: Any, value: Any) -> Instance[Any]:
        def give() -> Any:
            return value

        def take(it: Any, inside: Any) -> None:
            seen[number] = it, inside

        take.__annotations__ = {"it": kind, "inside": dict[str, list[kind]]}
        giver, taker = manager.job(kind=f"give-{number}")(give), manager.job(kind=f"take-{number}")(take)
        output = giver.call().output
        return manager.schedule(taker.call(output, {"all": [output, output]}))

    with manager.worker(concurrency=2):
        for one in [made(number, *pair) for number, pair in enumerate(values)]:
            one.result(10)
    for number, (_, value) in enumerate(values):
        assert (value, {"all": [value, value]}) == seen[number]
        assert type(value) is type(seen[number][0])


def test_result_that_does_not_fit_ends_the_taker(flows: Manager) -> None:
    """It is checked where it is known, in the worker, and named."""
    text = flows.job(kind="text")(lambda: "x")
    with flows.worker(concurrency=1):
        one = flows.schedule(flows["add"].call(text.call().output))
        with pytest.raises(JobFailed, match='argument "a" of "add": expected int'):
            one.result(10)


def test_failure_cancels_what_comes_after_it(flows: Manager) -> None:
    """All along the flow, with the reason; what stands beside it goes on."""
    one = flows.schedule(chain(chord([flows["fail"].call(), flows["num"].call(7)], flows["total"]), flows["show"]))
    with flows.worker(concurrency=1) as worker:
        with pytest.raises(JobCanceled, match="parent"):
            one.result(10)
        assert worker.drain(10)
    assert [State.CREATED, State.CANCELED] == states(one)
    (middle,) = one.parents()
    assert [State.TERMINATED, State.COMPLETED] == [parent.state for parent in middle.parents()]


@pytest.mark.parametrize("count", [3, 1001])
def test_none_stands_for_what_failed_when_asked_to_run(flows: Manager, count: int) -> None:
    """`on_parent_failure="run"` holds for the parts of a large chord too; the annotation accepts None or refuses."""
    calls = [flows["fail"].call(), *(flows["num"].call(n) for n in range(1, count))]
    with flows.worker(concurrency=2):
        told = flows["told"].options(on_parent_failure="run")
        assert repr([None, *range(1, count)]) == flows.schedule(chord(calls, told)).result(30)
        total = flows["total"].options(on_parent_failure="run")
        with pytest.raises(JobFailed, match="expected int, got None"):
            flows.schedule(chord(calls, total)).result(30)


def test_retried_parent_holds_the_child_back(clock: FakeClock) -> None:
    """A failed attempt releases nothing; the child gets the result of the one that succeeded."""
    attempts: list[int] = []
    with timed(clock) as manager:
        _jobs(manager)

        @manager.job(retry=Retry(2, backoff=5))
        def flaky() -> int:
            attempts.append(len(attempts))
            if len(attempts) < 3:
                raise OSError
            return 40

        one = manager.schedule(chain(flaky.call(), manager["add"]))
        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
            wait_until(lambda: len(attempts) == 1, description="the first attempt")
            assert State.CREATED is one.refresh().state
            while_time_passes(clock, lambda: one.join(20))
            assert (3, 41) == (len(attempts), one.result(0))


def test_canceled_chord_leaves_its_children_alone(flows: Manager, gate: Gate) -> None:
    """Canceling what waits is at once; what was under way ends as ever."""
    hold = flows.job(kind="hold")(gate.hold)
    one = flows.schedule(chord([hold.call()], flows["told"]))
    (child,) = one.parents()
    with flows.worker(concurrency=1):
        gate.await_arrivals(1)
        assert one.cancel()
        assert State.CANCELED is one.refresh().state
        gate.open()
        await_state(child, State.COMPLETED)


def test_flow_scheduled_in_a_job_is_found_by_it(flows: Manager) -> None:
    """In the place of `result()`, which is refused there, a job lets what needs the result depend on it."""

    @flows.job
    def plans(n: int) -> None:
        flows.schedule(chain(flows["num"].call(n), flows["show"]))

    with flows.worker(concurrency=1) as worker:
        planner = plans.schedule(3)
        planner.result(10)
        assert worker.drain(10)
    assert Counter({"num": 1, "show": 1}) == Counter(one.kind for one in flows.scan(Query(parent=planner.id)))


@pytest.mark.parametrize("fault", ["before", "after"])
def test_store_that_fails_between_claim_and_results_costs_no_attempt(clock: FakeClock, fault: str) -> None:
    """The same claim is asked for again: each runs once, in its first attempt, with its parents' results."""
    manager, store = faulty(clock)
    with manager:
        _jobs(manager)
        with running(clock, manager.worker(concurrency=2, lease=HOUR_S)):
            store.fail("get", fault, fault)  # type: ignore[arg-type]
            one = manager.schedule(chord([manager["num"].call(n) for n in range(5)], manager["total"]))
            while_time_passes(clock, lambda: wait_until(lambda: store.calls["get"] > 2, description="get was tried"))
            while_time_passes(clock, lambda: store._inner.await_final([one.id.hex], 5000))
            assert (10, 1) == (one.result(1), one.refresh().attempt)
            assert [State.CREATED, State.SCHEDULED, State.PROCESSING, State.COMPLETED] == states(one)


def test_plain_jobs_ask_for_no_results(clock: FakeClock) -> None:
    """Nothing is read at a claim when nothing depends on anything; one question serves a batch."""
    manager, store = faulty(clock)
    with manager:
        _jobs(manager)
        calls = [manager["num"].call(n) for n in range(50)]
        with running(clock, manager.worker(concurrency=4, lease=HOUR_S)) as worker:
            manager.schedule_many(calls)
            while_time_passes(clock, lambda: worker.drain(10))
        assert 0 == store.calls["get"]
        flows = manager.schedule_many([chain(manager["num"].call(n), manager["add"]) for n in range(50)])
        with running(clock, manager.worker(concurrency=4, lease=HOUR_S)) as worker:
            while_time_passes(clock, lambda: worker.drain(10))
        assert 0 < store.calls["get"] < 50
        assert [*range(1, 51)] == [one.refresh().outcome() for one in flows]


def test_worker_that_dies_after_its_claim_loses_nothing(clock: FakeClock) -> None:
    """Another one takes the child over, and reads the results anew."""
    with timed(clock) as manager:
        _jobs(manager)
        one = manager.schedule(chain(manager["num"].call(4), manager["add"]))
        with running(clock, manager.worker(concurrency=1, lease=HOUR_S, kinds=["num"])):
            await_state(one, State.SCHEDULED)
        store = manager._store
        store.beat("dead", 1000, WorkerRecord(id="dead"))
        assert [one.id.hex] == [claim.record.id for claim in store.claim("dead", 1, ["add"], 1)]
        clock.advance(2)
        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
            while_time_passes(clock, lambda: one.join(20))
        assert (5, 1) == (one.result(0), one.refresh().attempt)


def test_gone_result_ends_the_child_with_a_clear_message(clock: FakeClock) -> None:
    """Stores keep what is waited for; one whose data went all the same says what is missing."""
    manager, store = faulty(clock)
    with manager:
        _jobs(manager)
        store.overrides["get"] = lambda ids: [None for _ in ids]
        one = manager.schedule(chain(manager["num"].call(4), manager["add"]))
        with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
            wait_until(lambda: bool(store._inner.await_final([one.id.hex], 100)), description="the child ended")
        del store.overrides["get"]
        ended = one.refresh()
        assert (State.TERMINATED, 1) == (ended.state, ended.attempt)
        (parent,) = one.parents()
        with pytest.raises(JobFailed, match=rf"result of the instance {parent.id}, which is gone"):
            ended.outcome()


def test_arguments_of_an_attempt_are_plain_bytes(flows: Manager) -> None:
    """For executors that run it elsewhere: no reference is left in them."""
    one = flows.schedule(flows["add"].call(flows["num"].call(1).output, 2))
    record = one._snapshot.record
    assert ([b"r", 2], {}) == decode_arguments(with_results(record, {record.depends_on[0]: b"\xc4\x01r"}))


def test_parents_are_kept_for_their_dependents(flows: Manager) -> None:
    """A purge in between takes no result away; afterwards everything goes."""
    one = flows.schedule(chain(flows["num"].call(1), flows["add"]))
    with flows.worker(concurrency=1, kinds=["num"]):
        await_state(one, State.SCHEDULED)
        assert 0 == flows._store.purge(PurgeFilter())
    with flows.worker(concurrency=1):
        assert 2 == one.result(10)
    assert 2 == flows._store.purge(PurgeFilter())
