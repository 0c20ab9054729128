"""The handle of a worker: what it runs, how it starts and stops, and what it refuses."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from core.tests.client.managers import Watched, managed, reach

from rota import ConfigError, Context, Jobs, Manager, State, Worker
from rota.model.name import is_system


def work(n: int = 0) -> int:
    """A job."""
    return n


@pytest.fixture
def manager() -> Iterator[Manager]:
    """Kinds "a", "b.x" and "b.y"."""
    manager = Manager("memory://")
    manager.job(kind="a")(work)
    jobs = Jobs("b.")
    jobs.job(kind="x")(work)
    jobs.job(kind="y")(work)
    manager.include(jobs)
    with manager:
        yield manager


@pytest.mark.parametrize(
    ("kinds", "taken"),
    [
        (None, {"a", "b.x", "b.y"}),
        (["a"], {"a"}),
        (["b.*"], {"b.x", "b.y"}),
        ("b.*", {"b.x", "b.y"}),
        (["a", "b.y"], {"a", "b.y"}),
        (["*", "a"], {"a", "b.x", "b.y"}),
        (iter(["b.[xz]"]), {"b.x"}),
    ],
    ids=str,
)
def test_worker_takes_the_kinds_that_its_patterns_match(manager: Manager, kinds: Any, taken: set[str]) -> None:
    """All of them by default, rota's own besides; it tells the others which."""
    with manager.worker(concurrency=1, kinds=kinds):
        (info,) = manager.workers()
        assert taken == {kind for kind in info.kinds if not is_system(kind)}
        assert "system.group" in info.kinds


def test_worker_leaves_other_kinds_alone(manager: Manager) -> None:
    """They wait for a worker that takes them."""
    with manager.worker(concurrency=1, kinds=["a"]) as worker:
        left, one = manager["b.x"].schedule(), manager["a"].schedule()
        reach(one, State.COMPLETED)
        assert State.SCHEDULED == left.refresh().state
        assert worker.drain(10)


def test_pattern_that_matches_nothing_is_refused_with_what_there_is(manager: Manager) -> None:
    """A typing error would else be a worker that never does anything."""
    with pytest.raises(ConfigError, match=r"'c\.\*' matches no job.*known: a, b\.x, b\.y"):
        manager.worker(kinds=["a", "c.*"]).start()
    with pytest.raises(ConfigError, match="known: none"):
        Manager("memory://").worker(kinds=["a"]).start()


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, "4", True])
def test_impossible_concurrency_is_refused(manager: Manager, concurrency: Any) -> None:
    """When it is made, and when it is resized."""
    with pytest.raises(ConfigError, match="concurrency"):
        manager.worker(concurrency=concurrency)
    with pytest.raises(ConfigError, match="concurrency"):
        manager.worker(concurrency=1).resize(concurrency)


@pytest.mark.parametrize("options", [{"lease": 0}, {"lease": 0.05}, {"lease": -1}, {"grace": -1}, {"grace": "long"}])
def test_impossible_lease_or_grace_is_refused(manager: Manager, options: dict[str, Any]) -> None:
    """At once."""
    with pytest.raises(ConfigError, match=next(iter(options))):
        manager.worker(**options)


def test_worker_starts_and_stops_in_any_order_any_number_of_times(manager: Manager) -> None:
    """Twice is once; after a stop it may start again, under a new name."""
    worker = manager.worker(concurrency=1)
    worker.stop()
    assert worker.name is None
    assert worker.start() is worker.start()
    first = worker.name
    worker.stop()
    worker.stop()
    assert (None, []) == (worker.name, manager.workers())
    with worker:
        assert first != worker.name
        assert 1 == manager["a"].schedule(1).result(10)


def test_drain_needs_a_running_worker(manager: Manager) -> None:
    """Else it would wait for ever."""
    with pytest.raises(ConfigError, match="stopped"):
        manager.worker().drain()


def test_drain_that_takes_too_long_answers_false(manager: Manager) -> None:
    """And True once everything due is done; what is not due does not count."""
    release = threading.Event()
    manager.job(kind="slow")(lambda: release.wait(10) and None)
    with manager.worker(concurrency=1) as worker:
        one = manager["slow"].schedule()
        manager["a"].options(after=3600).schedule()
        assert not worker.drain(0.02)
        release.set()
        assert worker.drain(10)
        assert State.COMPLETED == one.refresh().state


def test_resize_while_running_changes_how_many_run(manager: Manager) -> None:
    """More start at once; what runs goes on when it becomes fewer."""
    release = threading.Event()
    job = manager.job(kind="slow")(lambda: release.wait(10) and None)
    with manager.worker(concurrency=1) as worker:
        made = [job.schedule() for _ in range(3)]
        reach(made[0], State.PROCESSING)
        worker.resize(3)
        for one in made:
            reach(one, State.PROCESSING)
        worker.resize(1)
        assert (1, [State.PROCESSING] * 3) == (worker.concurrency, [one.refresh().state for one in made])
        release.set()
        assert worker.drain(10)


def test_concurrency_set_before_the_start_counts(manager: Manager) -> None:
    """A handle may be resized at any time."""
    worker = manager.worker(concurrency=1)
    worker.resize(5)
    with worker:
        (info,) = manager.workers()
        assert 5 == info.concurrency


def test_failed_start_leaves_nothing_behind_and_may_be_repeated() -> None:
    """The lifespan's error is the caller's; no worker lives, no thread stays."""
    fails = [True]

    @contextmanager
    def lifespan() -> Iterator[list[object]]:
        if fails.pop() if fails else False:
            raise RuntimeError("no database")
        yield [{"resource": 1}]

    manager = Manager("memory://", lifespan=lifespan)
    job = manager.job(kind="asks")(lambda: Context.current().resource(dict)["resource"])
    with manager:
        worker = manager.worker(concurrency=1)
        with pytest.raises(RuntimeError, match="no database"):
            worker.start()
        assert (None, []) == (worker.name, manager.workers())
        with worker:
            assert 1 == job.schedule().result(10)


def test_two_workers_of_one_manager_share_the_work(manager: Manager) -> None:
    """A worker is a handle; there may be several."""
    with manager.worker(concurrency=1) as first, manager.worker(concurrency=1) as second:
        assert {first.name, second.name} == {info.name for info in manager.workers()}
        made = manager.schedule_many(manager["a"].call(n) for n in range(50))
        assert list(range(50)) == [one.result(10) for one in made]


def test_worker_starts_before_the_manager_is_entered() -> None:
    """Connections are made at first use."""
    manager = Manager("memory://")
    job = manager.job(work)
    with manager.worker(concurrency=1):
        assert 3 == job.schedule(3).result(10)
    manager.close()


def test_lease_is_at_least_what_the_store_can_keep() -> None:
    """A store that beats slowly asks for a longer one."""
    import msgspec

    class Slow(Watched):
        @property
        def capabilities(self) -> Any:
            return msgspec.structs.replace(super().capabilities, min_lease_ms=5000)

        def namespaced(self, namespace: str) -> "Slow":
            return self

    store = Slow(Watched.memory()._store, [], frozenset())
    manager = managed()
    manager.use_store(store)
    with manager, manager.worker(concurrency=1, lease=1):
        assert {5000} == {arguments[1] for name, arguments in store.asked if name == "beat"}


def test_defaults_are_as_agreed() -> None:
    """Lease 15 s, grace 25 s, four slots for each processor."""
    import inspect

    from rota.manager.configuration import default_concurrency

    found = inspect.signature(Manager.worker).parameters
    assert (15, 25) == (found["lease"].default, found["grace"].default)
    worker = Manager("memory://").worker()
    assert isinstance(worker, Worker)
    assert default_concurrency() == worker.concurrency
