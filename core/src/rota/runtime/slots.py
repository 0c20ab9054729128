"""The slots of a worker: how many attempts run, and what is claimed ahead of them."""

from collections import deque
from collections.abc import Sequence
from threading import Condition
from typing import Final

from rota.model.clock import Clock
from rota.runtime.attempt import Attempt
from rota.runtime.executor import Finished

__all__ = ["MAX_CLAIM", "Slots"]

MAX_CLAIM: Final = 100  #: instances in one claim
_AHEAD_S: Final = 0.05  # how much work is claimed ahead of the slots
_STALLED_S: Final = 0.1  # nothing ended for so long: what was claimed ahead goes back
_SMOOTHING: Final = 0.1

_REFUSED: Final = Finished(False, None)
_FREED: Final = Finished(True, None)


class Slots:
    """Counts running attempts against `limit`, and keeps the backlog that was claimed ahead.

    The backlog follows the measured run time, so that it holds about 50 ms of work: a slow job strands
    nothing behind it. An attempt that ends passes its slot straight on to the next one.
    """

    def __init__(self, limit: int, clock: Clock) -> None:
        self.changed = Condition()  # guards everything here and `Attempt.ended`
        self.limit = limit
        self.running = 0
        self._clock = clock
        self._backlog: deque[Attempt] = deque()
        self._run_s: float | None = None  # typical run time; rises at once, falls slowly
        self._last_end = clock.monotonic()
        self._dispatcher_waits = False
        self._closed = False
        self._hurried = False
        self._dry = False  # to claim ahead is of no use until a slot is free: the store had no more, or work stalled

    def await_room(self, timeout_s: float) -> tuple[int, bool]:
        """Wait until something can be claimed: how many, and whether a slot is free for one of them.

        (0, False) after `timeout_s`, or when what was claimed ahead is to go back.
        """
        with self.changed:
            room = self._room()
            if room[0] == 0 and not self._closed:
                self._dispatcher_waits = True
                self._clock.wait(self.changed, _STALLED_S if self._backlog else timeout_s)
                self._dispatcher_waits = False
                room = self._room()
            return room

    def _room(self) -> tuple[int, bool]:
        free, ahead = self.limit - self.running, self._ahead()
        if self._closed:
            return 0, False
        if free > 0:
            return min(free + ahead, MAX_CLAIM), True
        if self._dry or len(self._backlog) > ahead // 2:
            return 0, False
        return min(ahead - len(self._backlog), MAX_CLAIM), False

    def _ahead(self) -> int:
        if self._run_s is None:
            return 0
        work_s = _AHEAD_S * self.limit
        return MAX_CLAIM if self._run_s * MAX_CLAIM <= work_s else int(work_s / self._run_s)

    def add(self, attempts: Sequence[Attempt]) -> tuple[list[Attempt], Sequence[Attempt]]:
        """Take in what was claimed: (those that have a slot now, to be started by the caller; those refused
        since the worker is stopping, to be released). The rest waits."""
        with self.changed:
            if self._closed:
                for attempt in attempts:
                    attempt.ended = True
                return [], attempts
            self._backlog.extend(attempts)
            self._last_end = self._clock.monotonic()
            return self._fill(), ()

    def _fill(self) -> list[Attempt]:
        free = max(0, self.limit - self.running)
        starting = [self._backlog.popleft() for _ in range(min(free, len(self._backlog)))]
        self.running += len(starting)
        return starting

    def note_dry(self, dry: bool) -> None:
        """Whether the store had less than was asked for ahead of need; a free slot asks again in any case."""
        self._dry = dry

    def finish(self, attempt: Attempt) -> Finished:
        """End an attempt, once: its slot goes to the first of the backlog, or becomes free."""
        now = self._clock.monotonic()
        with self.changed:
            if attempt.ended:
                return _REFUSED
            attempt.ended = True
            self._last_end = now
            self._measure(now - attempt.started_at)
            if self._backlog and self.running <= self.limit and not self._closed:
                following = self._backlog.popleft()
                if self._dispatcher_waits and not self._dry and len(self._backlog) <= self._ahead() // 2:
                    self.changed.notify_all()
                return Finished(True, following)
            self.running -= 1
            self._dry = False
            self.changed.notify_all()
            return _FREED

    def _measure(self, seconds: float) -> None:
        typical = self._run_s
        self._run_s = seconds if typical is None or seconds > typical else typical + (seconds - typical) * _SMOOTHING

    def take_stalled(self) -> list[Attempt]:
        """The backlog, when nothing has ended for 100 ms: it goes back, so that another worker may have it."""
        with self.changed:
            if not self._backlog or self._clock.monotonic() - self._last_end < _STALLED_S:
                return []
            self._run_s = max(self._run_s or 0.0, _STALLED_S)
            self._dry = True  # or it would be claimed again at once, and go to and fro
            return self._take_backlog()

    def close(self) -> list[Attempt]:
        """Start no more; answers the backlog, which the caller releases."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()
            return self._take_backlog()

    def _take_backlog(self) -> list[Attempt]:
        taken = list(self._backlog)
        self._backlog.clear()
        for attempt in taken:
            attempt.ended = True
        return taken

    def resize(self, limit: int) -> list[Attempt]:
        """Another number of slots: what runs goes on, no more start while there are as many. Answers those
        of the backlog that have a slot now, to be started by the caller."""
        with self.changed:
            self.limit = limit
            self.changed.notify_all()
            return self._fill()

    def hurry(self) -> None:
        """Let nobody wait for running attempts any more."""
        with self.changed:
            self._hurried = True
            self.changed.notify_all()

    def await_idle(self, timeout_s: float) -> bool:
        """Wait until nothing runs, or `hurry`; True when nothing does."""
        deadline = self._clock.monotonic() + timeout_s
        with self.changed:
            while self.running and not self._hurried and (left := deadline - self._clock.monotonic()) > 0:
                self._clock.wait(self.changed, left)
            return not self.running
