"""The cleaners of history and logs: what they remove, in which steps, and what they leave."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from core.tests.client.managers import ByHand, Watched, managed, store_of

from rota import ConfigError, Context, Keep, Manager, Query, State
from rota.client.cleaners import clean_history, clean_logs
from rota.model.errors import JobCanceled
from rota.model.query import LogFilter
from rota.model.records import Ending, LogRecord, Outcome, WorkerRecord
from rota.runtime.maintenance import Maintenance
from rota.testing import FakeClock

HOUR_S, DAY_S = 3600, 86_400


@pytest.fixture(autouse=True)
def _with_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is unless somebody turns it off; the other tests do."""
    monkeypatch.delenv("ROTA_DISABLE_PLUGINS")


class Attempt:
    """What stands behind the context of a cleaner that runs here; canceled at the `canceled_at`-th check."""

    def __init__(self, client: object, canceled_at: int | None = None) -> None:
        self.client = client
        self.checks = 0
        self.reported: list[tuple[float, str]] = []
        self._canceled_at = canceled_at

    def check(self) -> None:
        """Count, and raise when it is time to."""
        self.checks += 1
        if self.checks == self._canceled_at:
            raise JobCanceled

    def progress(self, fraction: float, message: str) -> None:
        """Note it."""
        self.reported.append((fraction, message))


def _clean(cleaner: Callable[[Context], dict[str, int]], attempt: Attempt) -> dict[str, int]:
    return cleaner(Context(cast(Any, attempt)))


def _publish(manager: Manager, **kinds: Keep | float | None) -> None:
    """Kinds with what they say of retention."""
    for kind, keep in kinds.items():
        manager.job(lambda: None, kind=kind, keep=keep)
    store_of(manager).put_kinds([manager[kind].definition.descriptor() for kind in kinds])


class Producer(ByHand):
    """Makes finished instances, with a line of log each."""

    def make(self, kind: str, number: int = 1, ending: Ending = Ending.COMPLETED) -> list[str]:
        """Schedule, log and end so many; their ids."""
        ids = [one.id.hex for one in self._manager.schedule_many([self._manager.remote(kind).call()] * number)]
        self.store.append_logs([LogRecord(one, 1, 1, 0, 20, "a line") for one in ids])
        while self.end(kind, ending=ending):
            pass
        return ids

    def __init__(self, manager: Manager) -> None:
        super().__init__(manager, "producer")
        self._manager = manager

    def logged(self, ids: list[str]) -> int:
        """How many of them have lines."""
        return sum(bool(self.store.logs(LogFilter(id=one)).lines) for one in ids)


def test_each_kind_goes_by_what_it_says() -> None:
    """Age, an age for failed ones, a count of the newest; a week where nobody says anything; for ever by None."""
    clock = FakeClock()
    with managed(clock) as manager:
        _publish(manager, short=HOUR_S, ever=None, failed=Keep(HOUR_S, failed=DAY_S), few=Keep(None, count=3))
        producer = Producer(manager)
        for kind in ("short", "ever", "failed", "unpublished"):
            producer.make(kind)
        for ending in (Ending.TERMINATED, Ending.TIMED_OUT, Ending.CANCELED):
            producer.make("failed", ending=ending)
        few = [producer.make("few", ending=[*Ending][n % 4])[0] for n in range(5)]
        live = manager.remote("short").options(after=60 * DAY_S).schedule()
        attempt = Attempt(manager)
        assert {"few": 2} == _clean(clean_history, attempt)
        assert sorted(few[2:]) == sorted(one.id.hex for one in manager.scan(Query(kind="few")))
        assert [(1 / 5, "ever"), (1, "unpublished")] == [attempt.reported[0], attempt.reported[-1]]
        clock.advance(HOUR_S)
        assert {"short": 1, "failed": 2} == _clean(clean_history, attempt)
        clock.advance(DAY_S)
        assert {"failed": 2} == _clean(clean_history, attempt)
        clock.advance(7 * DAY_S)
        assert {"unpublished": 1} == _clean(clean_history, attempt)
        assert {} == _clean(clean_history, attempt)
        assert {"ever": 1, "few": 3, "short": 1} == {one.kind: sum(one.counts.values()) for one in manager.stats()}
        assert State.SCHEDULED is live.refresh().state


@pytest.mark.parametrize("keep", [HOUR_S, Keep(None, count=1)], ids=["age", "count"])
def test_history_goes_in_slices_and_hears_a_cancel_between_them(keep: Keep | float) -> None:
    """Each step removes a thousand at most; what was removed before the cancel stays removed, the rest comes later."""
    clock = FakeClock()
    watched = Watched.memory(clock=clock)
    with managed(clock, watched) as manager:
        _publish(manager, many=keep)
        Producer(manager).make("many", 3500)
        clock.advance(HOUR_S)
        with pytest.raises(JobCanceled):
            _clean(clean_history, Attempt(manager, canceled_at=2))
        assert 1500 == manager.count(Query(kind="many"))
        left = 0 if keep == HOUR_S else 1
        assert {"many": 1500 - left} == _clean(clean_history, Attempt(manager))
        assert left == manager.count(Query(kind="many"))
        purges = [arguments[1] for name, arguments in watched.asked if name == "purge"]
        assert max(purges) == 1000


def test_logs_go_before_their_instances() -> None:
    """By `logs`, whatever the age of the instance; lines of live ones stay."""
    clock = FakeClock()
    with managed(clock) as manager:
        _publish(manager, a=Keep(DAY_S, logs=HOUR_S), b=Keep(DAY_S, logs=None))
        producer = Producer(manager)
        gone, kept = producer.make("a", 3), producer.make("b", 3)
        live = manager.remote("a").options(after=60 * DAY_S).schedule()
        producer.store.append_logs([LogRecord(live.id.hex, 1, 1, 0, 20, "a line")])
        clock.advance(HOUR_S)
        late = producer.make("a", 2)
        assert {"a": 3} == _clean(clean_logs, Attempt(manager))
        assert [0, 3, 2, 1] == [producer.logged(ids) for ids in (gone, kept, late, [live.id.hex])]
        assert 9 == manager.count()


def test_each_run_looks_only_at_what_is_new() -> None:
    """The bounds roll, also over a restart and for a kind whose bound moves on; and once a kind has no instances
    nothing is remembered of it."""
    clock = FakeClock()
    watched = Watched.memory(clock=clock)
    with managed(clock, watched) as manager:
        _publish(manager, a=Keep(DAY_S, logs=HOUR_S))
        producer = Producer(manager)
        seen = []
        for _ in range(6):
            producer.make("a", 10)
            clock.advance(HOUR_S / 2)
            watched.asked.clear()
            _clean(clean_logs, Attempt(manager))
            seen += [arguments[0] for name, arguments in watched.asked if name == "drop_logs"]
        windows = [(one.ended_since_ms, one.ended_until_ms) for one in seen if one.kinds == frozenset({"a"})]
        assert [since for since, _ in windows[1:]] == [until for _, until in windows[:-1]]
        assert (6, None) == (len(windows), windows[0][0])
        assert 1 == len(producer.store.scan("rota/log-cleaner/")[0])
        clock.advance(DAY_S)
        _clean(clean_history, Attempt(manager))
        _clean(clean_logs, Attempt(manager))
        assert [] == producer.store.scan("rota/log-cleaner/")[0]


def test_canceled_log_cleaner_starts_its_kind_again() -> None:
    """What it had not finished is looked at once more, in slices of a thousand instances; nothing is left out."""
    clock = FakeClock()
    with managed(clock) as manager:
        _publish(manager, a=Keep(DAY_S, logs=HOUR_S))
        ids = Producer(manager).make("a", 2500)
        clock.advance(HOUR_S)
        producer = Producer(manager)
        with pytest.raises(JobCanceled):
            _clean(clean_logs, Attempt(manager, canceled_at=2))
        assert 500 == producer.logged(ids)
        assert {"a": 500} == _clean(clean_logs, Attempt(manager))
        assert {} == _clean(clean_logs, Attempt(manager))


def test_cleaner_needs_a_store() -> None:
    """A client that is none says so, instead of an attribute that is missing."""
    with pytest.raises(ConfigError, match="worker of a manager"):
        _clean(clean_history, Attempt(object()))


# ---- thirty days -------------------------------------------------------------------------------------


class Month:
    """A program whose cleaners are fired by the real maintenance and run here, in half-hour steps of a fake clock."""

    KEEPS: dict[str, Any] = {  # noqa: RUF012 - never changed
        "week": timedelta(days=7),
        "day": Keep(DAY_S, logs=2 * HOUR_S),
        "failing": Keep(2 * HOUR_S, failed=3 * DAY_S),
        "counted": Keep(None, count=100),
    }

    def __init__(self, manager: Manager, clock: FakeClock) -> None:
        _publish(manager, **self.KEEPS)
        self.clock = clock
        self.manager = manager
        self.producer = Producer(manager)
        self.producer.store.beat("producer", 60 * DAY_S * 1000, WorkerRecord(id="producer"))
        settings = manager._consumer_settings(None, 1, 1000)
        assert settings.system is not None
        store, rng = store_of(manager), random.Random(3)
        self._maintenance = Maintenance(lambda: store, [settings.system], settings.rank, clock, rng)

    def half_hours(self, days: int) -> Iterator[int]:
        """Each half hour, after the cleaners that are due have run."""
        for number in range(days * 48):
            self.clock.advance(HOUR_S / 2)
            self._maintenance.step()
            for claim in self.producer.claim("system.history.cleaner", "system.log.cleaner"):
                function = self.manager[claim.record.kind].definition.function
                assert function is not None
                function(Context(cast(Any, Attempt(self.manager))))
                self.producer.store.settle([Outcome(claim.record.id, claim.token, Ending.COMPLETED)])
            yield number


def test_month_of_steady_work_stays_within_its_bounds() -> None:
    """Never more instances, nor logs, than what the bounds and one period of cleaning let stand; and once all that
    was made is over its time the store holds what it held before."""
    clock = FakeClock()
    with managed(clock) as manager:
        month = Month(manager, clock)
        space = store_of(manager)._space  # type: ignore[attr-defined]
        hourly = {"week": 4, "day": 20, "failing": 6, "counted": 30}
        bounds = {"week": 4 * (7 * 24 + 1), "day": 20 * (24 + 1), "failing": 6 * (3 * 24 + 1), "counted": 100 + 30}
        most = dict.fromkeys(bounds, 0)
        most_logs = 0
        for number in month.half_hours(30):
            for kind, rate in hourly.items():
                ending = Ending.TERMINATED if kind == "failing" else Ending.COMPLETED
                month.producer.make(kind, rate // 2, ending)
            for one in manager.stats(*bounds):
                most[one.kind] = max(most[one.kind], sum(one.counts.values()))
            if number % 24 == 0:
                day = [one.id.hex for one in manager.scan(Query(kind="day"))]
                most_logs = max(most_logs, month.producer.logged(day))
        for kind, bound in bounds.items():
            assert bound - hourly[kind] <= most[kind] <= bound, kind
        assert 20 * 2 <= most_logs <= 20 * (2 + 1)
        for _ in month.half_hours(9):
            pass
        assert {"counted", "system.history.cleaner", "system.log.cleaner"} == {one.kind for one in manager.stats()}
        month.producer.store.retire("producer")
        manager.cancel(Query())  # the next run of a cleaner, delayed by its spread
        manager.purge(Query())
        _clean(clean_logs, Attempt(manager))
        assert (0, 0, 0) == (len(space.entries), len(space.logs), len(space.queues))
        assert ["rota/policy"] == [one.key for one in month.producer.store.scan("")[0]]
