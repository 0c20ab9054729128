"""Looking and resizing from elsewhere: numbers of kinds, what was published, and a worker by its name."""

from datetime import UTC, datetime, timedelta

import pytest
from core.tests.client.managers import ByHand, fresh_url, managed

from rota import ConfigError, Keep, Query, QueryError, State
from rota.model.name import is_system
from rota.model.records import Ending
from rota.testing import FakeClock, wait_until

_START = datetime(2026, 1, 1, tzinfo=UTC)


def test_stats_tell_the_numbers_of_each_kind() -> None:
    """By kind, of those with instances or paused; named ones alone when there are names."""
    clock = FakeClock()
    with managed(clock) as manager:
        manager.schedule_many([manager.remote("a").call()] * 3)
        manager.remote("a").options(after=60).schedule()
        ByHand(manager).claim("a", limit=1)
        manager.remote("b").schedule()
        manager.pause("c")
        a, b, c = manager.stats()
        assert {State.PROCESSING: 1, State.SCHEDULED: 3} == dict(a.counts)
        assert (_START, _START + timedelta(seconds=60), 0, False) == (a.oldest_due, a.next_due, a.held_back, a.paused)
        assert ({}, True) == (dict(c.counts), c.paused)
        assert [b] == manager.stats("b", "nobody")
        assert [] == manager.stats("nobody")
        with pytest.raises(ConfigError, match="stats"):
            manager.stats(["a"])  # type: ignore[arg-type]


def test_kinds_tell_what_workers_published() -> None:
    """Nothing before a worker ran; then also to a manager that defines none of it."""
    url = fresh_url()
    with managed(store=url) as manager, managed(store=url) as other:

        @manager.job(timeout=30, retry=2, priority=3, keep=Keep(3600, count=5))
        def pack(order: int, gift: bool = False) -> str:
            """Pack an order."""
            return ""

        assert [] == other.kinds()
        with manager.worker():
            pass
        (kind,) = [one for one in other.kinds() if not is_system(one.kind)]
        assert ("pack", "Pack an order.", "thread", 3, timedelta(seconds=30), 2) == (
            kind.kind, kind.summary, kind.executor, kind.priority, kind.timeout, kind.max_retries,
        )  # fmt: skip
        assert [("order", True), ("gift", False)] == [(one.name, one.required) for one in kind.parameters]
        assert Keep(3600, count=5).to_record() == kind.keep.to_record()


def test_worker_is_resized_by_its_name_while_jobs_run() -> None:
    """A beat delivers it at once; the handle and WorkerInfo show it; the same again changes nothing; the last word
    stands; an unknown one, and one that has stopped, is False."""
    url = fresh_url()
    with managed(store=url) as manager, managed(store=url) as other:
        started: list[int] = []

        @manager.job
        async def hold(number: int) -> None:
            import asyncio

            started.append(number)
            await asyncio.sleep(60)

        worker = manager.worker(concurrency=1, grace=0).start()
        name = worker.name or ""
        try:
            manager.schedule_many(hold.call(number) for number in range(10))
            wait_until(lambda: len(started) == 1)
            for size in (3, 3, 5, 2):
                assert other.resize(name, size)
                wait_until(lambda size=size: worker.concurrency == size)
                wait_until(lambda size=size: [size] == [one.concurrency for one in other.workers()])
            wait_until(lambda: len(started) == 5, description="as many as there were slots at most")
            assert not other.resize("nobody", 3)
            with pytest.raises(ConfigError):
                other.resize(name, 0)
            with pytest.raises(QueryError, match="worker's name"):
                other.resize(worker, 3)  # type: ignore[arg-type]
        finally:
            worker.stop()
        assert not other.resize(name, 3)


_IN_A_JOB = "in a job"


@pytest.mark.parametrize(
    ("field", "value", "verbs"),
    [
        ("worker", "w1", {"find": 1, "count": 1, "cancel": 0, "retry": 1, "purge": 1}),
        ("worker", "", {"find": 0, "count": 0, "cancel": 0, "retry": 0, "purge": 0}),
        ("reason", "poison", {"find": 1, "count": 1, "cancel": 0, "retry": 1, "purge": 1}),
        ("ended_since", _START + timedelta(seconds=10), {"find": 1, "count": 1, "cancel": 0, "retry": 1, "purge": 1}),
        ("ended_until", _START + timedelta(seconds=10), {"find": 1, "count": 1, "cancel": 0, "retry": 1, "purge": 1}),
        ("parent", _IN_A_JOB, {"find": 2, "count": 2, "cancel": 2, "retry": 0, "purge": 0}),
    ],
)
def test_field_selects_in_every_verb(field: str, value: object, verbs: dict[str, int]) -> None:
    """The same ones, narrowed to those that the verb applies to; the others are left alone."""
    for verb, expected in verbs.items():
        clock = FakeClock()
        with managed(clock) as manager:

            @manager.job(kind="p")
            def parent(manager=manager) -> None:  # type: ignore[no-untyped-def]
                for _ in range(2):
                    manager.remote("child").schedule()

            if value is _IN_A_JOB:
                made = parent.schedule()
                with manager.worker(kinds=["p"], lease=10**6) as worker:
                    made.join(10)
                    assert worker.drain(5)
                value_here: object = made.id
            else:
                value_here = value
                for name, reason in (("w1", "poison"), ("w2", None)):
                    manager.remote("a").schedule()
                    ByHand(manager, name).end("a", ending=Ending.TERMINATED, reason=reason)
                    clock.advance(10)
                manager.remote("a").schedule()
            before = manager.count()
            answer = getattr(manager, verb)(Query(**{field: value_here}))  # type: ignore[arg-type]
            assert expected == (len(answer) if verb == "find" else answer), verb
            assert before + {"retry": expected, "purge": -expected}.get(verb, 0) == manager.count()
