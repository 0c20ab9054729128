"""Transactions on one file: who waits for whom, and what is left when one goes wrong."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from plugins.store_sqlite.tests.lab import Lab, Program

from rota.model.errors import StoreError, StoreUnavailable
from rota.model.records import WorkerRecord
from rota_store_sqlite.store import SQLiteStore

_HOLDS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("holds", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
connection.close()
"""


@contextmanager
def _held_by_another_process(path: Path) -> Iterator[Program]:
    """Another process is in the midst of writing, until it is told to end."""
    with Program(_HOLDS, path) as other:
        assert "holds" == other.says()
        yield other


def _deleting(store: SQLiteStore, meanwhile: Callable[[sqlite3.Connection], None]) -> None:
    """A transaction in which something else happens."""
    with store._hub.database.write() as connection:
        connection.execute("DELETE FROM instance")
        meanwhile(connection)


def test_writer_waits_for_another_process_and_goes_on(lab: Lab) -> None:
    """A busy file is no error."""
    store, added = lab.store(), Event()
    lab.add(store)
    with _held_by_another_process(lab.path) as other:
        thread = Thread(target=lambda: (lab.add(store), added.set()))
        thread.start()
        assert not added.wait(0.1)
        other.tell()
        assert added.wait(20)
    thread.join()
    assert 2 == lab.count(store)


def test_writer_gives_up_after_its_time_and_says_what_to_do(lab: Lab) -> None:
    """The same call goes through once the other one has ended."""
    store = lab.store(busy=0)
    lab.add(store)
    with _held_by_another_process(lab.path):
        with pytest.raises(StoreUnavailable, match=r"jobs\.db: database is locked: .*raise busy= in the URL"):
            lab.add(store)
        assert 1 == lab.count(store)
    lab.add(store)
    assert 2 == lab.count(store)


def test_readers_wait_for_no_other_process_that_writes(lab: Lab) -> None:
    """They see what was there before."""
    store = lab.store(busy=0)
    lab.add(store)
    with _held_by_another_process(lab.path):
        assert 1 == lab.count(store)
        assert 1 == lab.count(lab.store(busy=0)), "neither does one that connects only now"


def test_readers_wait_for_no_thread_that_writes(lab: Lab) -> None:
    """A large batch, or one that waits for other processes, holds up no `result()`."""
    store = lab.store()
    lab.add(store)
    writing, go_on = Event(), Event()

    def write() -> None:
        with store._hub.database.write():
            writing.set()
            go_on.wait(20)

    thread = Thread(target=write)
    thread.start()
    assert writing.wait(20)
    counted: list[int] = []
    reader = Thread(target=lambda: counted.append(lab.count(store)))
    reader.start()
    reader.join(10)
    assert [1] == counted
    go_on.set()
    thread.join()


def test_what_goes_wrong_in_a_transaction_leaves_nothing_of_it(lab: Lab) -> None:
    """Whatever it was."""
    store = lab.store()
    lab.add(store)

    def fails(connection: sqlite3.Connection) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _deleting(store, fails)
    assert 1 == lab.count(store)


def test_connection_that_cannot_even_roll_back_is_replaced(lab: Lab) -> None:
    """Else it would stand in its transaction for ever, and every later call would fail."""
    store = lab.store()
    lab.add(store)

    def refuses(action: int, name: str | None, *_: object) -> int:
        return sqlite3.SQLITE_DENY if (action, name) == (sqlite3.SQLITE_TRANSACTION, "ROLLBACK") else sqlite3.SQLITE_OK

    def fails(connection: sqlite3.Connection) -> None:
        connection.set_authorizer(refuses)
        raise LookupError

    with pytest.raises(LookupError):
        _deleting(store, fails)
    lab.add(store)
    assert 2 == lab.count(store)


def test_thread_that_comes_back_in_the_midst_of_its_own_call_hangs_on_no_lock(lab: Lab) -> None:
    """A signal handler may: that call is refused, the one underneath has to be repeated, and nothing is kept."""
    store = lab.store()
    lab.add(store)

    def comes_back(connection: sqlite3.Connection) -> None:
        with pytest.raises(StoreError):
            lab.add(store)

    with pytest.raises(StoreUnavailable, match="repeat it"):
        _deleting(store, comes_back)
    assert 1 == lab.count(store)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no list of open descriptors")
def test_call_after_close_leaves_nothing_open(lab: Lab) -> None:
    """As that of a thread that was blocked when another one closed; `open` holds the file again."""
    store = lab.store()
    lab.add(store)

    def is_open() -> bool:
        links = [Path("/proc/self/fd", one) for one in os.listdir("/proc/self/fd")]
        return any(link.is_symlink() and os.readlink(link).startswith(str(lab.path)) for link in links)

    assert is_open()
    store.close()
    assert not is_open()
    lab.add(store)
    assert 2 == lab.count(store)
    assert not is_open()
    store.open()
    assert is_open()


def test_job_of_a_process_with_another_temporary_folder_is_found_soon(lab: Lab, tmp_path: Path) -> None:
    """Its doorbell can't be heard here, as that of another user's process."""
    store = lab.store()
    store.beat("w", 600_000, WorkerRecord(id="w"))
    script = """
import random, sys, tempfile
from pathlib import Path
from plugins.store_sqlite.tests.lab import Lab
tempfile.tempdir = sys.argv[2]
lab = Lab(Path(sys.argv[1]))
sys.stdin.readline()
lab.add(lab.store())
lab.close()
"""
    with Program(script, lab.path, tmp_path) as other:
        began_s = lab.clock.monotonic()
        claimed: list[int] = []
        thread = Thread(target=lambda: claimed.append(len(store.claim("w", 1, ["add"], 1, 60_000))))
        thread.start()
        other.tell()
        thread.join()
        assert "" == other.ends()
    assert [1] == claimed
    assert lab.clock.monotonic() - began_s < 30, "at the end of its time the claim would have looked anyway"
