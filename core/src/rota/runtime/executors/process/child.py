"""A child process, as the worker holds it."""

from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, SpawnContext
from threading import Event, Lock, Timer
from typing import ClassVar, Final, Literal

import msgspec

from rota.runtime.answer import Failed, Returned
from rota.runtime.executors.process.channel import Channel, Unreadable
from rota.runtime.executors.process.death import death
from rota.runtime.executors.process.messages import (
    DECODE_FROM_CHILD,
    ENCODE,
    Asked,
    Broken,
    End,
    FromChild,
    Line,
    Ready,
    Task,
    Worn,
)
from rota.runtime.executors.process.resident import main

__all__ = ["Child"]

_TELL_S: Final = 2.0  # from the end of its pipe to its exit code
_DIE_S: Final = 5.0
_START_S: Final = 60.0
_LOOK_S: Final = 0.001
_LOOKS: Final = 1000

_OF_TASK: Final = (Line, Returned, Failed)


class Child:
    """One process, which runs tasks one after the other. `tasks` is the number of the last; a `worn` one should get no
    more.

    Three pipes lead there: tasks and answers; what a running task is asked; and one that is never written to, whose
    end the kernel turns into the child's death.
    """

    #: `multiprocessing` keeps a table of children, which threads that start and await some would spoil.
    _table: ClassVar = Lock()
    _never: ClassVar = Event()

    def __init__(self, context: ForkServerContext | SpawnContext, terms: bytes) -> None:
        """Start it, and don't wait until it is up. Raises OSError, EOFError when it can't be started."""
        here, there = context.Pipe()
        asked, self._asks = context.Pipe(duplex=False)
        lives, self._life = context.Pipe(duplex=False)
        self._channel = Channel(here)
        self._process = context.Process(target=main, args=(there, asked, lives, terms), name="rota-child")
        self.tasks = 0
        self.ready = self.worn = False
        self._broken = ""
        try:
            with self._table:
                self._process.start()
        except BaseException:
            self._close_pipes()
            raise
        finally:
            for connection in (there, asked, lives):
                connection.close()

    def send(self, task: Task) -> None:
        """Hand it a task. Raises OSError when it is dead."""
        self._channel.send(ENCODE(task))

    def await_ready(self) -> None:
        """Wait until it is up; kill it when that takes longer than `_START_S`. Raises as `receive`."""
        if self.ready:
            return
        bound = Timer(_START_S, self._give_up)
        bound.name, bound.daemon = "rota-child-start", True
        bound.start()
        try:
            while not self.ready:
                self._note(self._heard())
        finally:
            bound.cancel()

    def _give_up(self) -> None:
        self._broken = f"it was not up within {_START_S:g} s: an import, or the lifespan, takes too long"
        self.kill()

    def receive(self) -> Line | Returned | Failed:
        """The next thing it says of its task. Raises EOFError when it is dead, Unreadable for what is no message."""
        while not isinstance(message := self._heard(), _OF_TASK):
            self._note(message)
        return message

    def _note(self, message: FromChild) -> None:
        if isinstance(message, Ready):
            self.ready = True
        elif isinstance(message, Worn):
            self.worn = True
        elif isinstance(message, Broken):
            self._broken = message.why

    def _heard(self) -> FromChild:
        data = self._channel.receive()
        try:
            message: FromChild = DECODE_FROM_CHILD(data)
            return message
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unreadable(str(error)) from error

    def ask_to_end(self, number: int, why: Literal["canceled", "deadline", "lost", "stopping"]) -> None:
        """Ask the task of that number to end."""
        with suppress(OSError):  # it is dead
            self._asks.send_bytes(ENCODE(Asked(number, why)))

    def kill(self) -> None:
        """End it at once."""
        with suppress(OSError, ValueError):  # it has ended; `close` was here before
            self._process.kill()

    def leave(self) -> None:
        """Let it exit in order, once it is done."""
        with suppress(OSError):
            self._channel.send(ENCODE(End()))

    def how_it_died(self) -> str:
        """Await its end, which its pipe told of, and say how it came."""
        exit_code = self.await_end(_TELL_S)
        if exit_code is None:
            self.kill()
        if self._broken:
            return f"the child process could not start: {self._broken}"
        if not self.ready:
            return f"the child process ended while it started, with code {exit_code}: its stderr says more"
        return death(exit_code)

    def await_end(self, timeout_s: float) -> int | None:
        """Its exit code, below zero for a signal; None when it has not ended within `timeout_s`."""
        if wait([self._process.sentinel], timeout_s):
            for _ in range(_LOOKS):  # the system closes what tells of an end a moment before there is a code
                with self._table:
                    exit_code = self._process.exitcode
                if exit_code is not None:
                    return exit_code
                self._never.wait(_LOOK_S)
        return None

    def close(self, timeout_s: float = _DIE_S) -> None:
        """Await its end, kill it when that does not come, and let go of all that belongs to it."""
        if self.await_end(timeout_s) is None:
            self.kill()
            self.await_end(_DIE_S)
        with self._table, suppress(ValueError):  # not even a kill ended it: it sleeps in the kernel
            self._process.close()
        self._close_pipes()

    def _close_pipes(self) -> None:
        self._channel.close()
        self._asks.close()
        self._life.close()
