"""Ends attempts at their time, whether or not their job listens."""

import heapq
import weakref
from collections.abc import Callable
from itertools import count
from threading import Condition
from typing import Final

from rota.model.clock import Clock
from rota.runtime.attempt import Attempt

__all__ = ["Watchdog"]

_IDLE_S: Final = 60.0
_COMPACTED_FROM: Final = 1000


class Watchdog:
    """A heap of deadlines and one timer. Attempts without a deadline never come here."""

    def __init__(self, clock: Clock, expired: Callable[[Attempt], None]) -> None:
        self._clock = clock
        self._expired = expired
        self._changed = Condition()
        self._deadlines: list[tuple[float, int, weakref.ref[Attempt]]] = []  # what has ended must not be kept
        self._order = count()
        self._compact_from = _COMPACTED_FROM

    def watch(self, attempt: Attempt) -> None:
        """Call `expired` with it at its deadline, unless it has ended. O(log n)."""
        if attempt.deadline_at is None:
            return
        entry = (attempt.deadline_at, next(self._order), weakref.ref(attempt))
        with self._changed:
            heapq.heappush(self._deadlines, entry)
            if len(self._deadlines) > self._compact_from:
                self._compact()
            if self._deadlines[0] is entry:
                self._changed.notify_all()

    def _compact(self) -> None:
        """Drop those that ended before their time, or a long time limit would keep them all."""
        self._deadlines = [entry for entry in self._deadlines if _live(entry[2]) is not None]
        heapq.heapify(self._deadlines)
        self._compact_from = max(_COMPACTED_FROM, 2 * len(self._deadlines))

    def step(self) -> bool:
        """Wait for the nearest deadline, or a change, and end what is due."""
        with self._changed:
            now = self._clock.monotonic()
            due = self._take_due(now)
            if not due:
                self._clock.wait(self._changed, self._deadlines[0][0] - now if self._deadlines else _IDLE_S)
        self._end(due)
        return True

    def _take_due(self, now: float) -> list[Attempt]:
        due, deadlines = list[Attempt](), self._deadlines
        while deadlines and (deadlines[0][0] <= now or _live(deadlines[0][2]) is None):
            attempt = _live(heapq.heappop(deadlines)[2])
            if attempt is not None:
                due.append(attempt)
        return due

    def _end(self, due: list[Attempt]) -> None:
        for attempt in due:
            if not attempt.ended:
                self._expired(attempt)

    def look(self, now: float) -> float | None:
        """End what is due by `now` without waiting; the nearest deadline after it."""
        with self._changed:
            due = self._take_due(now)
            nearest = self._deadlines[0][0] if self._deadlines else None
        self._end(due)
        return nearest

    def wake(self) -> None:
        """End the wait of a step."""
        with self._changed:
            self._changed.notify_all()


def _live(reference: "weakref.ref[Attempt]") -> Attempt | None:
    attempt = reference()
    return None if attempt is None or attempt.ended else attempt
