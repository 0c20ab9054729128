"""A manager with the jobs of this folder, and a place for files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from core.tests.runtime.process.jobs import jobs

from rota import Manager
from rota.testing import wait_until


@pytest.fixture
def manager() -> Iterator[Manager]:
    """A manager on a memory store of its own, connected."""
    with Manager("memory://", jobs=[jobs]) as manager:
        yield manager


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where jobs leave their marks; in the end all of them may go."""
    yield tmp_path
    (tmp_path / "go").touch()


@pytest.fixture
def pids(folder: Path) -> Callable[[int], list[int]]:
    """Wait until so many held jobs run, and name their processes."""

    def found() -> list[int]:
        return [int(one.name.removeprefix("pid-")) for one in folder.glob("pid-*")]

    def wait(number: int) -> list[int]:
        wait_until(lambda: len(found()) >= number, 60, f"{number} jobs run")
        return found()

    return wait
