"""What a cleaner removes: the whole decision, from how long things are kept to filters of the store."""

import pytest

from rota.engine.retention import beyond_count, expired_instances, expired_logs
from rota.model.policy import Keep
from rota.model.query import PurgeFilter
from rota.model.records import WEEK_MS, KeepRecord
from rota.model.state import FINAL_STATES, State

NOW_MS = 1_000_000_000_000
KINDS = frozenset({"a"})
FAILED = frozenset({State.TERMINATED, State.TIMED_OUT})
OTHERS = frozenset({State.COMPLETED, State.CANCELED})


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (KeepRecord(), [(FINAL_STATES, WEEK_MS)]),
        (KeepRecord(5, 5), [(FINAL_STATES, 5)]),
        (KeepRecord(0, 0), [(FINAL_STATES, 0)]),
        (KeepRecord(5, 50), [(OTHERS, 5), (FAILED, 50)]),
        (KeepRecord(50, 5), [(OTHERS, 50), (FAILED, 5)]),
        (KeepRecord(5, None), [(OTHERS, 5)]),
        (KeepRecord(None, 5), [(FAILED, 5)]),
        (KeepRecord(None, None, count=3), []),
        (Keep(60).to_record(), [(FINAL_STATES, 60_000)]),
        (Keep(60, failed=None).to_record(), [(OTHERS, 60_000)]),
        (Keep(None).to_record(), []),
    ],
)
def test_ages_become_filters(keep: KeepRecord, expected: list[tuple[frozenset[State], int]]) -> None:
    """Failed ones go by their own age, sooner or later than the others; no bound means no filter, never all."""
    filters = [
        PurgeFilter(kinds=KINDS, states=states, ended_until_ms=NOW_MS - age_ms + 1) for states, age_ms in expected
    ]
    assert filters == expired_instances("a", keep, NOW_MS)


@pytest.mark.parametrize(
    ("count", "counts", "expected"),
    [
        (None, {State.COMPLETED: 10**6}, 0),
        (10, {}, 0),
        (10, {State.COMPLETED: 9, State.PROCESSING: 5, State.SCHEDULED: 5, State.CREATED: 5}, 0),
        (10, {State.COMPLETED: 10}, 0),
        (10, {State.COMPLETED: 11}, 1),
        (10, {State.COMPLETED: 4, State.TERMINATED: 4, State.CANCELED: 4, State.TIMED_OUT: 4}, 6),
    ],
)
def test_count_bounds_all_that_have_ended(count: int | None, counts: dict[State, int], expected: int) -> None:
    """The live ones are not counted, however many there are."""
    assert expected == beyond_count(KeepRecord(count=count), counts)


@pytest.mark.parametrize(
    ("logs_ms", "done_ms", "since_ms"),
    [
        (100, None, None),
        (100, NOW_MS - 1000, NOW_MS - 1000),
        (100, NOW_MS - 100, NOW_MS - 100),
        (0, NOW_MS - 100, NOW_MS - 100),
    ],
)
def test_logs_go_from_where_the_last_run_ended(logs_ms: int, done_ms: int | None, since_ms: int | None) -> None:
    """The window rolls: it begins at the bound of the run before, and ends at the present one."""
    wanted = PurgeFilter(kinds=KINDS, ended_since_ms=since_ms, ended_until_ms=NOW_MS - logs_ms + 1)
    assert wanted == expired_logs("a", KeepRecord(logs_ms=logs_ms), NOW_MS, done_ms)


@pytest.mark.parametrize(("logs_ms", "done_ms"), [(None, None), (None, 5), (100, NOW_MS - 99), (100, NOW_MS + 5)])
def test_nothing_new_is_no_window(logs_ms: int | None, done_ms: int | None) -> None:
    """Without a bound, right after a run, and when the bound was moved back."""
    assert expired_logs("a", KeepRecord(logs_ms=logs_ms), NOW_MS, done_ms) is None
