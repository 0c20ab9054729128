"""The doorbell: who waits is woken, from here, from another process, and by who can't ring."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import pytest

from rota.model.clock import SystemClock
from rota.store.doorbell import Doorbell
from rota.testing import FakeClock, wait_until

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such sockets on this platform")

_LONG_S = 60.0
_SOON_S = 20.0


class _Waiting:
    """A thread that waits for a topic."""

    def __init__(self, doorbell: Doorbell, topics: int = 1, clock: SystemClock | FakeClock | None = None) -> None:
        self.woken = Event()
        self._thread = Thread(target=self._wait, args=(doorbell, topics, clock or SystemClock()))
        self._thread.start()
        wait_until(lambda: doorbell._waiting or self.woken.is_set(), _SOON_S, "it waits")

    def _wait(self, doorbell: Doorbell, topics: int, clock: SystemClock) -> None:
        doorbell.wait(clock, topics, doorbell.count(topics), _LONG_S, lambda: False)
        self.woken.set()

    def wakes(self) -> bool:
        """Whether it is woken, soon."""
        found = self.woken.wait(_SOON_S)
        self._thread.join(_SOON_S if found else 0)
        return found


@pytest.fixture
def resource() -> str:
    """A name that nobody else has."""
    return uuid4().hex


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the test's own, with a name short enough for a socket's address."""
    with tempfile.TemporaryDirectory(prefix="rota-", dir="/tmp") as path:
        monkeypatch.setattr(tempfile, "tempdir", path)
        yield Path(path)


@pytest.fixture
def doorbell(folder: Path, resource: str) -> Iterator[Doorbell]:
    """One in that folder."""
    doorbell = Doorbell(resource)
    yield doorbell
    doorbell.close()


def _script(text: str, resource: str, folder: Path, **options: object) -> "subprocess.Popen[str]":
    common = "import sys\nfrom rota.model.clock import SystemClock\nfrom rota.store.doorbell import Doorbell\n"
    return subprocess.Popen(
        [sys.executable, "-c", f"{common}doorbell = Doorbell({resource!r})\n{text}"],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def _run(text: str, resource: str, folder: Path) -> str:
    with _script(text, resource, folder) as process:
        said, _ = process.communicate(timeout=60)
    return str(said)


def test_ring_wakes_who_waits_for_its_topic_and_no_other(doorbell: Doorbell) -> None:
    """A topic is a bit."""
    one, two = _Waiting(doorbell, 1), _Waiting(doorbell, 2)
    doorbell.ring(4)
    doorbell.ring(1)
    assert one.wakes()
    doorbell.ring(2)
    assert two.wakes()
    assert (1, 1, 1, 3) == tuple(doorbell.count(topics) for topics in (1, 2, 4, 7))


def test_ring_between_looking_and_waiting_is_not_missed(doorbell: Doorbell) -> None:
    """The count tells."""
    seen = doorbell.count(1)
    doorbell.ring(1)
    doorbell.wait(FakeClock(), 1, seen, _LONG_S, lambda: False)


def test_ring_of_another_process_is_heard(doorbell: Doorbell, resource: str, folder: Path) -> None:
    """Through its socket: nothing else could tell this one."""
    waiting = _Waiting(doorbell)
    assert "" == _run("doorbell.ring(1)", resource, folder)
    assert waiting.wakes()


def test_change_by_who_cannot_be_heard_is_noticed(folder: Path, resource: str) -> None:
    """A process with another temporary folder, or of another user, rings elsewhere."""
    changed = Event()
    doorbell = Doorbell(resource, changed.is_set)
    waiting = _Waiting(doorbell)
    (folder / "other").mkdir()
    assert "" == _run("doorbell.ring(1)", resource, folder / "other")
    assert not waiting.woken.is_set()
    changed.set()
    assert waiting.wakes()
    doorbell.close()


def test_nobody_looks_while_nobody_waits(folder: Path, resource: str) -> None:
    """An idle program costs nothing; once somebody waits again, what was missed meanwhile is noticed."""
    looks: list[int] = []

    def changed() -> bool:
        looks.append(doorbell._waiting)
        return True

    doorbell = Doorbell(resource, changed)
    assert _Waiting(doorbell).wakes()
    before = len(looks)
    for _ in range(3):  # each is heard by the thread that would look
        assert "" == _run("doorbell.ring(2)", resource, folder)
    assert len(looks) == before
    assert _Waiting(doorbell).wakes()
    assert 0 not in looks
    doorbell.close()


def test_steady_rings_for_another_topic_keep_nobody_from_being_noticed(folder: Path, resource: str) -> None:
    """The look is due by time, not by silence."""
    changed = Event()
    doorbell = Doorbell(resource, changed.is_set)
    waiting = _Waiting(doorbell)
    text = "print(1, flush=True)\nwhile True: doorbell.ring(2)"
    with _script(text, resource, folder) as process:
        assert process.stdout is not None
        process.stdout.readline()
        changed.set()
        assert waiting.wakes()
        process.kill()
    doorbell.close()


@pytest.mark.parametrize("spoiled", ["link", "file", "open to others"])
def test_folder_that_is_not_this_users_alone_is_not_used(
    spoiled: str, doorbell: Doorbell, resource: str, folder: Path
) -> None:
    """Anybody may have made it before: nothing is put there or sent there, and a wait is short instead."""
    place = doorbell._folder
    (folder / "elsewhere").mkdir(mode=0o700)
    if spoiled == "link":
        place.symlink_to(folder / "elsewhere")
    elif spoiled == "file":
        place.touch()
    else:
        place.mkdir()
        place.chmod(0o755)
    doorbell.wait(SystemClock(), 1, 0, _LONG_S, lambda: False)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        if spoiled != "file":
            stranger.bind(str(place / "stranger"))
        stranger.setblocking(False)
        doorbell.ring(1)
        with pytest.raises(BlockingIOError):
            stranger.recv(1)
    assert doorbell._socket is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to give a folder away")
def test_folder_of_another_user_is_not_used(doorbell: Doorbell) -> None:
    """However private it is."""
    doorbell._folder.mkdir(mode=0o700)
    os.chown(doorbell._folder, 65534, 65534)
    doorbell.wait(SystemClock(), 1, 0, _LONG_S, lambda: False)
    assert doorbell._socket is None


def test_socket_of_a_dead_process_goes_with_the_next_ring(doorbell: Doorbell, resource: str, folder: Path) -> None:
    """However many died."""
    text = "print(doorbell._listen(), flush=True)\nsys.stdin.read()"
    for _ in range(2):
        with _script(text, resource, folder, stdin=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert "True\n" == process.stdout.readline()
            process.send_signal(signal.SIGKILL)
    waiting = _Waiting(doorbell)
    assert 3 == len(list(doorbell._folder.iterdir()))
    doorbell.ring(1)
    assert waiting.wakes()
    assert 1 == len(list(doorbell._folder.iterdir()))


def test_last_one_to_close_leaves_nothing(folder: Path, resource: str) -> None:
    """Neither socket, folder nor thread; it can be used again."""
    one, two = Doorbell(resource), Doorbell(resource)
    for _ in range(2):
        waits = _Waiting(one), _Waiting(two)
        one.close()
        one.close()
        assert waits[0].wakes()
        two.ring(1)
        two.close()
        assert waits[1].wakes()
        assert [] == list(folder.iterdir())


def test_process_that_stands_still_holds_nobody_up(doorbell: Doorbell, resource: str, folder: Path) -> None:
    """Its socket fills up; who rings goes on."""
    text = "print(doorbell._listen(), flush=True)\nsys.stdin.read()"
    with _script(text, resource, folder, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        for _ in range(2_000):
            doorbell.ring(1)
        process.kill()
    assert 2_000 == doorbell.count(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_child_leaves_the_socket_to_its_parent(resource: str, folder: Path) -> None:
    """Once the parent is dead its address is dead, though a child lives on; the child listens at one of its own."""
    text = """
import os
doorbell._listen()
child = os.fork()
if child == 0:
    print(doorbell._listen(), len(os.listdir(doorbell._folder)), flush=True)
    sys.stdin.read()
    os._exit(0)
os.kill(os.getpid(), 9)
"""
    with _script(text, resource, folder, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert "True 2\n" == process.stdout.readline()
        process.wait(60)
        doorbell = Doorbell(resource)
        doorbell.ring(1)
        assert 1 == len(list(doorbell._folder.iterdir()))
