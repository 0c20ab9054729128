"""What is told of forks."""

import os
import sys
from subprocess import run

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

_COMMON = """
import os, threading
from rota.store.forks import watch_forks

class Told:
    def __init__(self, name):
        self.name, self.heard = name, []
        watch_forks(self)

    def before_fork(self):
        self.heard.append("before")

    def after_fork(self, *, in_child):
        self.heard.append("child" if in_child else "parent")

def forked(main):
    child = os.fork()
    if child == 0:
        print(main(), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def _output(script: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", _COMMON + script]
    done = run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_each_is_told_before_and_after_on_both_sides() -> None:
    """In a child of a child as well."""
    script = """
one, two = Told("one"), Told("two")
forked(lambda: (one.heard, two.heard, forked(lambda: one.heard)))
print(one.heard, two.heard)
"""
    said = _output(script).splitlines()
    assert "['before', 'child', 'before', 'child']" == said[0]
    assert "['before', 'parent'] ['before', 'parent']" == said[2]


def test_nobody_is_kept_alive_to_be_told() -> None:
    """What nothing else holds goes, and is told no more."""
    script = """
import gc, weakref
gone = weakref.ref(Told("gone"))
gc.collect()
print(gone())
forked(lambda: "forked")
"""
    assert "None\nforked\n" == _output(script)


def test_who_comes_in_the_midst_of_a_fork_waits_for_its_end() -> None:
    """Else it would take up, between the hooks, what must not be carried across."""
    script = """
class Slow(Told):
    def before_fork(self):
        thread.start()
        coming.wait(20)
        super().before_fork()

coming, made = threading.Event(), []
def come():
    coming.set()
    made.append(Told("late"))

thread = threading.Thread(target=come)
slow = Slow("slow")
forked(lambda: made)
thread.join()
print(made[0].heard)
"""
    assert "[]\n[]\n" == _output(script)
