"""Kinds: where they come from, what they may be, and when one is taken."""

import functools
import importlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rota import ConfigError, Every, Jobs, KindExists, Limit, Manager


def tick() -> int:
    """A function of a module."""
    return 1


def tock() -> int:
    """Another."""
    return 2


class Robot:
    """Its methods, and itself, are jobs."""

    def __init__(self, name: str) -> None:
        self.name = name

    def greet(self, whom: str) -> str:
        """A method."""
        return f"{self.name} greets {whom}"

    def __call__(self) -> str:
        """Itself."""
        return self.name

    def __len__(self) -> int:
        return 0  # falsy, and still an owner


def test_kind_is_the_name_of_the_function() -> None:
    """Without more said, the function's own name."""
    assert "tick" == Jobs().job(tick).kind


def test_prefix_stands_before_every_kind() -> None:
    """Also before one that is given by hand, and before the names of schedules."""
    from rota import Every

    jobs = Jobs("billing.")
    assert ["billing.tick", "billing.invoice"] == [jobs.job(tick).kind, jobs.job(kind="invoice")(tock).kind]
    jobs.recurring("hourly", Every(3600), jobs["billing.tick"].call())
    assert ["billing.hourly"] == list(jobs.declared_schedules())


def test_decorator_works_bare_called_and_as_a_function() -> None:
    """Three spellings of one thing."""
    jobs = Jobs()

    @jobs.job
    def bare() -> None: ...

    @jobs.job()
    def called() -> None: ...

    assert [bare, called, jobs.job(tick)] == [jobs["bare"], jobs["called"], jobs["tick"]]


@pytest.mark.parametrize(
    "nameless", [lambda: 1, functools.partial(tick), Robot("R2")], ids=["lambda", "partial", "callable object"]
)
def test_what_has_no_name_needs_a_kind(nameless: Callable[[], Any]) -> None:
    """The message says how to give one; with it, the job is as good as any."""
    with pytest.raises(ConfigError, match=r"kind=\.\.\."):
        Jobs().job(nameless)
    job = Jobs().job(kind="named")(nameless)
    assert ("named", nameless()) == (job.kind, job())


@pytest.mark.parametrize("kind", ["", " ", "a b", "a/b", "ä", "a\n", "x" * 101, 5])
def test_kind_that_not_every_store_can_keep_is_refused(kind: Any) -> None:
    """1 to 100 characters of a small alphabet; the limit counts the prefix."""
    with pytest.raises(ConfigError, match="kind"):
        Jobs().job(kind=kind)(tick)


def test_empty_kind_does_not_become_the_bare_prefix() -> None:
    """A prefix alone names nothing."""
    with pytest.raises(ConfigError):
        Jobs("billing.").job(kind="")(tick)


def test_kind_of_a_hundred_characters_is_the_longest() -> None:
    """The prefix counts."""
    assert 100 == len(Jobs("p" * 50).job(kind="k" * 50)(tick).kind)
    with pytest.raises(ConfigError, match="1 to 100"):
        Jobs("p" * 50).job(kind="k" * 51)(tick)


@pytest.mark.parametrize("prefix", ["a b", "x" * 101, 5])
def test_prefix_that_no_kind_can_start_with_is_refused(prefix: Any) -> None:
    """At once, not at the first job."""
    with pytest.raises(ConfigError, match="prefix"):
        Jobs(prefix)


def test_same_function_again_replaces() -> None:
    """With its new options."""
    jobs = Jobs()
    jobs.job(priority=1)(tick)
    again = jobs.job(priority=9)(tick)
    assert (["tick"], 9) == (list(jobs), jobs["tick"].definition.priority)
    assert again is jobs["tick"]


def test_redefinition_under_the_same_name_replaces() -> None:
    """As when a notebook cell is run again."""
    jobs = Jobs()

    def cell(answer: int) -> None:
        @jobs.job
        def ask() -> int:
            return answer

    cell(1)
    cell(2)
    assert 2 == jobs["ask"]()


def test_reloaded_module_replaces_its_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A development server reloads modules while the collection stays."""
    (tmp_path / "reloaded_shop.py").write_text(
        "from reloaded_base import jobs\n@jobs.job\ndef sell() -> int:\n    return 1\n"
    )
    (tmp_path / "reloaded_base.py").write_text("import rota\njobs = rota.Jobs()\n")
    monkeypatch.syspath_prepend(tmp_path)
    shop = importlib.import_module("reloaded_shop")
    first = shop.jobs["sell"]
    importlib.reload(shop)
    assert first is not shop.jobs["sell"] is shop.sell
    for name in ("reloaded_shop", "reloaded_base"):
        monkeypatch.delitem(sys.modules, name)


def test_main_module_imported_again_under_its_own_name_replaces(tmp_path: Path) -> None:
    """`python app.py`, whose modules import `app`: one file, one function, two module names."""
    from subprocess import run

    (tmp_path / "base.py").write_text("import rota\njobs = rota.Jobs()\n")
    (tmp_path / "app.py").write_text(
        "from base import jobs\n@jobs.job\ndef sell() -> int:\n    return 1\n"
        "if __name__ == '__main__':\n    import app\n    print(list(jobs))\n"
    )
    found = run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ("['sell']\n", "") == (found.stdout, found.stderr)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (tick, tock),
        (Robot("a").greet, Robot("b").greet),
        (Robot("a"), Robot("b")),
        (functools.partial(Robot.greet, whom="a"), functools.partial(Robot.greet, whom="b")),
        (lambda: 1, functools.partial(tick)),
    ],
    ids=["functions", "methods of two objects", "objects", "partials", "lambda and partial"],
)
def test_another_function_under_the_kind_is_refused(first: Callable[..., Any], second: Callable[..., Any]) -> None:
    """Silently replacing would run the wrong code; the message names both and the way out."""
    jobs = Jobs()
    jobs.job(kind="same")(first)
    with pytest.raises(KindExists, match=r"'same'.*kind=") as refused:
        jobs.job(kind="same")(second)
    assert repr(second) in str(refused.value)
    assert first is jobs["same"].definition.function


def test_two_lambdas_of_one_kind_are_two_functions() -> None:
    """They share a name and a module, and still are not the same."""
    jobs = Jobs()
    jobs.job(kind="same")(lambda: 1)
    with pytest.raises(KindExists):
        jobs.job(kind="same")(lambda: 2)


@pytest.mark.parametrize(
    "make", [lambda: functools.partial(tick), lambda: _ROBOT.greet], ids=["partial", "bound method"]
)
def test_same_thing_made_again_replaces(make: Callable[[], Callable[..., Any]]) -> None:
    """An equal partial, and the method of the same object, are the same function."""
    jobs = Jobs()
    jobs.job(kind="same")(make())
    assert "same" == jobs.job(kind="same")(make()).kind


_ROBOT = Robot("R2")


def test_bound_method_and_callable_object_are_jobs() -> None:
    """Whatever can be called, and has a signature."""
    jobs = Jobs()
    assert "R2 greets C3" == jobs.job(_ROBOT.greet)("C3")
    assert "R2" == jobs.job(kind="robot")(_ROBOT)()
    assert "R2 greets you" == jobs.job(kind="partial")(functools.partial(_ROBOT.greet, whom="you"))()


def test_async_callables_of_all_sorts_run_on_the_loop() -> None:
    """Coroutine functions are found behind partials, methods and `__call__`."""

    class Fetcher:
        async def fetch(self, url: str = "") -> str:
            """A method."""
            return url

        async def __call__(self) -> None: ...

    jobs = Jobs()
    made = [
        jobs.job(Fetcher().fetch),
        jobs.job(kind="partial")(functools.partial(Fetcher().fetch, "u")),
        jobs.job(kind="object")(Fetcher()),
    ]
    assert ["asyncio"] * 3 == [job.definition.executor for job in made]
    assert "thread" == jobs.job(tick).definition.executor


@pytest.mark.parametrize("what", [5, "tick", None])
def test_what_can_not_be_called_is_refused(what: Any) -> None:
    """With the name or without."""
    with pytest.raises(ConfigError):
        Jobs().job(kind="x")(what)


def test_function_without_a_signature_is_refused() -> None:
    """Arguments could not be checked."""
    with pytest.raises(ConfigError, match="no signature"):
        Jobs().job(kind="d")(max)


def test_collections_are_never_falsy() -> None:
    """`if manager:` asks whether there is one, not whether it has jobs."""
    assert Jobs()
    assert Manager("memory://")


def test_redefinition_without_recurring_drops_the_rule() -> None:
    """The old declaration must not fire on."""
    from rota import Every

    jobs = Jobs()
    jobs.job(recurring=Every(60))(tick)
    assert ["tick"] == list(jobs.declared_schedules())
    jobs.job(tick)
    assert [] == list(jobs.declared_schedules())


def _yields() -> Iterator[int]:
    yield 1


async def _yields_later() -> AsyncIterator[int]:
    yield 1


class _Service:
    """No function."""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (_yields, "function with yield.*return a list"),
        (_yields_later, "function with yield.*return a list"),
        (functools.partial(_yields), "function with yield"),
        (_Service, "is a class; write a function"),
        (functools.partial(_Service), "is a class"),
    ],
)
def test_what_does_no_work_by_being_called_is_refused(function: Callable[..., Any], said: str) -> None:
    """Where it is declared, with what to write instead; it would complete without a result."""
    with pytest.raises(ConfigError, match=rf"job 'x': .*{said}"):
        Jobs().job(kind="x")(function)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retries": 3}, "no option 'retries'; there are kind, executor, priority, timeout, retry"),
        ({"kind": "k", "overlaps": "skip"}, r"no option 'overlaps'; there are .*misfire, misfire_cap, overlap"),
    ],
)
def test_unknown_option_is_refused_where_it_is_written(options: dict[str, Any], said: str) -> None:
    """At the decorator's call, before there is a function."""
    with pytest.raises(ConfigError, match=said):
        Jobs()._job(**options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"overlap": "skip"}, "overlap needs recurring="),
        ({"misfire": "all", "misfire_cap": 5}, "misfire, misfire_cap needs recurring="),
        ({"recurring": Every(60), "misfire_cap": 0}, "misfire_cap is a whole number, 1 or more; got 0"),
        ({"recurring": Every(60), "misfire_cap": True}, "misfire_cap is a whole number"),
        ({"max_crashes": -1}, "max_crashes must be a whole number, 0 or more; got -1"),
        ({"limits": [Limit(1), Limit(2)]}, "at most one Limit with a key and one without"),
        ({"limits": [Limit(1, key="{a}"), Limit(2, key="{b}")]}, "at most one Limit with a key"),
        ({"limits": [5]}, "limits takes a rota.Limit"),
        ({"limits": Limit(1, key="{tenant}")}, "names 'tenant', which is none of its parameters"),
        ({"executor": 5}, "executor takes a name, or the frozen options"),
    ],
)
def test_option_that_can_not_be_is_refused_where_it_is_written(options: dict[str, Any], said: str) -> None:
    """A worker would find out much later, and far away."""
    with pytest.raises(ConfigError, match=said):
        Jobs().job(kind="x", **options)(lambda: None)


@pytest.mark.parametrize("attach", ["on_complete", "on_terminate", "on_state_change"])
@pytest.mark.parametrize("function", [_yields_later, _yields, "text", functools.partial(_yields)])
def test_processor_that_would_do_nothing_is_refused(attach: str, function: Any) -> None:
    """Nobody awaits what it makes; a plain function does its work by being called."""
    job = Jobs().job(kind="x")(lambda: 1)
    with pytest.raises(ConfigError, match=f"{attach} of job 'x' takes a plain function"):
        getattr(job, attach)(function)


@pytest.mark.parametrize("attach", ["on_complete", "on_terminate", "on_state_change"])
def test_asynchronous_processor_is_refused(attach: str) -> None:
    """Its coroutine would never run."""

    async def later(*_: object) -> None: ...

    job = Jobs().job(kind="x")(lambda: 1)
    with pytest.raises(ConfigError, match=f"{attach} of job 'x' takes a plain function.*an async def"):
        getattr(job, attach)(later)
