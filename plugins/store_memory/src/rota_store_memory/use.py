"""What is kept of a lane or a gate: how many are claimed and not ended, and how its rate stands."""

from rota.engine.limits import Bound

__all__ = ["Use"]


class Use:
    """The use of one bound. `room` is how many more may start, as of the last `look`, `start` or `end`."""

    __slots__ = ("room", "running", "tat_us")

    def __init__(self, running: int = 0) -> None:
        self.running = running
        self.tat_us = 0
        self.room = 0

    def look(self, bound: Bound, now_ms: int) -> None:
        """Work out `room` anew."""
        self.tat_us = 0 if bound.rate is None else bound.rate.standing(self.tat_us, now_ms)
        self.room = bound.room(self.running, self.tat_us, now_ms)

    def start(self, bound: Bound, now_ms: int) -> None:
        """One was claimed."""
        self.running += 1
        if bound.rate is not None:
            self.tat_us = bound.rate.after(self.tat_us, now_ms)
        self.look(bound, now_ms)

    def end(self, bound: Bound, now_ms: int) -> None:
        """A claim has ended, however it did."""
        self.running -= 1
        self.look(bound, now_ms)
