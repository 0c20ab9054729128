"""A job: a frozen definition that is still the function it was."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, Protocol, cast
from uuid import UUID

from typing_extensions import TypeVar

from rota.jobs.call import Call
from rota.jobs.context import Context
from rota.jobs.definition import Definition
from rota.jobs.detached import DetachedAttempt
from rota.jobs.functions import check_processor
from rota.jobs.instance import Instance
from rota.jobs.options import UNSET, CallOptions, changed_options, key_template
from rota.jobs.running import CURRENT
from rota.jobs.views import Transition
from rota.model.duration import Duration
from rota.model.errors import ConfigError, JobError, UnknownInstance
from rota.model.policy import Resolved, Retry

if TYPE_CHECKING:
    from rota.jobs.client import Client

__all__ = ["Job"]

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
D_co = TypeVar("D_co", covariant=True, default=R_co)  # what calling the function directly gives

_NO_OPTIONS = CallOptions()


class Binding(Protocol):
    """Where a job finds its client, when it is asked to schedule."""

    def client_for(self, kind: str) -> "Client":
        """The one client that includes the job. Raises NotBound."""
        ...


class Job(Generic[P, R_co, D_co]):
    """A definition: frozen. `options()` gives a copy. Calling it runs the function here, as before decorating."""

    __slots__ = ("__weakref__", "_binding", "_definition", "_options")

    def __init__(self, definition: Definition, binding: Binding, options: CallOptions = _NO_OPTIONS) -> None:
        self._definition = definition
        self._binding = binding
        self._options = options

    @property
    def kind(self) -> str:
        """Its name; its only identity across machines."""
        return self._definition.kind

    @property
    def definition(self) -> Definition:
        """What was said when it was declared."""
        return self._definition

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> D_co:
        """Run the function here and now, as if it had never been decorated."""
        function = self._definition.function
        if function is None:
            raise ConfigError(f"{self.kind!r} is defined by another process: it can be scheduled, not called here")
        running, detached = CURRENT.get(), DetachedAttempt(self.kind)
        context = (Context(running or detached),) if self._definition.plan.takes_context else ()
        if running is None:
            return cast(D_co, detached.run(function, *context, *args, **kwargs))
        return cast(D_co, function(*context, *args, **kwargs))

    def call(self, /, *args: P.args, **kwargs: P.kwargs) -> Call[R_co]:
        """The call, bound and converted, not scheduled. Raises ArgumentError."""
        definition = self._definition
        return Call(definition, self._options, *definition.plan.bind(args, kwargs))

    def schedule(self, /, *args: P.args, **kwargs: P.kwargs) -> Instance[R_co]:
        """Add an instance of it.

        Raises: ArgumentError when the arguments don't fit; NotBound when no manager includes the job.
        """
        return self._binding.client_for(self.kind).schedule(self.call(*args, **kwargs))

    async def aschedule(self, /, *args: P.args, **kwargs: P.kwargs) -> Instance[R_co]:
        """`schedule`, awaited."""
        return await self._binding.client_for(self.kind).aschedule(self.call(*args, **kwargs))

    def options(
        self,
        *,
        at: datetime | None = UNSET,
        after: Duration | None = UNSET,
        jitter: Duration = UNSET,
        expires: Duration | datetime | None = UNSET,
        priority: int = UNSET,
        timeout: Duration | None = UNSET,
        retry: Retry | int = UNSET,
        unique_key: str | None = UNSET,
        depends_on: Sequence[Instance[Any] | Call[Any]] = UNSET,
        on_parent_failure: Literal["cancel", "run"] = UNSET,
    ) -> "Job[P, R_co, D_co]":
        """A copy whose calls have these options: `add.options(after=5).schedule(1, 2)`.

        `at` (aware) and `after` exclude one another; a delay counts from the enqueue step by the
        store's clock. `jitter` is drawn once per instance. `expires` bounds the wait in the queue, and
        `timeout` one attempt. `priority`: lower first. Raises ConfigError.
        """
        template: Any = unique_key
        if unique_key is not UNSET:
            template = key_template(self._definition.plan, unique_key, f"options(unique_key) of {self.kind!r}")
        changed = changed_options(
            self._options,
            at=at, after=after, jitter=jitter, expires=expires, priority=priority, timeout=timeout,
            retry=retry, unique_key=template, depends_on=depends_on, on_parent_failure=on_parent_failure,
        )  # fmt: skip
        return Job(self._definition, self._binding, changed)

    def get(self, id: UUID) -> Instance[R_co]:
        """The instance of this job with that id. Raises UnknownInstance, also for one of another job."""
        return self._own(self._binding.client_for(self.kind).get(id))

    async def aget(self, id: UUID) -> Instance[R_co]:
        """`get`, awaited."""
        return self._own(await self._binding.client_for(self.kind).aget(id))

    def _own(self, instance: Instance[Any]) -> Instance[R_co]:
        if instance.kind != self.kind:
            raise UnknownInstance(f"instance {instance.id} is one of {instance.kind!r}, not of {self.kind!r}")
        return instance

    def bound_to(self, binding: Binding) -> "Job[P, R_co, D_co]":
        """The same job, scheduled elsewhere."""
        return self if binding is self._binding else Job(self._definition, binding, self._options)

    def on_complete(self, fn: Callable[[Instance[R_co], R_co], object], /) -> Callable[[Instance[R_co], R_co], object]:
        """Attach what runs in the worker when an attempt succeeded, before that is recorded; at least once."""
        check_processor(f"on_complete of job {self.kind!r}", fn)
        self._definition.processors.on_complete.append(fn)
        return fn

    def on_terminate(
        self: "Job[P, R, Any]", fn: Callable[[Instance[R], JobError], Exception | Resolved[R] | None], /
    ) -> Callable[[Instance[R], JobError], Exception | Resolved[R] | None]:
        """Attach what runs in the worker when an attempt failed or timed out with no retry left, before that
        is recorded; at least once. It may return another error, or `Resolved(value)`: success after all."""
        check_processor(f"on_terminate of job {self.kind!r}", fn)
        self._definition.processors.on_terminate.append(fn)
        return fn

    def on_state_change(
        self, fn: Callable[[Instance[R_co], Transition], object], /
    ) -> Callable[[Instance[R_co], Transition], object]:
        """Attach what runs in the worker after each state change that the worker made was recorded."""
        check_processor(f"on_state_change of job {self.kind!r}", fn)
        self._definition.processors.on_state_change.append(fn)
        return fn

    def __repr__(self) -> str:
        return f"<Job {self.kind}>"
