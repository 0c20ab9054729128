"""Runs of the suite with something smuggled in: pytest may be content, the verdict is not."""

from pathlib import Path

import pytest

from rota.model.errors import ConfigError
from rota_conformance.report import Report
from rota_conformance.running import run

#: A part of the suite, so that these runs are quick: what is smuggled in has to show in these requirements.
PART = ("-k", "test_claim")

_HOOK = "import pytest\n\ndef pytest_collection_modifyitems(items):\n    for item in items:\n"
_ONE = "        if item.name == 'test_claim_takes_by_rank_then_due_then_id':\n            "

SMUGGLED = {
    "skip": _HOOK + _ONE + "item.add_marker(pytest.mark.skip(reason='not today'))\n",
    "xfail": _HOOK + _ONE + "item.add_marker(pytest.mark.xfail(reason='known', strict=False))\n",
    "override": _HOOK + _ONE + "item.obj = lambda lab: None\n",
    "removed": "def pytest_collection_modifyitems(items):\n"
    "    items[:] = [one for one in items if one.name != 'test_claim_takes_by_rank_then_due_then_id']\n",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory from which the child can import what a test writes there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outcome_of(report: Report, requirement: str) -> str:
    """What became of one requirement."""
    (found,) = (one.outcome for one in report.results if one.id == requirement)
    return found


def test_part_that_is_left_alone_passes(here: Path) -> None:
    """What the other runs are held against: the very requirement that they lose."""
    report = run("memory://suite", pytest_args=PART, quiet=True)
    assert "passed" == outcome_of(report, "CLM-4")


def test_selection_leaves_the_verdict_partial(here: Path) -> None:
    """`-k` makes pytest exit 0; everything that it left out is `not_run`, and listed."""
    report = run("memory://suite", pytest_args=PART, quiet=True)
    assert "partial" == report.verdict
    assert "not_run" == outcome_of(report, "SET-2")
    assert "-- -k test_claim" in report.reproduce


@pytest.mark.parametrize("how", SMUGGLED)
def test_what_is_smuggled_in_spoils_the_verdict(here: Path, how: str) -> None:
    """By a plugin of the caller's, as a conftest or an environment variable would bring it."""
    (here / "smuggler.py").write_text(SMUGGLED[how])
    report = run("memory://suite", pytest_args=(*PART, "-p", "smuggler"), quiet=True)
    assert "partial" == report.verdict
    assert "not_run" == outcome_of(report, "CLM-1")
    assert any("test_claim_takes_by_rank_then_due_then_id" in one for one in report.spoiled)


def test_conftest_of_the_caller_is_not_loaded(here: Path) -> None:
    """The suite runs apart from the tests that start it."""
    (here / "conftest.py").write_text("raise RuntimeError('loaded')\n")
    assert "passed" == outcome_of(run("memory://suite", pytest_args=PART, quiet=True), "CLM-4")


def test_environment_can_not_change_what_counts(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pytest takes from there is not passed on: neither options nor plugins."""
    (here / "grace.py").write_text("raise RuntimeError('loaded')\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k test_claim_takes_no_more")
    monkeypatch.setenv("PYTEST_PLUGINS", "grace")
    report = run("memory://suite", quiet=True)
    assert ("conformant", ()) == (report.verdict, report.spoiled)


def test_plugin_that_lets_everything_pass_is_seen(here: Path) -> None:
    """It leaves no trace in any test."""
    (here / "grace.py").write_text(
        "import pytest\n\n@pytest.hookimpl(wrapper=True)\ndef pytest_pyfunc_call(pyfuncitem):\n"
        "    try:\n        return (yield)\n    except BaseException:\n        return True\n"
    )
    report = run("memory://suite", pytest_args=("-p", "grace"), quiet=True)
    assert ("partial", ("a plugin of pytest: grace",)) == (report.verdict, report.spoiled)


@pytest.mark.parametrize("option", ["--rota-harness=x:Y", "-opython_functions=x", "-c", "--rootdir=.", "@args"])
def test_options_that_make_another_suite_are_refused(option: str) -> None:
    """The report would speak of something else."""
    with pytest.raises(ConfigError, match="selects tests"):
        run("memory://suite", pytest_args=(option,), quiet=True)
