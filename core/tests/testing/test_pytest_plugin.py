"""The pytest fixture, and that rota needs no pytest."""

import subprocess
import sys

import pytest

_APP = "import rota\nmanager = rota.Manager('memory://plugin-app')\n@manager.job\ndef work(n: int): return n"

_TESTS = """
import app
from rota.testing import FakeClock

def test_one(rota_harness):
    kit = rota_harness(app.manager, max_runs=5)
    app.work.schedule(3)
    assert [3] == [one.outcome() for one in kit.drain()]
    assert isinstance(kit.clock, FakeClock)
    app.work.schedule(4)

def test_two(rota_harness):
    assert app.manager.count() == 0
    assert rota_harness(app.manager).scheduled() == []
"""


def test_the_fixture_lasts_as_long_as_its_test(pytester: pytest.Pytester) -> None:
    """Each test begins with an empty store, and nothing of it is left in the program's own."""
    pytester.makepyfile(app=_APP, test_app=_TESTS)
    pytester.makeconftest('pytest_plugins = ["rota.testing.pytest_plugin"]')
    pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_nothing_loads_that_was_not_asked_for(pytester: pytest.Pytester) -> None:
    """Without the line in conftest.py there is no fixture: rota puts nothing into pytest by being installed."""
    pytester.makepyfile(app=_APP, test_app=_TESTS)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(errors=2)


def test_rota_testing_needs_no_pytest() -> None:
    """A program may use it with another test runner; nor does importing it load the runtime."""
    code = "import sys, rota.testing; print({'pytest', 'asyncio', 'rota.runtime.consumer'} & sys.modules.keys())"
    assert "set()\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
