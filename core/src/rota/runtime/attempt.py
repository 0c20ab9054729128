"""One claimed instance under way in this process: what stands behind the job's context."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from logging import Logger, LoggerAdapter
from threading import Condition
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from rota.jobs.blocking import on_event_loop
from rota.jobs.client import Client
from rota.jobs.definition import Definition
from rota.jobs.instance import Instance, InstanceSource
from rota.model.clock import Clock
from rota.model.duration import from_ms
from rota.model.errors import ConfigError, JobCanceled
from rota.model.ids import id_to_uuid
from rota.model.records import Claim, LogRecord, Snapshot
from rota.model.state import State
from rota.model.text import storable
from rota.runtime.job_log import job_log
from rota.runtime.parents import with_results

__all__ = ["Attempt", "Interruption", "Surroundings"]

T = TypeVar("T")

Interruption = Literal["canceled", "deadline", "lost", "stopping"]

_NO_RESULTS: Final[Mapping[str, bytes]] = MappingProxyType({})

_WHY: Final[Mapping[Interruption, str]] = {
    "canceled": "its cancellation was requested",
    "deadline": "it went over its time",
    "lost": "its worker lost the lease, and another one may have it",
    "stopping": "its worker is stopping, and it goes back to the queue",
}


@dataclass(slots=True)
class Surroundings:
    """What all attempts of a worker share."""

    client: Client
    source: InstanceSource
    clock: Clock
    put_line: Callable[[LogRecord], None]
    interrupts: Condition  # guards `Attempt.interruption`, and is notified when one is set
    resources: dict[type, object]
    worker: str = ""


class Attempt:
    """An attempt, from the claim to its end. `ended` is guarded by the worker's slots."""

    __slots__ = (
        "__weakref__", "_lines", "_results", "claim", "deadline_at", "decided", "definition", "ended", "handle",
        "interruption", "started_at", "surroundings", "worker",
    )  # fmt: skip

    def __init__(
        self,
        claim: Claim,
        definition: Definition,
        surroundings: Surroundings,
        results: Mapping[str, bytes] = _NO_RESULTS,
    ) -> None:
        self.claim = claim
        self._results = results
        self.definition = definition
        self.surroundings = surroundings
        self.worker = surroundings.worker
        self.ended = False
        self.decided = False  # guarded, as `interruption` is, by the surroundings' `interrupts`
        self.interruption: Interruption | None = None
        self.handle: Any = None  # the executor's own
        self.started_at = 0.0  # monotonic seconds
        self.deadline_at: float | None = None
        self._lines = count(1)

    # ---- the worker's side -------------------------------------------------------------------

    def begin(self) -> None:
        """Note the start; the bound on the attempt counts from here."""
        self.started_at = self.surroundings.clock.monotonic()
        if timeout_ms := self.timeout_ms:
            self.deadline_at = self.started_at + timeout_ms / 1000

    @property
    def arguments(self) -> bytes:
        """The stored arguments, with results in the place of references. Raises: ArgumentError for a result that is
        gone, CorruptRecord for what is no msgpack."""
        record = self.claim.record
        return with_results(record, self._results) if record.depends_on else record.arguments

    @property
    def timeout_ms(self) -> int:
        """The bound on this attempt, 0 for none: the call's, else the definition's."""
        asked = self.claim.record.timeout_ms
        return self.definition.timeout_ms if asked is None else asked

    def interrupt(self, why: Interruption) -> bool:
        """Ask the job to end; False when it was asked before, or when its function has ended."""
        with self.surroundings.interrupts:
            if self.interruption is not None or self.decided:
                return False
            self.interruption = why
            self.surroundings.interrupts.notify_all()
        return True

    def decide(self) -> bool:
        """Note that the function has ended by itself, and that from now on nothing comes too early: processors may
        take their time. False when it was asked to end before that."""
        with self.surroundings.interrupts:
            self.decided = self.interruption is None or self.interruption == "stopping"
            return self.decided

    # ---- the job's side (`RunningAttempt`) ---------------------------------------------------

    @property
    def instance(self) -> Instance[Any]:
        """The instance, as it was claimed."""
        return self.instance_in(State.PROCESSING)

    def instance_in(self, state: State) -> Instance[Any]:
        """The instance as this attempt brought it to `state`."""
        claim = self.claim
        snapshot = Snapshot(
            record=claim.record,
            state=state,
            due_ms=claim.due_ms,
            attempt=claim.attempt,
            token=claim.token,
            crashes=claim.crashes,
            started_ms=claim.started_ms,
            worker=self.worker,
        )
        return Instance(self.surroundings.source, snapshot)

    @property
    def client(self) -> Client:
        """The worker's manager."""
        return self.surroundings.client

    @property
    def number(self) -> int:
        """The number of this attempt, from 1."""
        return self.claim.attempt

    @property
    def token(self) -> int:
        """The fencing token of the claim."""
        return self.claim.token

    @property
    def deadline(self) -> datetime | None:
        """When it will be recorded as timed out, by this machine's clock."""
        if self.deadline_at is None:
            return None
        clock = self.surroundings.clock
        return from_ms(clock.now_ms() + round((self.deadline_at - clock.monotonic()) * 1000))

    @property
    def log(self) -> LoggerAdapter[Logger]:
        """The logger that the job's context offers."""
        return job_log(self)

    @property
    def interrupted(self) -> bool:
        """True once the job should end."""
        return self.interruption is not None

    elsewhere = False

    def client_among(self, clients: Sequence[Client]) -> Client | None:
        """The worker's manager, when it is one of them."""
        client = self.client
        return client if client in clients else None

    @property
    def blocks_a_slot(self) -> bool:
        """A job that waits holds its slot, in a thread or on the loop alike."""
        return True

    def check(self) -> None:
        """Raise JobCanceled when `interrupted`."""
        if self.interruption is not None:
            record = self.claim.record
            why = f"{record.kind!r} should end: {_WHY[self.interruption]}"
            raise JobCanceled(why, instance_id=id_to_uuid(record.id))

    def wait(self, seconds: float) -> None:
        """Sleep; ends early by `check`."""
        if on_event_loop():
            raise ConfigError("Context.wait() on an event loop's thread would stop the loop; use asyncio.sleep()")
        clock, interrupts = self.surroundings.clock, self.surroundings.interrupts
        until = clock.monotonic() + seconds
        with interrupts:
            while self.interruption is None and (left := until - clock.monotonic()) > 0:
                clock.wait(interrupts, left)
        self.check()

    def progress(self, fraction: float, message: str) -> None:
        """Keep how far it got."""
        self._put(0, message, fraction)

    def append_log(self, level: int, message: str) -> None:
        """Add a line to the instance's log."""
        self._put(level, message, None)

    def _put(self, level: int, message: str, progress: float | None) -> None:
        claim = self.claim
        at_ms = self.surroundings.clock.now_ms()
        number = next(self._lines)
        self.surroundings.put_line(
            LogRecord(claim.record.id, claim.token, number, at_ms, level, storable(message), claim.attempt, progress)
        )

    def resource(self, type: type[T], /) -> T:
        """What the lifespan yielded of that type, or of a subclass of it."""
        resources = self.surroundings.resources
        if type in resources:
            return resources[type]  # type: ignore[return-value]
        for one in resources.values():
            if isinstance(one, type):
                return one
        known = ", ".join(sorted(one.__name__ for one in resources)) or "nothing"
        raise ConfigError(f"no resource of type {type.__name__}: the manager's lifespan yields {known}")
