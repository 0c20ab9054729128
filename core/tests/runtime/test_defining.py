"""Jobs that are defined while a worker runs, as in a notebook."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from types import FunctionType
from typing import Any

from core.tests.runtime.harness import Gate

from rota import Jobs, Manager
from rota.testing import wait_until


def function(name: str, source: str) -> Any:
    """A function of that name in this module, made anew each time, as running a cell again does."""
    names: dict[str, Any] = {"__name__": __name__}
    exec(source, names)  # noqa: S102 - the source is written here
    assert isinstance(names[name], FunctionType)
    return names[name]


def test_a_job_defined_while_a_worker_runs_is_run(manager: Manager) -> None:
    """A worker takes up new kinds, plain and async, and says so to the store."""
    with manager.worker(concurrency=1):
        late = manager.job(function("late", "def late(): return 'late'"))
        later = manager.job(function("later", "async def later(): return 'later'"))
        assert ["late", "later"] == [late.schedule().result(10), later.schedule().result(10)]
        assert {"late", "later"} <= {one.kind for one in manager._store.kinds()}


def test_a_function_defined_again_replaces_the_old_one(manager: Manager) -> None:
    """The next instance runs the new code, its options and processors too."""
    job = manager.job(function("f", "def f(): return 'old'"))
    with manager.worker(concurrency=1):
        assert "old" == job.schedule().result(10)
        again = manager.job(function("f", "def f(): return 'new'"))
        assert "new" == again.schedule().result(10)
        assert "new" == job.schedule().result(10)


def test_a_collection_included_later_is_run(manager: Manager) -> None:
    """Also one that gets its job after it was included."""
    jobs = Jobs("late.")
    with manager.worker(concurrency=1):
        manager.include(jobs)
        first = jobs.job(function("first", "def first(): return 1"))
        assert 1 == first.schedule().result(10)


def test_a_worker_for_some_kinds_leaves_the_others_alone(manager: Manager) -> None:
    """What its patterns don't name it does not take up."""
    with manager.worker(concurrency=1, kinds=[]):
        manager.job(function("other", "def other(): ...")).schedule()
        wait_until(lambda: manager.workers())
        assert "other" not in manager.workers()[0].kinds
        assert 1 == manager.count()


def test_a_job_defined_while_the_worker_starts_is_run(gate: Gate) -> None:
    """Also what is defined, or defined again, while the lifespan is being entered."""

    @contextmanager
    def slow() -> Iterator[None]:
        gate.hold()
        yield

    manager = Manager("memory://", lifespan=slow)
    manager.job(function("f", "def f(): return 'old'"))
    worker = manager.worker(concurrency=1)
    starting = Thread(target=worker.start)
    with manager:
        starting.start()
        gate.await_arrivals(1)
        again = manager.job(function("f", "def f(): return 'new'"))
        late = manager.job(function("late", "def late(): return 'late'"))
        gate.open()
        starting.join(10)
        assert ["new", "late"] == [again.schedule().result(10), late.schedule().result(10)]
        worker.stop()


def test_a_start_that_is_given_up_ends_in_a_stop(gate: Gate) -> None:
    """Nobody holds it any more: it must not go on and run jobs."""

    @contextmanager
    def slow() -> Iterator[None]:
        gate.hold()
        yield

    manager = Manager("memory://", lifespan=slow)
    worker = manager.worker(concurrency=1)
    starting = Thread(target=worker.start)
    with manager:
        starting.start()
        gate.await_arrivals(1)
        worker.hurry()
        gate.open()
        starting.join(10)
        assert (None, []) == (worker.name, manager.workers())


def test_a_namespaced_worker_takes_up_jobs_too(manager: Manager) -> None:
    """What the manager gets, those that look through it get."""
    other = manager.namespaced("other")
    with other, other.worker(concurrency=1):
        late = manager.job(function("late", "def late(): return 'late'"))
        assert "late" == other.schedule(late.call()).result(10)
