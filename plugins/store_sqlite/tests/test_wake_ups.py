"""Who waits is rung for by whoever does what it waits for, in this process and in others: not found later by a look."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from plugins.store_sqlite.tests.lab import Lab

from rota.model.query import LogFilter
from rota.model.records import LogRecord, WorkerRecord
from rota.testing import FakeClock, wait_until
from rota_store_sqlite.store import SQLiteStore

_LONG_MS = 60_000
_SOON_S = 20.0


class _Case:
    """A namespace with one instance that runs, and two stores on it, none of which notices what nobody rings for."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock()
        self.lab = Lab(path, self.clock)
        self.waiting, self.acting = self.store(), self.store()
        self.lab.add(self.acting)
        (self.claim,) = self.lab.claim(self.acting)
        self.id = self.claim.record.id
        self.cursor = self.waiting.changes().cursor

    def store(self) -> SQLiteStore:
        """One whose doorbell has no net below it."""
        store = self.lab.store()
        store._hub.doorbell._changed = None
        return store

    def line(self) -> LogRecord:
        """A line of the instance."""
        return LogRecord(self.id, self.claim.token, 0, 0, 20, "a line")

    def paused(self) -> None:
        """Let nobody take the kind, of which one is due."""
        self.acting.pause(["add"])
        self.lab.add(self.acting)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[_Case]:
    """On a file of its own."""
    case = _Case(tmp_path / "jobs.db")
    yield case
    case.lab.close()


def _nothing(case: _Case) -> None:
    pass


_Step = Callable[[_Case], object]
_WAKE_UPS: dict[str, tuple[_Step, _Step, _Step]] = {
    "an enqueue": (
        _nothing,
        lambda case: case.waiting.claim("w", 100, ["add"], 1, _LONG_MS),
        lambda case: case.lab.add(case.acting),
    ),
    "a resume": (
        _Case.paused,
        lambda case: case.waiting.claim("w", 100, ["add"], 1, _LONG_MS),
        lambda case: case.acting.resume(["add"]),
    ),
    "an end": (
        _nothing,
        lambda case: case.waiting.await_final([case.id], _LONG_MS),
        lambda case: case.lab.settle(case.acting, [case.claim]),
    ),
    "a cancel": (
        _nothing,
        lambda case: case.waiting.beat("w", 600_000, WorkerRecord(id="w"), _LONG_MS).cancels,
        lambda case: case.acting.cancel([case.id]),
    ),
    "a resize": (
        _nothing,
        lambda case: case.waiting.beat("w", 600_000, WorkerRecord(id="w"), _LONG_MS).concurrency,
        lambda case: case.acting.resize("w", 7),
    ),
    "a line": (
        _nothing,
        lambda case: case.waiting.logs(LogFilter(id=case.id), _LONG_MS).lines,
        lambda case: case.acting.append_logs([case.line()]),
    ),
    "the last line": (
        _nothing,
        lambda case: case.waiting.logs(LogFilter(id=case.id), _LONG_MS).final,
        lambda case: case.lab.settle(case.acting, [case.claim]),
    ),
    "a change": (
        _nothing,
        lambda case: case.waiting.changes(case.cursor, timeout_ms=_LONG_MS).changes,
        lambda case: case.lab.add(case.acting),
    ),
    "a clear": (
        _nothing,
        lambda case: case.waiting.await_final([case.id], _LONG_MS),
        lambda case: case.acting.clear(force=True),
    ),
}


@pytest.mark.parametrize("own", [True, False], ids=["through one store", "through two"])
@pytest.mark.parametrize("what", _WAKE_UPS)
def test_who_waits_is_woken_by(what: str, own: bool, case: _Case) -> None:
    """Each of what a blocked call may wait for."""
    prepare, wait, act = _WAKE_UPS[what]
    if own:
        case.waiting = case.acting
    prepare(case)
    found: list[object] = []
    thread = Thread(target=lambda: found.append(wait(case)))
    thread.start()
    wait_until(lambda: case.clock.waiters or found, _SOON_S, "it waits")
    assert [] == found
    act(case)
    thread.join(_SOON_S)
    assert found
    assert found[0]
