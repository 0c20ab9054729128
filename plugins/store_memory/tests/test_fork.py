"""What a forked child has of a memory store: nothing. It hangs on no lock and runs none of the parent's jobs."""

import os
import sys
from subprocess import run

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

_COMMON = """
import os, random, signal, threading
from rota import ConfigError, Manager
from rota.model.clock import SystemClock
from rota.model.ids import IdSource
from rota.model.query import InstanceFilter
from rota.model.records import InstanceRecord
from rota_store_memory import hub
from rota_store_memory.store import open_store

def opened(name=""):
    return open_store("memory://" + name, clock=SystemClock())

def count(store):
    return store.count(InstanceFilter())

def add(store):
    one = IdSource(SystemClock(), random.Random()).one()
    store.enqueue([InstanceRecord(id=one, kind="k", arguments=b"[]", rank=0, created_ms=0)])

def held(*locks):  # by a thread that the child does not have
    inside, release = threading.Event(), threading.Event()
    def hold(rest):
        if not rest:
            inside.set()
            return release.wait(20)
        with rest[0]:
            hold(rest[1:])
    threading.Thread(target=hold, args=(locks,), daemon=True).start()
    assert inside.wait(20)
    return release

def forked(main):  # what the child says; a child that hangs is killed
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(main())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def _output(script: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", _COMMON + script]
    done = run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_child_opens_an_empty_store_under_the_same_name() -> None:
    """Also while threads of the parent hold the locks; what it does is its own; stores of the child share it."""
    script = """
store = opened("shop")
add(store)
release = held(store._lock, hub._named_lock)

def main():
    mine, mine_too = opened("shop"), opened("shop")
    before = count(mine)
    add(mine)
    return 7 if (before, count(mine_too)) == (0, 1) else 1

code = forked(main)
release.set()
print(code, count(store), count(opened("shop")))
"""
    assert "7 1 1\n" == _output(script)


def test_manager_of_a_named_store_runs_each_job_in_its_own_process() -> None:
    """A worker of the child does not find what the parent scheduled."""
    script = """
manager = Manager("memory://shop")

@manager.job
def whose() -> int:
    return os.getpid()

parents = whose.schedule()

def main():
    with manager, manager.worker(concurrency=1) as worker:
        mine = whose.schedule()
        found = mine.result(5), manager.count()
        return 7 if found == (os.getpid(), 1) else 1

code = forked(main)
with manager, manager.worker(concurrency=1):
    print(code, parents.result(5) == os.getpid(), manager.count())
"""
    assert "7 True 1\n" == _output(script)


@pytest.mark.parametrize(
    "use", ["store.open()", "store.namespaced('n')", "Manager(store).count()", "manager.count()", "view.open()"]
)
def test_store_of_the_parent_is_refused_in_the_child(use: str) -> None:
    """Its data belongs to the process that made it: an error that says so, not a second copy of every job."""
    script = f"""
store = opened()
add(store)
view = store.namespaced("view")
manager = Manager(store)
assert manager.count() == 1
release = held(store._lock)

def main():
    try:
        {use}
    except ConfigError as error:
        return 7 if "fork" in str(error) else 1
    return 2

code = forked(main)
release.set()
print(code, manager.count())
"""
    assert "7 1\n" == _output(script)


def test_store_of_the_parent_closes_in_the_child() -> None:
    """Nothing is blocked there, and a lock that nobody will let go of is not waited for."""
    script = """
store = opened()
release = held(store._lock)

def main():
    store.close()
    return 7

print(forked(main))
release.set()
"""
    assert "7\n" == _output(script)
