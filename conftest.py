"""What holds for every test of the workspace: it leaves no thread and no file descriptor behind."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rota.testing import wait_until

# rota's own recurring jobs would run in whatever test a full hour falls into, or whose clock is moved past one; they
# have tests of their own.
os.environ.setdefault("ROTA_DISABLE_PLUGINS", "retention")

_OPEN_DESCRIPTORS = Path("/proc/self/fd")  # Linux; elsewhere only threads are looked at


def pytest_configure() -> None:
    """Let Ctrl-C be what it is in a terminal: a runner in the background ignores it, and so would every child."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a test of the leak check itself wait less."""
    parser.addini("leak_grace_s", "seconds a test's threads and descriptors may take to go", default="5")


@pytest.fixture(autouse=True)
def _no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves behind a thread or a descriptor that was not there before it.

    Being first, it looks last: after every other fixture of the test has cleaned up.
    """
    threads, descriptors = set(threading.enumerate()), _descriptors()
    yield
    if not _left_behind(threads, descriptors):
        return
    gc.collect()  # a cycle may still hold a connection that nothing uses
    with suppress(AssertionError):
        wait_until(lambda: not _left_behind(threads, descriptors), float(request.config.getini("leak_grace_s")))
    if left := _left_behind(threads, descriptors):
        pytest.fail(f"left behind: {', '.join(left)}", pytrace=False)


def _left_behind(threads: set[threading.Thread], descriptors: dict[int, str]) -> list[str]:
    """Name what is there now and was not then.

    A daemon thread of another library may live on (pools and feeders do); one of ours, named `rota-*`, may not.
    """
    started = [thread for thread in threading.enumerate() if thread not in threads]
    ours = [f"thread {each.name}" for each in started if not each.daemon or each.name.startswith("rota-")]
    opened = set(_descriptors().items()) - set(descriptors.items())
    kept = _kept_by_multiprocessing()
    return ours + [f"descriptor {number} ({target})" for number, target in sorted(opened) if number not in kept]


def _descriptors() -> dict[int, str]:
    """Open descriptors, each with what it leads to; pipes and sockets bear a number that is never used again."""
    found = {}
    for entry in os.listdir(_OPEN_DESCRIPTORS) if _OPEN_DESCRIPTORS.exists() else ():
        try:
            found[int(entry)] = os.readlink(_OPEN_DESCRIPTORS / entry)
        except FileNotFoundError:  # the listing's own descriptor is closed by now, as may be another thread's
            continue
    return found


def _kept_by_multiprocessing() -> set[object]:
    """Find the two pipes that multiprocessing opens once and never closes: to its resource tracker and fork server."""
    tracker = getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)
    server = getattr(sys.modules.get("multiprocessing.forkserver"), "_forkserver", None)
    return {getattr(tracker, "_fd", None), getattr(server, "_forkserver_alive_fd", None)}
