"""Scheduling: one, many, by name; what is wrong is refused before anything is added."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from core.tests.client.managers import Watched, managed, store_of

from rota import ArgumentError, Call, ConfigError, Manager, Query, State, StoreError
from rota.model.errors import RotaError
from rota.model.records import EnqueueAnswer, InstanceRecord
from rota.testing import FakeClock


def add(a: int, b: int = 0) -> int:
    """A job."""
    return a + b


def test_scheduled_instance_stands_in_the_store() -> None:
    """By `client.schedule(call)` and by `job.schedule(...)` alike."""
    with managed() as manager:
        job = manager.job(add)
        for one in (job.schedule(1, 2), manager.schedule(job.call(1, 2))):
            assert one == manager.get(one.id)
            assert {"a": 1, "b": 2} == one.arguments


def test_call_scheduled_twice_makes_two_instances() -> None:
    """A call is a description, not an instance."""
    with managed() as manager:
        call = manager.job(add).call(1)
        assert manager.schedule(call) != manager.schedule(call)
        assert 2 == manager.count()


def test_ids_rise_in_the_order_of_scheduling() -> None:
    """UUIDv7, also within one millisecond and across the batches of a bulk."""
    with managed() as manager:
        job = manager.job(add)
        bulk = manager.schedule_many(map(job.call, range(2500)))
        ids = [one.id for one in (*bulk, job.schedule(0), *manager.schedule_many([job.call(0)]))]
        assert ids == sorted(set(ids))
        assert {7} == {one.version for one in ids}


@pytest.mark.parametrize(("many", "batch", "sizes"), [
    (0, 1000, []),
    (1, 1000, [1]),
    (999, 1000, [999]),
    (1000, 1000, [1000]),
    (1001, 1000, [1000, 1]),
    (7, 3, [3, 3, 1]),
    (6, 3, [3, 3]),
    (3, 1, [1, 1, 1]),
])  # fmt: skip
def test_many_travel_in_batches_and_keep_their_order(many: int, batch: int, sizes: list[int]) -> None:
    """One instance for each call, in order; no batch is larger than asked, none is empty."""
    store = Watched.memory()
    with Manager(store) as manager:
        job = manager.job(add)
        made = manager.schedule_many((job.call(number) for number in range(many)), batch=batch)
        assert list(range(many)) == [one.arguments["a"] for one in made]
        assert sizes == store.sizes("enqueue")
        assert made == list(manager.scan(Query(newest_first=False)))


@pytest.mark.parametrize("batch", [0, -1, 1001])
def test_batch_that_no_store_takes_is_refused(batch: int) -> None:
    """Before the first call is looked at."""
    with managed() as manager, pytest.raises(ConfigError, match=r"batch.*1 to 1000"):
        manager.schedule_many([manager.job(add).call(1)], batch=batch)


def test_generator_that_raises_midway_leaves_the_batches_before() -> None:
    """Its error is the caller's; what was handed over is scheduled, what was not is not."""
    with managed() as manager:
        job = manager.job(add)

        def calls() -> Iterator[Call[int]]:
            for number in range(25):
                yield job.call(number)
            raise LookupError("the source dried up")

        with pytest.raises(LookupError, match="dried up"):
            manager.schedule_many(calls(), batch=10)
        assert 20 == manager.count()


def test_calls_of_several_jobs_with_options_mix() -> None:
    """Each with its own kind, options and arguments."""
    with managed() as manager:
        first, second = manager.job(add), manager.remote("mail")
        calls = [first.call(1), second.call("you"), first.options(priority=0).call(2), second.options(after=5).call()]
        made = manager.schedule_many(calls)
        assert ["add", "mail", "add", "mail"] == [one.kind for one in made]
        records = [snapshot.record for snapshot in store_of(manager).get([one.id.hex for one in made]) if snapshot]
        assert [(5, 0), (5, 0), (0, 0), (5, 5000)] == [(one.priority, one.delay_ms) for one in records]


def test_ten_thousand_are_scheduled_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call of the store for each thousand: a bulk is no loop of single calls."""
    with Manager("memory://") as manager:
        job, sizes, enqueue = manager.job(add), list[int](), store_of(manager).enqueue

        def counted(_: object, records: Sequence[InstanceRecord]) -> list[EnqueueAnswer]:
            sizes.append(len(records))
            return enqueue(records)

        monkeypatch.setattr(type(store_of(manager)), "enqueue", counted)
        made = manager.schedule_many(job.call(number, number) for number in range(10_000))
        assert [1000] * 10 == sizes
        assert (10_000, 10_000) == (len(made), manager.count(Query(kind="add", state=State.SCHEDULED)))


def test_wrong_argument_in_a_bulk_is_an_error_of_the_call() -> None:
    """Known here: ArgumentError where the call is made."""
    with managed() as manager:
        job = manager.job(add)
        with pytest.raises(ArgumentError, match='"a" of "add"'):
            manager.schedule_many(job.call(value) for value in (1, "two"))
        assert 0 == manager.count()


def test_remote_call_is_not_checked_here() -> None:
    """The worker will; what is no data is an error all the same."""
    with managed() as manager:
        one = manager.remote("add").schedule("1", "2", "3", nonsense=True)
        assert {"0": "1", "1": "2", "2": "3", "nonsense": True} == one.arguments
        with pytest.raises(ArgumentError, match='"add"'):
            manager.remote("add").schedule(object())


@pytest.mark.parametrize("kind", ["", "a b", "x" * 101, None])
def test_remote_kind_that_can_not_exist_is_refused(kind: Any) -> None:
    """No worker could ever run it."""
    with managed() as manager, pytest.raises(ConfigError, match=r"remote\(kind\)"):
        manager.remote(kind)


def test_declared_remote_job_is_checked_here_and_run_elsewhere() -> None:
    """`remote=True`: a signature without the work; a worker of this manager leaves it alone."""
    with managed() as manager:

        @manager.job(remote=True)
        def mail(to: str, copies: int = 1) -> None: ...

        with pytest.raises(ArgumentError, match="copies"):
            mail.schedule("you", "many")
        mail.schedule("you", 2)
        assert "mail" not in manager._definitions(None)


@pytest.mark.parametrize("single", [True, False])
def test_arguments_over_the_bound_of_the_store_are_refused(single: bool) -> None:
    """With size, bound, and what to do; nothing of the batch is added."""
    with managed() as manager:
        job = manager.job(kind="blob")(lambda data: None)
        large = job.call(bytes(16 * 1024 * 1024 + 1))
        with pytest.raises(ArgumentError, match=r"'blob' take 16,777,2\d\d bytes.*up to 16,777,216.*pass where it is"):
            manager.schedule(large) if single else manager.schedule_many([job.call(b""), large])
        assert 0 == manager.count()


def test_recurring_call_over_the_bound_is_refused_too() -> None:
    """Not at its first slot."""
    from rota import Every

    with managed() as manager:
        call = manager.job(kind="blob")(lambda data: None).call(bytes(16 * 1024 * 1024 + 1))
        with pytest.raises(ArgumentError, match="bytes"):
            manager.put_schedule("blob", Every(60), call)


def test_refusal_of_the_store_is_an_error() -> None:
    """A store may know more bounds than it declares."""

    class Refusing(Watched):
        def enqueue(self, records: list[Any]) -> list[EnqueueAnswer]:
            return [EnqueueAnswer("refused", one.id, error="too many cooks") for one in records]

        def namespaced(self, namespace: str) -> "Refusing":
            return self

    store = Refusing(Watched.memory()._store, [], frozenset())
    with Manager(store) as manager, pytest.raises(StoreError, match="'add': too many cooks"):
        manager.job(add).schedule(1)


@pytest.mark.parametrize("option", ["at", "after"])
def test_due_time_is_by_the_stores_clock(option: str) -> None:
    """`after` counts from the enqueue step, `at` is an instant; one in the past is due at once."""
    clock = FakeClock()
    with managed(clock) as manager:
        job, now = manager.job(add), datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
        given = {"at": now + timedelta(hours=1)} if option == "at" else {"after": 3600}
        assert now + timedelta(hours=1) == job.options(**given).schedule(1).due_at  # type: ignore[arg-type]
        assert now - timedelta(days=1) == job.options(at=now - timedelta(days=1)).schedule(1).due_at


def test_two_managers_with_one_seed_schedule_alike() -> None:
    """Clock, randomness and ids are passed in: a test can repeat a run."""
    from rota.client.environment import Environment

    def ids() -> list[UUID]:
        manager = Manager("memory://")
        manager._environment = Environment(FakeClock(), random.Random(1))
        manager.use_store("memory://")
        with manager:
            return [manager.job(add).options(jitter=60).schedule(1).id for _ in range(3)]

    assert ids() == ids()


def test_priority_is_ranked_by_the_policy() -> None:
    """The rank is fixed when the instance is enqueued."""
    with managed(policy="fifo") as fifo, managed() as priority:
        ranks = []
        for manager in (fifo, priority):
            one = manager.job(add).options(priority=-3).schedule(1)
            (snapshot,) = store_of(manager).get([one.id.hex])
            ranks.append(snapshot and snapshot.record.rank)
        assert [0, -3] == ranks


def test_use_before_with_connects() -> None:
    """A client needs no ceremony: the first use opens the connection."""
    manager = Manager("memory://")
    try:
        assert State.SCHEDULED == manager.job(add).schedule(1).refresh().state
    finally:
        manager.close()


def test_nothing_but_errors_of_rota_comes_out() -> None:
    """Whatever is passed as an id or a cursor."""
    with managed() as manager:
        for ask in (lambda: manager.get("x"), lambda: manager.find(cursor="x")):  # type: ignore[arg-type]
            with pytest.raises(RotaError):
                ask()
