"""The attempts that this worker holds: from the claim, through an executor, to the settled outcome."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Condition, Thread, current_thread

from rota.jobs.definition import Definition
from rota.model.clock import Clock
from rota.model.records import Claim, Ending, ErrorRecord, Outcome, SettleAnswer
from rota.runtime import invoke
from rota.runtime.answer import Answer
from rota.runtime.attempt import Attempt, Interruption, Surroundings
from rota.runtime.executor import Executor, Finished
from rota.runtime.outbox import Outbox
from rota.runtime.outside import Outside
from rota.runtime.processors import ProcessorQueue
from rota.runtime.report import report
from rota.runtime.slots import Slots
from rota.runtime.state_changes import StateChanges
from rota.runtime.verdict import Judge
from rota.runtime.watchdog import Watchdog

__all__ = ["InFlight"]

_log = logging.getLogger("rota.worker")


class InFlight:
    """What executors know as their host. Each attempt ends once: by its function, its deadline, or the stop."""

    def __init__(
        self,
        definitions: Mapping[str, Definition],
        judges: Mapping[str, Judge],
        slots: Slots,
        clock: Clock,
        outside: Outside,
        processors: ProcessorQueue,
    ) -> None:
        self.outside = outside
        self.slots = slots
        self.outbox = Outbox(self._settled)
        self.processors = processors
        self.watchdog = Watchdog(clock, self._expire)
        self.executors: dict[str, Executor] = {}
        self.moved = Condition()  # notified when something was settled
        self._definitions = definitions
        self._judges = judges
        self._changes = StateChanges(judges, self.processors, clock)
        self._held: dict[str, Attempt] = {}
        self._canceled_early: set[str] = set()
        self._deciding: set[Thread] = set()

    @property
    def held(self) -> list[Attempt]:
        """What is claimed and not settled."""
        return list(self._held.values())

    # ---- on the way in -----------------------------------------------------------------------

    def begin(self, claims: Sequence[Claim], surroundings: Surroundings, results: Mapping[str, bytes]) -> None:
        """Take in claims, with the results that their arguments refer to, and start those that have a slot."""
        definitions = self._definitions
        attempts = [Attempt(claim, definitions[claim.record.kind], surroundings, results) for claim in claims]
        for attempt in attempts:
            self._held[attempt.claim.record.id] = attempt
            if attempt.claim.record.id in self._canceled_early:
                attempt.interrupt("canceled")
            if self._changes.concern(attempt):
                self._changes.began(attempt)
        starting, refused = self.slots.add(attempts)
        self._submit(starting)
        self.give_back(refused)

    def resize(self, limit: int) -> None:
        """Another number of slots; what was claimed ahead may have one now."""
        self._submit(self.slots.resize(limit))

    def _submit(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            self.executors[attempt.definition.executor].submit(attempt)

    def give_back(self, attempts: Sequence[Attempt]) -> None:
        """Return to the queue what was claimed and not started."""
        for attempt in attempts:
            self.outbox.put(attempt, self._judges[attempt.definition.kind].released(attempt))

    # ---- running (`ExecutorHost`) ------------------------------------------------------------

    def run(self, attempt: Attempt) -> Outcome:
        """Convert, inject, call a plain function, and judge what came of it. Never raises."""
        judge = self._judges[attempt.definition.kind]
        try:
            early = self._before(attempt, judge)
            return invoke.run(attempt, judge) if early is None else early
        except BaseException as error:  # noqa: BLE001 - a fault of rota itself must not take the worker down
            return _broken(attempt, error)

    async def run_async(self, attempt: Attempt) -> Outcome:
        """The same for a coroutine function."""
        judge = self._judges[attempt.definition.kind]
        try:
            early = self._before(attempt, judge)
            return await invoke.run_async(attempt, judge) if early is None else early
        except BaseException as error:  # noqa: BLE001 - a fault of rota itself must not take the worker down
            return _broken(attempt, error)

    def run_outside(self, attempt: Attempt, ask: Callable[[Attempt], Answer]) -> Outcome:
        """Let `ask` have the function called in another process, and judge what came of it. Never raises."""
        judge = self._judges[attempt.definition.kind]
        try:
            early = self._before(attempt, judge)
            return invoke.run_outside(attempt, judge, ask) if early is None else early
        except BaseException as error:  # noqa: BLE001 - a fault of rota itself must not take the worker down
            return _broken(attempt, error)

    def crashed(self, attempt: Attempt, how: str) -> Outcome:
        """The outcome of an attempt whose thread or process died."""
        return self._judges[attempt.definition.kind].crashed(attempt, how)

    def _before(self, attempt: Attempt, judge: Judge) -> Outcome | None:
        attempt.begin()
        if attempt.interruption is not None:  # while it waited for its slot
            return judge.interrupted(attempt)
        if attempt.deadline_at is not None:
            self.watchdog.watch(attempt)
        return None

    def finish(self, attempt: Attempt, outcome: Outcome) -> Finished:
        """Hand in what came of an attempt, and get the next for the same executor."""
        finished = self.slots.finish(attempt)
        if finished.accepted:
            self.outbox.put(attempt, outcome)
        following = finished.following
        if following is None or following.definition.executor == attempt.definition.executor:
            return finished
        self.executors[following.definition.executor].submit(following)
        return Finished(True, None)

    # ---- ending from outside -----------------------------------------------------------------

    def cancel(self, ids: Collection[str]) -> None:
        """Cancel requests came, all that stand; one may be ahead of the answer to its own claim."""
        self._canceled_early = {one for one in ids if one not in self._held}
        self.interrupt([attempt for one in ids if (attempt := self._held.get(one)) is not None], "canceled")

    def interrupt(self, attempts: Sequence[Attempt], why: Interruption) -> None:
        """Ask these to end."""
        for attempt in attempts:
            if not attempt.ended and attempt.interrupt(why):
                self.executors[attempt.definition.executor].cancel(attempt, force=False)

    def _expire(self, attempt: Attempt) -> None:
        """Its time is over: recorded now, its slot passed on, whether or not its function has ended."""
        attempt.interrupt("deadline")
        if attempt.decided:  # the function has ended in time
            return
        finished = self.slots.finish(attempt)
        if not finished.accepted:
            return
        self.executors[attempt.definition.executor].cancel(attempt, force=True)
        if finished.following is not None:
            self.executors[finished.following.definition.executor].submit(finished.following)
        judge = self._judges[attempt.definition.kind]
        if judge.runs_user_code(attempt):  # which nothing else may wait for
            deciding = Thread(target=self._decide, args=(attempt, judge), name="rota-deciding", daemon=True)
            self._deciding.add(deciding)
            deciding.start()
        else:
            self.outbox.put(attempt, judge.cut_off(attempt))

    def _decide(self, attempt: Attempt, judge: Judge) -> None:
        try:
            self.outbox.put(attempt, judge.cut_off(attempt))
        finally:
            self._deciding.discard(current_thread())

    def await_decisions(self, timeout_s: float) -> None:
        """Wait, up to so long for all, for what is still being decided of attempts that went over their time."""
        deciding = list(self._deciding)
        for thread in deciding:
            thread.join(timeout_s / len(deciding))

    def release_rest(self) -> None:
        """Give back everything that has not ended, and leave it to itself."""
        for attempt in self.held:
            if self.slots.finish(attempt).accepted:
                self.executors[attempt.definition.executor].cancel(attempt, force=True)
                self.give_back([attempt])

    # ---- on the way out ----------------------------------------------------------------------

    def _settled(self, batch: Sequence[tuple[Attempt, Outcome]], answers: Sequence[SettleAnswer]) -> None:
        held = self._held
        for attempt, outcome in batch:
            if held.get(outcome.id) is attempt:
                del held[outcome.id]
        with self.moved:
            self.moved.notify_all()
        for (attempt, outcome), answer in zip(batch, answers, strict=True):
            if answer.status == "lost":
                _log.warning("attempt %d of %s came too late: its claim was taken back", attempt.number, outcome.id)
            elif outcome.ending is not Ending.COMPLETED and answer.status == "done":
                report(attempt, outcome)
            if self._changes.concern(attempt):
                self._changes.ended(attempt, outcome, answer)


def _broken(attempt: Attempt, error: BaseException) -> Outcome:
    _log.critical("the worker failed around %s %s", attempt.claim.record.kind, attempt.claim.record.id, exc_info=error)
    record = ErrorRecord("failed", "InternalError", f"the worker failed around the job: {type(error).__name__}")
    return Outcome(attempt.claim.record.id, attempt.claim.token, Ending.TERMINATED, error=record)
