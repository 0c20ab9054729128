"""The lock that a forked child finds free."""

import os
from threading import Event, Thread

import pytest

from rota.model.process_lock import ProcessLock


def test_lock_lets_one_thread_in_at_a_time() -> None:
    """As any lock; also after an exception in the block."""
    lock, inside, order = ProcessLock(), Event(), list[str]()

    def first() -> None:
        with lock:
            inside.set()
            order.append("first")
            raise LookupError

    def second() -> None:
        inside.wait(10)
        with lock:
            order.append("second")

    thread = Thread(target=second)
    thread.start()
    with pytest.raises(LookupError):
        first()
    thread.join(10)
    assert ["first", "second"] == order


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_lock_held_by_another_thread_at_a_fork_is_free_in_the_child() -> None:
    """That thread does not exist there, and could never let go."""
    from subprocess import run
    from sys import executable

    script = """
import os, threading
from rota.model.process_lock import ProcessLock

lock, held, release = ProcessLock(), threading.Event(), threading.Event()

def hold():
    with lock:
        held.set()
        release.wait(20)

threading.Thread(target=hold).start()
held.wait(20)
child = os.fork()
if child == 0:
    with lock:
        os._exit(7)
release.set()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = run([executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert ("7\n", "") == (done.stdout, done.stderr)
