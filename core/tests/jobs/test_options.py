"""Options of one call: a copy each time, checked at once, apart from the arguments."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from core.tests.client.managers import managed, store_of

from rota import ConfigError, Jobs, Retry
from rota.jobs.job import Job
from rota.model.records import InstanceRecord
from rota.testing import FakeClock

_AT = datetime(2026, 3, 1, tzinfo=UTC)


def work(name: str = "n") -> str:
    """A job."""
    return name


@pytest.fixture
def job() -> Job[..., Any, Any]:
    """A job with defaults of its own."""
    return Jobs().job(priority=3, timeout=30, retry=2, unique_key="work:{name}")(work)


def _record(**options: Any) -> InstanceRecord:
    """What reaches the store of a call with these options."""
    with managed() as manager:
        made = manager.job(priority=3, timeout=30, retry=2)(work).options(**options).schedule()
        (snapshot,) = store_of(manager).get([made.id.hex])
        assert snapshot is not None
        return snapshot.record


def test_options_answer_a_changed_copy(job: Job[..., Any, Any]) -> None:
    """The job itself stays as it was declared; copies build on one another."""
    later = job.options(after=5)
    urgent = later.options(priority=0)
    assert (0, 5000, 5000) == tuple(one.call().options.delay_ms for one in (job, later, urgent))
    assert (None, None, 0) == tuple(one.call().options.priority for one in (job, later, urgent))
    assert job.definition is urgent.definition


def test_options_travel_with_the_call() -> None:
    """What is not said is left to the definition."""
    said = _record(at=_AT, expires=_AT + timedelta(days=1), priority=-7, timeout=1.5, retry=4)
    assert (1_772_323_200_000, 1_772_409_600_000, -7, 1500) == (
        said.due_ms, said.expires_ms, said.priority, said.timeout_ms
    )  # fmt: skip
    assert said.retry is not None
    assert 4 == said.retry.max_retries
    silent = _record()
    assert (None, 0, None, None, 3, None, None) == (
        silent.due_ms, silent.delay_ms, silent.expires_ms, silent.expires_after_ms, silent.priority,
        silent.timeout_ms, silent.retry,
    )  # fmt: skip


@pytest.mark.parametrize("length", [90, timedelta(seconds=90)])
def test_durations_are_seconds_or_timedeltas(length: Any) -> None:
    """Everywhere alike."""
    said = _record(after=length, expires=length, timeout=length)
    assert (90_000, 90_000, 90_000) == (said.delay_ms, said.expires_after_ms, said.timeout_ms)


def test_none_takes_an_option_back() -> None:
    """`at=None`, `after=None`, `expires=None`: as if never said; `timeout=None` is no bound at all."""
    job = Jobs().job(timeout=30)(work)
    said = job.options(at=_AT, expires=5).options(at=None, expires=None, after=None, timeout=None).call().options
    assert (None, 0, None, None, 0) == (
        said.due_ms, said.delay_ms, said.expires_ms, said.expires_after_ms, said.timeout_ms
    )  # fmt: skip


def test_at_and_after_exclude_one_another(job: Job[..., Any, Any]) -> None:
    """Also when they are said one after the other."""
    with pytest.raises(ConfigError, match="exclude one another"):
        job.options(at=_AT, after=5)
    with pytest.raises(ConfigError, match="exclude one another"):
        job.options(at=_AT).options(after=5)
    assert 5000 == job.options(at=_AT).options(at=None, after=5).call().options.delay_ms


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"at": datetime(2026, 1, 1)}, r"options\(at\).*aware"),  # noqa: DTZ001
        ({"expires": datetime(2026, 1, 1)}, r"options\(expires\).*aware"),  # noqa: DTZ001
        ({"at": 5}, r"options\(at\)"),
        ({"after": -1}, r"options\(after\).*-1"),
        ({"after": timedelta(seconds=-1)}, r"options\(after\)"),
        ({"after": True}, r"options\(after\).*True"),
        ({"after": float("nan")}, r"options\(after\).*nan"),
        ({"after": _AT}, r"options\(after\)"),
        ({"jitter": -1}, r"options\(jitter\)"),
        ({"expires": -1}, r"options\(expires\)"),
        ({"timeout": 0}, r"timeout must be more than zero; None"),
        ({"timeout": 0.0001}, r"timeout must be more than zero"),
        ({"timeout": -1}, r"timeout"),
        ({"timeout": False}, r"timeout"),
        ({"priority": 2**31}, r"32-bit"),
        ({"priority": -(2**31) - 1}, r"32-bit"),
        ({"priority": 1.5}, r"32-bit"),
        ({"priority": True}, r"32-bit"),
        ({"priority": None}, r"32-bit"),
        ({"retry": -2}, r"max_retries"),
        ({"retry": "3"}, r"max_retries"),
        ({"retry": Retry(1, backoff=lambda n: n)}, r"function can't travel"),
        ({"unique_key": "{nobody}"}, r"options\(unique_key\).*'nobody'.*name: str"),
        ({"unique_key": "{name"}, r"no template"),
        ({"unique_key": "{name!r}"}, r"no format or conversion"),
        ({"unique_key": "{name.__class__}"}, r"private"),
        ({"on_parent_failure": "explode"}, r"\"cancel\" or \"run\""),
    ],
)
def test_impossible_option_is_refused_where_it_is_written(
    job: Job[..., Any, Any], options: dict[str, Any], said: str
) -> None:
    """ConfigError that names the option and what was given."""
    with pytest.raises(ConfigError, match=said):
        job.options(**options)


@pytest.mark.parametrize("priority", [-(2**31), 0, 5, 10, 2**31 - 1])
def test_every_32_bit_priority_is_allowed(priority: int) -> None:
    """Low and high, negative too."""
    assert priority == _record(priority=priority).priority


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0}, {"timeout": -1}, {"priority": 2**31}, {"retry": -2}, {"unique_key": "{nobody}"},
        {"unique_until": "never"}, {"executor": "asyncio"}, {"recurring": "daily"},
    ],
    ids=str,
)  # fmt: skip
def test_impossible_default_is_refused_at_the_definition(options: dict[str, Any]) -> None:
    """What options refuse, `job(...)` refuses too; and nothing is registered."""
    jobs = Jobs()
    with pytest.raises(ConfigError):
        jobs.job(**options)(work)
    assert [] == list(jobs)


def test_async_function_can_not_be_told_to_run_in_a_thread() -> None:
    """And a plain one not on the loop; the message says what fits."""

    async def fetch() -> None: ...

    with pytest.raises(ConfigError, match=r'async def.*"asyncio", not "thread"'):
        Jobs().job(executor="thread")(fetch)
    with pytest.raises(ConfigError, match=r'a def.*"thread", not "asyncio"'):
        Jobs().job(executor="asyncio")(work)


def test_arguments_may_have_any_name() -> None:
    """Options and arguments are said in different calls, so that no name is reserved."""

    def clash(
        at: int, after: int, timeout: int, priority: int, retry: int, kind: int, executor: int, self: int, args: int
    ) -> int:
        return at + after + timeout + priority + retry + kind + executor + self + args

    names = ("at", "after", "timeout", "priority", "retry", "kind", "executor", "self", "args")
    values = {name: number for number, name in enumerate(names)}
    with managed() as manager:
        job = manager.job(clash)
        assert values == dict(job.options(after=5).schedule(**values).arguments)
        assert values == dict(manager.remote("clash").schedule(**values).arguments)
        assert sum(values.values()) == job(**values)


def test_jitter_is_drawn_once_for_each_instance() -> None:
    """Between zero and the jitter, on top of the delay or the instant; kept with the instance."""
    clock = FakeClock()
    with managed(clock) as manager:
        job = manager.job(work).options(after=10, jitter=5)
        waits = {(one.due_at - one.created_at).total_seconds() for one in (job.schedule() for _ in range(50))}
        assert 10 <= min(waits) < max(waits) <= 15
        assert len(waits) > 40
        fixed = manager.job(work).options(at=_AT, jitter=5).schedule()
        assert 0 <= (fixed.due_at - _AT).total_seconds() <= 5
        assert fixed.due_at == fixed.refresh().due_at


@pytest.mark.parametrize("unique_key", [5, ["a"], len])
def test_unique_key_that_is_no_text_is_refused(unique_key: Any) -> None:
    """With the job and the option named."""
    with pytest.raises(ConfigError, match="unique_key of job 'work' is a text such as"):
        Jobs().job(unique_key=unique_key)(work)
    with pytest.raises(ConfigError, match=r"options\(unique_key\) of 'work' is a text such as"):
        Jobs().job(work).options(unique_key=unique_key)


def test_unique_key_of_unknown_names_says_the_job_once() -> None:
    """One mention finds it."""
    with pytest.raises(ConfigError, match=r"^unique_key of job 'work' 'x:\{order\}' names 'order'") as refused:
        Jobs().job(unique_key="x:{order}")(work)
    assert 1 == str(refused.value).count("work")
