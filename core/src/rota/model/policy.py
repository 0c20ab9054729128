"""What a user says about a job: retries, backoff, limits, and the outcome of a processor. Frozen values."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, final

import msgspec
from typing_extensions import TypeVar

from rota.model.duration import Duration, to_ms
from rota.model.errors import ConfigError

__all__ = ["DEFAULT_BACKOFF", "Backoff", "Exponential", "Limit", "Resolved", "Retry"]

R_co = TypeVar("R_co", covariant=True)

_RATE: Final = r"(?P<count>[1-9][0-9]*)/(?P<unit>s|sec|second|min|minute|h|hour|day)"
_UNIT_MS: Final = {
    "s": 1_000, "sec": 1_000, "second": 1_000, "min": 60_000, "minute": 60_000,
    "h": 3_600_000, "hour": 3_600_000, "day": 86_400_000,
}  # fmt: skip


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
    without it one bound for the kind.
    """

    max_running: int | None
    rate: str | None
    key: str | None

    def __init__(self, max_running: int | None = None, *, rate: str | None = None, key: str | None = None) -> None:
        if max_running is None and rate is None:
            raise ConfigError("Limit() needs max_running, rate, or both")
        if max_running is not None and max_running < 1:
            raise ConfigError(f"Limit(max_running) must be 1 or more; got {max_running!r}")
        if rate is not None and re.fullmatch(_RATE, rate) is None:
            raise ConfigError(f"Limit(rate) reads COUNT/UNIT with unit {', '.join(_UNIT_MS)}; got {rate!r}")
        for name, value in (("max_running", max_running), ("rate", rate), ("key", key)):
            object.__setattr__(self, name, value)


@final
class Resolved(msgspec.Struct, Generic[R_co], frozen=True):
    """What `on_terminate` returns to turn the failure into a success with this result."""

    value: R_co
