"""Processors: user code called on an outcome. What it raises is logged and changes nothing else."""

import logging
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from queue import SimpleQueue
from threading import Lock, Thread, current_thread
from typing import Any, Protocol

from rota.jobs.definition import Definition
from rota.jobs.instance import Instance
from rota.jobs.views import Transition
from rota.model.errors import JobError
from rota.model.policy import Resolved

__all__ = ["Processor", "ProcessorChain", "ProcessorQueue", "ProcessorThread", "run_guarded"]

_log = logging.getLogger("rota.worker")


class Processor(Protocol):
    """What a plugin gives; None where it takes no part. `kinds` are patterns as in `fnmatch`."""

    @property
    def name(self) -> str:
        """How messages call it."""
        ...

    @property
    def kinds(self) -> Sequence[str]:
        """Patterns of the kinds it is called for."""
        ...

    @property
    def on_complete(self) -> Callable[[Any, Any], object] | None:
        """Called with (instance, result)."""
        ...

    @property
    def on_terminate(self) -> Callable[[Any, Any], Any] | None:
        """Called with (instance, error)."""
        ...

    @property
    def on_state_change(self) -> Callable[[Any, Any], object] | None:
        """Called with (instance, transition)."""
        ...


class ProcessorChain:
    """The processors of one kind: the job's own in the order attached, then the plugins'."""

    __slots__ = ("_complete", "_own", "_state_change", "_terminate")

    def __init__(self, definition: Definition, plugins: Sequence[Processor]) -> None:
        self._own = definition.processors
        taking_part = [one for one in plugins if any(fnmatchcase(definition.kind, pattern) for pattern in one.kinds)]
        self._complete = [one.on_complete for one in taking_part if one.on_complete]
        self._terminate = [one.on_terminate for one in taking_part if one.on_terminate]
        self._state_change = [one.on_state_change for one in taking_part if one.on_state_change]

    @property
    def on_complete(self) -> list[Callable[[Any, Any], object]]:
        """What is called with (instance, result)."""
        return self._own.on_complete + self._complete if self._complete else self._own.on_complete

    @property
    def on_terminate(self) -> list[Callable[[Any, Any], Any]]:
        """What is called with (instance, error)."""
        return self._own.on_terminate + self._terminate if self._terminate else self._own.on_terminate

    @property
    def on_state_change(self) -> list[Callable[[Any, Any], object]]:
        """What is called with (instance, transition)."""
        return self._own.on_state_change + self._state_change if self._state_change else self._own.on_state_change

    def complete(self, instance: Instance[Any], result: object) -> None:
        """Tell of a success."""
        for processor in self.on_complete:
            _guarded(processor, instance, result)

    def terminate(self, instance: Instance[Any], error: JobError) -> Exception | Resolved[Any]:
        """Tell of a failure; what it stands as after every processor had its say."""
        verdict: Exception | Resolved[Any] = error
        for processor in self.on_terminate:
            answer = _guarded(processor, instance, verdict)
            if isinstance(answer, Resolved):
                return answer
            if isinstance(answer, Exception):
                verdict = answer
            elif answer is not None:
                _log.warning("the processor %r answered %r: only an exception or Resolved counts", processor, answer)
        return verdict

    def changed(self, instance: Instance[Any], transition: Transition) -> None:
        """Tell of a state change that was recorded."""
        for processor in self.on_state_change:
            _guarded(processor, instance, transition)


def _guarded(processor: Callable[[Any, Any], Any], instance: Instance[Any], value: object) -> Any:
    try:
        return processor(instance, value)
    except BaseException:  # noqa: BLE001 - the code of a user; SystemExit too would end a thread, not the program
        _log.exception("the processor %r failed for %s %s; nothing else changes", processor, instance.kind, instance.id)
        return None


class ProcessorQueue(Protocol):
    """Runs processors that no job's thread can run, those after a commit: in order, one by one."""

    def submit(self, work: Callable[[], None]) -> None:
        """Run it after all that was submitted before."""
        ...

    @property
    def is_current(self) -> bool:
        """True inside of what it runs."""
        ...

    def close(self, timeout_s: float) -> None:
        """Run what was submitted, waiting up to `timeout_s` for it, then end."""
        ...


class ProcessorThread:
    """A `ProcessorQueue` with a thread of its own, made at first use."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = Lock()
        self._thread: Thread | None = None

    def submit(self, work: Callable[[], None]) -> None:
        """Run it after all that was submitted before."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="rota-processors", daemon=True)
                self._thread.start()
        self._queue.put(work)

    @property
    def is_current(self) -> bool:
        """True in the thread of the processors."""
        return self._thread is not None and self._thread is current_thread()

    def close(self, timeout_s: float) -> None:
        """Run what was submitted, then end; wait up to `timeout_s` for it."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join(timeout_s)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            run_guarded(work)


def run_guarded(work: Callable[[], None]) -> None:
    """Run it; what it raises is logged."""
    try:
        work()
    except BaseException:  # noqa: BLE001 - the code of a user
        _log.exception("a processor failed; nothing else changes")
