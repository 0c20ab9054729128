"""What follows a failed attempt: another one after its wait, or none."""

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from core.tests.runtime.harness import HOUR_S, messages, running, states, timed

from rota import Context, Exponential, Instance, Job, JobFailed, Manager, Query, Resolved, Retry, State
from rota.testing import FakeClock, Harness, harness, wait_until


@pytest.fixture
def manager(kit: Harness) -> Manager:
    """That manager."""
    return kit.manager


def _failing(manager: Manager, retry: Retry | int, error: type[BaseException] = OSError) -> Job[..., None]:
    @manager.job(retry=retry)
    def fails(ctx: Context) -> None:
        ctx.log.info("attempt %d", ctx.attempt)
        raise error(f"no {ctx.attempt}")

    return fails


def _run_to_end(kit: Harness, instance: Instance[Any]) -> list[float]:
    """Run it until it is final; the waits before its retries, as they were."""
    kit.advance(3600)
    assert instance.refresh().state.final
    entries = instance.history()
    return [
        (entry.at - before.at).total_seconds()
        for before, entry in pairwise(entries)
        if entry.state is State.PROCESSING and entry.attempt > 1
    ]


def test_a_retry_stands_in_the_history_as_one_step(manager: Manager, kit: Harness) -> None:
    """TERMINATED with the error, then SCHEDULED at the same instant; attempts count from 1."""
    instance = _failing(manager, Retry(2, backoff=5)).schedule()
    _run_to_end(kit, instance)
    attempt = [State.SCHEDULED, State.PROCESSING, State.TERMINATED]
    assert [State.CREATED, *attempt * 3] == states(instance)
    entries = instance.history()
    assert [0, 0, 1, 1, 1, 2, 2, 2, 3, 3] == [entry.attempt for entry in entries]
    assert entries[3].at == entries[4].at
    assert ["no 1", "no 2", "no 3"] == [entry.error.message for entry in entries if entry.error is not None]
    assert 3 == instance.refresh().attempt
    assert [1, 2, 3] == [line.attempt for line in instance.logs()]
    with pytest.raises(JobFailed, match="no 3") as caught:
        instance.result(1)
    assert "OSError" == caught.value.type_name
    assert 'raise error(f"no {ctx.attempt}")' in caught.value.traceback


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        (3, [3, 3, 3]),
        (timedelta(seconds=4), [4, 4, 4]),
        (Exponential(1, 60, jitter=False), [1, 2, 4]),
        (Exponential(1, 3, jitter=False), [1, 2, 3]),
        (Exponential(2, 60, factor=3, jitter=False), [2, 6, 18]),
        (lambda number: number * 2, [2, 4, 6]),
    ],
    ids=["seconds", "timedelta", "exponential", "capped", "factor", "function"],
)
def test_the_wait_before_each_retry_is_that_of_the_policy(
    manager: Manager, kit: Harness, backoff: Any, expected: list[float]
) -> None:
    """Fixed, growing up to a cap, or what a function says."""
    instance = _failing(manager, Retry(3, backoff=backoff)).schedule()
    assert expected == _run_to_end(kit, instance)


class _Half(random.Random):
    """Draws the middle, and keeps what it was asked for."""

    asked: list[int]

    def randint(self, a: int, b: int) -> int:
        self.asked.append(b)
        return (a + b) // 2


def test_jitter_is_drawn_from_the_injected_randomness() -> None:
    """Evenly between zero and the exponential wait, once for each retry."""
    rng = _Half(0)
    rng.asked = []
    with harness(Manager("memory://"), rng=rng) as kit:
        instance = _failing(kit.manager, Retry(3, backoff=Exponential(10, 600))).schedule()
        assert [5, 10, 20] == _run_to_end(kit, instance)
        assert [10_000, 20_000, 40_000] == rng.asked


@pytest.mark.parametrize("broken", [lambda number: 1 / 0, lambda number: "soon", lambda number: -1])
def test_a_backoff_function_that_fails_is_replaced_and_told(
    manager: Manager, kit: Harness, broken: Callable[[int], Any]
) -> None:
    """The retry still comes, after the default wait, and the log of the job says what went wrong."""
    instance = _failing(manager, Retry(1, backoff=broken)).schedule()
    _run_to_end(kit, instance)
    assert 2 == instance.refresh().attempt
    assert 1 == sum("the backoff function failed" in line for line in messages(instance))


@pytest.mark.parametrize(
    ("retry", "error", "attempts"),
    [
        (Retry(2, backoff=0, on=(OSError,)), ConnectionError, 3),
        (Retry(2, backoff=0, on=(OSError,)), KeyError, 1),
        (Retry(2, backoff=0, never_on=(OSError,)), ConnectionError, 1),
        (Retry(2, backoff=0, on=(OSError,), never_on=(ConnectionError,)), ConnectionError, 1),
        (Retry(2, backoff=0), SystemExit, 1),
        (0, OSError, 1),
        (Retry(0), OSError, 1),
    ],
)
def test_errors_are_retried_by_their_class(
    manager: Manager, kit: Harness, retry: Retry | int, error: type[BaseException], attempts: int
) -> None:
    """`on` chooses, `never_on` wins; what is no Exception is not retried by default."""
    _failing(manager, retry, error).schedule()
    assert [(attempts, True)] == [(one.attempt, one.state.final) for one in kit.drain()]


@pytest.mark.parametrize("retry", [Retry(1, backoff=2), Retry(1, backoff=2, on=(OSError,))])
def test_the_retry_of_a_call_wins_over_that_of_the_job(manager: Manager, kit: Harness, retry: Retry) -> None:
    """`options(retry=)` travels with the call, the classes too."""
    instance = _failing(manager, 0).options(retry=retry).schedule()
    assert [2] == _run_to_end(kit, instance)
    assert 2 == instance.refresh().attempt


@pytest.mark.parametrize(
    ("retry", "error", "reason"),
    [
        (Retry(2, backoff=0), OSError, "exhausted"),
        (Retry(2, backoff=0, on=(KeyError,)), OSError, None),
        (0, OSError, None),
    ],
)
def test_used_up_retries_are_the_reason_of_the_end(
    manager: Manager, kit: Harness, retry: Retry | int, error: type[BaseException], reason: str | None
) -> None:
    """In the history and for queries; the attempts before have none, nor has an error that is not retried."""
    instance = _failing(manager, retry, error).schedule()
    _run_to_end(kit, instance)
    *before, last = instance.history()
    assert (State.TERMINATED, reason) == (last.state, last.reason)
    assert {None} == {entry.reason for entry in before}
    assert (1 if reason else 0) == manager.count(Query(reason="exhausted"))


def test_arguments_that_never_fit_exhaust_nothing(manager: Manager, kit: Harness) -> None:
    """They end at once, retries or not."""

    @manager.job(retry=Retry(2, backoff=0))
    def takes(number: int) -> None: ...

    instance = manager.remote("takes").schedule("seven")
    _run_to_end(kit, instance)
    assert (State.TERMINATED, 1) == (instance.refresh().state, instance.refresh().attempt)
    assert instance.history()[-1].reason is None


def test_time_outs_use_retries_up(manager: Manager, kit: Harness) -> None:
    """A last attempt that went over its time ends TIMED_OUT for the same reason."""

    @manager.job(retry=Retry(1, backoff=0), timeout=5)
    def waits(ctx: Context) -> None:
        ctx.wait(60)

    instance = waits.schedule()
    _run_to_end(kit, instance)
    assert [(State.TIMED_OUT, None), (State.TIMED_OUT, "exhausted")] == [
        (entry.state, entry.reason) for entry in instance.history() if entry.state is State.TIMED_OUT
    ]


@pytest.mark.parametrize(("answer", "state", "reason"), [
    (Resolved(7), State.COMPLETED, None), (ValueError("other"), State.TERMINATED, "exhausted"),
])  # fmt: skip
def test_what_a_processor_makes_of_the_last_failure_keeps_the_reason(
    manager: Manager, kit: Harness, answer: Any, state: State, reason: str | None
) -> None:
    """Another error is still the end of all retries; a failure that became a success is none."""
    failing = _failing(manager, Retry(1, backoff=0))
    failing.on_terminate(lambda instance, error: answer)
    instance = failing.schedule()
    _run_to_end(kit, instance)
    assert state is instance.refresh().state
    assert reason == instance.history()[-1].reason


def test_minus_one_retries_without_end(manager: Manager, kit: Harness) -> None:
    """It goes on until it succeeds."""

    @manager.job(retry=Retry(-1, backoff=0))
    def late_bloomer(ctx: Context) -> int:
        if ctx.attempt < 40:
            raise OSError
        return ctx.attempt

    late_bloomer.schedule()
    assert [40] == [one.outcome() for one in kit.drain()]


def test_a_waiting_retry_occupies_no_slot(clock: FakeClock) -> None:
    """While one waits for its next attempt, the only slot runs others."""
    manager = timed(clock)
    failing = _failing(manager, Retry(1, backoff=600))

    @manager.job
    def quick() -> str:
        return "quick"

    with manager, running(clock, manager.worker(concurrency=1, lease=HOUR_S)):
        waiting = failing.schedule()
        wait_until(lambda: waiting.refresh().attempt == 1 and waiting.refresh().state is State.SCHEDULED)
        assert ["quick"] * 3 == [quick.schedule().result(10) for _ in range(3)]
        assert State.SCHEDULED is waiting.refresh().state


def test_the_idempotency_key_is_that_of_the_instance_in_every_attempt(manager: Manager, kit: Harness) -> None:
    """The same in all attempts of one, another in others; the fencing token rises."""
    seen: list[tuple[str, int]] = []

    @manager.job(retry=Retry(1, backoff=0))
    def notes(ctx: Context) -> None:
        seen.append((ctx.idempotency_key, ctx.token))
        if ctx.attempt == 1:
            raise OSError

    first, second = notes.schedule(), notes.schedule()
    kit.drain()
    assert [None, None] == [first.result(), second.result()]
    keys = [key for key, _ in seen]
    assert [2, 2] == [keys.count(str(one.id)) for one in (first, second)]
    for one in (first, second):
        tokens = [token for key, token in seen if key == str(one.id)]
        assert tokens[0] < tokens[1]
