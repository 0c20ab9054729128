"""rota's own kinds and rules: a prefix of their own, found but not listed, run by every worker."""

from collections.abc import Callable

import pytest

from rota import ConfigError, Cron, Jobs, Manager
from rota.jobs.system import SystemJobs


def one() -> int:
    """A job of the program, or of rota."""
    return 1


def _manager() -> Manager:
    own = SystemJobs()
    own.job(kind="one")(one)
    own.recurring("rule", Cron("0 0 * * *"), own["system.one"].call())
    manager = Manager("memory://", jobs=[own])
    manager.job(one)
    return manager


def _taken(define: Callable[[Jobs], object]) -> str:
    with pytest.raises(ConfigError) as refused:
        define(Jobs())
    return str(refused.value)


@pytest.mark.parametrize(
    "define",
    [
        lambda jobs: Jobs("system."),
        lambda jobs: Jobs("system.mine."),
        lambda jobs: jobs.job(kind="system.one")(one),
        lambda jobs: Jobs("sys").job(kind="tem.one")(one),
        lambda jobs: jobs.recurring("system.rule", Cron("0 0 * * *"), jobs.job(one).call()),
        lambda jobs: Manager("memory://").put_schedule("system.rule", Cron("0 0 * * *"), jobs.job(one).call()),
    ],
)
def test_what_a_program_names_is_never_one_of_rotas_own(define: Callable[[Jobs], object]) -> None:
    """Kinds, rules and prefixes that begin with "system." are refused where they are written."""
    assert "can't begin with 'system.'" in _taken(define)


def test_a_name_that_only_looks_like_it_is_free() -> None:
    """The reserved prefix ends with a dot."""
    assert "systemic" == Jobs().job(kind="systemic")(one).kind


def test_rotas_own_kinds_are_found_and_not_listed() -> None:
    """The program sees its own jobs; a lookup by kind finds the others."""
    manager = _manager()
    assert (["one"], "<Manager of 1 jobs>") == (sorted(manager), repr(manager))
    assert ("system.one", True) == (manager["system.one"].kind, "system.one" in manager)
    assert "system.rule" in manager.declared_schedules()


def test_a_worker_of_some_kinds_takes_rotas_own_too() -> None:
    """Also one that is restricted to patterns, and one of a job that was defined meanwhile."""
    manager = _manager()
    late = SystemJobs()
    with manager, manager.worker(concurrency=1, kinds="on*"):
        (worker,) = manager.workers()
        assert {"one", "system.one"} <= worker.kinds
        late.job(kind="late")(one)
        manager.include(late)
        assert 1 == manager.schedule(manager["system.late"].call()).result(timeout=10)
