"""Loops that never die: a failing step is reported, waited out, and tried again."""

import logging
import random
from collections.abc import Callable
from threading import Condition, Thread
from typing import Final

from rota.model.clock import Clock
from rota.model.errors import StoreUnavailable

__all__ = ["Loop"]

_log = logging.getLogger("rota.worker")

_FIRST_S: Final = 0.1
_LONGEST_S: Final = 5.0
_NUDGE_S: Final = 0.05


class Loop:
    """Calls `step` again and again in a thread of its own, until it answers False or `stop`.

    A step that raises is followed by a pause that doubles up to 5 s, with jitter; the first failure
    of a row is logged, and the recovery. `idle_s` is the time since a step last succeeded.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], bool],
        clock: Clock,
        rng: random.Random,
        interrupt: Callable[[], object] = bool,
    ) -> None:
        self.name = name
        self._step = step
        self._interrupt = interrupt  # ends what the step may be blocked in
        self._clock = clock
        self._rng = rng
        self._changed = Condition()
        self._stopping = False
        self._failures = 0
        self._last_success = clock.monotonic()
        self._thread = Thread(target=self._run, name=f"rota-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def stopping(self) -> bool:
        """True once `stop` was called."""
        return self._stopping

    @property
    def idle_s(self) -> float:
        """Seconds since a step last succeeded."""
        return self._clock.monotonic() - self._last_success

    def pause(self, seconds: float) -> None:
        """Wait inside a step; `wake` and `stop` end it."""
        with self._changed:
            if not self._stopping:
                self._clock.wait(self._changed, seconds)

    def wake(self) -> None:
        """End a `pause`."""
        with self._changed:
            self._changed.notify_all()

    def stop(self) -> None:
        """Let the current step be the last, and end what it is blocked in."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._interrupt()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end, in real seconds; True when it came."""
        if self._thread.ident is not None:
            for _ in range(max(1, round(timeout_s / _NUDGE_S))):
                self._thread.join(_NUDGE_S)
                if not self._thread.is_alive():
                    break
                if self._stopping:  # the step may have begun just before `stop`, and blocked just after it
                    self._interrupt()
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping:
            try:
                goes_on = self._step()
            except Exception as error:  # noqa: BLE001 - reported, and tried again
                self._failed(error)
                continue
            self._last_success = self._clock.monotonic()
            if self._failures:
                _log.info("%s: works again after %d failures", self.name, self._failures)
                self._failures = 0
            if not goes_on:
                return

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        pause_s = min(_LONGEST_S, _FIRST_S * 2 ** min(self._failures - 1, 10)) * self._rng.uniform(0.5, 1.0)
        if isinstance(error, StoreUnavailable):
            if self._failures == 1:
                _log.warning("%s: the store does not answer (%s); trying again until it does", self.name, error)
        else:
            _log.error("%s: a step failed, trying again in %.1f s", self.name, pause_s, exc_info=error)
        self.pause(pause_s)
