"""The context of a job that is called as a plain function, outside any worker."""

from collections.abc import Callable, Sequence
from datetime import datetime
from logging import Logger, LoggerAdapter, getLogger
from threading import Condition
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from rota.jobs.instance import Instance, InstanceSource
from rota.jobs.running import CURRENT
from rota.model.clock import SystemClock
from rota.model.errors import ConfigError, NotBound
from rota.model.ids import uuid_to_id
from rota.model.records import InstanceRecord, Snapshot
from rota.model.state import State

if TYPE_CHECKING:
    from rota.jobs.client import Client

__all__ = ["DetachedAttempt"]

T = TypeVar("T")

_NIL = UUID(int=0)


class DetachedAttempt:
    """Attempt 1 of an instance that no store knows: never canceled, without a deadline."""

    __slots__ = ("_kind",)

    worker = "detached"
    number = 1
    token = 0
    deadline: datetime | None = None
    interrupted = False
    blocks_a_slot = False
    elsewhere = False

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def run(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call it with this as its attempt, so that `Context.current()` finds it; a coroutine too, once awaited."""
        reset = CURRENT.set(self)
        try:
            value = function(*args, **kwargs)
        finally:
            CURRENT.reset(reset)
        return self._awaited(value) if isinstance(value, CoroutineType) else value

    async def _awaited(self, coroutine: "CoroutineType[Any, Any, Any]") -> Any:
        reset = CURRENT.set(self)
        try:
            return await coroutine
        finally:
            CURRENT.reset(reset)

    @property
    def instance(self) -> Instance[Any]:
        """An instance with the nil id, PROCESSING, without arguments."""
        record = InstanceRecord(id=uuid_to_id(_NIL), kind=self._kind, arguments=b"", rank=0, created_ms=0)
        source = cast(InstanceSource, _NoSource(self._kind))
        return Instance(source, Snapshot(record=record, state=State.PROCESSING, due_ms=0, attempt=1))

    @property
    def client(self) -> "Client":
        """There is none. Raises NotBound."""
        raise NotBound(f"the job {self._kind!r} was called directly, outside a worker: its context has no client")

    def client_among(self, clients: "Sequence[Client]") -> "Client | None":
        """A direct call says nothing of clients."""
        return None

    @property
    def log(self) -> LoggerAdapter[Logger]:
        """The job's logger."""
        return LoggerAdapter(getLogger(f"rota.job.{self._kind}"))

    def check(self) -> None:
        """Nothing cancels a direct call."""

    def wait(self, seconds: float) -> None:
        """Sleep."""
        condition = Condition()
        with condition:
            SystemClock().wait(condition, seconds)

    def progress(self, fraction: float, message: str) -> None:
        """Nobody watches a direct call."""

    def append_log(self, level: int, message: str) -> None:
        """`logging` has the line already."""

    def resource(self, type: type[T], /) -> T:
        """There is no lifespan. Raises ConfigError."""
        raise ConfigError(
            f"the job {self._kind!r} was called directly: outside a worker no lifespan yields a {type.__name__}"
        )


class _NoSource:
    """Stands where a client would; every question raises NotBound."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __getattr__(self, name: str) -> Any:
        raise NotBound(f"the job {self._kind!r} was called directly, outside a worker: its instance is in no store")
