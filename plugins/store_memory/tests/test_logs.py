"""Lines and progress."""

import pytest
from plugins.store_memory.tests.lab import Lab

from rota.model.errors import UnknownInstance
from rota.model.query import LogFilter
from rota.model.records import LogPage, LogRecord


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
