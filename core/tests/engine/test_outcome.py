"""What follows an attempt: another one or none, and the wait before it."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.engine.outcome import backoff_ms, exhausts, retries, retry_record
from rota.model.errors import ConfigError
from rota.model.policy import Exponential, Retry
from rota.model.records import BackoffRecord, RetryRecord


class _Flaky(OSError):
    """Raised by a job."""


def _same(retry: Retry) -> Retry:
    return retry


#: What is said of a policy holds in code and as data.
both = pytest.mark.parametrize("form", [_same, retry_record], ids=["code", "data"])
Form = Callable[[Retry], Retry | RetryRecord]


def _rng() -> random.Random:
    return random.Random(11)


@both
@pytest.mark.parametrize(
    ("max_retries", "attempts"), [(0, [False]), (1, [True, False]), (3, [True, True, True, False]), (-1, [True] * 50)]
)
def test_retries_are_those_after_the_first_attempt(form: Form, max_retries: int, attempts: list[bool]) -> None:
    """`max_retries=3` is four attempts in all; -1 has no end."""
    policy = form(Retry(max_retries))
    assert attempts == [retries(policy, n, OSError(), timed_out=False) for n in range(1, len(attempts) + 1)]


@both
@pytest.mark.parametrize(
    ("on", "never_on", "error", "again"),
    [
        ((OSError,), (), _Flaky(), True),  # a subclass is meant too
        ((OSError,), (), KeyError(), False),
        ((Exception,), (OSError,), _Flaky(), False),  # never_on wins
        ((_Flaky,), (OSError,), _Flaky(), False),  # also over what is named more closely
        ((_Flaky,), (), OSError(), False),
        ((Exception,), (), KeyboardInterrupt(), False),
        ((), (), OSError(), False),
        ((Exception,), (), None, True),  # an error of another process, without an object
        ((OSError,), (), None, False),
    ],
)
def test_errors_are_chosen_by_class(
    form: Form, on: tuple[type[Exception], ...], never_on: tuple[type[Exception], ...],
    error: BaseException | None, again: bool,
) -> None:  # fmt: skip
    """`on` and `never_on` mean a class and its subclasses, by name too."""
    assert again is retries(form(Retry(3, on=on, never_on=never_on)), 1, error, timed_out=False)


@both
@pytest.mark.parametrize("error", [None, TimeoutError()])
def test_timed_out_attempt_goes_by_its_own_switch(form: Form, error: TimeoutError | None) -> None:
    """`timeouts` decides, whatever `on` lists; the count and `never_on` hold all the same."""
    assert retries(form(Retry(1, on=(KeyError,))), 1, error, timed_out=True)
    assert not retries(form(Retry(1, timeouts=False)), 1, error, timed_out=True)
    assert not retries(form(Retry(1)), 2, error, timed_out=True)
    assert retries(form(Retry(1, never_on=(TimeoutError,))), 1, None, timed_out=True)
    assert retries(form(Retry(1, never_on=(Exception,))), 1, None, timed_out=True)
    assert not retries(form(Retry(1, never_on=(TimeoutError,))), 1, TimeoutError(), timed_out=True)


@both
@pytest.mark.parametrize(
    ("retry", "error", "attempts"),
    [
        (Retry(0), OSError(), [False, False]),
        (Retry(2), OSError(), [False, False, True]),
        (Retry(-1), OSError(), [False] * 50),
        (Retry(1, on=(OSError,)), KeyError(), [False, False]),
        (Retry(1, never_on=(OSError,)), _Flaky(), [False, False]),
        (Retry(1), KeyboardInterrupt(), [False, False]),
        (Retry(1), None, [False, True]),
    ],
)
def test_retries_are_exhausted_by_what_would_have_been_retried(
    form: Form, retry: Retry, error: BaseException | None, attempts: list[bool]
) -> None:
    """The last of several attempts, ended by a class that is retried; never where no retry was asked for."""
    policy = form(retry)
    numbers = range(1, len(attempts) + 1)
    assert attempts == [exhausts(policy, n, error, timed_out=False) for n in numbers]
    assert not any(retries(policy, n, error, timed_out=False) and attempts[n - 1] for n in numbers)


@both
def test_time_outs_exhaust_retries_where_they_are_retried(form: Form) -> None:
    """By their own switch."""
    assert [False, True] == [exhausts(form(Retry(1)), n, None, timed_out=True) for n in (1, 2)]
    assert not exhausts(form(Retry(1, timeouts=False)), 2, None, timed_out=True)


def test_class_travels_by_qualified_name() -> None:
    """The record's names are those that the worker compares with the raised error's bases."""
    record = retry_record(Retry(2, backoff=1.5, on=(_Flaky,), never_on=(KeyError,), timeouts=False))
    expected = RetryRecord(
        2, BackoffRecord(1500, 1500), (f"{__name__}._Flaky",), ("builtins.KeyError",), timeouts=False
    )
    assert expected == record
    assert BackoffRecord(1_000, 60_000, 2.0, jitter=True) == retry_record(Retry(1)).backoff


def test_backoff_function_on_a_call_is_refused() -> None:
    """A function can't travel; the error says where it belongs."""
    with pytest.raises(ConfigError, match=r"(?s)function can't travel.*@job\(retry="):
        retry_record(Retry(1, backoff=lambda n: n))


@both
def test_fixed_backoff_is_the_same_each_time(form: Form) -> None:
    """A plain duration waits just that."""
    policy = form(Retry(9, backoff=timedelta(seconds=2.5)))
    assert [2500, 2500, 2500] == [backoff_ms(policy, n, _rng()) for n in (1, 2, 10_000)]


@both
def test_exponential_backoff_grows_to_its_cap(form: Form) -> None:
    """First * factor ** (n - 1), never over the cap, without overflow for any n."""
    policy = form(Retry(-1, backoff=Exponential(1, 60, factor=3, jitter=False)))
    expected = [1_000, 3_000, 9_000, 27_000, 60_000, 60_000, 60_000]
    assert expected == [backoff_ms(policy, n, _rng()) for n in (1, 2, 3, 4, 5, 10_000, 10**9)]


@both
@pytest.mark.parametrize("n", [1, 10_000])
def test_exponential_backoff_from_zero_stays_zero(form: Form, n: int) -> None:
    """No wait times anything is no wait."""
    assert 0 == backoff_ms(form(Retry(-1, backoff=Exponential(0, 60))), n, _rng())


@settings(max_examples=100, deadline=None, database=None)
@given(first=st.integers(0, 100), cap=st.integers(0, 1000), factor=st.floats(1, 1e300), n=st.integers(1, 10**6))
def test_jitter_stays_between_zero_and_the_wait(first: int, cap: int, factor: float, n: int) -> None:
    """Full jitter: never below zero, never above what would be waited without it."""
    bound = backoff_ms(Retry(-1, backoff=Exponential(first, cap, factor=factor, jitter=False)), n, _rng())
    assert 0 <= bound <= cap * 1000
    drawn = backoff_ms(Retry(-1, backoff=Exponential(first, cap, factor=factor)), n, random.Random(n))
    assert 0 <= drawn <= bound


def test_jitter_spreads_evenly() -> None:
    """A thousand jobs that fail together come back spread over the whole wait: a tenth in each tenth."""
    rng, policy = _rng(), Retry(5, backoff=Exponential(10, 60))
    tenths = [backoff_ms(policy, 1, rng) // 1001 for _ in range(1_000)]
    assert set(range(10)) == set(tenths)
    assert all(60 < tenths.count(tenth) < 140 for tenth in range(10))


def test_backoff_function_decides_by_the_number_of_the_retry() -> None:
    """It may answer seconds or a timedelta."""
    assert [3_000, 7_000] == [backoff_ms(Retry(9, backoff=lambda n: n), n, _rng()) for n in (3, 7)]
    assert 500 == backoff_ms(Retry(9, backoff=lambda n: timedelta(milliseconds=500)), 1, _rng())


@pytest.mark.parametrize("answer", [None, -1, "soon", float("inf")])
def test_backoff_function_that_answers_no_duration_is_an_error(answer: float) -> None:
    """The error names the retry; what follows is the caller's to decide."""
    with pytest.raises(ConfigError, match="retry 4"):
        backoff_ms(Retry(9, backoff=lambda n: answer), 4, _rng())


def test_backoff_function_that_raises_is_let_through() -> None:
    """Its own error reaches the caller unchanged."""

    def broken(n: int) -> float:
        raise LookupError(n)

    with pytest.raises(LookupError):
        backoff_ms(Retry(9, backoff=broken), 1, _rng())
