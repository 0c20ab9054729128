"""From stored arguments to a call, and from what came of it to an outcome: everything ends readably."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from core.tests.runtime.harness import messages, states

from rota import Context, JobFailed, Manager, Retry, State
from rota.model.records import InstanceRecord
from rota.runtime.verdict import Judge

TERMINATED = [State.CREATED, State.SCHEDULED, State.PROCESSING, State.TERMINATED]


@dataclass
class Even:
    """Accepts even numbers only, in its own way."""

    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise RuntimeError(f"{self.number} is odd")


def test_arguments_by_name_are_converted_from_text(manager: Manager) -> None:
    """Scheduled by kind, unchecked; in the worker each is made what its annotation says."""
    seen: list[tuple[object, ...]] = []

    @manager.job
    def takes(
        a: int, b: float, c: bool, d: datetime, e: timedelta, f: UUID, g: Decimal, *, h: list[int], i: str = "x"
    ) -> None:
        seen.append((a, b, c, d, e, f, g, h, i))

    with manager.worker(concurrency=1):
        identity = "01a208eb-1adc-7251-b065-f196837eed4f"
        manager.remote("takes").schedule(
            "1", "2.5", "true", "2026-01-01T12:00:00+00:00", "PT90S", identity, "1.10", h=["1", "2"]
        ).result(10)
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    expected = (1, 2.5, True, noon, timedelta(seconds=90), UUID(identity), Decimal("1.10"), [1, 2], "x")
    assert [expected] == seen


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        (("one",), {}, r'argument "a" of "takes": .*int.*one'),
        ((), {}, r"a"),
        ((1, 2, 3), {}, r"takes"),
        ((1,), {"c": 3}, r'"?c"?'),
        ((1,), {"b": "x"}, r'argument "b" of "takes"'),
    ],
)
@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_arguments_that_dont_fit_end_the_instance(
    manager: Manager, args: tuple[object, ...], kwargs: dict[str, object], message: str, kind: str
) -> None:
    """TERMINATED with an error that names the parameter; no retry can help, so there is none."""
    ran: list[int] = []

    def takes(a: int, b: int = 0) -> None:
        ran.append(a)

    async def atakes(a: int, b: int = 0) -> None:
        ran.append(a)

    manager.job(kind="takes", retry=Retry(5, backoff=0))(takes if kind == "thread" else atakes)
    with manager.worker(concurrency=1):
        instance = manager.remote("takes").schedule(*args, **kwargs)
        with pytest.raises(JobFailed, match=message) as caught:
            instance.result(10)
    assert "rota.model.errors.ArgumentError" == caught.value.type_name
    assert TERMINATED == states(instance)
    assert [] == ran


def test_what_the_class_of_an_argument_raises_ends_the_instance(manager: Manager) -> None:
    """The user's own check speaks: its message stands in the error, without a retry."""

    @manager.job(retry=Retry(5, backoff=0))
    def takes(even: Even) -> None: ...

    with manager.worker(concurrency=1):
        instance = manager.remote("takes").schedule({"number": 3})
        with pytest.raises(JobFailed, match="3 is odd"):
            instance.result(10)
    assert TERMINATED == states(instance)


def test_stored_arguments_that_are_none_end_the_instance(manager: Manager, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that can't be decoded are the instance's trouble, not the worker's."""

    @manager.job
    def job() -> str:
        return "done"

    with manager.worker(concurrency=1):
        junk = InstanceRecord(id=f"{1:032x}", kind="job", arguments=b"\xc1", rank=5, created_ms=0, due_ms=0)
        manager._store.enqueue([junk])
        instance = manager.get(UUID(junk.id))
        with pytest.raises(JobFailed, match="can't be decoded"):
            instance.result(10)
        assert "done" == job.schedule().result(10)
    assert [] == [record for record in caplog.records if record.levelno > logging.ERROR]


@pytest.mark.parametrize(
    "value",
    [object(), {1, object()}, print, "\ud800", 2**70, []],
    ids=["object", "set", "function", "surrogate", "huge", "itself"],
)
def test_a_result_that_is_no_data_ends_the_instance(manager: Manager, value: Any) -> None:
    """TERMINATED, not retried: the next attempt would return the same."""
    if value == []:
        value.append(value)

    @manager.job(retry=Retry(5, backoff=0))
    def returns() -> Any:
        return value

    with manager.worker(concurrency=1):
        instance = returns.schedule()
        with pytest.raises(JobFailed, match="the job's result can't be stored") as caught:
            instance.result(10)
    assert "ResultNotData" == caught.value.type_name
    assert TERMINATED == states(instance)


def test_a_result_over_the_stores_limit_ends_the_instance(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    """ResultTooLarge names both sizes and what to do; one byte less is kept."""
    init = Judge.__init__
    monkeypatch.setattr(Judge, "__init__", lambda self, chain, rng, max_bytes: init(self, chain, rng, 1000))

    @manager.job
    def returns(size: int) -> str:
        return "x" * size

    with manager.worker(concurrency=1):
        assert "x" * 997 == returns.schedule(997).result(10)
        with pytest.raises(JobFailed, match="takes 1,001 bytes, this store keeps up to 1,000") as caught:
            returns.schedule(998).result(10)
    assert "ResultTooLarge" == caught.value.type_name


class _Unreadable(Exception):
    """Can't be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class _Exiting(Exception):
    """Can't be shown, fatally."""

    def __str__(self) -> str:
        raise SystemExit


def _recurse() -> None:
    _recurse()


def _raising(error: BaseException) -> Callable[[], None]:
    def raises() -> None:
        raise error

    return raises


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
@pytest.mark.parametrize(
    ("hostile", "type_name", "message"),
    [
        (_raising(SystemExit(3)), "SystemExit", "3"),
        (_raising(KeyboardInterrupt()), "KeyboardInterrupt", ""),
        (_raising(GeneratorExit("gen")), "GeneratorExit", "gen"),
        (_raising(BaseException("base")), "BaseException", "base"),
        (_raising(BaseExceptionGroup("group", [SystemExit(), OSError()])), "BaseExceptionGroup", "group"),
        (_raising(asyncio.CancelledError("self")), "asyncio.exceptions.CancelledError", "self"),
        (_raising(StopIteration("stop")), None, None),
        (_raising(_Unreadable()), f"{__name__}._Unreadable", "its text can't be read: RuntimeError"),
        (_raising(_Exiting()), f"{__name__}._Exiting", "its text can't be read: SystemExit"),
        (_raising(OSError("\ud800 \x00 ok")), "OSError", r"\ud800"),
        (_raising(OSError("x" * 1_000_000)), "OSError", "900000 characters left out"),
        (_recurse, "RecursionError", "maximum recursion depth"),
    ],
    ids=lambda value: None if callable(value) else str(value),
)
def test_a_worker_survives_whatever_a_job_raises(
    manager: Manager, kind: str, hostile: Callable[[], None], type_name: str | None, message: str | None
) -> None:
    """Each is a failure of that instance with a readable error; the same worker goes on with the next."""

    @manager.job
    async def coroutine() -> None:
        hostile()

    @manager.job
    def plain() -> None:
        hostile()

    @manager.job
    def quick() -> int:
        return 1

    @manager.job
    async def aquick() -> int:
        return 2

    with manager.worker(concurrency=1) as worker:
        name = worker.name
        instance = (plain if kind == "thread" else coroutine).schedule()
        ended = instance.join(10)
        assert State.TERMINATED is ended.state
        assert ended.error is not None
        if type_name is not None and message is not None:
            assert type_name == ended.error.type_name
            assert message in ended.error.message
        assert [1, 2] == [quick.schedule().result(10), aquick.schedule().result(10)]
        assert name == worker.name


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_task_that_a_job_began_and_left_does_not_end_the_loop(
    manager: Manager, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """Asyncio lets these two out of the loop itself; the loop goes on, with the job that awaits and the next ones."""

    async def dies() -> None:
        raise error

    @manager.job
    async def begins() -> str:
        task = asyncio.ensure_future(dies())
        await asyncio.wait([task])
        assert isinstance(task.exception(), error)
        return "survived"

    @manager.job
    async def awaits() -> None:
        await asyncio.ensure_future(dies())

    with manager.worker(concurrency=1):
        assert "survived" == begins.schedule().result(10)
        with pytest.raises(JobFailed) as caught:
            awaits.schedule().result(10)
        assert error.__name__ == caught.value.type_name
        assert "survived" == begins.schedule().result(10)
    assert "out of the event loop" in caplog.text


def test_a_job_that_stops_its_loop_does_not_stop_the_worker(manager: Manager) -> None:
    """The loop belongs to the worker."""

    @manager.job
    async def stops() -> str:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)
        return "done"

    with manager.worker(concurrency=1):
        assert ["done", "done"] == [stops.schedule().result(10) for _ in range(2)]


def test_odd_text_in_log_lines_is_made_storable(manager: Manager) -> None:
    """Lone surrogates are written out, a megabyte is cut in the middle; nothing fails."""

    @manager.job
    def logs(ctx: Context) -> None:
        ctx.log.info("\ud800 lone")
        logging.getLogger("elsewhere").warning("x" * 1_000_000 + "end")
        ctx.progress(0.5, "half \udfff")

    with manager.worker(concurrency=1):
        instance = logs.schedule()
        instance.result(10)
    lone, long = messages(instance)
    assert "\\ud800 lone" == lone
    assert long.endswith("xend")
    assert "900003 characters left out" in long
    assert 0.5 == instance.refresh().progress


def test_a_fault_of_rotas_own_around_a_job_ends_that_instance_only(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is reported as such, and the worker goes on."""
    monkeypatch.setattr(Judge, "returned", lambda self, attempt, value: {}[value])

    @manager.job
    def job() -> str:
        return "x"

    with manager.worker(concurrency=1):
        assert ["InternalError"] * 2 == [_error_type(job.schedule()) for _ in range(2)]
    assert "the worker failed around job" in caplog.text


def _error_type(instance: Any) -> str:
    error = instance.join(10).error
    return str(error.type_name)
