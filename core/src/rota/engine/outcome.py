"""What follows an attempt that failed or went over its time: another one or none, and after which wait."""

import random
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from rota.model.duration import to_ms
from rota.model.errors import ConfigError
from rota.model.policy import Backoff, Exponential, Retry
from rota.model.records import BackoffRecord, RetryRecord

__all__ = ["EXHAUSTED", "backoff_ms", "exhausts", "qualified_name", "retries", "retry_record"]

EXHAUSTED: Final = "exhausted"  #: the reason of an end by a failure that would have been retried once more


def retry_record(retry: Retry) -> RetryRecord:
    """A `Retry` as data, to travel with a call. ConfigError when its backoff is a function, which can't."""
    return RetryRecord(
        retry.max_retries,
        _backoff_record(retry.backoff),
        on=tuple(qualified_name(cls) for cls in retry.on),
        never_on=tuple(qualified_name(cls) for cls in retry.never_on),
        timeouts=retry.timeouts,
    )


def retries(
    retry: Retry | RetryRecord, attempt: int, error: BaseException | Collection[str] | None, timed_out: bool
) -> bool:
    """True when the attempt of that number (the first is 1) is to be followed by another.

    `never_on` wins over all else; an attempt that timed out goes by `timeouts`, any other by `on`.
    An error of another process is the names of its class and bases; without any it counts as a plain `Exception`.
    """
    return not _used_up(retry, attempt) and _is_retried(retry, error, timed_out)


def exhausts(
    retry: Retry | RetryRecord, attempt: int, error: BaseException | Collection[str] | None, timed_out: bool
) -> bool:
    """True when that attempt is the last for no other reason than its number: there were retries, and they are
    used up. Never without any (`max_retries` 0), nor with no end of them."""
    return retry.max_retries > 0 and _used_up(retry, attempt) and _is_retried(retry, error, timed_out)


def _used_up(retry: Retry | RetryRecord, attempt: int) -> bool:
    return retry.max_retries != -1 and attempt > retry.max_retries


def _is_retried(retry: Retry | RetryRecord, error: BaseException | Collection[str] | None, timed_out: bool) -> bool:
    raised = Exception if error is None else type(error) if isinstance(error, BaseException) else error
    if (error is not None or not timed_out) and _matches(retry, raised, never=True):
        return False
    return retry.timeouts if timed_out else _matches(retry, raised, never=False)


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


def _matches(retry: Retry | RetryRecord, raised: type[BaseException] | Collection[str], *, never: bool) -> bool:
    if isinstance(retry, Retry) and isinstance(raised, type):
        return issubclass(raised, retry.never_on if never else retry.on)
    wanted = (one if isinstance(one, str) else qualified_name(one) for one in (retry.never_on if never else retry.on))
    names = {qualified_name(base) for base in raised.__mro__} if isinstance(raised, type) else set(raised)
    return not names.isdisjoint(wanted)


def qualified_name(cls: type) -> str:
    """The name by which an exception class travels; the same in a child, where `__main__` has another name."""
    module = "__main__" if cls.__module__ == "__mp_main__" else cls.__module__
    return f"{module}.{cls.__qualname__}"
