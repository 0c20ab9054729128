"""What a child can import: refused where it is declared, or said by the instance, never a riddle."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from core.tests.runtime.process.jobs import jobs, pid

from rota import ConfigError, Jobs, Manager, ProcessOptions
from rota.jobs.importable import function_at, reference_of

WAIT_S = 60


class Holder:
    """A class with jobs in it."""

    def method(self) -> None:
        """Need an object."""

    @classmethod
    def of_class(cls) -> str:
        """Need none."""
        return cls.__name__

    def __call__(self) -> None:
        """Be an object without a name."""


def plain() -> None:
    """Be a function of a module."""


def nested() -> Callable[[], None]:
    """Return a function that has no name outside."""

    def inner() -> None: ...

    return inner


@pytest.mark.parametrize("function", [lambda: None, nested(), Holder().method, Holder(), partial(plain)])
@pytest.mark.parametrize("executor", ["process", ProcessOptions(max_jobs=3)])
def test_function_without_a_name_of_its_own_is_refused_when_declared(function: Any, executor: Any) -> None:
    """Before anything is scheduled; the message says what to write instead."""
    with pytest.raises(ConfigError, match=r"another process can't import .*write it as a def of a module"):
        Jobs().job(kind="job", executor=executor)(function)


def test_function_of_a_console_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its module is no file; in a script the same function is fine."""
    monkeypatch.setattr(plain, "__module__", "__main__")
    monkeypatch.setitem(sys.modules, "__main__", main := ModuleType("__main__"))
    with pytest.raises(ConfigError, match="of a console"):
        Jobs().job(executor="process")(plain)
    main.__file__ = "script.py"
    assert "plain" == Jobs().job(executor="process")(plain).kind


def test_signature_of_a_job_that_others_run_may_be_anything() -> None:
    """No process imports it here."""
    Jobs().job(kind="job", executor="process", remote=True)(lambda: None)


def test_other_options_of_that_name_are_refused() -> None:
    """A plugin's own can't be taken for core's."""

    class Options:
        executor = "process"

    with pytest.raises(ConfigError, match=r"rota\.ProcessOptions"):
        Jobs().job(kind="plain", executor=Options())(plain)


@pytest.mark.parametrize("function", [plain, Holder.of_class])
def test_reference_leads_back_to_the_function(function: Callable[..., Any]) -> None:
    """Also to a method of a class."""
    assert function == function_at(reference_of("job", function))


def test_name_of_a_job_leads_to_its_function() -> None:
    """A decorated function is found behind what took its name."""
    assert pid.definition.function is function_at(f"{pid.definition.function.__module__}:pid")  # type: ignore[union-attr]


def test_name_that_leads_elsewhere_ends_the_instance() -> None:
    """With what stands there, and without any retry."""
    with Manager("memory://", jobs=[jobs]) as manager, manager.worker(concurrency=1):
        one = manager["moved"].schedule().join(WAIT_S)
    assert "jobs:moved leads to None, where the job's function should be" in str(one.error)
    assert 1 == one.attempt


SCRIPT = """
import os, sys, rota

manager = rota.Manager("memory://")

class Sold(Exception):
    pass

@manager.job(executor="process", retry=rota.Retry(1, backoff=0, on=(Sold,)))
def buy(text: str) -> int:
    if text == "sold":
        raise Sold(text)
    return os.getpid()

def work():
    with manager, manager.worker(concurrency=1):
        assert buy.schedule("apple").result(60) != os.getpid()
        one = buy.schedule("sold").join(60)
        print(one.attempt, one.error.type_name, "Sold" in one.error.traceback)

"""


def _ran(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "shop.py").write_text(text)
    command = [sys.executable, *(arguments or ("shop.py",))]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("arguments", [("shop.py",), ("-m", "shop")])
def test_script_runs_its_own_jobs(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Its classes bear the same names in a child, so that retries find them."""
    ran = _ran(tmp_path, SCRIPT + 'if __name__ == "__main__":\n    work()\n', *arguments)
    assert (0, "2 __main__.Sold True\n") == (ran.returncode, ran.stdout), ran.stderr


def test_script_without_a_guard_ends_with_what_to_write(tmp_path: Path) -> None:
    """A child that imports it must not start workers in turn, without end."""
    ran = _ran(tmp_path, SCRIPT + "work()\n")
    assert 1 == ran.returncode
    assert 'put `if __name__ == "__main__":` before' in ran.stderr
