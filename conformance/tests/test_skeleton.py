"""`rota conformance init`: the plugin that it writes is built, installed and tested as its author would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rota.model.errors import ConfigError
from rota_conformance.skeleton import write_skeleton

ROOT = Path(__file__).parents[2]


def installed(project: Path) -> Path:
    """A folder in which it is installed."""
    site = project.parent / "site"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--target", str(site), str(project)]
    subprocess.run([*command, *options], check=True, timeout=60)
    return site


def python(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python ARGUMENTS` where the skeleton is installed."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(
        [sys.executable, *arguments], cwd=site, env=environ, capture_output=True, text=True, check=False
    )


def rota(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`rota ARGUMENTS` where the skeleton is installed."""
    return python(site, "-m", "rota", *arguments)


@pytest.mark.parametrize("whole", [False, True])
def test_skeleton_is_found_and_sound(tmp_path: Path, whole: bool) -> None:
    """The entry point, the factory and the scheme are right, and it can be imported as it is."""
    site = installed(write_skeleton("rota-store-acme", tmp_path, whole=whole))
    assert "acme" in rota(site, "plugins").stdout
    assert 0 == rota(site, "plugins", "doctor", "acme").returncode


def test_run_on_the_skeleton_says_what_is_missing(tmp_path: Path) -> None:
    """Once, and with where to write it, not as a failure of each test."""
    site = installed(write_skeleton("rota-store-acme", tmp_path))
    ran = rota(site, "conformance", "run", "--store", "acme://test")
    assert 2 == ran.returncode
    assert "AcmeKV.read is not written yet" in ran.stdout + ran.stderr
    assert "where:   rota_store_acme/store.py" in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr


def test_skeleton_with_its_two_primitives_written_is_conformant(tmp_path: Path) -> None:
    """Over any ordered key-value backend, here one in memory: no other line has to change."""
    project = write_skeleton("rota-store-acme", tmp_path)
    store = project / "src" / "rota_store_acme" / "store.py"
    text = store.read_text("utf-8")
    for primitive, arguments in {"read": "keys, ranges", "commit": "checks, puts, deletes"}.items():
        missing = f'raise _not_written("{primitive}")'
        assert missing in text
        text = text.replace(missing, f"return MemoryKV(SPACE, self._clock).{primitive}({arguments})")
    backend = "from core.tests.store.kv.memory_kv import MemoryKV, Space\n\nSPACE = Space()\n\n\ndef open_store"
    store.write_text(text.replace("def open_store", backend, 1), "utf-8")
    site = installed(project)
    tried = python(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(project / "tests" / "test_primitives.py"))
    assert 0 == tried.returncode, tried.stdout[-3000:]
    ran = rota(site, "conformance", "run", "--store", "acme://test")
    assert (0, True) == (ran.returncode, "acme://test: conformant" in ran.stdout), ran.stdout[-3000:]


def test_suite_passes_on_the_skeleton_of_the_whole_contract(tmp_path: Path) -> None:
    """Its author begins with a store that is right, and breaks it at his own pace."""
    site = installed(write_skeleton("rota-store-acme", tmp_path, whole=True))
    ran = rota(site, "conformance", "run", "--store", "acme://test")
    assert (0, True) == (ran.returncode, "acme://test: conformant" in ran.stdout), ran.stdout[-3000:]


def test_skeleton_is_not_written_over_what_is_there(tmp_path: Path) -> None:
    """A second run must not cost anybody's work."""
    write_skeleton("rota-store-acme", tmp_path)
    with pytest.raises(ConfigError, match="is there already"):
        write_skeleton("rota-store-acme", tmp_path)


@pytest.mark.parametrize("name", ["acme", "Rota-Store", "rota_store_acme", "../x-y", ""])
def test_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """Before anything is written."""
    with pytest.raises(ConfigError, match="a distribution is named like"):
        write_skeleton(name, tmp_path)
    assert [] == list(tmp_path.iterdir())
