"""The attempt that a thread or task is running: what stands behind a job's context."""

from collections.abc import Sequence
from contextvars import ContextVar
from datetime import datetime
from logging import Logger, LoggerAdapter
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from rota.jobs.client import Client
    from rota.jobs.instance import Instance

__all__ = ["CURRENT", "RunningAttempt"]

T = TypeVar("T")


class RunningAttempt(Protocol):
    """One attempt under way, as the context sees it; made by the worker, or detached from any."""

    @property
    def instance(self) -> "Instance[Any]":
        """The instance, as it was claimed."""
        ...

    @property
    def client(self) -> "Client":
        """The client of the worker's manager."""
        ...

    @property
    def worker(self) -> str:
        """The worker's name."""
        ...

    @property
    def number(self) -> int:
        """The number of this attempt, from 1."""
        ...

    @property
    def token(self) -> int:
        """The fencing token of the claim."""
        ...

    @property
    def deadline(self) -> datetime | None:
        """When it will be recorded as timed out."""
        ...

    @property
    def log(self) -> LoggerAdapter[Logger]:
        """The logger that the job's context offers."""
        ...

    @property
    def interrupted(self) -> bool:
        """True once the job should end."""
        ...

    @property
    def elsewhere(self) -> bool:
        """True in a process of its own, where the worker's managers are copies."""
        ...

    def client_among(self, clients: "Sequence[Client]") -> "Client | None":
        """Which client a job that these include is scheduled through from here; None: it doesn't know."""
        ...

    @property
    def blocks_a_slot(self) -> bool:
        """True when a blocking call here holds a slot that others may need."""
        ...

    def check(self) -> None:
        """Raise JobCanceled when `interrupted`."""
        ...

    def wait(self, seconds: float) -> None:
        """Sleep; ends early by `check`."""
        ...

    def progress(self, fraction: float, message: str) -> None:
        """Keep how far it got."""
        ...

    def append_log(self, level: int, message: str) -> None:
        """Add a line to the instance's log; `level` as in `logging`."""
        ...

    def resource(self, type: type[T], /) -> T:
        """What the lifespan yielded of that type."""
        ...


#: The attempt that this thread or task is running.
CURRENT: Final[ContextVar[RunningAttempt | None]] = ContextVar("rota_current_attempt", default=None)
