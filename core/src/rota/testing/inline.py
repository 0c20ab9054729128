"""A worker without threads: it claims, runs and settles in the thread that asks it to."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rota.client.finals import Finals, not_ended
from rota.client.waiting import why_not_ended
from rota.jobs.definition import Definition
from rota.jobs.running import CURRENT
from rota.model.errors import ConfigError, StoreError
from rota.runtime.attempt import Attempt
from rota.runtime.consumer import Consumer
from rota.runtime.executor import ExecutorHost
from rota.runtime.processors import ProcessorQueue, run_guarded
from rota.runtime.settings import ConsumerSettings
from rota.runtime.watchdog import Watchdog
from rota.testing.inline_clock import InlineClock
from rota.testing.inline_executor import InlineExecutor, plainly

if TYPE_CHECKING:
    from asyncio import Task

    from rota.model.clock import Clock
    from rota.store.contract import Store

__all__ = ["Inline", "InlineFinals"]

_TICK_MS: Final = 1_000


class Inline(Consumer):
    """A consumer whose loops are steps of the caller's. It claims one at a time, so that each claim sees what the
    job before it did. More than `max_runs` attempts on end, with more due, are an AssertionError."""

    def __init__(self, settings: ConsumerSettings, clock: InlineClock, max_runs: int) -> None:
        self._test_clock = clock
        self._max_runs = max_runs
        self._runs = 0
        self._inline: InlineExecutor | None = None
        self._awaiting: Counter[Attempt] = Counter()  # attempts whose job awaits another instance
        super().__init__(replace(settings, executors=lambda name: self._executor))
        self._in_flight.watchdog = Watchdog(clock, self._over_time)
        clock.look = self._look

    def _executor(self, host: ExecutorHost) -> InlineExecutor:
        if self._inline is None:
            self._inline = InlineExecutor(host, self._test_clock, self._tell)
        return self._inline

    def _processors(self) -> ProcessorQueue:
        return _ProcessorsInTurn()

    def _look(self, now: float) -> float | None:
        """Time has moved: what runs learns that it was canceled, or that its time is over. The nearest deadline."""
        if self._in_flight.held:
            with suppress(StoreError):  # it learns of it later
                self._heartbeat.beat(0)
        return self._in_flight.watchdog.look(now)

    def _over_time(self, attempt: Attempt) -> None:
        """Its job is asked to end; that it timed out is recorded when it does, since nothing here can go on before."""
        self._in_flight.interrupt([attempt], "deadline")

    # ---- life cycle --------------------------------------------------------------------------

    def start(self) -> None:
        """Enter the lifespan and become live in the store. What fails is undone and raised."""
        try:
            self._enter()
        except BaseException:
            self.stop()
            raise

    def stop(self, grace_s: float = 0.0) -> None:
        """Leave the lifespan and the store; nothing runs here between two steps."""
        self._flush()
        self._leave()

    def catch_up(self, definitions: Iterable[Definition]) -> None:
        """Take up what was defined, or defined again, since."""
        for definition in definitions:
            if self._definitions.get(definition.kind) is not definition:
                self.define(definition)

    # ---- steps -------------------------------------------------------------------------------

    def run_due(self) -> None:
        """Run until nothing is due: what is queued, and the slots of recurring rules."""
        self._runs = 0
        busy = True
        while busy:
            self._heartbeat.beat(0)
            self._maintenance.step()
            busy = self._claim()
            while busy and self._claim():
                pass

    def run_until(self, end_s: float) -> None:
        """Let time pass up to `end_s`, by the monotonic clock, running what becomes due on the way."""
        self.run_due()
        while (left_ms := round((end_s - self._clock.monotonic()) * 1000)) > 0:
            next_ms = self._next_ms()
            self._pass(left_ms if next_ms is None else min(left_ms, next_ms))
            self.run_due()

    def take_ran(self) -> list[str]:
        """The ids of what ran since this was last asked, in the order of their first start."""
        ran = [] if self._inline is None else list(self._inline.ran)
        if self._inline is not None:
            self._inline.ran.clear()
        return ran

    def _claim(self, wait_ms: int = 0) -> bool:
        """Start one, and run it to its end unless it is awaited on the loop; False when none is due."""
        claimed = self._dispatcher.claim(1, wait_ms) > 0
        self._flush()
        self._runs += claimed
        if self._runs > self._max_runs:
            raise AssertionError(self._endless())
        return claimed

    def _endless(self) -> str:
        ran = [] if self._inline is None else list(self._inline.ran)
        kinds = Counter(one.record.kind for one in self._store().get(ran[-100:]) if one is not None)
        often = ", ".join(repr(kind) for kind, _ in kinds.most_common(3))
        return (
            f"{self._max_runs:,} attempts ran on end, and more are due: does a job schedule itself at once, or retry "
            f"without a backoff? The last were of {often} (harness(max_runs=) allows more)"
        )

    def _flush(self) -> None:
        """Write what attempts have handed in, and tell of it."""
        outbox = self._in_flight.outbox
        while not outbox.is_empty:
            outbox.step(self._store())
        self._tell()

    def _tell(self) -> None:
        """Let the processors know what has been recorded."""
        plainly(lambda: self._in_flight.processors.close(0.0))

    def _pass(self, step_ms: int) -> None:
        """Let time pass, up to so much. What a limit holds back may start before its time comes: the store knows
        when, so it is the store that waits."""
        if any(one.held_back for one in self._store().stats(self._kinds)):
            with self._test_clock.passing():
                self._claim(step_ms)
        else:
            self._test_clock.advance(step_ms / 1000)

    def _next_ms(self) -> int | None:
        """How long it is to the next instant at which something becomes due; None when nothing will."""
        store = self._store()
        now_ms = store.now_ms()
        slot_ms = store.due_schedules()[1]
        if slot_ms is not None and slot_ms <= now_ms:  # of a rule that can't be fired, which is tried again
            slot_ms = now_ms + _TICK_MS
        due = [one.next_due_ms for one in store.stats(self._kinds) if not one.paused]
        return min((one - now_ms for one in (slot_ms, *due) if one is not None and one > now_ms), default=None)

    # ---- jobs that await others --------------------------------------------------------------

    async def run_until_final(self, instance_id: str) -> None:
        """Run others, and let time pass, until that one has ended. For a job on the private loop that awaits it.

        Raises: ConfigError when nothing that could bring its end is left.
        """
        import asyncio

        here = CURRENT.get()
        attempt = here if isinstance(here, Attempt) else None
        if attempt is not None:
            self._awaiting[attempt] += 1
        try:
            while not self._store().await_final([instance_id], 0):
                if self._claim():
                    await asyncio.sleep(0)
                elif running := self._others():
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                elif (next_ms := self._next_ms()) is not None:
                    await asyncio.sleep(next_ms / 1000)
                    self._maintenance.step()
                else:
                    raise ConfigError(f"this job awaits what nothing will end: {self._why(instance_id)}")
                self._flush()
        finally:
            if attempt is not None:
                self._awaiting[attempt] -= 1

    def runs_this_loop(self) -> bool:
        """True in a job's coroutine, on the private loop."""
        return self._inline is not None and self._inline.runs_this_loop

    def _others(self) -> list[Task[None]]:
        tasks = {} if self._inline is None else self._inline.tasks
        return [task for task, attempt in tasks.items() if not self._awaiting[attempt]]

    def _why(self, instance_id: str) -> str:
        return why_not_ended(self._store(), instance_id)


class InlineFinals(Finals):
    """Waits as `Finals` does, but for jobs that run inline: what they await is run by their waiting."""

    def __init__(
        self, store: Callable[[], Store], clock: Clock, name: str, inline: Callable[[], Inline | None]
    ) -> None:
        super().__init__(store, clock, name)
        self._inline = inline

    async def await_(self, instance_id: str, timeout_s: float | None) -> None:
        """Raises TimeoutError; a job's time-out goes by the test's clock."""
        import asyncio

        inline = self._inline()
        if inline is None or not inline.runs_this_loop():
            await super().await_(instance_id, timeout_s)
            return
        try:
            async with asyncio.timeout(timeout_s):
                await inline.run_until_final(instance_id)
        except TimeoutError:
            raise not_ended(instance_id, timeout_s) from None


class _ProcessorsInTurn:
    """A `ProcessorQueue` whose work is done when it is closed, which may be often."""

    def __init__(self) -> None:
        self._work: deque[Callable[[], None]] = deque()
        self.is_current = False

    def submit(self, work: Callable[[], None]) -> None:
        self._work.append(work)

    def close(self, timeout_s: float) -> None:
        if self.is_current:
            return
        self.is_current = True
        try:
            while self._work:
                run_guarded(self._work.popleft())
        finally:
            self.is_current = False
