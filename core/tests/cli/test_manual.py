"""The plugin that docs/plugins.md builds from nothing: copied as it stands, installed for real, and used."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

MANUAL = Path(__file__).parents[3] / "docs" / "plugins.md"
FILE = re.compile(r"```(?:toml|python)\n# (?P<name>[\w/.]+)\n(?P<text>.*?)```", re.DOTALL)
USE = """
import rota

manager = rota.Manager("mirror://")


@manager.job
def double(number: int) -> int:
    return 2 * number


with manager, manager.worker():
    print(double.schedule(21).result(timeout=10))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin installed in it."""
    folder = tmp_path_factory.mktemp("manual")
    files = {found["name"]: found["text"] for found in FILE.finditer(MANUAL.read_text("utf-8"))}
    package = {f"acme_rota_mirror/{name}.py" for name in ("__init__", "plugin", "store")}
    assert {"pyproject.toml", *package} == set(files)
    for name, text in files.items():
        path = folder / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--target", str(folder / "site"), str(folder / "project")]
    subprocess.run([*command, *options], check=True, timeout=60)
    return folder / "site"


def run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python ARGUMENTS` where the plugin is installed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROTA_")}
    environ = {**inherited, "PYTHONPATH": str(site), "COLUMNS": "120"}
    return subprocess.run([sys.executable, *arguments], env=environ, capture_output=True, text=True, check=False)


def test_plugin_of_the_manual_is_loaded_and_sound(site: Path) -> None:
    """What a plugin author copies from the page passes the doctor."""
    assert "mirror" in run(site, "-m", "rota", "plugins").stdout
    assert 0 == run(site, "-m", "rota", "plugins", "doctor", "mirror").returncode


def test_plugin_of_the_manual_runs_jobs(site: Path) -> None:
    """Its store opens by URL and serves a worker."""
    ran = run(site, "-c", USE)
    assert ("42\n", "", 0) == (ran.stdout, ran.stderr, ran.returncode)


def test_manual_names_executors_protocol_where_it_is() -> None:
    """The page points executor authors to names that exist."""
    from rota.runtime import executor

    assert {"Executor", "ExecutorHost"} <= set(executor.__all__)
