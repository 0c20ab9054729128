"""A file or folder that may not be written: what can be read is read, and a write says what is the matter."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugins.store_sqlite.tests.lab import Lab

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such owners on this platform")

_SCRIPT = """
import os, sys
from pathlib import Path
from plugins.store_sqlite.tests.lab import Lab
from rota.errors import StoreUnavailable

lab = Lab(Path(sys.argv[1]))
store = lab.store()
if os.geteuid() == 0:  # for whom every file can be written
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for what in (store.open, lambda: lab.count(store), lambda: lab.add(store)):
    try:
        print(what())
    except StoreUnavailable as error:
        print(error)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every user can come to; in the end it can be removed."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)  # noqa: S103 - others are to look into it
        yield Path(path)
        os.chmod(path, 0o755)  # noqa: S103


def _said(path: Path) -> list[str]:
    command = [sys.executable, "-c", _SCRIPT, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return (done.stdout + done.stderr).splitlines()


def _made(path: Path) -> None:
    lab = Lab(path)
    lab.add(lab.store(), 3)
    lab.close()
    path.chmod(0o444)


def test_file_that_may_not_be_written_is_read(folder: Path) -> None:
    """`rota list` works there, `rota schedule` says why not; and nothing of it changes."""
    path = folder / "jobs.db"
    _made(path)
    before = path.read_bytes()
    folder.chmod(0o777)
    opened, counted, added = _said(path)
    assert ("None", "3") == (opened, counted)
    assert "readonly database: the file or its folder can't be written; check its owner and permissions" in added
    assert before == path.read_bytes()


def test_folder_that_may_not_be_written_is_told(folder: Path) -> None:
    """SQLite needs its log beside the file: not even reading goes without."""
    path = folder / "jobs.db"
    _made(path)
    folder.chmod(0o555)
    for said in _said(path):
        assert "check its folder and permissions" in said or "check its owner and permissions" in said
    assert ["jobs.db"] == os.listdir(folder)


def test_file_that_cannot_be_made_is_told(folder: Path) -> None:
    """As a new one in somebody else's folder."""
    folder.chmod(0o555)
    for said in _said(folder / "jobs.db"):
        assert "the file can't be opened or made; check its folder and permissions" in said
