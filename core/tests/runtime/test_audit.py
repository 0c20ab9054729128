"""The audit: what the store says a worker holds, and the worker knows nothing of, goes back to the queue."""

from collections.abc import Iterator

import pytest
from core.tests.runtime.harness import HOUR_S, FaultyStore, Gate, faulty, pass_time, running

from rota import Manager, State
from rota.testing import FakeClock, wait_until


@pytest.fixture
def shaky(clock: FakeClock) -> Iterator[tuple[Manager, FaultyStore]]:
    """A manager on a store that fails on demand."""
    manager, store = faulty(clock)
    with manager:
        yield manager, store


def test_a_stranded_instance_is_released_by_the_second_audit(
    shaky: tuple[Manager, FaultyStore], clock: FakeClock, gate: Gate
) -> None:
    """A claim whose answer a fault swallowed would stay PROCESSING as long as the worker lives."""
    manager, store = shaky
    ran: list[int] = []

    @manager.job
    def job(number: int) -> None:
        ran.append(number)

    claim = store._inner.claim

    def forgetful(*arguments):  # type: ignore[no-untyped-def]
        del store.overrides["claim"]
        claim(*arguments)
        return []

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        wait_until(lambda: store.calls["claim"])
        store.overrides["claim"] = forgetful
        pass_time(clock, 6)  # the blocked claim ends, the next one is forgetful
        wait_until(lambda: store.calls["claim"] == 2)
        stranded = job.schedule(1)
        wait_until(lambda: stranded.refresh().state is State.PROCESSING)
        pass_time(clock, 60)
        assert State.PROCESSING is stranded.refresh().state
        assert [] == ran
        pass_time(clock, 61)
        assert State.COMPLETED is stranded.join(10).state
    assert [1] == ran
    entries = stranded.history()
    assert ("released", 1) == (entries[3].reason, entries[-1].attempt)


def test_what_runs_is_left_alone(shaky: tuple[Manager, FaultyStore], clock: FakeClock, gate: Gate) -> None:
    """However long it runs: the worker knows of it."""
    manager, _ = shaky

    @manager.job
    def job() -> None:
        gate.hold()

    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        instance = job.schedule()
        gate.await_arrivals(1)
        pass_time(clock, 400, 5)
        gate.open()
        assert State.COMPLETED is instance.join(10).state
    assert 4 == len(instance.history())


def test_an_outcome_that_the_store_would_not_take_is_run_again(
    shaky: tuple[Manager, FaultyStore], clock: FakeClock
) -> None:
    """Its claim is stranded; the audit gives it back, and nothing stays PROCESSING for ever."""
    manager, store = shaky
    ran: list[int] = []

    @manager.job
    def job() -> None:
        ran.append(1)

    def broken(outcomes):  # type: ignore[no-untyped-def]
        del store.overrides["settle"]
        raise ValueError("a fault of the plugin")

    store.overrides["settle"] = broken
    with running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        instance = job.schedule()
        wait_until(lambda: store.calls["settle"] == 1)
        pass_time(clock, 125)
        assert State.COMPLETED is instance.join(10).state
    assert [1, 1] == ran
