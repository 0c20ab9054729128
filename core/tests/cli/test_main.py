"""The group behind `rota`: exit codes, streams, and how commands are found."""

import json
import platform
import sys
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from rota.cli.group import RotaGroup
from rota.cli.main import main
from rota.model.errors import ConfigError, JobError, PluginError, RotaError, StoreUnavailable


@pytest.fixture(autouse=True)
def _no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed beside core does not matter here."""
    monkeypatch.setenv("ROTA_PLUGIN_AUTOLOAD", "0")


def failing(error: Exception) -> RotaGroup:
    """A group with the one command `fail`."""

    def fail() -> None:
        click.echo("data")
        raise error

    group = RotaGroup("rota", {})
    group.add_command(click.Command("fail", callback=fail))
    return group


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RotaError("no"), 1),
        (ConfigError("no"), 2),
        (PluginError("no"), 1),
        (JobError("no"), 1),
        (StoreUnavailable("no"), 3),
        (click.UsageError("no"), 2),
    ],
)
def test_an_error_is_an_exit_code_and_a_message_on_stderr(error: Exception, code: int) -> None:
    """1 failed, 2 a wrong call or configuration, 3 unreachable; stdout has the data alone, stderr no traceback."""
    ran = CliRunner().invoke(failing(error), ["fail"])
    assert (code, "data\n") == (ran.exit_code, ran.stdout)
    assert "rror: no\n" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_fault_of_ours_is_not_hidden() -> None:
    """What is no error of rota keeps its traceback."""
    assert isinstance(CliRunner().invoke(failing(ValueError("bug")), ["fail"]).exception, ValueError)


def test_an_embedded_command_raises_instead_of_exiting() -> None:
    """`standalone_mode=False` is for programs that call the command."""
    with pytest.raises(StoreUnavailable):
        failing(StoreUnavailable("no")).main(["fail"], standalone_mode=False)


def test_subcommands_are_imported_when_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken or slow subcommand costs the others nothing."""
    module = ModuleType("trial_command")
    module.command = click.Command("good", callback=lambda: click.echo("good"))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "trial_command", module)
    group = RotaGroup("rota", {"good": "trial_command:command", "bad": "no_such_module_anywhere:command"})
    assert "good\n" == CliRunner().invoke(group, ["good"]).stdout
    assert isinstance(CliRunner().invoke(group, ["bad"]).exception, ModuleNotFoundError)


def test_the_version_names_core_and_python() -> None:
    """As an option for people, as a command for programs."""
    shown = CliRunner().invoke(main, ["--version"]).stdout
    told = json.loads(CliRunner().invoke(main, ["version", "-o", "json"]).stdout)
    assert f"rota-core {told['rota-core']} (Python {platform.python_version()})\n" == shown
    assert ["rota-core", "python"] == list(told)


def test_the_help_names_the_commands_and_the_exit_codes() -> None:
    """Both spellings of the option work."""
    for option in ("-h", "--help"):
        ran = CliRunner().invoke(main, [option])
        assert 0 == ran.exit_code
        assert {"plugins", "version"} <= {line.split()[0] for line in ran.stdout.splitlines() if line.startswith("  ")}


def test_an_unknown_command_is_wrong_usage() -> None:
    """Exit code 2, and nothing on stdout."""
    ran = CliRunner().invoke(main, ["nope"])
    assert (2, "") == (ran.exit_code, ran.stdout)
    assert "Did you mean" not in ran.stderr


def test_a_mistyped_command_suggests_the_one_that_was_meant() -> None:
    """Core's, which are imported when they are named, too."""
    ran = CliRunner().invoke(main, ["plugin"])
    assert (2, "") == (ran.exit_code, ran.stdout)
    assert "No such command 'plugin'. Did you mean 'plugins'?" in ran.stderr
