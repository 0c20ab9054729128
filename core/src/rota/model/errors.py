"""The errors of rota.

RotaError
├── ConfigError                 what the program asks for cannot be
│   └── NotBound                a job is used that no manager includes
├── PluginError                 a plugin is missing, broken or in conflict
│   ├── PluginLoadError         installed, but it did not load
│   ├── PluginConflict          two distributions claim one name or scheme
│   └── IncompatiblePlugin      made for another version of the interface
├── StoreError                  the store refused or failed
│   ├── StoreUnavailable        nobody knows what was done; repeat the same call (retryable)
│   ├── LeaseLost               the worker was reaped
│   ├── UnsupportedFeature      the store or this version does not offer it
│   ├── CorruptRecord           a stored record can't be decoded
│   └── IncompatibleStore       the namespace has another layout or policy
├── JobError                    about one job or one instance
│   ├── UnknownKind             no definition of that kind is known here
│   ├── KindExists              another function has the kind already
│   ├── ArgumentError           arguments don't fit the function
│   ├── JobFailed               the last attempt raised
│   ├── JobTimedOut             the last attempt went over its time
│   ├── JobCanceled             it was canceled
│   └── JobCrashed              the worker or child died under it too often
└── QueryError                  a question that can't be answered
    ├── CursorExpired           the position is older than what is kept
    ├── UnknownInstance         no instance has that id
    └── UnknownSchedule         no recurring rule has that name, or several have

A message has four parts: what, where, why, what to do.
"""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

__all__ = [
    "ArgumentError",
    "ConfigError",
    "CorruptRecord",
    "CursorExpired",
    "IncompatiblePlugin",
    "IncompatibleStore",
    "JobCanceled",
    "JobCrashed",
    "JobError",
    "JobFailed",
    "JobTimedOut",
    "KindExists",
    "LeaseLost",
    "NotBound",
    "PluginConflict",
    "PluginError",
    "PluginLoadError",
    "QueryError",
    "RotaError",
    "StoreError",
    "StoreUnavailable",
    "UnknownInstance",
    "UnknownKind",
    "UnknownSchedule",
    "UnsupportedFeature",
]


class RotaError(Exception):
    """The root. `code` is stable across versions; `retryable` says that the same call may succeed later."""

    code: ClassVar[str] = "rota"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").split("\n", 1)[0])

    @property
    def message(self) -> str:
        """The text of the error."""
        return str(self.args[0])


class ConfigError(RotaError):
    """What the program asks for cannot be."""

    code = "config"


class NotBound(ConfigError):
    """A job is used that no manager includes."""

    code = "config.not_bound"


class PluginError(RotaError):
    """A plugin is missing, broken or in conflict."""

    code = "plugin"


class PluginLoadError(PluginError):
    """An installed plugin did not load."""

    code = "plugin.load"


class PluginConflict(PluginError):
    """Two distributions claim one name or scheme; `distributions` names them."""

    code = "plugin.conflict"

    def __init__(self, message: str = "", distributions: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.distributions = tuple(distributions)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.distributions)


class IncompatiblePlugin(PluginError):
    """A plugin was made for another version of the interface."""

    code = "plugin.incompatible"


class StoreError(RotaError):
    """The store refused or failed."""

    code = "store"


class StoreUnavailable(StoreError):
    """The store did not answer: any part of the call may have been done; repeat the same call."""

    code = "store.unavailable"
    retryable = True


class LeaseLost(StoreError):
    """The worker's lease ended and it was reaped: what it held belongs to others now."""

    code = "store.lease_lost"


class UnsupportedFeature(StoreError):
    """A feature that the store, or this version, does not offer; `feature` names it."""

    code = "store.unsupported"

    def __init__(self, message: str = "", feature: str = "") -> None:
        super().__init__(message)
        self.feature = feature

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.feature)


class CorruptRecord(StoreError):
    """A stored record can't be decoded; it was moved aside."""

    code = "store.corrupt"


class IncompatibleStore(StoreError):
    """The namespace was written in another layout, or by a newer version."""

    code = "store.incompatible"


class JobError(RotaError):
    """About one job or one instance.

    `type_name` and `traceback` are those of the exception that the job raised, as text: an
    exception is never carried from one process to another as an object. Two that say the same are equal,
    so that what is read twice compares equal.
    """

    code = "job"

    def __init__(
        self, message: str = "", *, instance_id: UUID | None = None, type_name: str = "", traceback: str = ""
    ) -> None:
        super().__init__(message)
        if type_name and not message:  # the exception had no text: ours would be taken for it
            self.args = ("",)
        self.instance_id = instance_id
        self.type_name = type_name or type(self).__name__
        self.traceback = traceback

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, self._content()

    def __str__(self) -> str:
        named = self.type_name != type(self).__name__
        return ": ".join(part for part in (self.type_name if named else "", self.message) if part)

    def _content(self) -> tuple[type["JobError"], str, UUID | None, str, str]:
        return type(self), self.message, self.instance_id, self.type_name, self.traceback

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobError) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())


def _rebuild(cls: type[JobError], message: str, instance_id: UUID | None, type_name: str, traceback: str) -> JobError:
    return cls(message, instance_id=instance_id, type_name=type_name, traceback=traceback)


class UnknownKind(JobError):
    """No definition of that kind is known here."""

    code = "job.unknown_kind"


class KindExists(JobError):
    """Another function has the kind already."""

    code = "job.kind_exists"


class ArgumentError(JobError):
    """Arguments don't fit the function."""

    code = "job.arguments"


class JobFailed(JobError):
    """The last attempt raised."""

    code = "job.failed"


class JobTimedOut(JobError):
    """The last attempt went over its time."""

    code = "job.timed_out"


class JobCanceled(JobError):
    """The instance was canceled."""

    code = "job.canceled"


class JobCrashed(JobError):
    """The worker or child process died under the instance too often."""

    code = "job.crashed"


class QueryError(RotaError):
    """A question that can't be answered."""

    code = "query"


class CursorExpired(QueryError):
    """The position is older than what is kept; start again without a cursor."""

    code = "query.cursor_expired"


class UnknownInstance(QueryError):
    """No instance has that id in this namespace; it never was, or it was purged."""

    code = "query.unknown_instance"


class UnknownSchedule(QueryError):
    """No recurring rule of that name is in this namespace, or more than one."""

    code = "query.unknown_schedule"
