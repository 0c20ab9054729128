"""What is kept of a lane or a gate: how many are claimed and not ended, and how its rate stands."""

from rota.engine.limits import UNBOUNDED, Bound

__all__ = ["Use"]


class Use:
    """The use of one bound. `room` is how many more may start. By a rate it may be more by now than at the last
    `look`, but never none while one may: who takes the last looks again.

    What starts in one millisecond is written into the rate's number together.
    """

    __slots__ = ("_free", "_started", "_started_ms", "_tat_us", "room", "running")

    def __init__(self, running: int = 0) -> None:
        self.running = running
        self.room = UNBOUNDED
        self._free = UNBOUNDED  # what the rate allows, as of the last look
        self._tat_us = 0
        self._started = 0  # at `_started_ms`, and not in `_tat_us` yet
        self._started_ms = 0

    def look(self, bound: Bound, now_ms: int) -> None:
        """Work out `room` anew."""
        rate = bound.rate
        if rate is None:
            self._tat_us, self._free, self._started = 0, UNBOUNDED, 0
        else:
            self.write_down(bound)
            self._tat_us = rate.standing(self._tat_us, now_ms)
            self._free = rate.free(self._tat_us, now_ms)
        self.room = min(bound.max_running - self.running, self._free)

    def start(self, bound: Bound, now_ms: int) -> None:
        """One was claimed."""
        self.running += 1
        self.room -= 1
        if bound.rate is None:
            return
        if self._started and self._started_ms != now_ms:
            self.write_down(bound)
        self._started += 1
        self._started_ms = now_ms
        self._free -= 1
        if self._free <= 0:
            self.look(bound, now_ms)

    def end(self, bound: Bound) -> None:
        """A claim has ended, however it did."""
        self.running -= 1
        self.room = min(bound.max_running - self.running, self._free)

    def opens_ms(self, bound: Bound, now_ms: int) -> int | None:
        """When one may start by the passing of time alone; None when an end has to come first."""
        self.write_down(bound)
        return bound.opens_ms(self.running, self._tat_us, now_ms)

    def is_full(self, bound: Bound, now_ms: int) -> bool:
        """Whether nothing that started counts any more."""
        self.write_down(bound)
        return bound.rate is None or self._tat_us <= now_ms * 1000

    def write_down(self, bound: Bound) -> None:
        """Put what has started into the rate's number, by the bound that it started under."""
        if self._started and bound.rate is not None:
            self._tat_us = bound.rate.after(self._tat_us, self._started_ms, self._started)
            self._started = 0
