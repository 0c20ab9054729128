"""A fork while the store is open: neither side harms the file, and nothing that either was answered is lost."""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from subprocess import run

import pytest
from plugins.store_sqlite.tests.lab import url_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

_COMMON = """
import os, random, signal, sys, threading
from rota.errors import StoreUnavailable
from rota.model.clock import SystemClock
from rota.model.ids import IdSource
from rota.model.query import InstanceFilter
from rota.model.records import InstanceRecord, WorkerRecord
from rota_store_sqlite.store import open_store

def opened():
    store = open_store(sys.argv[1], clock=SystemClock())
    store.open()
    return store

def add(store, number=1):
    ids = IdSource(SystemClock(), random.Random())
    store.enqueue([
        InstanceRecord(id=ids.one(), kind="k", arguments=b"[]", rank=0, created_ms=0) for _ in range(number)
    ])

def count(store):
    return store.count(InstanceFilter())

def forked(main):  # the child's id; one that hangs is killed
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        try:
            main()
            os._exit(0)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
    return child

def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def bare_file():  # descriptors of the file that are open here
    opened = [os.path.realpath(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd")]
    return [one for one in opened if "jobs.db" in one]
"""


def _output(script: str, path: Path) -> str:
    command = [sys.executable, "-W", "ignore", "-c", _COMMON + script, url_of(path)]
    done = run(command, capture_output=True, text=True, timeout=90, check=False)
    return done.stdout + done.stderr


def _standing(path: Path) -> tuple[int, str]:
    """How many instances the file has, and what SQLite says of its state."""
    with closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute("SELECT count(*) FROM instance").fetchone()
        (state,) = connection.execute("PRAGMA integrity_check").fetchone()
    return number, state


def test_what_a_child_writes_after_its_parent_closed_is_kept(tmp_path: Path) -> None:
    """The parent, last to close as far as it knows, drops no log that the child still writes."""
    script = """
store = opened()
add(store, 10)
there, back = os.pipe(), os.pipe()

def main():
    add(store)
    os.write(back[1], b"1")
    os.read(there[0], 1)
    add(store, 5)
    store.close()

child = forked(main)
os.read(back[0], 1)
store.close()
os.write(there[1], b"1")
print(ended(child))
"""
    assert "0\n" == _output(script, tmp_path / "jobs.db")
    assert (16, "ok") == _standing(tmp_path / "jobs.db")


def test_parent_and_children_write_at_once(tmp_path: Path) -> None:
    """Children of children too, with stores of their own and those that they inherit; each uses what it has on."""
    script = """
store = opened()
add(store)

def grandchild():
    add(store, 5)
    add(opened(), 5)

def main():
    add(opened(), 5)
    inner = forked(grandchild)
    add(store, 5)
    assert ended(inner) == 0

children = [forked(main) for _ in range(3)]
for _ in range(20):
    add(store)
print([ended(child) for child in children], count(store))
"""
    assert "[0, 0, 0] 81\n" == _output(script, tmp_path / "jobs.db")
    assert (81, "ok") == _standing(tmp_path / "jobs.db")


def test_forks_while_other_threads_write_read_and_wait(tmp_path: Path) -> None:
    """A fork waits for what is under way; threads of the parent go on, and the child hangs on no lock of theirs."""
    script = """
store = opened()
store.beat("w", 600_000, WorkerRecord(id="w"))
stop, failed = threading.Event(), []

def over_and_over(what):
    try:
        while not stop.is_set():
            what()
    except BaseException as error:
        failed.append(error)

written = [0, 0]
def write(n):
    add(store, 3)
    written[n] += 3

threads = [threading.Thread(target=over_and_over, args=(what,)) for what in (
    lambda: write(0), lambda: write(1), lambda: count(store), lambda: store.wait("w", ["none"], 50),
)]
for one in threads:
    one.start()

def main():
    assert count(store) >= 0
    add(store, 7)
    store.wait("w", ["none"], 10)
    store.close()

children = []
for _ in range(15):
    children.append(forked(main))
codes = [ended(child) for child in children]
stop.set()
for one in threads:
    one.join()
print(set(codes), failed, count(store) == sum(written) + 15 * 7)
"""
    assert "{0} [] True\n" == _output(script, tmp_path / "jobs.db")
    assert "ok" == _standing(tmp_path / "jobs.db")[1]


def test_child_has_no_descriptor_of_the_file(tmp_path: Path) -> None:
    """Not even when an error that the program keeps has a cursor in its traceback."""
    script = """
store = opened()
add(store, 2)
count(store)
with store._hub.database.write() as connection:
    connection.execute("UPDATE instance SET history = x'ff'")
kept = []

def read(connection):
    cursor = connection.execute("SELECT * FROM instance")
    cursor.fetchone()
    raise LookupError

try:
    with store._hub.database.read() as connection:
        read(connection)
except LookupError as error:
    kept.append(error)
del connection
found = bool(bare_file())
print(found, ended(forked(lambda: [print(bare_file(), flush=True)])))
"""
    assert "[]\nTrue 0\n" == _output(script, tmp_path / "jobs.db")


def test_children_of_multiprocessing_by_fork_share_the_file(tmp_path: Path) -> None:
    """Its pools too, which fork while they run."""
    script = """
import multiprocessing
context = multiprocessing.get_context("fork")
store = opened()
add(store)

def job(number):
    add(store, 2)
    return count(store) > 0

with context.Pool(3) as pool:
    answers = pool.map(job, range(20))
one = context.Process(target=job, args=(1,))
one.start()
one.join()
print(all(answers), one.exitcode, count(store))
"""
    assert "True 0 43\n" == _output(script, tmp_path / "jobs.db")


def test_child_is_rung_for_and_its_calls_are_its_own(tmp_path: Path) -> None:
    """A blocked call of the parent's is no call of the child's: an interrupt is kept for the next one here."""
    script = """
store = opened()
entered = threading.Event()
store.beat("w", 600_000, WorkerRecord(id="w"))

def waits():
    entered.set()
    store.wait("w", ["k"], 5_000)

thread = threading.Thread(target=waits)
thread.start()
entered.wait(20)
while not store._hub.calls._blocked:
    pass

def main():
    clock = SystemClock()
    store.interrupt("w")
    began_s = clock.monotonic()
    store.wait("w", ["k"], 5_000)
    assert clock.monotonic() - began_s < 4, "the interrupt was for this one"
    add(store)

print(ended(forked(main)))
thread.join()
"""
    assert "0\n" == _output(script, tmp_path / "jobs.db")


def test_fork_past_python_is_refused_in_the_child(tmp_path: Path) -> None:
    """Nothing could close the connections before: an error that says so, and the file stays whole."""
    script = """
import ctypes
store = opened()
add(store, 3)
child = ctypes.CDLL(None).fork()
if child == 0:
    store.close()
    try:
        add(store)
    except StoreUnavailable as error:
        os._exit(7 if "fork" in str(error) else 2)
    os._exit(1)
code = ended(child)
add(store, 2)
print(code, count(store))
"""
    assert "7 5\n" == _output(script, tmp_path / "jobs.db")
    assert (5, "ok") == _standing(tmp_path / "jobs.db")


def test_jobs_of_the_process_executor_use_the_store(tmp_path: Path) -> None:
    """Its children come their own way, and schedule through the worker or by a manager of their own."""
    (tmp_path / "jobs_of_test.py").write_text(
        """
import rota
from rota.model.clock import SystemClock
from rota_store_sqlite.store import open_store

jobs = rota.Jobs()

@jobs.job
def leaf(number: int) -> int:
    return number

@jobs.job(executor="process")
async def inside(url: str, number: int) -> int:
    async with rota.Manager(open_store(url, clock=SystemClock()), jobs=[jobs]) as manager:
        return await (await manager.remote("leaf").aschedule(number)).aresult(timeout=60)
"""
    )
    script = """
sys.path.insert(0, os.path.dirname(sys.argv[1].removeprefix("sqlite:///")))
os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], os.environ.get("PYTHONPATH", "")])
from rota import Manager
from jobs_of_test import inside, jobs
if __name__ == "__main__":
    with Manager(opened(), jobs=[jobs]) as manager, manager.worker(concurrency=8):
        several = [inside.schedule(sys.argv[1], number) for number in range(6)]
        print([one.result(timeout=60) for one in several])
"""
    assert "[0, 1, 2, 3, 4, 5]\n" == _output(script, tmp_path / "jobs.db")
    assert (12, "ok") == _standing(tmp_path / "jobs.db")
