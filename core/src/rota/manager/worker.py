"""The handle of a worker: starts it in the background, stops it, resizes it."""

import os
from collections.abc import Callable
from fnmatch import fnmatchcase
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rota.client.twins import offload
from rota.model.concurrency import check_concurrency
from rota.model.duration import Duration, to_seconds
from rota.model.errors import ConfigError
from rota.model.name import is_system
from rota.model.process_lock import ProcessLock

if TYPE_CHECKING:
    from rota.jobs.definition import Definition
    from rota.runtime.consumer import Consumer
    from rota.runtime.settings import ConsumerSettings

__all__ = ["Worker", "takes"]


class Worker:
    """`with` starts it in the background and stops it: no new claims, what runs may end within `grace`, the
    rest is asked to end and then released. It may be started again. It touches no signals."""

    def __init__(
        self, settings: "Callable[[], ConsumerSettings]", grace_s: float, patterns: tuple[str, ...] | None
    ) -> None:
        self._settings = settings
        self._grace_s: Final = grace_s
        self._patterns: Final = patterns
        self._concurrency = 1
        self._lock = ProcessLock()
        self._running: tuple[int, Consumer] | None = None  # with the process that started it
        self._given_up = False
        self._missed: list[Definition] | None = None  # a list while it starts

    @property
    def _consumer(self) -> "Consumer | None":
        running = self._running
        return running[1] if running is not None and running[0] == os.getpid() else None  # a fork copies no threads

    @property
    def name(self) -> str | None:
        """Its present id in the store; None while it is stopped."""
        return None if self._consumer is None else self._consumer.name

    @property
    def concurrency(self) -> int:
        """How many jobs it runs at once."""
        consumer = self._consumer
        return self._concurrency if consumer is None else consumer.concurrency

    def start(self) -> Self:
        """Connect, enter the lifespan, and begin to run jobs. Nothing happens when it runs already.

        Raises: StoreUnavailable, ConfigError, and what the lifespan raises.
        """
        from rota.runtime.consumer import Consumer  # programs that only schedule never load the runtime

        with self._lock:
            if self._consumer is None:
                self._given_up, self._missed = False, []
                try:
                    consumer = Consumer(self._settings())
                    consumer.resize(self._concurrency)
                    consumer.start()
                    self._running = os.getpid(), consumer
                    if self._given_up:
                        self._end(consumer, 0.0)
                    else:
                        self._catch_up(consumer, self._missed)
                finally:
                    self._missed = None
        return self

    def stop(self, *, grace: Duration | None = None) -> None:
        """Claim no more, let what runs end within `grace`, ask the rest to end, release what does not.

        Nothing happens when it is stopped already. Raises: ConfigError inside one of its own jobs.
        """
        grace_s = self._grace_s if grace is None else to_seconds(grace, "stop(grace)")
        self._refuse_inside("stop()")
        with self._lock:
            consumer = self._consumer
            if consumer is not None:
                self._end(consumer, grace_s)

    def _end(self, consumer: "Consumer", grace_s: float) -> None:
        consumer.stop(grace_s)
        self._running = None

    def _catch_up(self, consumer: "Consumer", missed: "list[Definition]") -> None:
        """What was asked for while the lifespan was being entered."""
        consumer.resize(self._concurrency)
        for definition in missed:
            consumer.define(definition)

    def hurry(self) -> None:
        """End the grace of a `stop` that another thread is in; a `start` that one is in ends in a stop."""
        self._given_up = True
        consumer = self._consumer
        if consumer is not None:
            consumer.hurry()

    def resize(self, concurrency: int) -> None:
        """Run up to so many at once from now on; what runs goes on. Raises ConfigError for less than 1."""
        self._concurrency = check_concurrency(concurrency)
        consumer = self._consumer
        if consumer is not None:
            consumer.resize(concurrency)

    def drain(self, timeout: Duration | None = None) -> bool:
        """Wait until nothing of its kinds is due or running; True when so, False after `timeout`.

        Also False once it is stopped with something left. Raises: ConfigError while it is stopped, and inside one of
        its own jobs.
        """
        consumer = self._consumer
        self._refuse_inside("drain()")
        if consumer is None:
            raise ConfigError("drain() waits for a worker that runs; this one is stopped: start() it, or use `with`")
        return consumer.drain(None if timeout is None else to_seconds(timeout, "drain(timeout)"))

    def define(self, definition: "Definition") -> None:
        """Run it from now on: a job that was defined, or defined again, while the worker runs. One whose kind is
        not among the worker's is left alone."""
        consumer, kind = self._consumer, definition.kind
        if not takes(self._patterns, kind) or not definition.runs_here:
            return
        if consumer is not None:
            consumer.define(definition)
        elif self._missed is not None:
            self._missed.append(definition)

    def _refuse_inside(self, what: str) -> None:
        consumer = self._consumer
        if consumer is not None and consumer.runs_this_thread():
            raise ConfigError(
                f"{what} inside a job or processor of the same worker would wait for itself; "
                "call it from the thread that started the worker"
            )

    async def astart(self) -> Self:
        """`start`, awaited."""
        return await offload(self.start)

    async def astop(self, *, grace: Duration | None = None) -> None:
        """`stop`, awaited."""
        await offload(self.stop, grace=grace)

    async def aresize(self, concurrency: int) -> None:
        """`resize`, awaited."""
        await offload(self.resize, concurrency)

    async def adrain(self, timeout: Duration | None = None) -> bool:
        """`drain`, awaited."""
        return await offload(self.drain, timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, t: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None, /) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await self.astart()

    async def __aexit__(
        self, t: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        await self.astop()


def takes(patterns: tuple[str, ...] | None, kind: str) -> bool:
    """Whether a worker for these kinds, all with None, runs `kind`. Every worker runs rota's own."""
    return patterns is None or is_system(kind) or any(fnmatchcase(kind, pattern) for pattern in patterns)
