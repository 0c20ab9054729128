"""What a user says about a job: retries, backoff, limits, retention, and the outcome of a processor. Frozen values."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, Protocol, TypeAlias, final

import msgspec
from typing_extensions import TypeVar

from rota.model.duration import Duration, to_ms
from rota.model.errors import ConfigError
from rota.model.records import WEEK_MS, KeepRecord, LimitRecord

__all__ = [
    "DEFAULT_BACKOFF", "Backoff", "ExecutorOptions", "Exponential", "Keep", "Limit", "ProcessOptions", "Resolved",
    "Retry",
]  # fmt: skip

R_co = TypeVar("R_co", covariant=True)

_RATE: Final = r"(?P<count>[1-9][0-9]*)/(?P<unit>s|sec|second|min|minute|h|hour|day)"
_UNIT_MS: Final = {
    "s": 1_000, "sec": 1_000, "second": 1_000, "min": 60_000, "minute": 60_000,
    "h": 3_600_000, "hour": 3_600_000, "day": 86_400_000,
}  # fmt: skip
_UNITS: Final = {1_000: "s", 60_000: "min", 3_600_000: "h", 86_400_000: "day"}


@final
@dataclass(frozen=True, slots=True, init=False)
class Exponential:
    """A wait that grows: `first * factor ** (n - 1)` before the n-th retry, never over `cap`.

    With `jitter` the wait is drawn evenly between zero and that ("full jitter"), so that jobs
    which fail together don't come back together.
    """

    first: Duration
    cap: Duration
    factor: float
    jitter: bool

    def __init__(self, first: Duration, cap: Duration, *, factor: float = 2.0, jitter: bool = True) -> None:
        to_ms(first, "Exponential(first)")
        to_ms(cap, "Exponential(cap)")
        if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not factor >= 1:
            raise ConfigError(f"Exponential(factor) must be 1 or more; got {factor!r}")
        for name, value in (("first", first), ("cap", cap), ("factor", factor), ("jitter", jitter)):
            object.__setattr__(self, name, value)


Backoff: TypeAlias = Duration | Exponential | Callable[[int], Duration]

DEFAULT_BACKOFF: Final = Exponential(1, 60)


@final
@dataclass(frozen=True, slots=True, init=False)
class Retry:
    """Retries after the first attempt; -1 has no end. `never_on` wins over `on`.

    `backoff` is a fixed wait, an `Exponential`, or a function of the number of the retry (from 1).
    `timeouts=False` lets an attempt that went over its time be the last.
    """

    max_retries: int
    backoff: Backoff
    on: tuple[type[Exception], ...]
    never_on: tuple[type[Exception], ...]
    timeouts: bool

    def __init__(
        self,
        max_retries: int,
        *,
        backoff: Backoff = DEFAULT_BACKOFF,
        on: tuple[type[Exception], ...] = (Exception,),
        never_on: tuple[type[Exception], ...] = (),
        timeouts: bool = True,
    ) -> None:
        if isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < -1:
            raise ConfigError(f"Retry(max_retries) must be -1 (no end), 0 or more; got {max_retries!r}")
        if not isinstance(backoff, Exponential) and not callable(backoff):
            to_ms(backoff, "Retry(backoff)")
        for name, classes in (("on", on), ("never_on", never_on)):
            if not _are_exceptions(classes):
                raise ConfigError(f"Retry({name}) must be a tuple of exception classes; got {classes!r}")
        for name, value in (("max_retries", max_retries), ("backoff", backoff), ("on", tuple(on)),
                            ("never_on", tuple(never_on)), ("timeouts", timeouts)):  # fmt: skip
            object.__setattr__(self, name, value)


def _are_exceptions(classes: object) -> bool:
    if not isinstance(classes, (tuple, list)):
        return False
    return all(isinstance(one, type) and issubclass(one, BaseException) for one in classes)


@final
@dataclass(frozen=True, slots=True, init=False)
class Limit:
    """At most `max_running` at a time and `rate` ("100/min") starts, over all workers.

    `key` is a template over the job's own arguments ("{tenant}"): a bound for each of its values;
    without it one bound for the kind. A rate lets its whole count start at once when nothing has started
    for its unit, and refills evenly.
    """

    max_running: int | None
    rate: str | None
    key: str | None

    def __init__(self, max_running: int | None = None, *, rate: str | None = None, key: str | None = None) -> None:
        if max_running is None and rate is None:
            raise ConfigError("Limit() needs max_running, rate, or both")
        _check_count("Limit(max_running)", max_running)
        if rate is not None and (not isinstance(rate, str) or re.fullmatch(_RATE, rate) is None):
            raise ConfigError(f"Limit(rate) reads COUNT/UNIT with unit {', '.join(_UNIT_MS)}; got {rate!r}")
        if key is not None and (not isinstance(key, str) or not key):
            raise ConfigError(f'Limit(key) is a text such as "{{tenant}}"; got {key!r}')
        for name, value in (("max_running", max_running), ("rate", rate), ("key", key)):
            object.__setattr__(self, name, value)

    def to_record(self) -> LimitRecord:
        """The stored form."""
        found = None if self.rate is None else re.fullmatch(_RATE, self.rate)
        if found is None:
            return LimitRecord(self.max_running, key=self.key)
        return LimitRecord(self.max_running, int(found["count"]), _UNIT_MS[found["unit"]], self.key)

    @classmethod
    def of(cls, record: LimitRecord) -> "Limit":
        """The limit that a record was made of; its unit in the shortest form."""
        rate = None if record.rate_count is None else f"{record.rate_count}/{_UNITS[record.rate_ms or 0]}"
        return cls(record.max_running, rate=rate, key=record.key)


def _check_count(what: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigError(f"{what} must be a whole number, 1 or more; got {value!r}")


_WEEK: Final = timedelta(milliseconds=WEEK_MS)
_AS_AGE: Final[Any] = type("AsAge", (), {"__repr__": lambda self: "age"})()


@final
@dataclass(frozen=True, slots=True, init=False)
class Keep:
    """How long finished instances stay, counted from their end, until the history cleaner removes them.

    `age` bounds them, `failed` in its place those TERMINATED or TIMED_OUT, sooner or later than the others (by default
    as `age`); `count` keeps no more than so many of the kind, the newest. `logs` bounds their log
    lines, which never outlive the instance. None is no bound.
    """

    age: Duration | None
    count: int | None
    failed: Duration | None
    logs: Duration | None

    def __init__(
        self,
        age: Duration | None = _WEEK,
        *,
        count: int | None = None,
        failed: Duration | None = _AS_AGE,
        logs: Duration | None = _WEEK,
    ) -> None:
        _check_count("Keep(count)", count)
        values = {"age": age, "count": count, "failed": age if failed is _AS_AGE else failed, "logs": logs}
        for name, value in values.items():
            if name != "count" and value is not None:
                to_ms(value, f"Keep({name})")
            object.__setattr__(self, name, value)

    def to_record(self) -> KeepRecord:
        """The stored form."""
        age_ms, failed_ms, logs_ms = (None if one is None else to_ms(one) for one in (self.age, self.failed, self.logs))
        return KeepRecord(age_ms, failed_ms, self.count, logs_ms)

    @classmethod
    def of(cls, record: KeepRecord) -> "Keep":
        """The public form of a record."""
        age, failed, logs = (
            None if ms is None else timedelta(milliseconds=ms)
            for ms in (record.age_ms, record.failed_ms, record.logs_ms)
        )
        return cls(age, count=record.count, failed=failed, logs=logs)


class ExecutorOptions(Protocol):
    """What `job(executor=...)` takes in place of a name: a frozen, hashable object of the executor's plugin."""

    @property
    def executor(self) -> str:
        """The name of the executor that these options are for."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOptions:
    """Options of the executor "process". Jobs with equal options share warm children.

    A child is replaced, between two jobs, after `max_jobs` of them, or once its resident size is over
    `max_rss_bytes`. A running job that does not listen to a cancel request is killed `cancel_grace` after it.
    """

    max_jobs: int | None = None
    max_rss_bytes: int | None = None
    cancel_grace: Duration = 5.0

    def __post_init__(self) -> None:
        _check_count("ProcessOptions(max_jobs)", self.max_jobs)
        _check_count("ProcessOptions(max_rss_bytes)", self.max_rss_bytes)
        to_ms(self.cancel_grace, "ProcessOptions(cancel_grace)")

    @property
    def executor(self) -> str:
        """The executor they are for."""
        return "process"


@final
class Resolved(msgspec.Struct, Generic[R_co], frozen=True):
    """What `on_terminate` returns to turn the failure into a success with this result."""

    value: R_co
