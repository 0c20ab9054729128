"""What a running job can ask and say: the context, given to it as its first parameter."""

from datetime import datetime
from logging import Logger, LoggerAdapter
from typing import TYPE_CHECKING, Any, TypeVar, final

from rota.jobs.instance import Instance
from rota.jobs.running import CURRENT, RunningAttempt
from rota.model.duration import Duration, to_seconds
from rota.model.errors import ConfigError

if TYPE_CHECKING:
    from rota.jobs.client import Client

__all__ = ["Context"]

T = TypeVar("T")


@final
class Context:
    """The first parameter of a job, when annotated so; never passed by the caller.

    Outside a worker a direct call of the job gets a detached one, so that a job is unit-tested by
    calling it: it is never canceled, its progress goes nowhere and its log to `logging`.
    """

    __slots__ = ("_running",)

    def __init__(self, running: RunningAttempt) -> None:
        self._running = running

    @staticmethod
    def current() -> "Context":
        """The context of the job that runs here; for helpers. Raises ConfigError outside a job."""
        running = CURRENT.get()
        if running is None:
            raise ConfigError(
                "Context.current() was called outside a running job; call it from the job, or pass values in"
            )
        return Context(running)

    @property
    def instance(self) -> Instance[Any]:
        """The instance, as it was claimed."""
        return self._running.instance

    @property
    def client(self) -> "Client":
        """For scheduling more, and for all else that a client can do."""
        return self._running.client

    @property
    def worker(self) -> str:
        """The name of the worker that runs it."""
        return self._running.worker

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self._running.number

    @property
    def token(self) -> int:
        """Rises with every claim of the instance: pass it to what must refuse an older attempt."""
        return self._running.token

    @property
    def deadline(self) -> datetime | None:
        """When the attempt will be recorded as timed out."""
        return self._running.deadline

    @property
    def idempotency_key(self) -> str:
        """The same in every attempt of the instance, and in no other instance."""
        return str(self._running.instance.id)

    @property
    def log(self) -> LoggerAdapter[Logger]:
        """A logger whose lines, from INFO on, land in the instance's log whatever `logging` is set to."""
        return self._running.log

    @property
    def cancel_requested(self) -> bool:
        """True once the job should end: canceled, over its deadline, its lease lost, or its worker stopping."""
        return self._running.interrupted

    def check(self) -> None:
        """Raise JobCanceled when `cancel_requested`. Never blocks."""
        self._running.check()

    def wait(self, duration: Duration) -> None:
        """Sleep that ends early by `check()`. Raises ConfigError on an event loop's thread."""
        self._running.wait(to_seconds(duration, "Context.wait(duration)"))

    def progress(self, fraction: float, message: str = "") -> None:
        """Report how far it got, 0 to 1; the last value is kept. Never blocks."""
        if not 0 <= fraction <= 1:
            raise ConfigError(f"Context.progress(fraction) must be between 0 and 1; got {fraction!r}")
        self._running.progress(float(fraction), message)

    def resource(self, type: type[T], /) -> T:
        """What the manager's lifespan made available, by type. Raises ConfigError when there is none."""
        return self._running.resource(type)

    def __repr__(self) -> str:
        return f"<Context of {self.instance!r}>"
