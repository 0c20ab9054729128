"""Calls: arguments bound and checked, not scheduled yet."""

from typing import Any

import pytest
from core.tests.client.managers import managed

from rota import ArgumentError, ConfigError, Context, Every, Jobs
from rota.engine.arguments import ArgumentPlan


def work(a: int, b: str = "x", *, c: bool = False) -> None:
    """A job."""


_JOB = Jobs().job(work)


def test_calls_that_say_the_same_are_equal() -> None:
    """Job, options and arguments."""
    assert _JOB.call(1, "y") == _JOB.call(1, "y")
    assert hash(_JOB.call(1)) == hash(_JOB.call(1))
    assert _JOB.call(1) != _JOB.call(2)
    assert _JOB.call(1) != _JOB.options(after=5).call(1)
    assert _JOB.call(1) != Jobs().job(work).call(1)
    assert _JOB.call(1) != 1


@pytest.mark.parametrize("attribute", ["kind", "definition", "options", "bound", "other"])
def test_call_is_frozen(attribute: str) -> None:
    """AttributeError, for new attributes too."""
    with pytest.raises(AttributeError):
        setattr(_JOB.call(1), attribute, 1)


@pytest.mark.parametrize("attribute", ["kind", "definition", "other"])
def test_job_is_frozen(attribute: str) -> None:
    """`options` gives a copy; nothing changes a job."""
    with pytest.raises(AttributeError):
        setattr(_JOB, attribute, 1)


def test_call_shows_job_and_arguments() -> None:
    """For logs and debuggers."""
    assert "<Call work(1, c=True)>" == repr(_JOB.call(1, c=True))
    assert ("<Job work>", "work") == (repr(_JOB), _JOB.call(1).kind)


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((), {}, "missing argument 'a'"),
        ((1, "x", True), {}, "takes 2 positional"),
        ((1,), {"d": 1}, "unexpected argument 'd'"),
        ((1,), {"a": 1}, "'a' twice"),
        (("one",), {}, '"a" of "work".*int'),
        ((1,), {"c": "perhaps"}, '"c" of "work".*bool'),
    ],
)
def test_arguments_that_do_not_fit_are_refused_at_the_call(args: Any, kwargs: Any, said: str) -> None:
    """Extra or missing arguments are errors, never dropped; the message shows what fits."""
    with pytest.raises(ArgumentError, match=said):
        _JOB.call(*args, **kwargs)


def test_arguments_are_converted_by_annotation() -> None:
    """What the worker will see is what the caller is told."""
    assert (["7"], {}) == Jobs().job(kind="s")(lambda name: name).call("7").bound
    assert ([7], {"c": True}) == _JOB.call(7, c=True).bound


def _context_second(a: int, ctx: Context) -> None: ...
def _context_keyword(*, ctx: Context) -> None: ...
def _context_optional(a: int, ctx: Context | None = None) -> None: ...
def _context_twice(ctx: Context, again: Context) -> None: ...


@pytest.mark.parametrize("function", [_context_second, _context_optional, _context_twice, _context_keyword])
def test_context_anywhere_but_first_is_refused_with_the_fix(function: Any) -> None:
    """At registration: a job that could never run must not start."""
    with pytest.raises(ConfigError, match=r"first parameter.*def .*Context, \.\.\."):
        Jobs().job(function)


def test_context_is_no_parameter_of_the_call() -> None:
    """Callers never pass it."""

    def work(ctx: Context, a: int) -> int:
        return a

    job = Jobs().job(work)
    assert isinstance(job.definition.plan, ArgumentPlan)
    assert ([3], {}) == job.call(3).bound
    assert ["a"] == [one.name for one in job.definition.plan.parameters]
    assert 3 == job(3)


@pytest.mark.parametrize(
    ("given", "said"),
    [("job", r"takes a Call; write add\.call\(\.\.\.\)$"), (5, r"takes a Call; write job\.call\(\.\.\.\); got 5$")],
)
def test_job_instead_of_a_call_is_refused_everywhere(given: Any, said: str) -> None:
    """Scheduling and rules alike, with what to write."""
    with managed() as manager:
        job = manager.job(kind="math.add")(lambda: 1)
        one = job if given == "job" else given
        every = Every(60)
        for ask in (
            lambda: manager.schedule(one),
            lambda: manager.schedule_many([one]),
            lambda: manager.put_schedule("x", every, one),
            lambda: manager.recurring("x", every, one),
        ):
            with pytest.raises(ConfigError, match=said):
                ask()
        with pytest.raises(ConfigError, match=r"schedule_many\(\) takes several Calls; write \["):
            manager.schedule_many(one)
        assert 0 == manager.count()
