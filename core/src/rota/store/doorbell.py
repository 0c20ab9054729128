"""A doorbell for stores whose backend can't push: who changed something rings, and blocked calls look again.

It rings in all processes of a user that name the same resource: each has a datagram socket in a folder of the
resource's own, and a ring is a byte to each of them. Who can't be heard so (another user's processes, those with
another temporary folder) is noticed by what it changed, four times a second while somebody waits.
"""

import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Final

from rota.model.clock import Clock, SystemClock
from rota.store.forks import watch_forks

__all__ = ["Doorbell"]

_LONGEST_PATH: Final = 100  # a socket's address takes a little more on every system
_UNHEARD_S: Final = 0.25  # how often to look for those who can't be heard
_ALL: Final = 0xFF
_END: Final = b"\0"


class Doorbell:
    """Rings for topics, of which there are up to 8: a ring and a wait name some of them as the bits of a number.

    `resource` names what is shared, in one text for all processes. `changed` tells whether anybody may have changed it
    since it was asked last; it is cheap and raises nothing. A wait begins with `count`, the number of rings so far: one
    that comes between looking and waiting is not missed.
    """

    def __init__(self, resource: str, changed: Callable[[], bool] | None = None) -> None:
        digest = hashlib.sha256(resource.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        user = os.getuid() if hasattr(os, "getuid") else 0
        self._folder = Path(tempfile.gettempdir()) / f"rota-{user}-{digest}"
        self._changed = changed
        self._condition = Condition()
        self._counts = [0] * 8
        self._waiting = 0
        self._socket: socket.socket | None = None
        self._address: Path | None = None
        watch_forks(self)

    @property
    def condition(self) -> Condition:
        """What waits are notified on; whoever changes what they look at besides holds it, and notifies all."""
        return self._condition

    def count(self, topics: int) -> int:
        """How often it has rung for any of these."""
        return sum(number for bit, number in enumerate(self._counts) if topics >> bit & 1)

    def ring(self, topics: int) -> None:
        """Let everybody who waits for one of these look again, here and in other processes. Never blocks."""
        self._note(topics)
        with suppress(OSError):
            if _is_private(self._folder):
                own = self._address
                others = [one for one in os.listdir(self._folder) if own is None or one != own.name]
                _send(bytes([topics]), [self._folder / one for one in others])

    def wait(self, clock: Clock, topics: int, seen: int, timeout_s: float, ended: Callable[[], bool]) -> None:
        """Return once `count(topics)` is another than `seen`, once `ended()`, after `timeout_s` of the clock, or when
        notified. Where no socket can be had it returns after a quarter of a second: its caller looks again."""
        hears = self._listen()
        with self._condition:
            if self.count(topics) != seen or ended():
                return
            self._waiting += 1
            try:
                clock.wait(self._condition, timeout_s if hears else min(timeout_s, _UNHEARD_S))
            finally:
                self._waiting -= 1

    def close(self) -> None:
        """Let go of the socket, and the thread behind it. Idempotent; the next wait makes them anew."""
        with self._condition:
            address, self._socket, self._address = self._address, None, None
            self._condition.notify_all()
        if address is None:
            return
        _send(_END, [address])
        address.unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()  # when it was the last

    def before_fork(self) -> None:
        """Let no other thread be in the midst of anything."""
        self._condition.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; a child has no thread that listens or waits, and leaves the socket to the parent."""
        if not in_child:
            self._condition.release()
            return
        self._condition = Condition()
        self._waiting = 0
        listening, self._socket, self._address = self._socket, None, None
        if listening is not None:
            listening.close()  # else the address would seem alive for as long as the child is

    def _note(self, topics: int) -> None:
        with self._condition:
            for bit in range(8):
                self._counts[bit] += topics >> bit & 1
            self._condition.notify_all()

    def _listen(self) -> bool:
        """Make the socket of this process; False where there can be none."""
        with self._condition:
            if self._socket is not None:
                return True
            address = self._folder / f"{os.getpid()}-{id(self):x}"
            if not hasattr(socket, "AF_UNIX") or len(os.fsencode(address)) > _LONGEST_PATH:
                return False
            try:
                listening = _bound(self._folder, address)
            except OSError:
                return False
            if listening is None:
                return False
            self._socket, self._address = listening, address
        Thread(target=self._hear, args=(listening,), name="rota-doorbell", daemon=True).start()
        return True

    def _hear(self, listening: socket.socket) -> None:
        clock = SystemClock()  # other processes keep no other time
        with listening:
            look_s = clock.monotonic() + _UNHEARD_S
            while (topics := _heard(listening, look_s - clock.monotonic())) is not None:
                if clock.monotonic() >= look_s:
                    if self._waiting and self._changed is not None and self._changed():
                        topics = _ALL
                    look_s = clock.monotonic() + _UNHEARD_S
                if topics:
                    self._note(topics)


def _bound(folder: Path, address: Path) -> socket.socket | None:
    """A socket of that address; None when the folder is not this user's alone. Raises: OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(folder):
        return None
    address.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        listening.bind(str(address))
    except OSError:
        listening.close()
        raise
    return listening


def _is_private(folder: Path) -> bool:
    """Whether it is a folder, no link, and nobody else's: the temporary folder is everybody's, and so are names there.
    False too when there is none."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _send(what: bytes, addresses: list[Path]) -> None:
    """Send it to each, and remove the addresses of processes that are gone. Never blocks."""
    if not addresses:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for address in addresses:
            try:
                sender.sendto(what, str(address))
            except (ConnectionRefusedError, FileNotFoundError):
                address.unlink(missing_ok=True)
            except OSError:  # it is full: what is in it wakes that process as well
                continue


def _heard(listening: socket.socket, timeout_s: float) -> int | None:
    """The topics of what has come, 0 after `timeout_s`, None for the end."""
    listening.settimeout(max(timeout_s, 0.001))
    topics = 0
    with suppress(TimeoutError, BlockingIOError):
        while heard := listening.recv(1):
            if heard == _END:
                return None
            topics |= heard[0]
            listening.setblocking(False)
    return topics
