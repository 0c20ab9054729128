"""Waiting where waiting hangs: refused at once, with what to do instead."""

import asyncio

import pytest
from core.tests.client.managers import working

from rota import JobFailed, Manager


def test_result_inside_a_job_is_refused() -> None:
    """It would hold its slot while the other waits for one; the awaited form is no better in a plain job."""
    manager = Manager("memory://")
    other = manager.job(kind="other")(lambda: 1)

    @manager.job
    def waits() -> int:
        return other.schedule().result()

    with working(manager, concurrency=1):
        with pytest.raises(JobFailed, match=r"hold its slot.*aresult.*output") as failed:
            waits.schedule().result(timeout=10)
        assert failed.value.type_name.endswith("ConfigError")


@pytest.mark.parametrize("method", ["result", "join"])
def test_blocking_wait_on_a_loops_thread_is_refused(method: str) -> None:
    """It would stop every coroutine there."""
    from rota import ConfigError

    manager = Manager("memory://")
    job = manager.job(kind="one")(lambda: 1)
    with working(manager):
        one = job.schedule()
        one.result(timeout=10)

        async def main() -> None:
            with pytest.raises(ConfigError, match=r"event loop.*aresult"):
                getattr(one, method)()
            assert 1 == await one.aresult()

        asyncio.run(main())


def test_awaited_result_inside_an_asynchronous_job_works() -> None:
    """It holds no slot's thread; other jobs of the loop go on."""
    manager = Manager("memory://")
    other = manager.job(kind="other")(lambda: 41)

    @manager.job
    async def waits() -> int:
        return await (await other.aschedule()).aresult(timeout=10) + 1

    with working(manager):
        assert 42 == waits.schedule().result(timeout=10)


def test_blocking_wait_beside_the_loop_is_fine() -> None:
    """In a thread of its own, which is what the twins use."""
    manager = Manager("memory://")
    job = manager.job(kind="one")(lambda: 1)
    with working(manager):
        one = job.schedule()
        assert 1 == asyncio.run(asyncio.to_thread(one.result, 10))
