"""LOG: the lines and the progress of instances."""

import pytest

from rota.model.errors import UnknownInstance
from rota.model.query import LogFilter, PurgeFilter
from rota.model.records import Ending, LogPage, LogRecord
from rota.store.contract import MAX_LOG_BYTES, MAX_LOG_LINES
from rota_conformance.hostile import TEXTS, huge_text
from rota_conformance.lab import Lab
from rota_conformance.recorder import proves

_LONG_MS = 600_000


def _line(
    one: str, n: int, text: str = "", *, token: int = 1, level: int = 20, progress: float | None = None
) -> LogRecord:
    return LogRecord(one, token, n, 1_000 + n, level, text or f"line {n}", progress=progress)


def _read(lab: Lab, one: str, limit: int = 1_000, min_level: int = 0) -> list[LogRecord]:
    """All lines, page by page."""
    found: list[LogRecord] = []
    position = 0
    while True:
        page = lab.store.logs(LogFilter(id=one, position=position, limit=limit, min_level=min_level))
        assert len(page.lines) <= limit
        if not page.lines and page.position == position:
            return found
        found += page.lines
        position = page.position


@proves("LOG-1")
def test_lines_come_in_order_each_once(lab: Lab) -> None:
    """As they were written, over any number of pages, to any client; a line has all that it was given."""
    one, other = lab.add(), lab.add()
    lines = [LogRecord(one, 1 + n // 5, n, 7 * n, 10 * (n % 5), f"text {n}", attempt=1 + n // 5) for n in range(1, 24)]
    for start in range(0, len(lines), 4):
        lab.store.append_logs([*lines[start : start + 4], _line(other, start + 1)])
    assert lines == list(lab.client().logs(LogFilter(id=one)).lines)
    for limit in (1, 5, 23, 100):
        assert lines == _read(lab, one, limit)


@proves("LOG-1")
def test_page_goes_on_at_its_position(lab: Lab) -> None:
    """The position goes past what a page left out; lines under the level asked for are left out."""
    one = lab.add()
    lines = [_line(one, n, level=10 * (n % 3)) for n in range(1, 10)]
    lab.store.append_logs(lines)
    loud = [line for line in lines if line.level >= 20]
    first = lab.store.logs(LogFilter(id=one, limit=2, min_level=20))
    assert tuple(loud[:2]) == first.lines
    rest = lab.store.logs(LogFilter(id=one, position=first.position, min_level=20))
    assert tuple(loud[2:]) == rest.lines
    assert loud == _read(lab, one, 1, min_level=20)
    assert LogPage((), rest.position) == lab.store.logs(LogFilter(id=one, position=rest.position))
    later = _line(one, 10)
    lab.store.append_logs([later])
    assert (later,) == lab.store.logs(LogFilter(id=one, position=rest.position)).lines


@proves("LOG-1")
def test_page_is_final_with_the_last_lines_of_what_has_ended(lab: Lab) -> None:
    """Not while there are more lines, nor while more may come."""
    one = lab.add()
    claim = lab.claim_one()
    lab.store.append_logs([_line(one, 1), _line(one, 2)])
    assert not lab.store.logs(LogFilter(id=one)).final
    lab.settle(claim)
    pages = []
    page = lab.store.logs(LogFilter(id=one, limit=1))
    while True:
        pages.append((len(page.lines), page.final))
        if page.final:
            break
        page = lab.store.logs(LogFilter(id=one, limit=1, position=page.position))
    assert (2, True) == (sum(number for number, _ in pages), pages[-1][1])
    assert not pages[0][1]
    assert LogPage((), 0, True) == lab.store.logs(LogFilter(id=lab.run()))


@proves("LOG-1", "ENQ-10")
def test_lines_of_any_text_are_kept(lab: Lab) -> None:
    """What a job writes comes back as it was, a megabyte of it too."""
    one = lab.add()
    texts = [*TEXTS, huge_text(100_000), ""]
    lab.store.append_logs([LogRecord(one, 1, n, 0, 20, text) for n, text in enumerate(texts, 1)])
    assert texts == [line.message for line in _read(lab, one)]
    large = huge_text()[: MAX_LOG_BYTES // 2]
    two = lab.add()
    lab.store.append_logs([_line(two, 1, large)])
    assert [large] == [line.message for line in _read(lab, two)]


@proves("LOG-2")
def test_line_again_is_one_line(lab: Lab) -> None:
    """(id, token, n) names a line: a repeat adds nothing, also out of order; another attempt's does."""
    one = lab.add()
    lines = [_line(one, 1), _line(one, 3), _line(one, 2)]
    lab.store.append_logs(lines)
    lab.client().append_logs([*lines[::-1], _line(one, 1, token=2)])
    lab.store.append_logs(lines)
    assert [*lines, _line(one, 1, token=2)] == _read(lab, one)


@proves("LOG-2")
def test_line_of_an_instance_that_is_gone_is_dropped(lab: Lab) -> None:
    """Late lines leave nothing behind, also when the id comes anew; reading what is not there says so."""
    one = lab.run()
    lab.store.append_logs([_line(one, 1)])
    lab.purge_all()
    lab.store.append_logs([_line(one, 2), _line("f" * 32, 1)])
    for unknown in (one, "f" * 32):
        with pytest.raises(UnknownInstance):
            lab.store.logs(LogFilter(id=unknown))
    lab.add(id=one)
    assert LogPage((), 0) == lab.store.logs(LogFilter(id=one))
    lab.store.append_logs([_line(one, 1)])
    assert [_line(one, 1)] == _read(lab, one), "a name of the former life is free"


@proves("LOG-2")
def test_lines_of_what_has_ended_are_kept(lab: Lab) -> None:
    """The last lines of an attempt may come after its settle."""
    one = lab.run()
    lab.store.append_logs([_line(one, 1)])
    assert [_line(one, 1)] == _read(lab, one)


@proves("LOG-3")
def test_last_progress_is_kept_whatever_the_order(lab: Lab) -> None:
    """By (token, n), not by arrival; it is no line, and it is seen on the instance by whoever looks."""
    one, other = lab.add(), lab.add()
    assert (None, "") == (lab.get(one).progress, lab.get(one).progress_message)
    lab.store.append_logs([_line(one, 2, "two", token=2, progress=0.2), _line(one, 1, "one", token=2, progress=0.1)])
    lab.client().append_logs([_line(one, 9, "old", token=1, progress=0.9)])
    assert (0.2, "two") == (lab.get(one).progress, lab.get(one).progress_message)
    lab.store.append_logs([_line(one, 10, token=2, progress=0.0), _line(one, 3, token=2)])
    assert 0.0 == lab.get(one).progress, "n counts as a number"
    assert [_line(one, 3, token=2)] == _read(lab, one)
    lab.store.append_logs([_line(one, 1, "\0é", token=10, progress=1.0)])
    assert (1.0, "\0é") == (lab.get(one).progress, lab.get(one).progress_message)
    assert lab.get(other).progress is None


@proves("LOG-4")
def test_log_is_bounded_in_lines(lab: Lab) -> None:
    """The newest stay, positions go on counting, so that a reader notices what was dropped."""
    one, more = lab.add(), 700
    total = MAX_LOG_LINES + more
    for start in range(1, total + 1, 500):
        lab.store.append_logs([_line(one, n) for n in range(start, min(start + 500, total + 1))])
    lines = _read(lab, one)
    assert (more + 1, total) == (lines[0].n, lines[-1].n)
    assert MAX_LOG_LINES == len(lines)
    first = lab.store.logs(LogFilter(id=one, limit=1))
    assert more + 1 == first.position, "one line from the oldest one that is kept"
    assert total == lab.store.logs(LogFilter(id=one, position=total - 10)).position
    assert 10 == len(lab.store.logs(LogFilter(id=one, position=total - 10)).lines)


@proves("LOG-4")
def test_log_is_bounded_in_bytes(lab: Lab) -> None:
    """The text counts in UTF-8; the newest lines that fit stay, one line of each instance for itself."""
    one, other = lab.add(), lab.add()
    text = "é" * 25_000
    each = len(text.encode())
    lab.store.append_logs([_line(other, 1)])
    for n in range(1, 31):
        lab.store.append_logs([_line(one, n, text)])
    kept = MAX_LOG_BYTES // each
    assert list(range(31 - kept, 31)) == [line.n for line in _read(lab, one)]
    assert 30 == lab.store.logs(LogFilter(id=one, position=29)).position
    assert [_line(other, 1)] == _read(lab, other)


@proves("LOG-5")
def test_reader_that_waits_gets_the_next_line(lab: Lab) -> None:
    """It comes back for a line that it wants, written by whichever client; another instance's is none."""
    one, other = lab.add(), lab.add()
    reading = lab.blocked(lambda: lab.store.logs(LogFilter(id=one, min_level=40), _LONG_MS))
    writer = lab.client()
    writer.append_logs([_line(one, 1), _line(other, 1, level=40)])
    assert not reading.done()
    writer.append_logs([_line(one, 2, level=40)])
    assert (_line(one, 2, level=40),) == lab.answer(reading).lines


@proves("LOG-5")
@pytest.mark.parametrize("how", ["cancel", "settle", "over"])
def test_reader_that_waits_is_told_of_the_end(lab: Lab, how: str) -> None:
    """When the instance ends it comes back, final; when its time is over, not final."""
    one = lab.add()
    claim = lab.claim_one() if how == "settle" else None
    reading = lab.blocked(lambda: lab.store.logs(LogFilter(id=one), 2 * lab.unit_ms if how == "over" else _LONG_MS))
    if claim is not None:
        lab.settle(claim, Ending.TERMINATED)
    elif how == "cancel":
        lab.store.cancel([one])
    else:
        lab.pass_units(2)
    page = lab.answer(reading)
    assert ((), how != "over") == (page.lines, page.final)


@proves("LOG-5")
def test_reader_of_what_is_there_does_not_wait(lab: Lab) -> None:
    """Lines that are there, or the end, come at once."""
    one, ended = lab.add(), lab.run()
    lab.store.append_logs([_line(one, 1)])
    pages = [lab.background(lambda one=one: lab.store.logs(LogFilter(id=one), _LONG_MS)) for one in (one, ended)]  # type: ignore[misc]
    assert [(1, False), (0, True)] == [(len(lab.answer(page).lines), lab.answer(page).final) for page in pages]


def _drop_all(lab: Lab, query: PurgeFilter, limit: int = 1_000) -> int:
    """Drop until the end; how many instances lost lines."""
    total, cursor = 0, None
    while True:
        dropped, cursor = lab.store.drop_logs(query, cursor, limit)
        assert dropped <= limit
        total += dropped
        if cursor is None:
            return total


@proves("LOG-6")
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_lines_of_what_has_ended_are_dropped(lab: Lab, limit: int) -> None:
    """The instance stays as it is, with its progress and history; what is not final keeps its lines."""
    ended = [lab.run() for _ in range(5)]
    live = lab.add()
    for one in (*ended, live):
        lab.store.append_logs([_line(one, 1), _line(one, 2), _line(one, 3, progress=0.5)])
    silent = lab.run()
    before = lab.store.get([*ended, live, silent]), lab.store.history([*ended, live, silent])
    assert 5 == _drop_all(lab, PurgeFilter(), limit)
    assert [[]] * 5 == [_read(lab, one) for one in ended]
    assert 2 == len(_read(lab, live))
    assert before == (lab.store.get([*ended, live, silent]), lab.store.history([*ended, live, silent]))
    assert 0 == _drop_all(lab, PurgeFilter(), limit)


@proves("LOG-6")
def test_only_lines_of_what_matches_are_dropped(lab: Lab) -> None:
    """By kind, state, id and time of the end, half open, as a purge selects."""
    first = lab.run(Ending.TERMINATED, kind="a")
    lab.pass_units(0.1)
    second = lab.run(kind="a")
    lab.pass_units(0.1)
    third = lab.run(kind="b")
    ended_ms = lab.get(second).ended_ms
    assert ended_ms is not None
    everything = {first, second, third}
    for n, (query, expected) in enumerate((
        (PurgeFilter(kinds=frozenset({"b"})), {third}),
        (PurgeFilter(ids=(second, "f" * 32)), {second}),
        (PurgeFilter(ended_until_ms=ended_ms), {first}),
        (PurgeFilter(ended_since_ms=ended_ms), {second, third}),
        (PurgeFilter(ended_since_ms=ended_ms, ended_until_ms=ended_ms + 1), {second}),
        (PurgeFilter(kinds=frozenset()), set()),
    )):  # fmt: skip
        lab.store.append_logs([_line(one, 1, token=n + 1) for one in everything])
        assert (n, len(expected)) == (n, _drop_all(lab, query))
        assert (n, expected) == (n, {one for one in everything if not _read(lab, one)})


@proves("LOG-6")
def test_dropped_lines_leave_the_position_where_it_was(lab: Lab) -> None:
    """A reader that goes on later gets what comes after; a line that was dropped is not written anew."""
    one = lab.run()
    lab.store.append_logs([_line(one, 1), _line(one, 2)])
    position = lab.store.logs(LogFilter(id=one)).position
    assert 1 == _drop_all(lab, PurgeFilter())
    lab.store.append_logs([_line(one, 3)])
    assert (_line(one, 3),) == lab.store.logs(LogFilter(id=one, position=position)).lines
