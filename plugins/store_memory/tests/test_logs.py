"""Lines and progress."""

import pytest
from plugins.store_memory.tests.lab import Lab

from rota.model.errors import QueryError, UnknownInstance
from rota.model.query import LogFilter, PurgeFilter
from rota.model.records import Ending, LogPage, LogRecord
from rota.model.state import State
from rota.store.contract import MAX_LOG_BYTES, MAX_LOG_LINES


def _line(instance_id: str, n: int, *, token: int = 1, level: int = 20, progress: float | None = None) -> LogRecord:
    return LogRecord(instance_id, token, n, 0, level, f"line {n}", progress=progress)


def test_lines_repeated_are_kept_once(lab: Lab) -> None:
    """(id, token, n) names a line: a repeat adds nothing, also out of order; another attempt's does."""
    one = lab.add()
    lines = [_line(one, 1), _line(one, 3), _line(one, 2)]
    lab.store.append_logs(lines)
    lab.store.append_logs([*lines[::-1], _line(one, 1, token=2)])
    assert (*lines, _line(one, 1, token=2)) == lab.store.logs(LogFilter(id=one)).lines


def test_pages_go_on_at_the_position(lab: Lab) -> None:
    """A page has at most `limit` lines of the level asked for; its position goes past what it left out."""
    one = lab.add()
    lines = [_line(one, n, level=10 * (n % 3)) for n in range(1, 10)]
    lab.store.append_logs(lines)
    loud = tuple(line for line in lines if line.level >= 20)
    first = lab.store.logs(LogFilter(id=one, limit=2, min_level=20))
    assert (loud[:2], 5) == (first.lines, first.position)
    rest = lab.store.logs(LogFilter(id=one, position=first.position, min_level=20))
    assert LogPage(loud[2:], 9) == rest


def test_page_is_final_when_nothing_more_can_come(lab: Lab) -> None:
    """`final` is told with the last lines of a finished instance, not before."""
    one = lab.run()
    lab.store.append_logs([_line(one, 1), _line(one, 2)])
    assert [False, True, True] == [
        lab.store.logs(LogFilter(id=one, position=position, limit=1)).final for position in (0, 1, 2)
    ]


def test_reader_wakes_for_a_line_or_the_end(lab: Lab) -> None:
    """A reader that is ahead blocks until a line it wants comes, the instance ends, or its time is over."""
    one = lab.add()
    wants_loud = lab.blocked(lambda: lab.store.logs(LogFilter(id=one, min_level=40), 60_000))
    lab.store.append_logs([_line(one, 1)])
    lab.until_asleep(1)
    assert not wants_loud.done()
    lab.store.append_logs([_line(one, 2, level=40)])
    assert LogPage((_line(one, 2, level=40),), 2) == wants_loud.result(5)
    timed = lab.blocked(lambda: lab.store.logs(LogFilter(id=one, position=2), 1000))
    lab.clock.advance(1)
    assert LogPage((), 2) == timed.result(5)
    ends = lab.blocked(lambda: lab.store.logs(LogFilter(id=one, position=2), 60_000))
    lab.store.cancel([one])
    assert LogPage((), 2, final=True) == ends.result(5)


def test_progress_is_no_line_and_never_goes_back(lab: Lab) -> None:
    """Only the newest progress is kept, by (token, n)."""
    one = lab.add()
    lab.store.append_logs([_line(one, 2, token=2, progress=0.2), _line(one, 1, token=2, progress=0.1)])
    lab.store.append_logs([_line(one, 9, token=1, progress=0.9)])
    assert (0.2, ()) == (lab.get(one).progress, lab.store.logs(LogFilter(id=one)).lines)


def test_lines_of_one_that_is_not_there_are_dropped(lab: Lab) -> None:
    """Late lines leave nothing behind; reading them says that the instance is unknown."""
    lab.store.append_logs([_line("f" * 32, 1)])
    with pytest.raises(UnknownInstance, match="never was, or it was purged"):
        lab.store.logs(LogFilter(id="f" * 32))


def _append(lab: Lab, instance_id: str, first: int, number: int, text: str = "line") -> None:
    """Lines `first` and on of the first attempt."""
    lines = [LogRecord(instance_id, 1, n, 0, 20, text) for n in range(first, first + number)]
    for start in range(0, number, 1000):
        lab.store.append_logs(lines[start : start + 1000])


def _read_all(lab: Lab, instance_id: str, position: int = 0) -> tuple[list[int], int]:
    """The numbers of all lines from a position on, page by page, and where that ends."""
    found: list[int] = []
    while (page := lab.store.logs(LogFilter(id=instance_id, position=position))).lines:
        found += [line.n for line in page.lines]
        position = page.position
    return found, position


def test_newest_lines_are_kept_and_positions_go_on(lab: Lab) -> None:
    """Beyond the bound the oldest go. A reader whose place is gone gets what is kept, and sees by the position that
    some are missing; one that is ahead goes on as if nothing had happened."""
    one, more = lab.add(), 2500
    _append(lab, one, 1, MAX_LOG_LINES + more)
    kept = list(range(more + 1, MAX_LOG_LINES + more + 1))
    for position in (0, more - 1, more):
        assert (kept, MAX_LOG_LINES + more) == _read_all(lab, one, position)
    assert (kept[7:], MAX_LOG_LINES + more) == _read_all(lab, one, more + 7)
    assert LogPage((), MAX_LOG_LINES + more) == lab.store.logs(LogFilter(id=one, position=MAX_LOG_LINES + more))


@pytest.mark.parametrize("text", ["x" * 100_000, "\u20ac" * 33_000], ids=["ascii", "three bytes each"])
def test_text_of_a_log_is_bounded_in_bytes(lab: Lab, text: str) -> None:
    """Few long lines count as many short ones do, by their length in UTF-8."""
    one, size = lab.add(), len(text.encode())
    _append(lab, one, 1, 50, text)
    fitting = MAX_LOG_BYTES // size
    assert (list(range(51 - fitting, 51)), 50) == _read_all(lab, one)


def test_reader_goes_on_while_lines_are_dropped(lab: Lab) -> None:
    """A follower that keeps up gets each line once, however many have gone by."""
    one, read, position = lab.add(), [], 0
    for step in range(30):
        _append(lab, one, 1 + 700 * step, 700)
        lines, position = _read_all(lab, one, position)
        read += lines
    assert list(range(1, 21_001)) == read


def test_line_that_was_dropped_never_comes_back(lab: Lab) -> None:
    """A batch that is repeated after an unknown outcome adds nothing, though its lines are gone by now; and no more
    names are remembered than lines are kept."""
    one = lab.add()
    _append(lab, one, 1, 1000)
    _append(lab, one, 1001, MAX_LOG_LINES)
    before = _read_all(lab, one)
    _append(lab, one, 1, 1000)
    _append(lab, one, 1001, MAX_LOG_LINES)
    assert before == _read_all(lab, one)
    assert MAX_LOG_LINES == len(lab.store._space.logs[one].seen)


def test_follower_is_woken_by_the_line_after_the_bound(lab: Lab) -> None:
    """A reader that waits at the end is called by the next line, as ever."""
    one = lab.add()
    _append(lab, one, 1, MAX_LOG_LINES + 5)
    waits = lab.blocked(lambda: lab.store.logs(LogFilter(id=one, position=MAX_LOG_LINES + 5), 60_000))
    line = _line(one, MAX_LOG_LINES + 6)
    lab.store.append_logs([line])
    assert LogPage((line,), MAX_LOG_LINES + 6) == waits.result(5)


def _logged(lab: Lab, **fields: object) -> str:
    """A finished instance with two lines and a progress."""
    one = lab.run(**fields)
    lab.store.append_logs([_line(one, 1), _line(one, 2), _line(one, 3, progress=0.5)])
    return one


def _has_lines(lab: Lab, *ids: str) -> list[bool]:
    return [bool(lab.store.logs(LogFilter(id=one)).lines) for one in ids]


def test_drop_takes_the_lines_and_leaves_the_rest(lab: Lab) -> None:
    """The instance stays with its progress; a reader finds nothing, its place counted on; a late line is kept."""
    one, live = _logged(lab), lab.add()
    lab.store.append_logs([_line(live, 1)])
    assert (1, None) == lab.store.drop_logs(PurgeFilter())
    assert (0, None) == lab.store.drop_logs(PurgeFilter())
    assert [False, True] == _has_lines(lab, one, live)
    assert (State.COMPLETED, 0.5) == (lab.state(one), lab.get(one).progress)
    assert LogPage((), 2, final=True) == lab.store.logs(LogFilter(id=one))
    lab.store.append_logs([_line(one, 1), _line(one, 4)])
    assert LogPage((_line(one, 4),), 3, final=True) == lab.store.logs(LogFilter(id=one))


def test_drop_goes_by_the_filter(lab: Lab) -> None:
    """Kinds, states, ids and the window of the end select, as for `purge`."""
    ids = [_logged(lab), _logged(lab, kind="b"), _logged(lab, ending=Ending.TERMINATED)]
    lab.clock.advance(1)
    bound = lab.clock.now_ms()
    ids.append(_logged(lab))
    for query, dropped in [
        (PurgeFilter(kinds=frozenset({"b"})), 1),
        (PurgeFilter(states=frozenset({State.TERMINATED}), ended_until_ms=bound), 2),
        (PurgeFilter(ended_since_ms=bound), 3),
        (PurgeFilter(ids=(ids[0],)), 0),
    ]:
        assert (1, None) == lab.store.drop_logs(query)
        assert not _has_lines(lab, ids[dropped])[0]
    assert [False] * 4 == _has_lines(lab, *ids)


@pytest.mark.parametrize("named", [False, True])
def test_drop_goes_on_at_its_cursor(lab: Lab, named: bool) -> None:
    """Each call looks at `limit` instances, with lines or without; none is missed, though others are purged."""
    ids = [_logged(lab) if n % 2 else lab.run() for n in range(10)]
    query = PurgeFilter(ids=tuple(reversed(ids)) if named else None)
    dropped, cursor = lab.store.drop_logs(query, None, 4)
    assert (2, True) == (dropped, cursor is not None)
    lab.store.purge(PurgeFilter(ids=tuple(ids[2:5])))
    dropped, cursor = lab.store.drop_logs(query, cursor, 4)
    assert (2, True) == (dropped, cursor is not None)
    dropped, cursor = lab.store.drop_logs(query, cursor, 4)
    assert (1, None) == (dropped, cursor)
    assert [False] * 7 == _has_lines(lab, *ids[:2], *ids[5:])


@pytest.mark.parametrize("cursor", ["", "ended-", "ended-x-1", "after-1-a"])
def test_cursor_that_is_none_is_refused(lab: Lab, cursor: str) -> None:
    """Another operation's, say."""
    with pytest.raises(QueryError, match="no cursor"):
        lab.store.drop_logs(PurgeFilter(), cursor)
