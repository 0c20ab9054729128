"""A doorbell for stores whose backend can't push: who changed something rings, and blocked calls look again.

It rings in all processes of a machine that name the same resource: each has a datagram socket in a folder of the
resource's own, and a ring is a byte to each of them. Where the system has no such sockets it rings in its own process
alone.
"""

import hashlib
import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Final

from rota.model.clock import Clock

__all__ = ["Doorbell"]

_LONGEST_PATH: Final = 100  # a socket's address takes a little more on every system
_DEAF_S: Final = 0.25  # how often to look where other processes can't be heard


class Doorbell:
    """Rings for topics, of which there are up to 8: a ring and a wait name some of them as the bits of a number.

    `resource` names what is shared, in one text for all processes. A wait begins with `count`, the number of rings so
    far: one that comes between looking and waiting is not missed.
    """

    def __init__(self, resource: str) -> None:
        digest = hashlib.sha256(resource.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        user = os.getuid() if hasattr(os, "getuid") else 0
        self._folder = Path(tempfile.gettempdir()) / f"rota-{user}-{digest}"
        self._changed = Condition()
        self._counts = [0] * 8
        self._socket: socket.socket | None = None
        self._address: Path | None = None
        self._pid = os.getpid()

    @property
    def condition(self) -> Condition:
        """What waits are notified on; whoever changes what they look at besides holds it, and notifies all."""
        return self._changed

    def count(self, topics: int) -> int:
        """How often it has rung for any of these."""
        return sum(number for bit, number in enumerate(self._counts) if topics >> bit & 1)

    def ring(self, topics: int) -> None:
        """Let everybody who waits for one of these look again, here and in other processes. Never blocks."""
        self._note(topics)
        if not self._folder.is_dir():
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for address in os.listdir(self._folder):
                if self._address is None or address != self._address.name:
                    self._send(sender, self._folder / address, topics)

    def wait(self, clock: Clock, topics: int, seen: int, timeout_s: float, ended: Callable[[], bool]) -> None:
        """Return once `count(topics)` is another than `seen`, once `ended()`, after `timeout_s` of the clock, or when
        notified."""
        hears = self._listen()
        with self._changed:
            if self.count(topics) == seen and not ended():
                clock.wait(self._changed, timeout_s if hears else min(timeout_s, _DEAF_S))

    def close(self) -> None:
        """Let go of the socket, and the thread behind it. Idempotent; the next wait makes them anew."""
        with self._changed:
            listening, address = self._socket, self._address
            self._socket = self._address = None
            self._changed.notify_all()
        if listening is None or address is None or self._pid != os.getpid():
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(b"\0", str(address))  # ends the thread
        address.unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()  # when it was the last

    def _note(self, topics: int) -> None:
        with self._changed:
            for bit in range(8):
                self._counts[bit] += topics >> bit & 1
            self._changed.notify_all()

    @staticmethod
    def _send(sender: socket.socket, address: Path, topics: int) -> None:
        try:
            sender.sendto(bytes([topics]), str(address))
        except (ConnectionRefusedError, FileNotFoundError):  # its process is gone
            address.unlink(missing_ok=True)
        except OSError:  # it is full: what is in it wakes that process as well
            return

    def _listen(self) -> bool:
        """Make the socket of this process; False where there can be none."""
        with self._changed:
            if self._socket is not None and self._pid == os.getpid():
                return True
            address = self._folder / f"{os.getpid()}-{id(self):x}"
            if not hasattr(socket, "AF_UNIX") or len(str(address)) > _LONGEST_PATH:
                return False
            try:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                address.unlink(missing_ok=True)
                listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                listening.bind(str(address))
            except OSError:
                return False
            self._socket, self._address, self._pid = listening, address, os.getpid()
        Thread(target=self._hear, args=(listening,), name="rota-doorbell", daemon=True).start()
        return True

    def _hear(self, listening: socket.socket) -> None:
        with listening:
            while (heard := listening.recv(1)) != b"\0":
                topics = heard[0]
                listening.setblocking(False)
                with suppress(BlockingIOError):
                    while more := listening.recv(1):
                        if more == b"\0":
                            return
                        topics |= more[0]
                listening.setblocking(True)
                self._note(topics)
