"""`Cron` by pinned examples: the year of clock changes, what is read, what is refused, and equality."""

import copy
import pickle
import sys
import time
import timeit
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from rota.engine.cron import Cron
from rota.model.errors import ConfigError

NEW_YORK, BERLIN, LORD_HOWE = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"

_NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _year(expression: str, zone: str, year: int = 2026) -> list[datetime]:
    cron, end = Cron(expression, tz=zone), datetime(year + 1, 1, 1, tzinfo=ZoneInfo(zone))
    found, at_ms = [], cron.next_ms(_ms(datetime(year, 1, 1, tzinfo=ZoneInfo(zone))) - 1)
    while at_ms is not None and at_ms < _ms(end):
        found.append(datetime.fromtimestamp(at_ms // 1000, ZoneInfo(zone)))
        at_ms = cron.next_ms(at_ms)
    return found


@pytest.mark.parametrize("zone", [NEW_YORK, BERLIN, LORD_HOWE, "UTC"])
@pytest.mark.parametrize(
    "expression", ["30 1 * * *", "15 2 * * *", "30 2 * * *", "0 3 * * *", "@daily", "@midnight", "0 0 * * sun-sat"]
)
def test_over_a_year_a_daily_job_runs_once_each_day(expression: str, zone: str) -> None:
    """A fixed-time job runs 365 times in 2026, once on the days when clocks change too."""
    assert 365 == len(_year(expression, zone))
    assert 365 == len({slot.date() for slot in _year(expression, zone)})


@pytest.mark.parametrize(
    ("expression", "zone", "runs"),
    [
        ("0 * * * *", NEW_YORK, 8760),
        ("@hourly", BERLIN, 8760),
        ("0 * * * *", "UTC", 8760),
        ("0 * * * *", LORD_HOWE, 8759),  # its half-hour jump skips 02:00 of the wall clock
        ("30 * * * *", LORD_HOWE, 8761),  # and shows 01:30 twice when it goes back; 02:30 is not skipped
        ("0 */2 * * *", NEW_YORK, 4379),  # 02:00 is skipped in spring; 01:00, the hour shown twice, is odd
        ("@weekly", BERLIN, 52),
        ("@monthly", NEW_YORK, 12),
        ("@yearly", LORD_HOWE, 1),
        ("@annually", LORD_HOWE, 1),
        ("15,30 2 * * *", NEW_YORK, 729),  # both skipped at once in spring: one run right after the jump
        ("0 2,3 * * *", BERLIN, 729),  # what was skipped and what is due then run as one
    ],
)
def test_over_a_year_of_clock_changes_the_runs_are_counted(expression: str, zone: str, runs: int) -> None:
    """The number of runs in 2026, by Vixie's rule."""
    assert runs == len(_year(expression, zone))


def test_hourly_job_runs_every_real_hour() -> None:
    """Over both changes of a year, an hour of real time lies between two runs."""
    assert {timedelta(hours=1)} == {
        b.astimezone(UTC) - a.astimezone(UTC) for a, b in pairwise(_year("@hourly", BERLIN))
    }


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("30 2 * * *", NEW_YORK, "2026-03-07T12:00-05:00", ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]),
        ("15,30 2 * * *", NEW_YORK, "2026-03-08T01:00-05:00", ["2026-03-08T03:00-04:00", "2026-03-09T02:15-04:00"]),
        ("*/30 2 * * *", NEW_YORK, "2026-03-08T01:00-05:00", ["2026-03-09T02:00-04:00", "2026-03-09T02:30-04:00"]),
        ("*/30 * * * *", NEW_YORK, "2026-03-08T01:00-05:00", ["2026-03-08T01:30-05:00", "2026-03-08T03:00-04:00"]),
        ("30 1 * * *", NEW_YORK, "2026-11-01T01:00-04:00", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
        ("30 1 * * *", NEW_YORK, "2026-11-01T01:10-05:00", ["2026-11-02T01:30-05:00"]),  # within the second pass
        ("30 * * * *", NEW_YORK, "2026-11-01T01:00-04:00", ["2026-11-01T01:30-04:00", "2026-11-01T01:30-05:00"]),
        ("5 * * * *", NEW_YORK, "2026-11-01T01:30-04:00", ["2026-11-01T01:05-05:00", "2026-11-01T02:05-05:00"]),
        ("15 2 * * *", LORD_HOWE, "2026-10-03T12:00+10:30", ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-05T01:00+11:00", ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"]),
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-29T13:00-10:00", ["2011-12-31T00:00+14:00"]),  # a day skipped
        ("0 0 29 2 *", "UTC", "2096-03-01T00:00+00:00", ["2104-02-29T00:00+00:00"]),
    ],
)
def test_on_the_day_of_a_change_the_next_runs_are(expression: str, zone: str, after: str, expected: list[str]) -> None:
    """The instants around a change of clocks, with the offset that the wall clock has then."""
    slots = Cron(expression, tz=zone).next(datetime.fromisoformat(after), len(expected))
    assert expected == [slot.isoformat(timespec="minutes") for slot in slots]


@pytest.mark.parametrize(
    ("expression", "zone", "until", "expected"),
    [
        ("59 * * * *", NEW_YORK, "2026-03-08T03:00-04:00", "2026-03-08T01:59-05:00"),  # 02:59 is skipped
        ("*/59 * * * *", NEW_YORK, "2026-03-08T03:00-04:00", "2026-03-08T03:00-04:00"),
        ("59 1,2 * * *", NEW_YORK, "2026-03-08T03:00-04:00", "2026-03-08T03:00-04:00"),
        ("59 1,2 * * *", NEW_YORK, "2026-03-08T01:59:59.999-05:00", "2026-03-08T01:59-05:00"),
        ("45 * * * *", NEW_YORK, "2026-11-01T01:44-05:00", "2026-11-01T01:45-04:00"),  # second pass, not yet
        ("59 * * * *", NEW_YORK, "2026-11-01T01:00-05:00", "2026-11-01T01:59-04:00"),
        ("45 * * * *", NEW_YORK, "2026-11-01T01:45-05:00", "2026-11-01T01:45-05:00"),
        ("45 1 * * *", NEW_YORK, "2026-11-01T01:50-05:00", "2026-11-01T01:45-04:00"),
        ("*/7 1 * * *", LORD_HOWE, "2026-04-05T01:34+10:30", "2026-04-05T01:56+11:00"),
    ],
)
def test_on_the_day_of_a_change_the_latest_run_is(expression: str, zone: str, until: str, expected: str) -> None:
    """The last run up to an instant, found from behind."""
    until_ms = _ms(datetime.fromisoformat(until))
    assert _ms(datetime.fromisoformat(expected)) == Cron(expression, tz=zone).latest_ms(until_ms, 0)


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 0 13 * 5", [2, 9, 13, 16, 23, 30]),  # both restricted: either
        ("0 0 13 * */5", []),  # one begins with a star: both (13 January 2026 is a Tuesday)
        ("0 0 */4 * 2", [13]),  # the same on the other side
        ("0 0 1-31 * 5", list(range(1, 32))),  # all days written as a range are a restriction
        ("0 0 1-31 * *", list(range(1, 32))),
        ("0 0 * * 0-6", list(range(1, 32))),
        ("0 0 31 2 1", []),  # an impossible date beside a weekday leaves the weekday, in February
        ("0 0 10-10 1-1 *", [10]),
        ("0 0 10 2-2 *", []),  # a month written as a range of one is that month, not every month
        ("0 0 * * 5-7", [2, 3, 4, 9, 10, 11, 16, 17, 18, 23, 24, 25, 30, 31]),
        ("0 0 * * sat-SUN", [3, 4, 10, 11, 17, 18, 24, 25, 31]),
        ("0 0 * * 7", [4, 11, 18, 25]),
        ("0 0 * * 7-7", [4, 11, 18, 25]),
        ("0 0 * * sun-sun", [4, 11, 18, 25]),
        ("0 0 * * 7-1", [4, 5, 11, 12, 18, 19, 25, 26]),
        ("0 0 * * 7/6", [3, 4, 10, 11, 17, 18, 24, 25, 31]),
        ("0 0 * * 0-7", list(range(1, 32))),
        ("0 0 * * sun-7", list(range(1, 32))),
        ("0 0 25/2 jan *", [25, 27, 29, 31]),
        ("0 0 31/3 * *", [31]),  # a start at the end of the field is that one
    ],
)
def test_day_fields_name_the_days_that_cron_means(expression: str, days: list[int]) -> None:
    """Each expression's days of January 2026, by crontab(5)."""
    assert days == [slot.day for slot in _year(expression, "UTC") if slot.month == 1]


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("0 0 0 * * *", r"6 fields.*write five.*rota\.Every"),
        ("0 0 0 * * * 2026", r"7 fields.*write five"),
        ("@reboot", r"@reboot names no time.*job\.schedule\(\)"),
        ("@every 5m", r"rota\.Every"),
        ("@fortnightly", r"none of the known names.*@weekly"),
        ("@daily *", r"none of the known names"),
        ("", r"five fields are needed, there are 0"),
        ("hourly", r"five fields are needed, there is 1"),
        ("60 * * * *", r"'60'.*'minute'; write 0-59"),
        ("* 24 * * *", r"'24'.*'hour'; write 0-23"),
        ("* * 0 * *", r"'0'.*'day of month'; write 1-31"),
        ("* * * 13 *", r"'13'.*'month'; write 1-12 or jan-dec"),
        ("* * * * 8", r"'8'.*'day of week'; write 0-6 or sun-sat"),
        ("* * * * foo", r"'foo'.*'day of week'"),
        ("mon * * * *", r"'mon'.*'minute'"),
        ("*/0 * * * *", r"'\*/0'.*a step is 1 or more"),
        ("-5 * * * *", r"'-5'.*'minute'"),
        ("5, * * * *", r"''.*'minute'"),
        ("* 22-2 * * *", r"'22-2'.*write 22-23,0-2"),
        ("* * * * fri-mon", r"'fri-mon'.*write 5-6,0-1"),
        ("* * L * *", r"'l'.*'day of month'"),
        ("* * 15W * *", r"'15w'"),
        ("* * * * 2#3", r"'2#3'"),
        ("H * * * *", r"'h'.*'minute'"),
        ("0 0 ? * *", r"'\?'"),
        ("\u0663 * * * *", r"'minute'"),
        ("0 0 31 2 *", r"no day 31 ever comes in Feb"),
        ("0 0 31 apr,jun *", r"no day 31 ever comes in Apr, Jun"),
        ("0 0 30,31 2 */2", r"no day 30,31 ever comes in Feb"),
        (5, r"text of five fields"),
    ],
)
def test_expression_that_is_no_cron_is_refused_where_it_is_written(expression: str, says: str) -> None:
    """The error comes at construction, quotes the expression and says what to write instead."""
    with pytest.raises(ConfigError, match=f"(?s){says}") as refusal:
        Cron(expression)
    assert f"Cron({expression!r})" in str(refusal.value)


class _Homemade(tzinfo):
    """A zone without a name."""


@pytest.mark.parametrize(
    "tz",
    ["Mars/Olympus", "", "../UTC", "Europe", "localtime", "+5:30", "+24:00", timezone(timedelta(seconds=30)),
     _Homemade(), None],
)  # fmt: skip
def test_zone_that_cannot_be_found_again_is_refused(tz: str | tzinfo) -> None:
    """A trigger runs on other machines: its zone must have a name or an offset in whole minutes."""
    with pytest.raises(ConfigError, match=r"Cron\('@daily'\).*(tz|time zone)"):
        Cron("@daily", tz=tz)


@pytest.mark.parametrize(
    ("tz", "name"),
    [
        (BERLIN, BERLIN),
        (ZoneInfo(BERLIN), BERLIN),
        (UTC, "UTC"),
        ("+00:00", "UTC"),
        (timezone(timedelta(hours=5, minutes=30)), "+05:30"),
        (timezone(-timedelta(hours=3, minutes=30)), "-03:30"),
        ("-03:30", "-03:30"),
    ],
)
def test_zone_is_kept_by_name_or_offset(tz: str | tzinfo, name: str) -> None:
    """However a zone is given, its stored form makes an equal trigger."""
    cron = Cron("0 12 * * *", tz=tz)
    assert name == cron.tz
    assert cron == Cron("0 12 * * *", tz=cron.tz)
    assert cron.next_ms(0) == Cron("0 12 * * *", tz=cron.tz).next_ms(0)


def test_offset_counts_eastwards() -> None:
    """As in ISO 8601: noon at -03:30 is half past three in the afternoon, UTC."""
    assert datetime(2026, 1, 1, 15, 30, tzinfo=UTC) == Cron("0 12 * * *", tz="-03:30").next(_NEW_YEAR)[0]
    assert datetime(2026, 1, 1, 6, 30, tzinfo=UTC) == Cron("0 12 * * *", tz="+05:30").next(_NEW_YEAR)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("@daily", "0 0 * * *"),
        ("0 0 * * MON-fri", "0  0 * * 1,2,3,4,5"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("*/1 * * * *", "* * * * *"),
        ("0,15,30,45 * * * *", "0-59/15 * * * *"),
        ("05 1-1 * jan *", "5 1 * 1 *"),
    ],
)
def test_two_spellings_of_a_rule_are_equal(one: str, other: str) -> None:
    """Equality and hash go by the normal form."""
    assert Cron(one) == Cron(other)
    assert hash(Cron(one)) == hash(Cron(other))


@pytest.mark.parametrize(
    ("expression", "normal"),
    [
        ("@hourly", "0 * * * *"),
        ("0,30 1,2 1,2,3 */1 mon,wed,fri", "0,30 1,2 1-3 * 1-5/2"),
        ("5,*/20 */20,5,7 * jan-mar,12 *", "0,5,20,40 */20,5,7 * 1-3,12 *"),
        ("0-59 0-23 1-31 1-12 0-7", "0-59 0-23 1-31 1-12 0-6"),
        ("1-59/2 */99 7 7 7", "1-59/2 */99 7 7 0"),
    ],
)
def test_normal_form_is_short_and_legible(expression: str, normal: str) -> None:
    """Numbers for names, sorted, no repetition; a star in front stays, since it means something."""
    assert normal == Cron(expression).expression


@pytest.mark.parametrize(
    "other",
    [Cron("*/5 * * * *", tz="UTC"), Cron("*/5 * * * *", tz=BERLIN, jitter=1), Cron("0-59/5 * * * *", tz=BERLIN), "x"],
)
def test_another_zone_jitter_or_star_is_another_rule(other: object) -> None:
    """`0-59/5` is no `*/5`: without the star it is a fixed-time job."""
    assert Cron("*/5 * * * *", tz=BERLIN) != other


def test_value_is_frozen_and_travels() -> None:
    """It can't be changed, and copies and pickles are equal and work."""
    cron = Cron("30 2 * * mon", tz=BERLIN, jitter=timedelta(seconds=1.5))
    with pytest.raises(AttributeError):
        cron.tz = "UTC"  # type: ignore[misc]
    for twin in (pickle.loads(pickle.dumps(cron)), copy.deepcopy(cron), copy.copy(cron)):  # noqa: S301
        assert cron == twin
        assert cron.next_ms(0) == twin.next_ms(0)
    assert "Cron('30 2 * * 1', tz='Europe/Berlin', jitter=1.5)" == repr(cron)
    assert 1500 == cron.jitter_ms


def test_next_is_aware_in_the_zone_and_strictly_after() -> None:
    """`next` answers datetimes of the trigger's zone, never `after` itself, and as many as asked for."""
    cron = Cron("0 9 * * *", tz=BERLIN)
    nine = datetime(2026, 1, 5, 9, tzinfo=ZoneInfo(BERLIN))
    assert [nine + timedelta(days=1), nine + timedelta(days=2)] == cron.next(nine, 2)
    assert [nine] == cron.next(nine - timedelta(microseconds=1))
    assert cron.next(nine, 0) == []
    assert "Europe/Berlin" == str(cron.next(nine)[0].tzinfo)


@pytest.mark.parametrize(("after", "count"), [(datetime(2026, 1, 1), 1), ("2026", 1), (datetime.now(UTC), -1)])  # noqa: DTZ001
def test_next_of_what_names_no_instant_is_refused(after: datetime, count: int) -> None:
    """A naive datetime has no place on the line of instants."""
    with pytest.raises(ConfigError, match=r"Cron\.next"):
        Cron("@daily").next(after, count)


def test_at_the_ends_of_the_calendar_there_is_an_answer() -> None:
    """No instant overflows: beyond the calendar there is just no slot."""
    cron = Cron("@daily", tz=NEW_YORK)
    assert cron.next(datetime.max.replace(tzinfo=UTC)) == []
    assert cron.next_ms(10**18) is None
    assert cron.latest_ms(-(10**18), -(10**19)) is None
    assert cron.next_ms(-(10**18)) is not None
    assert cron.latest_ms(10**18, 0) is not None
    assert cron.next(datetime.min.replace(tzinfo=UTC))


def test_latest_looks_only_between_the_bounds() -> None:
    """The window is open at `after_ms` and closed at `until_ms`."""
    cron, noon_ms = Cron("0 12 * * *"), _ms(datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert noon_ms == cron.latest_ms(noon_ms, noon_ms - 1)
    assert cron.latest_ms(noon_ms, noon_ms) is None
    assert cron.latest_ms(noon_ms - 1, noon_ms - 60_000) is None
    assert noon_ms == cron.latest_ms(noon_ms + 3_600_000, 0)


def test_latest_after_a_year_away_costs_no_more_than_after_a_minute() -> None:
    """The last of half a million missed slots is found without walking through them."""
    cron, now_ms = Cron("* * * * *", tz=BERLIN), _ms(datetime(2026, 7, 1, tzinfo=UTC))
    begun = time.process_time()
    for _ in range(20):
        assert now_ms == cron.latest_ms(now_ms, now_ms - 365 * 86_400_000)
    assert time.process_time() - begun < 0.5


def test_date_that_never_comes_beside_a_weekday_costs_nothing() -> None:
    """31 February is not searched for through the decades each time, which takes some twenty times as long."""
    with_date, without = Cron("0 0 31 2 mon"), Cron("0 0 * 2 mon")
    assert without.next(_NEW_YEAR, 9) == with_date.next(_NEW_YEAR, 9)
    assert _cpu_s(with_date) < 6 * _cpu_s(without)


def _cpu_s(cron: Cron) -> float:
    return min(timeit.repeat(lambda: cron.next_ms(0), timer=time.process_time, number=50, repeat=5))


def test_many_threads_share_one_trigger() -> None:
    """A `Cron` in a module is used by all threads of a process at once."""
    cron, instants = Cron("*/7 3 * * mon-fri", tz=BERLIN), [n * 86_400_000 * 29 for n in range(150)]
    expected, interval = [cron.next_ms(at_ms) for at_ms in instants], sys.getswitchinterval()
    try:
        sys.setswitchinterval(1e-6)
        with ThreadPoolExecutor(4) as pool:
            walks = [pool.submit(lambda: [cron.next_ms(at_ms) for at_ms in instants]) for _ in range(8)]
            assert [expected] * 8 == [walk.result() for walk in walks]
    finally:
        sys.setswitchinterval(interval)


def test_import_brings_no_heavy_module() -> None:
    """Croniter and zoneinfo wait until a `Cron` is made: `import rota` stays fast."""
    import subprocess

    code = "import sys, rota.engine.cron; print([m for m in ('croniter', 'dateutil', 'zoneinfo') if m in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "[]" == output.strip()
