"""Which manager a job belongs to when it is asked to schedule."""

import gc
from uuid import UUID

import pytest
from core.tests.client.managers import fresh_url, working

from rota import Jobs, Manager, NotBound


def add(a: int, b: int) -> int:
    """A job."""
    return a + b


def test_job_that_no_manager_includes_is_not_bound() -> None:
    """The message says what to make; calling it directly works all the same."""
    job = Jobs().job(add)
    with pytest.raises(NotBound, match=r"no manager includes the job 'add'.*Manager\(\.\.\., jobs="):
        job.schedule(1, 2)
    assert 3 == job(1, 2)


def test_job_finds_its_one_manager_through_any_number_of_collections() -> None:
    """Nested includes."""
    inner, middle = Jobs(), Jobs()
    job = inner.job(add)
    middle.include(inner)
    with Manager("memory://", jobs=[middle]) as manager:
        made = job.schedule(1, 2)
        assert made == manager.get(made.id)


def test_job_of_two_managers_has_to_be_told_which() -> None:
    """Guessing would put work into the wrong store; the advice works."""
    jobs = Jobs()
    job = jobs.job(add)
    with Manager("memory://", jobs=[jobs]) as first, Manager("memory://", jobs=[jobs]) as second:
        with pytest.raises(NotBound, match=r"2 managers include.*manager\.schedule\(job\.call"):
            job.schedule(1, 2)
        first.schedule(job.call(1, 2))
        second["add"].schedule(1, 2)
        second["add"].options(after=5).schedule(1, 2)
        assert (1, 2) == (first.count(), second.count())


def test_manager_that_is_gone_counts_no_more() -> None:
    """A collection does not keep managers alive."""
    jobs = Jobs()
    job = jobs.job(add)
    Manager("memory://", jobs=[jobs])
    gc.collect()
    with pytest.raises(NotBound):
        job.schedule(1, 2)


def test_job_of_a_namespaced_manager_schedules_there() -> None:
    """The job that a view answers belongs to the view; the definition is one."""
    with Manager("memory://") as manager:
        job = manager.job(add)
        other = manager.namespaced("other")
        other["add"].schedule(1, 2)
        assert (0, 1) == (manager.count(), other.count())
        job.schedule(1, 2)
        other.schedule(job.call(1, 2))
        assert (1, 2) == (manager.count(), other.count())
        assert job.definition is other["add"].definition


def test_view_does_not_make_the_job_ambiguous() -> None:
    """A job of a manager with namespaced views still belongs to that manager."""
    jobs = Jobs()
    job = jobs.job(add)
    with Manager("memory://", jobs=[jobs]) as manager:
        views = [manager.namespaced(name) for name in ("a", "b")]
        job.schedule(1, 2)
        assert ([0, 0], 1) == ([view.count() for view in views], manager.count())


def test_manager_answers_its_own_job_as_it_is() -> None:
    """No copy where none is needed."""
    manager = Manager("memory://")
    assert manager.job(add) is manager["add"]


def test_remote_job_belongs_to_the_client_that_was_asked() -> None:
    """A kind that is known nowhere here."""
    url = fresh_url()
    with Manager(url) as first, Manager(url, namespace="n") as second:
        second.remote("mail").schedule("you")
        assert (0, 1) == (first.count(), second.count())


async def _scheduled(job: object) -> None:
    await job.aschedule(1, 2)  # type: ignore[attr-defined]


def test_awaited_schedule_is_bound_by_the_same_rule() -> None:
    """The twin raises the same error."""
    import asyncio

    with pytest.raises(NotBound):
        asyncio.run(_scheduled(Jobs().job(add)))


def test_job_of_two_managers_belongs_inside_a_job_to_the_one_that_runs_it() -> None:
    """What a job schedules goes where it came from itself."""
    jobs = Jobs()

    @jobs.job
    def follow() -> int:
        return 1

    @jobs.job
    def lead() -> str:
        return follow.schedule().id.hex

    first, second = Manager("memory://", jobs=[jobs]), Manager("memory://", jobs=[jobs])
    with first, working(second):
        made = second.schedule(lead.call()).result(timeout=10)
        assert ("follow", 0) == (second.get(UUID(made)).kind, first.count())
