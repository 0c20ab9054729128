"""A job's log: what its context and standard logging write inside it, that of no other, and nothing from outside."""

import asyncio
import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import pytest
from core.tests.runtime.harness import Gate, messages

from rota import Context, Manager
from rota.runtime.job_log import CaptureHandler
from rota.testing import wait_until

_elsewhere = logging.getLogger("elsewhere.deep")


@contextmanager
def _unconfigured() -> Iterator[io.StringIO]:
    """Standard logging as in a program that configured none: no handlers (pytest has its own), the root at WARNING.

    Gives what is written to stderr meanwhile.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    root.setLevel(logging.WARNING)
    try:
        with redirect_stderr(io.StringIO()) as seen:
            yield seen
    finally:
        root.handlers = handlers
        root.setLevel(level)


def test_the_contexts_log_lands_from_info_on(manager: Manager) -> None:
    """Whatever `logging` is set to; lines have their level, attempt and text, in order."""

    @manager.job
    def job(ctx: Context) -> None:
        ctx.log.debug("not this")
        ctx.log.info("one %d", 1)
        ctx.log.warning("two %(a)s", {"a": 2})
        try:
            raise OSError("cause")
        except OSError:
            ctx.log.exception("three")
        ctx.log.error("four", exc_info=OSError("given"))

    with _unconfigured(), manager.worker(concurrency=1):
        instance = job.schedule()
        instance.result(10)
    lines = list(instance.logs())
    assert [20, 30, 40, 40] == [line.level for line in lines]
    assert ["one 1", "two 2"] == [line.message for line in lines[:2]]
    assert lines[2].message.startswith("three\nTraceback")
    assert lines[2].message.endswith("OSError: cause")
    assert "four\nOSError: given" == lines[3].message
    assert {1} == {line.attempt for line in lines}


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_standard_logging_inside_a_job_lands_in_its_log(manager: Manager, kind: str) -> None:
    """Also through helpers, and from `asyncio.to_thread`; at the level that `logging` is set to."""

    def helper(text: str) -> None:
        _elsewhere.debug("too low")
        _elsewhere.warning("from %s", text)

    @manager.job
    def plain() -> None:
        helper("a thread")

    @manager.job
    async def coroutine() -> None:
        helper("a coroutine")
        await asyncio.to_thread(helper, "beside the loop")

    with manager.worker(concurrency=1):
        instance = (plain if kind == "thread" else coroutine).schedule()
        instance.result(10)
    expected = ["from a thread"] if kind == "thread" else ["from a coroutine", "from beside the loop"]
    assert expected == messages(instance)


def test_logging_outside_of_jobs_lands_in_none(manager: Manager, gate: Gate) -> None:
    """Other threads of the program log while a job runs."""

    @manager.job
    def job() -> None:
        _elsewhere.warning("inside")
        gate.hold()

    with manager.worker(concurrency=1):
        instance = job.schedule()
        gate.await_arrivals(1)
        _elsewhere.warning("outside")
        thread = threading.Thread(target=_elsewhere.warning, args=("another thread",))
        thread.start()
        thread.join()
        gate.open()
        instance.result(10)
    assert ["inside"] == messages(instance)


def test_jobs_that_run_side_by_side_dont_mix_their_lines(manager: Manager) -> None:
    """Each has its own, thread or coroutine, in two workers of one process."""
    barrier = threading.Barrier(2)

    @manager.job
    def plain(name: str) -> None:
        for number in range(20):
            barrier.wait(10)
            _elsewhere.warning("%s %d", name, number)

    @manager.job
    async def coroutine(name: str) -> None:
        for number in range(20):
            _elsewhere.warning("%s %d", name, number)
            await asyncio.sleep(0)

    with Manager("memory://") as other:
        theirs = other.job(kind="plain")(plain.definition.function)
        with manager.worker(concurrency=4), other.worker(concurrency=2):
            running = {
                "here": plain.schedule("here"),
                "there": theirs.schedule("there"),
                "c1": coroutine.schedule("c1"),
                "c2": coroutine.schedule("c2"),
            }
            for one in running.values():
                one.result(10)
        for name, one in running.items():
            assert [f"{name} {number}" for number in range(20)] == messages(one)


def test_a_line_of_the_context_reaches_logging_once(manager: Manager, caplog: pytest.LogCaptureFixture) -> None:
    """Handlers of the program get it with instance and attempt, and where the job logged it; its log has it once."""
    caplog.set_level(logging.INFO)

    @manager.job
    def job(ctx: Context) -> None:
        ctx.log.info("hello", extra={"colour": "red"})

    with manager.worker(concurrency=1):
        instance = job.schedule()
        instance.result(10)
    assert ["hello"] == messages(instance)
    (record,) = [one for one in caplog.records if one.message == "hello"]
    assert ("rota.job.job", "job", str(instance.id), 1, "red") == (
        record.name,
        record.funcName,
        record.instance_id,  # type: ignore[attr-defined]
        record.attempt,  # type: ignore[attr-defined]
        record.colour,  # type: ignore[attr-defined]
    )


class _Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("message", "arguments", "expected"),
    [
        ("%d", ("x",), "'%d' ('x',) (it can't be formatted: TypeError)"),
        ("%s %s", ("x",), "'%s %s' ('x',) (it can't be formatted: TypeError)"),
        ("%s", (_Unshowable(),), "'%s' <tuple> (it can't be formatted: RuntimeError)"),
        (_Unshowable(), (), "<_Unshowable> () (it can't be formatted: RuntimeError)"),
    ],
)
@pytest.mark.parametrize("through", ["context", "logging"])
def test_a_line_that_cant_be_formatted_does_not_end_the_job(
    manager: Manager, message: object, arguments: tuple[object, ...], expected: str, through: str
) -> None:
    """As in standard logging; the line stands there with its parts."""

    @manager.job
    def job(ctx: Context) -> str:
        (ctx.log if through == "context" else _elsewhere).warning(message, *arguments)
        return "done"

    with _unconfigured(), manager.worker(concurrency=1):
        instance = job.schedule()
        assert "done" == instance.result(10)
    assert [expected] == messages(instance)


def test_progress_keeps_the_last_value(manager: Manager) -> None:
    """It is no line of the log."""

    @manager.job
    def job(ctx: Context) -> None:
        for number in range(11):
            ctx.progress(number / 10, f"step {number}")

    with manager.worker(concurrency=1):
        instance = job.schedule()
        instance.result(10)
    assert 1.0 == instance.refresh().progress
    assert [] == messages(instance)


def test_progress_is_seen_while_the_job_runs(manager: Manager, gate: Gate) -> None:
    """Nothing waits for the end of the job."""

    @manager.job
    def job(ctx: Context) -> None:
        ctx.progress(0.25)
        ctx.log.warning("a quarter")
        gate.hold()

    with manager.worker(concurrency=1):
        instance = job.schedule()
        wait_until(lambda: instance.refresh().progress == 0.25)
        wait_until(lambda: messages(instance) == ["a quarter"])
        gate.open()
        instance.result(10)


def test_the_whole_log_is_there_when_the_instance_is_final(manager: Manager) -> None:
    """Lines are written before the outcome."""

    @manager.job
    def job(ctx: Context) -> None:
        for number in range(500):
            ctx.log.info("line %d", number)

    with manager.worker(concurrency=1):
        instance = job.schedule()
        instance.result(10)
        assert [f"line {number}" for number in range(500)] == messages(instance)


def test_warnings_outside_of_jobs_still_reach_the_last_resort(manager: Manager) -> None:
    """A program without handlers sees its warnings on stderr as before, once, however many workers run."""
    with _unconfigured() as seen, manager.worker(concurrency=1), manager.worker(concurrency=1):
        _elsewhere.warning("seen")
        _elsewhere.info("not seen")
        assert "seen\n" == seen.getvalue()


def test_a_program_with_handlers_gets_nothing_on_stderr(manager: Manager) -> None:
    """Wherever between the logger and the root a handler stands, the last resort is silent."""
    parent = logging.getLogger("elsewhere")
    handler = logging.StreamHandler(io.StringIO())
    parent.addHandler(handler)
    try:
        with _unconfigured() as seen, manager.worker(concurrency=1):
            _elsewhere.warning("handled")
            assert "" == seen.getvalue()
    finally:
        parent.removeHandler(handler)
    assert "handled\n" == handler.stream.getvalue()


def test_a_stopped_worker_leaves_logging_as_it_was(manager: Manager) -> None:
    """The root has no handler of ours any more."""
    before = logging.getLogger().handlers[:]
    with manager.worker(concurrency=1):
        assert before != logging.getLogger().handlers
    assert before == logging.getLogger().handlers
    assert not any(isinstance(one, CaptureHandler) for one in logging.getLogger().handlers)
