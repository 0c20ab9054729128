"""A job's definition: what was said when it was declared, worked out once."""

from collections.abc import Callable
from functools import partial
from inspect import unwrap
from typing import Any, Final, Literal, NamedTuple

import msgspec

from rota.engine.arguments import ArgumentPlan, OpenPlan
from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.engine.template import Template
from rota.model.policy import ExecutorOptions, Keep, Limit, Retry
from rota.model.records import KindDescriptor

__all__ = ["DEFAULT_MAX_CRASHES", "DEFAULT_PRIORITY", "Definition", "Processors"]

DEFAULT_PRIORITY: Final = 5
DEFAULT_MAX_CRASHES: Final = 3


class Processors(msgspec.Struct, eq=False):
    """User code called on an outcome, in the order it was attached."""

    on_complete: list[Callable[[Any, Any], object]] = msgspec.field(default_factory=list)
    on_terminate: list[Callable[[Any, Any], Any]] = msgspec.field(default_factory=list)
    on_state_change: list[Callable[[Any, Any], object]] = msgspec.field(default_factory=list)


class Definition(msgspec.Struct, frozen=True, eq=False):
    """All that is known of a kind here. `function` is None for a kind that other processes define. `lane` renders the
    key of the one limit that has a key."""

    kind: str
    function: Callable[..., Any] | None
    plan: ArgumentPlan | OpenPlan
    executor: str
    executor_options: ExecutorOptions | None = None
    priority: int = DEFAULT_PRIORITY
    timeout_ms: int = 0
    retry: Retry = Retry(0)
    max_crashes: int = DEFAULT_MAX_CRASHES
    limits: tuple[Limit, ...] = ()
    lane: Template | None = None
    unique_key: Template | None = None
    unique_until: Literal["started", "finished"] = "finished"
    keep: Keep = Keep()
    recurring: Cron | Every | None = None
    remote: bool = False
    processors: Processors = msgspec.field(default_factory=Processors)

    @property
    def runs_here(self) -> bool:
        """True when a worker of this process can run it."""
        return self.function is not None and not self.remote

    def same_function(self, other: "Definition") -> bool:
        """True when the two were declared from one function: a reload, a notebook cell run again, `__main__`."""
        mine, its = _Origin.of(self.function), _Origin.of(other.function)
        return mine.what == its.what and (mine.module == its.module or mine.file == its.file is not None)

    def descriptor(self) -> KindDescriptor:
        """What a worker publishes of it."""
        summary = (getattr(self.function, "__doc__", None) or "").strip().split("\n", 1)[0]
        return KindDescriptor(
            kind=self.kind,
            parameters=self.plan.parameters,
            returns=self.plan.returns_text,
            summary=summary,
            executor=self.executor,
            priority=self.priority,
            timeout_ms=self.timeout_ms or None,
            max_retries=self.retry.max_retries,
            max_crashes=self.max_crashes,
            limits=tuple(limit.to_record() for limit in self.limits),
            keep=self.keep.to_record(),
            unique_key=None if self.unique_key is None else self.unique_key.text,
            unique_until=self.unique_until,
        )


class _Origin(NamedTuple):
    """Where a function was written. A program's own module has two names, its own and `__main__`, but one file."""

    what: tuple[object, ...]
    module: str | None
    file: str | None

    @classmethod
    def of(cls, function: Any) -> "_Origin":
        bound: tuple[object, ...] = ()
        if isinstance(function, partial):  # known by what it wraps, and what it fills in
            function, bound = function.func, (function.args, function.keywords)
        owner, name = getattr(function, "__self__", None), getattr(function, "__qualname__", None)
        if name is None:  # a callable object
            return cls((id(function), *bound), None, None)
        code = getattr(unwrap(function), "__code__", None)
        line = code.co_firstlineno if code is not None and name.endswith("<lambda>") else None
        what = (name, line, None if owner is None else id(owner), *bound)
        return cls(what, getattr(function, "__module__", None), getattr(code, "co_filename", None))
