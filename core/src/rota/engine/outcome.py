"""What follows an attempt that failed or went over its time: another one or none, and after which wait."""

import random
from datetime import timedelta
from typing import Final

from rota.model.duration import to_ms
from rota.model.errors import ConfigError
from rota.model.policy import Backoff, Exponential, Retry
from rota.model.records import BackoffRecord, RetryRecord

__all__ = ["EXHAUSTED", "backoff_ms", "exhausts", "retries", "retry_record"]

EXHAUSTED: Final = "exhausted"  #: the reason of an end by a failure that would have been retried once more


def retry_record(retry: Retry) -> RetryRecord:
    """A `Retry` as data, to travel with a call. ConfigError when its backoff is a function, which can't."""
    return RetryRecord(
        retry.max_retries,
        _backoff_record(retry.backoff),
        on=tuple(_qualified(cls) for cls in retry.on),
        never_on=tuple(_qualified(cls) for cls in retry.never_on),
        timeouts=retry.timeouts,
    )


def retries(retry: Retry | RetryRecord, attempt: int, error: BaseException | None, timed_out: bool) -> bool:
    """True when the attempt of that number (the first is 1) is to be followed by another.

    `never_on` wins over all else; an attempt that timed out goes by `timeouts`, any other by `on`.
    Without an `error` object (it died with another process) it counts as a plain `Exception`.
    """
    return not _used_up(retry, attempt) and _is_retried(retry, error, timed_out)


def exhausts(retry: Retry | RetryRecord, attempt: int, error: BaseException | None, timed_out: bool) -> bool:
    """True when that attempt is the last for no other reason than its number: there were retries, and they are
    used up. Never without any (`max_retries` 0), nor with no end of them."""
    return retry.max_retries > 0 and _used_up(retry, attempt) and _is_retried(retry, error, timed_out)


def _used_up(retry: Retry | RetryRecord, attempt: int) -> bool:
    return retry.max_retries != -1 and attempt > retry.max_retries


def _is_retried(retry: Retry | RetryRecord, error: BaseException | None, timed_out: bool) -> bool:
    cls = Exception if error is None else type(error)
    if (error is not None or not timed_out) and _matches(retry, cls, never=True):
        return False
    return retry.timeouts if timed_out else _matches(retry, cls, never=False)


def backoff_ms(retry: Retry | RetryRecord, nth_retry: int, rng: random.Random) -> int:
    """How long to wait before a retry, the first being 1, in milliseconds.

    `rng` draws the full jitter: anything between zero and the exponential wait, evenly. A backoff
    function's own exception is let through; ConfigError when what it returns is no duration.
    """
    backoff = retry.backoff
    if isinstance(backoff, BackoffRecord):
        return _drawn_ms(backoff, nth_retry, rng)
    if isinstance(backoff, (Exponential, timedelta, int, float)):
        return _drawn_ms(_backoff_record(backoff), nth_retry, rng)
    return to_ms(backoff(nth_retry), f"what the backoff function returned for retry {nth_retry}")


def _backoff_record(backoff: Backoff) -> BackoffRecord:
    if isinstance(backoff, Exponential):
        first_ms, cap_ms = to_ms(backoff.first, "Exponential(first)"), to_ms(backoff.cap, "Exponential(cap)")
        return BackoffRecord(first_ms, cap_ms, float(backoff.factor), backoff.jitter)
    if isinstance(backoff, (timedelta, int, float)):
        fixed_ms = to_ms(backoff, "Retry(backoff)")
        return BackoffRecord(fixed_ms, fixed_ms)
    raise ConfigError(
        f"Retry(backoff={backoff!r}): a function can't travel with a call, which is data; give this Retry "
        "to the job itself (@job(retry=...)), or write a duration or rota.Exponential(first, cap) here"
    )


def _drawn_ms(backoff: BackoffRecord, nth_retry: int, rng: random.Random) -> int:
    wait_ms = _grown_ms(backoff, nth_retry)
    return rng.randint(0, wait_ms) if backoff.jitter else wait_ms


def _grown_ms(backoff: BackoffRecord, nth_retry: int) -> int:
    if backoff.first_ms == 0:
        return 0
    try:
        wait_ms = backoff.first_ms * backoff.factor ** (nth_retry - 1)
    except OverflowError:
        return backoff.cap_ms
    return round(min(wait_ms, backoff.cap_ms))


def _matches(retry: Retry | RetryRecord, cls: type[BaseException], *, never: bool) -> bool:
    if isinstance(retry, Retry):
        return issubclass(cls, retry.never_on if never else retry.on)
    names = retry.never_on if never else retry.on
    return not {_qualified(base) for base in cls.__mro__}.isdisjoint(names)


def _qualified(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
