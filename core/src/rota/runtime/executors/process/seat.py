"""Where a runner's thread has its child: one at a time, replaced when it is dead or worn out."""

from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Timer
from typing import Final, TypeVar

from rota.jobs.importable import reference_of
from rota.model.duration import to_seconds
from rota.model.policy import ProcessOptions
from rota.model.records import Outcome
from rota.runtime.answer import Answer, Died
from rota.runtime.attempt import Attempt
from rota.runtime.executor import ExecutorHost
from rota.runtime.executors.process.channel import Unreadable
from rota.runtime.executors.process.child import Child
from rota.runtime.executors.process.messages import Line, Task
from rota.runtime.executors.process.resident import UNBEGUN

__all__ = ["ChildSeat"]

A = TypeVar("A")

_LEAVE_S: Final = 10.0  # for a child that was told to end: it leaves the lifespan


class ChildSeat:
    """Runs attempts in its child. `start` makes one, and `gone` is told when the seat is closed. The child that comes
    after is started while the last task of the one before it runs, so that nobody waits for it."""

    def __init__(
        self,
        host: ExecutorHost,
        options: ProcessOptions,
        start: Callable[[], Child],
        gone: Callable[["ChildSeat"], object],
    ) -> None:
        self._host = host
        self._max_jobs = options.max_jobs
        self._grace_s = to_seconds(options.cancel_grace, "ProcessOptions(cancel_grace)")
        self._start = start
        self._gone = gone
        self._lock = Lock()  # guards the three below
        self._child: Child | None = None
        self._attempt: Attempt | None = None
        self._grace: Timer | None = None
        self._next: Child | None = None
        self._leaving: list[Child] = []

    # ---- in the runner's thread --------------------------------------------------------------

    def run(self, attempt: Attempt) -> Outcome:
        """Have it run in the child, and judge what came of it. Its time counts from when the child is up."""
        try:
            return self._host.run_outside(attempt, self._asking(attempt))
        finally:
            with self._lock:
                self._attempt = None
                grace, self._grace = self._grace, None
            if grace is not None:
                grace.cancel()

    def _asking(self, attempt: Attempt, again: bool = True) -> Callable[[Attempt], Answer]:
        """Get a child that is up; what is left to be done, or the answer when there is none."""
        try:
            child = self._take(attempt)
        except (OSError, EOFError) as error:
            died = Died(f"no child process can be started: {type(error).__name__}: {error}")
            return lambda attempt: died
        if (answer := self._guarded(child, child.await_ready)) is not None:
            return lambda attempt: answer
        return lambda attempt: self._ask(child, attempt, again)

    def _take(self, attempt: Attempt) -> Child:
        """The child for it, which is asked and killed from now on when the attempt is."""
        child = self._child or self._next or self._start()
        self._next = None if child is self._next else self._next
        with self._lock:
            self._child, self._attempt = child, attempt
            child.tasks += 1
        return child

    def _ask(self, child: Child, attempt: Attempt, again: bool) -> Answer:
        try:
            child.send(_task(child.tasks, attempt))
        except OSError:
            self._discard(child)
            if attempt.interruption is not None:
                return UNBEGUN
            if again:  # it died between two tasks, which is not this one's fault
                return self._asking(attempt, again=False)(attempt)
            return Died("the child process died before it took the job, twice in a row")
        if child.tasks == self._max_jobs:
            child.worn = True
            self._prepare_next()
        return self._guarded(child, lambda: self._listen(child, attempt))

    def _listen(self, child: Child, attempt: Attempt) -> Answer:
        while isinstance(message := child.receive(), Line):
            _pass_on(message, attempt)
        if child.worn:
            self._retire(child)
        return message

    def _guarded(self, child: Child, listen: Callable[[], A]) -> A | Died:
        try:
            return listen()
        except Unreadable as error:
            child.kill()
            return self._died(child, f"the child process wrote to its pipe what is no message, and was killed: {error}")
        except EOFError:
            return self._died(child, child.how_it_died())

    def _died(self, child: Child, how: str) -> Died:
        self._discard(child)
        return Died(how)

    def _discard(self, child: Child) -> None:
        with self._lock:
            self._child = None
        child.close()

    def _retire(self, child: Child) -> None:
        """Let it leave, and don't wait for that."""
        with self._lock:
            self._child = None
        child.leave()
        for one in [one for one in self._leaving if one.await_end(0) is not None]:
            self._leaving.remove(one)
            one.close()
        self._leaving.append(child)
        self._prepare_next()

    def _prepare_next(self) -> None:
        if self._next is None:
            with suppress(OSError, EOFError):  # it is tried again for the next task
                self._next = self._start()

    def close(self) -> None:
        """Let all children leave, and await that."""
        children = [one for one in (self._child, self._next, *self._leaving) if one is not None]
        for child in children:
            child.leave()
        for child in children:
            child.close(_LEAVE_S)
        self._gone(self)

    # ---- in other threads --------------------------------------------------------------------

    def ask_to_end(self, attempt: Attempt) -> None:
        """Ask the job to end, and kill the child when it has not within the grace."""
        with self._lock:
            if self._attempt is not attempt or self._child is None or attempt.interruption is None:
                return
            self._child.ask_to_end(self._child.tasks, attempt.interruption)
            self._grace = Timer(self._grace_s, self.kill, (attempt,))
            self._grace.name, self._grace.daemon = "rota-grace", True
            self._grace.start()

    def kill(self, attempt: Attempt) -> None:
        """Kill the child that runs it."""
        with self._lock:
            if self._attempt is attempt and self._child is not None:
                self._child.kill()

    def kill_all(self) -> None:
        """Kill every child here, whatever it does."""
        for child in (self._child, self._next, *self._leaving):
            if child is not None:
                child.kill()


def _task(number: int, attempt: Attempt) -> Task:
    claim, arguments, left_s = attempt.claim, attempt.arguments, None
    if attempt.deadline_at is not None:
        left_s = attempt.deadline_at - attempt.surroundings.clock.monotonic()
    function = attempt.definition.function
    if function is None:
        raise ValueError(f"{claim.record.kind!r} has no function here")  # a worker takes only kinds that have one
    reference = reference_of(f"job {claim.record.kind!r}", function)
    own = arguments is claim.record.arguments
    return Task(number, reference, claim, attempt.worker, None if own else arguments, left_s)


def _pass_on(line: Line, attempt: Attempt) -> None:
    if line.progress is None:
        attempt.append_log(line.level, line.message)
    else:
        attempt.progress(line.progress, line.message)
