"""Broken plugins in a real environment: each harms only who asks for it, and says what, which, why, what to do."""

import csv
import io
import json
import subprocess

import pytest
from core.tests.cli.environments import Runner

OPEN = """
import os, sys
from rota.model.clock import SystemClock
from rota.plugins.host import PluginHost
from rota.plugins.stores import open_store
from rota.model.errors import RotaError

host = PluginHost.load(os.environ, quiet=True)
try:
    store = open_store(sys.argv[1], namespace="n", clock=SystemClock(), host=host)
except RotaError as error:
    print(type(error).__name__, getattr(error, "distributions", ""), error, repr(error.__cause__), sep="\\n")
else:
    print(type(store).__name__, store.said[:3])
"""

EXPECTED_STATES = {
    "core": "loaded",
    "argument": "failed",
    "clash": "loaded",
    "cycle": "loaded",
    "exit": "failed",
    "future": "incompatible",
    "greet": "loaded",
    "healthy": "loaded",
    "half": "loaded",
    "import": "failed",
    "misspelt": "failed",
    "nolib": "loaded",
    "same-a": "loaded",
    "same-b": "loaded",
    "shared-a": "loaded",
    "shared-b": "loaded",
}


@pytest.fixture(scope="session")
def listed(troubled: Runner) -> subprocess.CompletedProcess[str]:
    """`rota plugins -o json` where everything is broken."""
    return troubled("-m", "rota", "plugins", "-o", "json")


@pytest.fixture(scope="session")
def diagnosed(troubled: Runner) -> subprocess.CompletedProcess[str]:
    """`rota plugins doctor` where everything is broken."""
    return troubled("-m", "rota", "plugins", "doctor")


def rows(ran: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    """The listed plugins, without those that are installed beside the ones of the test."""
    return [row for row in json.loads(ran.stdout) if row["state"] != "blocked"]


def one(ran: subprocess.CompletedProcess[str], name: str) -> dict[str, object]:
    """The only plugin of a name."""
    (row,) = [row for row in rows(ran) if row["name"] == name]
    return row


def test_every_candidate_is_listed_with_its_state(listed: subprocess.CompletedProcess[str]) -> None:
    """No broken plugin hides another: each has a row and a state, and listing is no failure."""
    assert (0, "") == (listed.returncode, listed.stderr)
    assert EXPECTED_STATES == {row["name"]: row["state"] for row in rows(listed) if row["name"] != "twin"}


def test_rows_stand_in_the_order_of_their_distributions(listed: subprocess.CompletedProcess[str]) -> None:
    """Core comes first, then distribution names decide, never the file system."""
    names = [str(row["distribution"]) for row in rows(listed)]
    assert "rota-core" == names[0]
    assert sorted(names[1:]) == names[1:]


def test_of_two_plugins_with_one_name_the_second_is_shadowed(listed: subprocess.CompletedProcess[str]) -> None:
    """Both are shown, and the shadowed one names the distribution that has its name."""
    twins = [(row["distribution"], row["state"], row["error"]) for row in rows(listed) if row["name"] == "twin"]
    assert [
        ("rota-twin-a", "loaded", "plugin name \"twin\" is claimed by two distributions: "
         'rota-twin-a 1.0 has the plugin name "twin" already'),
        ("rota-twin-b", "shadowed", 'rota-twin-a 1.0 has the plugin name "twin" already'),
    ] == twins  # fmt: skip


def test_a_row_has_version_schemes_hooks_and_origin(listed: subprocess.CompletedProcess[str]) -> None:
    """A healthy plugin among broken ones is described completely."""
    assert {
        "name": "healthy",
        "distribution": "rota-healthy",
        "version": "2.1",
        "state": "loaded",
        "schemes": ["healthy"],
        "hooks": ["rota_stores"],
        "origin": "rota_healthy.plugin",
        "error": "",
    } == one(listed, "healthy")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("import", ["ModuleNotFoundError: No module named 'no_such_module_anywhere'"]),
        ("exit", ["SystemExit: not today"]),
        ("misspelt", ['no hook "rota_store"', 'did you mean "rota_stores"?']),
        ("argument", ["rota_stores", "manager", "can not be found in the hookspec"]),
        ("future", ["store future, futures has version 99", "this rota-core has 1"]),
        ("shared-a", ['scheme "shared" is provided by two plugins', "rota-shared-a 1.0 and rota-shared-b 3.0"]),
        ("shared-b", ['scheme "shared" is provided by two plugins']),
        ("same-a", ['command "same" is provided by two plugins']),
        ("cycle", ["first -> second -> first"]),
        ("clash", ['brings a command "version"', "core has a command of that name"]),
    ],
)
def test_a_row_says_what_is_wrong(listed: subprocess.CompletedProcess[str], name: str, parts: list[str]) -> None:
    """The error column gives the reason itself, in one line."""
    error = str(one(listed, name)["error"])
    assert "\n" not in error
    for part in parts:
        assert part in error


@pytest.mark.parametrize(
    ("what", "which", "why", "fix"),
    [
        ('plugin "import" is installed but did not load', "(rota-import 1.2, entry point rota_import.plugin)",
         "No module named 'no_such_module_anywhere'", "pip install --upgrade rota-import"),
        ('plugin "exit" is installed but did not load', "(rota-exit 1.0, ", "not today", "pip install"),
        ('plugin "misspelt" is installed but did not load', "(rota-misspelt 1.0, ", 'mean "rota_stores"?',
         "disable it: ROTA_DISABLE_PLUGINS=misspelt"),
        ('plugin "argument" is installed but did not load', "(rota-argument 1.0, ", "manager",
         "disable it: ROTA_DISABLE_PLUGINS=argument"),
        ('plugin "future" was made for another version', "(rota-future 9.0, ", "version 99 of the store interface",
         "pip install --upgrade rota-core"),
        ('plugin name "twin" is claimed by two', "(rota-twin-b 4.0, ", "rota-twin-a 1.0 has the plugin name",
         "ROTA_DISABLE_PLUGINS=rota-twin-a   |   ROTA_DISABLE_PLUGINS=rota-twin-b"),
        ('scheme "shared" is provided by two plugins', "(rota-shared-b 3.0, ", "rota does not choose",
         "ROTA_DISABLE_PLUGINS=shared-a   |   ROTA_DISABLE_PLUGINS=shared-b"),
        ('command "same" is provided by two plugins', "(rota-same-b 1.0, ", "rota does not choose",
         "ROTA_DISABLE_PLUGINS=same-a   |   ROTA_DISABLE_PLUGINS=same-b"),
        ("processors can't be put in order", "(rota-cycle 1.0, ", "first -> second -> first",
         "ROTA_DISABLE_PLUGINS=cycle"),
        ('brings a command "version"', "(rota-clash 1.0, ", "which wins", "ROTA_DISABLE_PLUGINS=clash"),
        ("store \"nolib\" can't be used", "(rota-nolib 1.0, ", "No module named 'no_such_client_library'",
         "pip install 'rota-nolib[client]'"),
        ("store \"half\" can't be used", "(rota-half 1.0, ", "own code lacks a part: ModuleNotFoundError: No module"
         " named 'rota_half.left_out'", "pip install --force-reinstall rota-half   |   report"),
    ],
)  # fmt: skip
def test_the_doctor_names_what_which_why_and_what_to_do(
    diagnosed: subprocess.CompletedProcess[str], what: str, which: str, why: str, fix: str
) -> None:
    """Each problem is one block with the four parts, and problems make the exit code 1."""
    assert 1 == diagnosed.returncode
    (block,) = [block for block in diagnosed.stdout.split("\n\n") if what in block]
    assert which in block
    assert why in block.partition("\n  cause:   ")[2].partition("\n")[0]
    assert fix in block.partition("\n  try:     ")[2]


def test_the_doctor_of_one_plugin_speaks_of_that_one_alone(troubled: Runner) -> None:
    """A name, of plugin or distribution, narrows the report and the exit code."""
    healthy = troubled("-m", "rota", "plugins", "doctor", "healthy")
    assert (0, "0 problems; ") == (healthy.returncode, healthy.stdout[:12])
    assert "1 of 1 plugins loaded\n" in healthy.stdout
    disabled = troubled("-m", "rota", "plugins", "doctor", "healthy", ROTA_DISABLE_PLUGINS="healthy")
    assert 'plugin "healthy" is disabled' in disabled.stdout
    assert (0, "0 problems; 0 of 1 plugins loaded, 1 disabled") == (
        disabled.returncode, disabled.stdout.splitlines()[-1]
    )  # fmt: skip
    broken = troubled("-m", "rota", "plugins", "doctor", "rota-import")
    assert 1 == broken.returncode
    assert "1 problem; 0 of 1 plugins loaded\n" in broken.stdout
    assert 'plugin "import"' in broken.stdout


def test_the_doctor_of_an_unknown_plugin_fails_with_the_known_ones(troubled: Runner) -> None:
    """A typo is no health certificate."""
    ran = troubled("-m", "rota", "plugins", "doctor", "helthy")
    assert (1, "") == (ran.returncode, ran.stdout)
    assert 'error: no plugin is named "helthy"' in ran.stderr
    assert "healthy (rota-healthy 2.1)" in ran.stderr


def test_a_broken_plugin_nobody_asked_for_is_one_warning(troubled: Runner) -> None:
    """A command that needs no plugin works, and stderr has a line per broken plugin, no more."""
    ran = troubled("-m", "rota", "greet")
    assert (0, "greet of a plugin\n") == (ran.returncode, ran.stdout)
    warnings = ran.stderr.splitlines()
    assert ["argument", "exit", "future", "import", "misspelt", "twin"] == [line.split()[1] for line in warnings]
    assert (
        "plugin import (rota-import 1.2) is not loaded (failed): ModuleNotFoundError: "
        "No module named 'no_such_module_anywhere'; see: rota plugins doctor import"
    ) in warnings


def test_a_core_command_loads_no_plugin(troubled: Runner) -> None:
    """`rota version` is silent and right whatever is installed, even a plugin with that command."""
    ran = troubled("-m", "rota", "version")
    assert (0, "") == (ran.returncode, ran.stderr)
    assert "rota-core" in ran.stdout


def test_the_help_lists_plugins_commands_and_warns_of_a_clash(troubled: Runner) -> None:
    """Core wins over a plugin's command of its name; two plugins' is left out until one is disabled."""
    ran = troubled("-m", "rota", "--help")
    assert 0 == ran.returncode
    assert "greet " in ran.stdout
    assert "same" not in ran.stdout
    assert 'warning: plugin "clash" (rota-clash 1.0) brings a command "version"; core has' in ran.stderr


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("same", ['error: command "same" is provided by two plugins', "rota-same-a 1.0", "rota-same-b 1.0"]),
        ("import", ['error: plugin "import" is installed but did not load', "no_such_module_anywhere"]),
    ],
)
def test_a_command_asked_for_and_broken_is_an_error(troubled: Runner, command: str, parts: list[str]) -> None:
    """What was asked for by name fails with its cause and exit code 1, nothing on stdout."""
    ran = troubled("-m", "rota", command)
    assert (1, "") == (ran.returncode, ran.stdout)
    for part in parts:
        assert part in ran.stderr


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("healthy://u:hunter2@h?timeout=5", ["HealthyStore ({'timeout': 5}, 'hunter2', 'n')"]),
        ("healthy://u:hunter2@h?time=5", ["ConfigError", "unknown option 'time'", "timeout"]),
        ("twin://u:hunter2@h", ["PluginConflict\n('rota-twin-a', 'rota-twin-b')", "ROTA_DISABLE_PLUGINS=rota-twin-b"]),
        ("shared://", ["PluginConflict\n('rota-shared-a', 'rota-shared-b')", "(rota-shared-b 3.0, "]),
        ("import://u:hunter2@h", ['PluginLoadError\n\ncannot open store "import://***@h": plugin', "did not load",
                                  "(rota-import 1.2, ", "ModuleNotFoundError(\"No module named 'no_such_module_any"]),
        ("futures://", ["IncompatiblePlugin", 'cannot open store "futures://"', "version 99"]),
        ("misspelt://", ["PluginLoadError", 'did you mean "rota_stores"?']),
        ("nolibs://u:hunter2@h/0", ['PluginLoadError\n\ncannot open store "nolibs://***@h/0"', "(rota-nolib 1.0, ",
                                    "pip install 'rota-nolib[client]'", "ModuleNotFoundError("]),
        ("helthy://u:hunter2@h", ['no plugin provides scheme "helthy"; did you mean "healthy"?',
                                  "healthy (rota-healthy 2.1)", "nolib, nolibs (rota-nolib 1.0)"]),
        ("valkeys://", ['no plugin provides scheme "valkeys"\n', "pip install rota-store-valkey"]),
        ("redes://", ['did you mean "redis"?', "pip install rota-store-redis"]),
        ("rota://u:hunter2@h:50051", ['"rota://***@h:50051" names a server, not a store', "pip install rota-server"]),
    ],
)  # fmt: skip
def test_opening_a_store_says_what_is_needed_and_never_the_password(
    troubled: Runner, url: str, parts: list[str]
) -> None:
    """A store that works opens beside all the broken ones; one that doesn't names distribution, cause and remedy."""
    ran = troubled("-c", OPEN, url)
    assert 0 == ran.returncode, ran.stderr
    for part in parts:
        assert part in ran.stdout
    assert ("hunter2" in ran.stdout) == ("HealthyStore" in ran.stdout)


@pytest.mark.parametrize(
    ("disabled", "expected"),
    [("shared-b", "rota_shared_a"), ("rota-shared-a", "rota_shared_b"), (" shared-a , greet", "rota_shared_b")],
)
def test_the_setting_in_the_message_resolves_a_conflict(troubled: Runner, disabled: str, expected: str) -> None:
    """ROTA_DISABLE_PLUGINS takes plugin and distribution names, with spaces around them, and frees the scheme."""
    ran = troubled("-c", OPEN, "shared://", ROTA_DISABLE_PLUGINS=disabled)
    assert f"No module named '{expected}.store'" in ran.stdout


def test_two_plugins_of_one_name_are_resolved_by_distribution(troubled: Runner) -> None:
    """Disabling a distribution leaves its twin, which is then neither shadowed nor in conflict."""
    ran = troubled("-c", OPEN, "twin://", ROTA_DISABLE_PLUGINS="rota-twin-a")
    assert "No module named 'rota_twin_b.store'" in ran.stdout


@pytest.mark.parametrize("output", ["table", "csv", "jsonl"])
def test_every_output_has_a_line_per_plugin(
    troubled: Runner, listed: subprocess.CompletedProcess[str], output: str
) -> None:
    """Through a pipe no row is wrapped or cut, in any format."""
    ran = troubled("-m", "rota", "plugins", "-o", output)
    heading = 0 if output == "jsonl" else 1
    assert len(json.loads(listed.stdout)) + heading == len(ran.stdout.splitlines())
    assert "first -> second -> first" in ran.stdout


def test_csv_reads_back_as_the_rows_of_json(troubled: Runner, listed: subprocess.CompletedProcess[str]) -> None:
    """The formats differ in form alone."""
    ran = troubled("-m", "rota", "plugins", "-o", "csv")
    read = [(row["name"], row["state"], row["error"]) for row in csv.DictReader(io.StringIO(ran.stdout))]
    assert [(row["name"], row["state"], row["error"]) for row in json.loads(listed.stdout)] == read


def test_a_hook_narrows_the_list(troubled: Runner) -> None:
    """`--hook` shows those that implement it; one that does not exist is wrong usage."""
    ran = troubled("-m", "rota", "plugins", "--hook", "rota_commands", "-o", "json")
    assert ["clash", "greet", "same-a", "same-b"] == [row["name"] for row in rows(ran)]
    wrong = troubled("-m", "rota", "plugins", "--hook", "rota_store")
    assert (2, "") == (wrong.returncode, wrong.stdout)
