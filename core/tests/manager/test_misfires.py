"""Slots missed while nothing ran, by real managers and workers: what fires once one is back."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from core.tests.client.managers import LEASE, creep_until, fresh_url, managed

from rota import Cron, Manager, Query, Schedule
from rota.testing import FakeClock

_START = datetime(2026, 1, 1, tzinfo=UTC)
_EVERY_5 = Cron("*/5 * * * *")
_DOWN = timedelta(hours=3, minutes=1)  # 36 slots, the last of them more than 30 s ago


def _rule(manager: Manager) -> Schedule:
    (rule,) = manager.schedules()
    return rule


def _minutes(manager: Manager) -> list[float]:
    """The slots that fired, in minutes since the start, in order."""
    found = manager.scan(Query(schedule="r", newest_first=False))
    return [(one.slot - _START) / timedelta(minutes=1) for one in found if one.slot is not None]


def _come_back(clock: FakeClock, manager: Manager) -> None:
    """Run a worker until all that is due has fired or passed."""
    with manager.worker(concurrency=1, lease=LEASE):
        creep_until(
            clock, lambda: (_rule(manager).next_slot or _START).timestamp() * 1000 > clock.now_ms(), "to catch up"
        )


@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize(
    ("misfire", "cap", "fired"),
    [
        ("latest", 100, [180]),
        ("skip", 100, []),
        ("all", 100, list(range(5, 181, 5))),
        ("all", 36, list(range(5, 181, 5))),
        ("all", 10, list(range(135, 181, 5))),
        ("all", 1, [180]),
    ],
)
def test_after_three_hours_down_the_rule_decides(
    misfire: Literal["latest", "skip", "all"], cap: int, fired: list[int], declared: bool
) -> None:
    """On */5: "skip" fires none of 36, "latest" one, "all" each or the last so many; then it goes on as ever. Rules
    declared in code and put by a client alike."""
    clock, url = FakeClock(), fresh_url()
    options: dict[str, Any] = {"misfire": misfire, "misfire_cap": cap, "overlap": "allow"}
    with managed(clock, url, name="shop") as manager:
        call = manager.job(kind="k")(lambda: None).call()
        if declared:
            manager.recurring("r", _EVERY_5, call, **options)
        else:
            manager.put_schedule("r", _EVERY_5, call, **options)
        with manager.worker(concurrency=1, lease=LEASE):
            pass
        assert (misfire, cap, "allow") == (_rule(manager).misfire, _rule(manager).misfire_cap, _rule(manager).overlap)
        clock.advance(_DOWN)
        _come_back(clock, manager)
        assert fired == _minutes(manager)
        assert _START + timedelta(minutes=180) == _rule(manager).last_slot
        clock.advance(240)
        _come_back(clock, manager)
        assert [*fired, 185] == _minutes(manager)


def test_slot_within_the_grace_is_not_missed() -> None:
    """Half a minute late is still on time, whatever the rule."""
    clock = FakeClock()
    with managed(clock) as manager:
        manager.put_schedule("r", _EVERY_5, manager.job(kind="k")(lambda: None).call(), misfire="skip")
        clock.advance(timedelta(hours=3, seconds=20))
        _come_back(clock, manager)
        assert [180] == _minutes(manager)


@pytest.mark.parametrize(("overlap", "fired"), [("skip", 1), ("allow", 36)])
def test_overlap_holds_while_missed_slots_are_made_up_for(overlap: Any, fired: int) -> None:
    """All of them are due at once: with "skip" those pass that come while the first still lives."""
    clock = FakeClock()
    with managed(clock) as manager:
        manager.job(kind="other")(lambda: None)
        call = manager.remote("nobody-runs-this").call()
        manager.put_schedule("r", _EVERY_5, call, misfire="all", overlap=overlap)
        clock.advance(_DOWN)
        _come_back(clock, manager)
        assert fired == len(_minutes(manager))
        assert _START + timedelta(minutes=180) == _rule(manager).last_slot
