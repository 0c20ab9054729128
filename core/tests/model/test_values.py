"""The values a user makes and reads: frozen, comparable, hashable, checked where they are written."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from rota import (
    ConfigError,
    Cron,
    Every,
    Exponential,
    Limit,
    LogLine,
    Page,
    Query,
    Resolved,
    Retry,
    Schedule,
    State,
    Transition,
    WorkerInfo,
)

_AT = datetime(2026, 1, 1, tzinfo=UTC)

_MAKERS: dict[str, tuple[str, Callable[[], object], Callable[[], object]]] = {
    "Exponential": ("first", lambda: Exponential(1, 60), lambda: Exponential(2, 60)),
    "Retry": ("max_retries", lambda: Retry(3, on=(OSError,)), lambda: Retry(3)),
    "Limit": ("key", lambda: Limit(5, rate="100/min", key="{tenant}"), lambda: Limit(5)),
    "Cron": ("tz", lambda: Cron("0 2 * * *", tz="Europe/Berlin"), lambda: Cron("0 2 * * *")),
    "Every": ("period_ms", lambda: Every(60), lambda: Every(60, jitter=1)),
    "Resolved": ("value", lambda: Resolved(3), lambda: Resolved(4)),
    "Query": ("kind", lambda: Query(kind="a", since=_AT), lambda: Query(kind="b", since=_AT)),
    "Transition": (
        "state",
        lambda: Transition(State.CREATED, _AT, 0, None, None, None),
        lambda: Transition(State.SCHEDULED, _AT, 0, None, None, None),
    ),
    "LogLine": ("message", lambda: LogLine(_AT, 20, "a", 1), lambda: LogLine(_AT, 20, "b", 1)),
    "WorkerInfo": (
        "running",
        lambda: WorkerInfo("w", frozenset("a"), 4, 0, _AT),
        lambda: WorkerInfo("w", frozenset("a"), 4, 1, _AT),
    ),
    "Schedule": (
        "paused",
        lambda: Schedule("n", "k", Every(60), "store", None, None, False, None, _AT),
        lambda: Schedule("n", "k", Every(60), "store", None, None, True, None, _AT),
    ),
    "Page": ("next_cursor", lambda: Page([1, 2], None), lambda: Page([1, 2], "more")),
}


@pytest.mark.parametrize("name", _MAKERS)
def test_value_made_twice_is_equal_and_hashes_alike(name: str) -> None:
    """Values compare by what they say."""
    _, same, other = _MAKERS[name]
    assert same() == same()
    assert hash(same()) == hash(same())
    assert same() != other()
    assert same() != object()


@pytest.mark.parametrize("name", _MAKERS)
def test_assigning_to_a_value_raises(name: str) -> None:
    """Values are frozen: AttributeError, as for any read-only attribute."""
    attribute, make, _ = _MAKERS[name]
    value = make()
    with pytest.raises(AttributeError):
        setattr(value, attribute, getattr(value, attribute))


def test_cron_with_a_zone_and_with_its_name_are_equal() -> None:
    """What is said in two ways is one value."""
    from zoneinfo import ZoneInfo

    assert Cron("0 2 * * *", tz="Europe/Berlin") == Cron("0 2 * * *", tz=ZoneInfo("Europe/Berlin"))


def test_page_is_a_sequence() -> None:
    """Indexes, slices, length and iteration work as on a tuple."""
    page = Page("abc", None)
    assert ("c", ("a", "b"), 3, list("abc"), True) == (page[-1], page[:2], len(page), list(page), "b" in page)
    with pytest.raises(IndexError):
        page[3]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Retry(-2),
        lambda: Retry(True),
        lambda: Retry(1.5),  # type: ignore[arg-type]
        lambda: Retry("3"),  # type: ignore[arg-type]
        lambda: Retry(1, backoff=-1),
        lambda: Retry(1, backoff="soon"),  # type: ignore[arg-type]
        lambda: Retry(1, on=OSError),  # type: ignore[arg-type]
        lambda: Retry(1, on=(3,)),  # type: ignore[arg-type]
        lambda: Retry(1, never_on=("OSError",)),  # type: ignore[arg-type]
        lambda: Exponential(-1, 60),
        lambda: Exponential(1, float("nan")),
        lambda: Exponential(1, 60, factor=0.5),
        lambda: Exponential(1, 60, factor=float("nan")),
        lambda: Exponential(1, 60, factor="2"),  # type: ignore[arg-type]
        lambda: Limit(),
        lambda: Limit(0),
        lambda: Limit(rate="100"),
        lambda: Limit(rate="0/min"),
        lambda: Limit(rate="100/fortnight"),
        lambda: Every(0),
        lambda: Every(-5),
        lambda: Every(60, start=datetime(2026, 1, 1)),  # noqa: DTZ001
        lambda: Cron("61 * * * *"),
        lambda: Cron("* * * * *", tz="Nowhere/Land"),
    ],
)
def test_impossible_value_is_refused_where_it_is_written(make: Callable[[], object]) -> None:
    """ConfigError at construction, not when a worker comes to it."""
    with pytest.raises(ConfigError):
        make()


def test_durations_and_seconds_mean_the_same_trigger() -> None:
    """A bare number is seconds."""
    assert Every(timedelta(minutes=1)) == Every(60)


@pytest.mark.parametrize(
    ("query", "none"),
    [
        (Query(), False),
        (Query(newest_first=False), False),
        (Query(kind="a"), False),
        (Query(ids=[]), True),
        (Query(kind=[]), True),
        (Query(state=()), True),
        (Query(ids=[UUID(int=1)], state=[]), True),
    ],
)
def test_query_knows_that_it_can_match_nothing(query: Query, none: bool) -> None:
    """A list that came out empty means nothing, never everything."""
    assert none == query.selects_none


def test_query_takes_one_or_many_of_a_thing() -> None:
    """A single kind or state is a collection of one."""
    assert Query(kind="a", state=State.CREATED) == Query(kind=["a"], state=[State.CREATED])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"state": "completed"}, "'completed'"),
        ({"state": ["completed"]}, "'completed'"),
        ({"ids": ["0123"]}, "uuid.UUID"),
        ({"since": datetime(2026, 1, 1)}, "aware"),  # noqa: DTZ001
        ({"until": 5}, "aware datetime"),
    ],
)
def test_query_for_what_can_not_be_asked_says_so(arguments: dict[str, object], error: str) -> None:
    """The error names what was given, or what is wanted."""
    from rota import RotaError

    with pytest.raises(RotaError, match=error):
        Query(**arguments)  # type: ignore[arg-type]
