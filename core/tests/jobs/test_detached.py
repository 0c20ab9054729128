"""Calling a job directly: as before decorating, with a context that belongs to no worker."""

import asyncio
import logging
from uuid import UUID

import pytest
from core.tests.client.managers import managed, store_of, working

from rota import ConfigError, Context, Jobs, Manager, NotBound, State

_JOBS = Jobs()


def helper() -> Context:
    """What a job calls, which finds the context by itself."""
    return Context.current()


@_JOBS.job
def asks(ctx: Context, factor: int = 1) -> int:
    """A job with a context."""
    assert helper().attempt == ctx.attempt
    ctx.check()
    ctx.progress(0.5, "half")
    ctx.wait(0)
    ctx.log.warning("asked")
    return ctx.attempt * factor


@_JOBS.job
async def awaits(ctx: Context) -> str:
    """An asynchronous job with a context."""
    await asyncio.sleep(0)
    return helper().worker


@_JOBS.job
def plain() -> str:
    """A job without a context, whose helper wants one."""
    return helper().worker


def test_direct_call_gets_a_detached_context() -> None:
    """Attempt 1, never canceled, without deadline."""
    assert (1, 3) == (asks(), asks(factor=3))


def test_helpers_find_the_context_of_a_direct_call() -> None:
    """In plain and asynchronous jobs, with a context parameter or without; and not after it."""
    assert ("detached", "detached") == (plain(), asyncio.run(awaits()))
    with pytest.raises(ConfigError, match="outside a running job"):
        Context.current()


def test_asynchronous_job_called_directly_leaves_its_caller_as_it_was() -> None:
    """No context of it stays with the task that awaited it."""

    async def caller() -> None:
        assert "detached" == await awaits()
        with pytest.raises(ConfigError):
            Context.current()

    asyncio.run(caller())


def test_log_of_a_direct_call_goes_to_logging(caplog: pytest.LogCaptureFixture) -> None:
    """Where a test can see it."""
    with caplog.at_level(logging.INFO):
        asks()
    assert [("rota.job.asks", "asked")] == [(one.name, one.message) for one in caplog.records]


def test_detached_context_tells_what_it_has_not_got() -> None:
    """There is an instance with the nil id; client and resources are errors that say why."""
    found: list[Context] = []
    Jobs().job(kind="keep")(lambda: found.append(helper()))()
    (ctx,) = found
    assert (UUID(int=0), State.PROCESSING, "keep") == (ctx.instance.id, ctx.instance.state, ctx.instance.kind)
    assert (0, None, False, str(UUID(int=0))) == (ctx.token, ctx.deadline, ctx.cancel_requested, ctx.idempotency_key)
    with pytest.raises(NotBound, match="called directly"):
        _ = ctx.client
    with pytest.raises(NotBound, match="in no store"):
        ctx.instance.refresh()
    with pytest.raises(ConfigError, match="no lifespan yields a dict"):
        ctx.resource(dict)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        ctx.progress(1.5)


def test_instance_scheduled_by_a_direct_call_has_no_parent() -> None:
    """The detached instance is in no store, so nothing may point at it."""
    with managed() as manager:
        child = manager.job(kind="child")(lambda: None)
        manager.job(kind="parent")(child.schedule)()
        (one,) = manager.find()
        (snapshot,) = store_of(manager).get([one.id.hex])
        assert snapshot is not None
        assert snapshot.record.parent is None


def test_job_called_inside_a_job_runs_in_that_jobs_context() -> None:
    """A call is a call: no instance of its own."""
    manager = Manager("memory://")
    inner = manager.job(kind="inner")(lambda: str(helper().instance.id))
    outer = manager.job(kind="outer")(lambda: inner())
    with working(manager):
        one = outer.schedule()
        assert str(one.id) == one.result(timeout=10)


def test_remote_job_can_not_be_called_here() -> None:
    """There is no function."""
    with managed() as manager, pytest.raises(ConfigError, match="another process"):
        manager.remote("mail")()


def test_instance_scheduled_by_a_running_job_has_it_as_parent() -> None:
    """So that a tree of work can be followed."""
    manager = Manager("memory://")
    child = manager.job(kind="child")(lambda: None)
    parent = manager.job(kind="parent")(lambda: str(child.schedule().id))
    with working(manager):
        one = parent.schedule()
        (snapshot,) = store_of(manager).get([UUID(one.result(timeout=10)).hex])
        assert snapshot is not None
        assert one.id.hex == snapshot.record.parent
