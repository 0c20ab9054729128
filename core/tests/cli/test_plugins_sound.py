"""Healthy plugins in a real environment, and the settings that keep them from loading."""

import json
from pathlib import Path

from core.tests.cli.environments import Runner


def test_the_doctor_finds_nothing_where_nothing_is_wrong(sound: Runner) -> None:
    """A healthy environment exits with 0 and says how many plugins are loaded."""
    ran = sound("-m", "rota", "plugins", "doctor")
    assert 0 == ran.returncode
    assert ran.stdout.startswith("0 problems; 4 of ")


def test_listing_plugins_imports_no_store(sound: Runner) -> None:
    """A plugin describes its store; the module behind the factory is imported for a URL, or by the doctor."""
    assert "" == sound("-m", "rota", "plugins").stderr
    assert "the store's module is imported\n" == sound("-m", "rota", "plugins", "doctor").stderr


def test_a_file_that_is_not_there_is_not_made_by_looking(sound: Runner, tmp_path: Path) -> None:
    """A mistyped path is told of, exit 3; the store, which would make the file, is not even imported."""
    path = tmp_path / "typo.db"
    for arguments in (("list", "jobs"), ("schedule", "add", "--unknown"), ("cancel", "--all")):
        ran = sound("-m", "rota", *arguments, "--store", f"healthy:///{path}")
        assert (3, "") == (ran.returncode, ran.stdout)
        assert ran.stderr.startswith(f'error: there is no store at "healthy:///{path}": no file {path}\n')
        assert "is imported" not in ran.stderr
    by_setting = sound("-m", "rota", "list", "jobs", ROTA_STORE=f"healthy:///{path}")
    assert 3 == by_setting.returncode


def test_a_plugins_command_runs_as_one_of_rotas(sound: Runner) -> None:
    """It has its own help and its output on stdout, and nothing else is said."""
    ran = sound("-m", "rota", "greet")
    assert (0, "greet of a plugin\n", "") == (ran.returncode, ran.stdout, ran.stderr)
    assert "Say the name." in sound("-m", "rota", "greet", "--help").stdout


def test_a_disabled_plugin_is_blocked_and_offers_nothing(sound: Runner) -> None:
    """ROTA_DISABLE_PLUGINS keeps it from being imported; asked for, it says which setting does."""
    listed = sound("-m", "rota", "plugins", "-o", "json", ROTA_DISABLE_PLUGINS=" rota_greet , healthy")
    rows = {row["name"]: row for row in json.loads(listed.stdout)}
    assert ("blocked", "blocked", []) == (rows["greet"]["state"], rows["healthy"]["state"], rows["healthy"]["schemes"])
    asked = sound("-m", "rota", "greet", ROTA_DISABLE_PLUGINS="greet")
    assert (1, "") == (asked.returncode, asked.stdout)
    assert 'error: plugin "greet" is disabled' in asked.stderr
    assert "cause:   ROTA_DISABLE_PLUGINS names greet" in asked.stderr


def test_a_disabled_plugin_that_does_not_exist_is_one_warning(sound: Runner) -> None:
    """A typo in the setting is said once; core can't be disabled, and says so."""
    ran = sound("-m", "rota", "greet", ROTA_DISABLE_PLUGINS="helthy,core")
    assert 0 == ran.returncode
    assert [
        "ROTA_DISABLE_PLUGINS names helthy, and there is no such plugin or distribution",
        "ROTA_DISABLE_PLUGINS names core, which can't be disabled",
    ] == ran.stderr.splitlines()


def test_without_autoload_only_core_is_loaded(sound: Runner) -> None:
    """ROTA_PLUGIN_AUTOLOAD=0 blocks all that is installed, and keeps it visible."""
    listed = sound("-m", "rota", "plugins", "-o", "json", ROTA_PLUGIN_AUTOLOAD="0")
    states = {row["name"]: row["state"] for row in json.loads(listed.stdout)}
    brought = {states.pop(name) for name in ("core", "retention")}
    assert ({"loaded"}, {"blocked"}) == (brought, set(states.values()))


def test_an_unreadable_autoload_is_an_error_without_a_traceback(sound: Runner) -> None:
    """A setting that means nothing is refused by value, in the help too."""
    ran = sound("-m", "rota", "--help", ROTA_PLUGIN_AUTOLOAD="maybe")
    assert (2, "") == (ran.returncode, ran.stdout)
    assert ran.stderr.startswith("error: ROTA_PLUGIN_AUTOLOAD is 'maybe'\n")
