"""Where workers wait for work: n instances of a kind wake n of those who wait for it, the longest first.

The rule: while anybody sleeps under a kind, as many are *on their way* to it as instances of it may start.
Whoever changes one of the two (makes instances ready, ends what held them back, is called and takes something else,
takes less than it made ready) says so by `wake`, which compares the two: said twice, it calls nobody twice.

For what becomes due by itself, or is let go by a rate, one of the sleepers, the *timekeeper*, sets its alarm to the
nearest such time of all kinds waited for, and calls as many of the others as may start something then. When it leaves,
another takes over. So a due instance wakes one thread or two, however many sleep.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf

from rota.model.clock import Clock
from rota.store.contract import MAX_WAIT_MS
from rota_store_memory.queue import KindQueue
from rota_store_memory.waiting import Waiter, monotonic_ms

__all__ = ["Line"]


class Line:
    """The sleepers of a namespace, by kind, in the order in which they came. `queues` is the namespace's."""

    __slots__ = ("_alarm_ms", "_coming", "_keeper", "_kinds", "_queues", "_sleepers")

    def __init__(self, queues: dict[str, KindQueue]) -> None:
        self._queues = queues
        self._kinds: dict[str, dict[Waiter, None]] = {}
        self._sleepers: dict[Waiter, Sequence[str]] = {}
        self._coming: Counter[str] = Counter()  # how many were called, by kind, and are not back yet
        self._keeper: Waiter | None = None
        self._alarm_ms: float = inf  # when the timekeeper looks again, by the wall clock

    def __len__(self) -> int:
        return len(self._sleepers)

    def wake(self, kinds: Iterable[str]) -> None:
        """Call sleepers of each kind until as many are on their way as instances of it may start."""
        if self._sleepers:
            for kind in kinds:
                self._wake(kind)
                self._heed_refill(kind)

    def set_alarm(self, kind: str) -> None:
        """Let the timekeeper look again: an instance of `kind` became the earliest of its delayed."""
        if self._keeper is not None and kind in self._kinds:
            self._keeper.condition.notify()

    def sleep(self, waiter: Waiter, keys: Sequence[str], clock: Clock, deadline_ms: int) -> bool:
        """Sleep until called for work of the kinds `keys`: True; ended or past `deadline_ms`: False."""
        waiter.called = None
        self._step_in(waiter, keys)
        try:
            while waiter.sleeping():
                left_ms = deadline_ms - monotonic_ms(clock)
                if left_ms <= 0:
                    return False
                if self._keeper is None:
                    self._keeper = waiter
                if self._keeper is waiter:
                    left_ms = min(left_ms, self._call_due(clock.now_ms()))
                    if not waiter.sleeping():
                        break
                clock.wait(waiter.condition, left_ms / 1000)
            return not waiter.ended
        finally:
            self._leave(waiter, keys)

    def _call_due(self, now_ms: int) -> int:
        """Promote what is due, call for it; milliseconds to the next. Also looks every `MAX_WAIT_MS`, since
        the wall clock may be set on."""
        nearest_ms = now_ms + MAX_WAIT_MS
        for kind in list(self._kinds):
            queue = self._queues.get(kind)
            if queue is None or queue.paused:
                continue
            queue.promote(now_ms)
            self._wake(kind)
            next_ms = queue.next_ms()
            if next_ms is not None and next_ms < nearest_ms:
                nearest_ms = next_ms
        self._alarm_ms = nearest_ms
        return max(0, nearest_ms - now_ms)

    def _wake(self, kind: str) -> None:
        waiting, queue = self._kinds.get(kind), self._queues.get(kind)
        if not waiting or queue is None or queue.paused:
            return
        missing = queue.startable() - self._coming[kind]
        while waiting and missing > 0:
            waiter = next(iter(waiting))
            self._step_out(waiter)
            if not waiter.ended:
                waiter.call(kind)
                self._coming[kind] += 1
                missing -= 1

    def _heed_refill(self, kind: str) -> None:
        """Let the timekeeper look again when a rate lets one of `kind` start before it would."""
        queue = self._queues.get(kind)
        if queue is None or queue.limits is None or queue.paused:
            return
        next_ms = queue.next_ms()
        if next_ms is not None and next_ms < self._alarm_ms:
            self.set_alarm(kind)

    def _step_in(self, waiter: Waiter, kinds: Sequence[str]) -> None:
        self._sleepers[waiter] = kinds
        for kind in kinds:
            waiting = self._kinds.get(kind)
            if waiting is None:
                self._kinds[kind] = {waiter: None}
                self._look_after(kind)
            else:
                waiting[waiter] = None

    def _look_after(self, kind: str) -> None:
        """Let the timekeeper look at a kind that nobody waited for until now."""
        queue = self._queues.get(kind)
        if queue is not None and queue.next_ms() is not None:
            self.set_alarm(kind)

    def _step_out(self, waiter: Waiter) -> None:
        for kind in self._sleepers.pop(waiter, ()):
            waiting = self._kinds.get(kind)
            if waiting is not None:
                waiting.pop(waiter, None)
                if not waiting:
                    del self._kinds[kind]

    def _leave(self, waiter: Waiter, kinds: Sequence[str]) -> None:
        self._step_out(waiter)
        if waiter.called is not None:
            self._arrive(waiter.called)
            if waiter.ended:  # it won't come for work: the call goes on to the next
                self.wake(kinds)
        if self._keeper is waiter:
            self._keeper, self._alarm_ms = next(iter(self._sleepers), None), inf
            if self._keeper is not None and self._any_to_come():
                self._keeper.condition.notify()

    def _arrive(self, kind: str) -> None:
        self._coming[kind] -= 1
        if not self._coming[kind]:
            del self._coming[kind]

    def _any_to_come(self) -> bool:
        queues = map(self._queues.get, self._kinds)
        return any(queue is not None and queue.next_ms() is not None for queue in queues)
