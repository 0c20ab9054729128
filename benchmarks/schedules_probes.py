"""How the figures of `benchmarks/schedules.py` are measured, each probe in a process of its own.

The expected slots come from croniter on wall times and zoneinfo, and nothing of rota: no cron here is at an hour that
a zone skips or repeats, and those of every hour are in UTC, so that each wall time is one instant.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from rota import Cron, Manager, Query
from rota.engine.rank import priority_rank
from rota.runtime.maintenance import Maintenance
from rota.testing import FakeClock, clocked

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=365)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
KEPT = 2000  # fired instances, until they are taken out

Slot = tuple[str, int]  # rule, instant in milliseconds


def mix(count: int) -> list[tuple[str, str]]:
    """Expressions and zones: of 1,000 one every five minutes, 3 hourly, 30 monthly, 190 weekly and the rest daily."""
    rng = random.Random(2026)
    found = []
    for number in range(count):
        share, minute, hour = number * 1000 // count, rng.randrange(60), rng.randrange(4, 24)
        zone = ZONES[number % len(ZONES)]
        if share < 4:
            found.append(("*/5 * * * *" if share == 0 else f"{minute} * * * *", "UTC"))
        elif share < 34:
            found.append((f"{minute} {hour} {rng.randrange(1, 29)} * *", zone))
        elif share < 224:
            found.append((f"{minute} {hour} * * {rng.randrange(7)}", zone))
        else:
            found.append((f"{minute} {hour} * * *", zone))
    return found


def expected(expression: str, zone: str) -> Iterator[int]:
    """The slots of a cron in the year, in milliseconds, by croniter."""
    place = ZoneInfo(zone)
    walls = croniter(expression, START.astimezone(place).replace(tzinfo=None), ret_type=datetime)
    while (slot := walls.get_next().replace(tzinfo=place).astimezone(UTC)) <= END:
        yield round(slot.timestamp() * 1000)


def _rules(manager: Manager, count: int) -> dict[str, tuple[str, str]]:
    rules = {f"r{number}": one for number, one in enumerate(mix(count))}
    call = manager.remote("nothing").call()
    for name, (expression, zone) in rules.items():
        manager.put_schedule(name, Cron(expression, tz=zone), call, overlap="allow")
    return rules


def _taken_out(manager: Manager) -> Iterator[Slot]:
    """What was fired: noted, canceled and purged, so that memory stays bounded."""
    for one in list(manager.scan(Query(kind="nothing"))):
        if one.schedule is not None and one.slot is not None:
            yield one.schedule, round(one.slot.timestamp() * 1000)
    manager.cancel(Query(kind="nothing"))
    manager.purge(Query(kind="nothing"))


def year(crons: int) -> dict[str, float]:
    """From slot to slot: the clock is moved to the next, and a step of maintenance made. A worker would look each
    second as well, which changes nothing and is measured by `looking`."""
    clock, found = FakeClock(), Counter[Slot]()
    with clocked(Manager("memory://"), clock) as manager:
        rules, store = _rules(manager, crons), manager._store
        maintenance = Maintenance(lambda: store, (), priority_rank, clock, random.Random(0))
        end_ms, firing_s = round(END.timestamp() * 1000), 0.0
        started = time.perf_counter()
        while (next_ms := store.due_schedules(1)[1]) is not None and next_ms <= end_ms:
            clock.advance(timedelta(milliseconds=next_ms - clock.now_ms()))
            began = time.perf_counter()
            maintenance.step()
            firing_s += time.perf_counter() - began
            if store.count(Query().to_filter()) >= KEPT:
                found.update(_taken_out(manager))
        found.update(_taken_out(manager))
        year_s = time.perf_counter() - started
    wanted = {(name, slot_ms) for name, rule in rules.items() for slot_ms in expected(*rule)}
    fired = sum(found.values())
    return {
        "year_s": year_s,
        "fired": fired,
        "expected": len(wanted),
        "missing": len(wanted - found.keys()),
        "doubled": fired - len(found) + len(found.keys() - wanted),
        "slot_us": firing_s / fired * 1e6,
    }


def triggers(crons: int) -> dict[str, float]:
    """The next slots of the same crons, one after the other, each as often as it is fired in a month."""
    found = [Cron(expression, tz=zone) for expression, zone in mix(crons)]
    start_ms, count = round(START.timestamp() * 1000), 0
    end_ms = start_ms + 30 * 86_400_000
    started = time.perf_counter()
    for trigger in found:
        slot_ms: int | None = start_ms
        while slot_ms is not None and slot_ms <= end_ms:
            slot_ms, count = trigger.next_ms(slot_ms), count + 1
    return {"trigger_us": (time.perf_counter() - started) / count * 1e6}


def looking(crons: int) -> dict[str, float]:
    """A step of maintenance that finds nothing to do, as each worker makes one each second."""
    clock, steps = FakeClock(), 20_000
    with clocked(Manager("memory://"), clock) as manager:
        _rules(manager, crons)
        store = manager._store
        maintenance = Maintenance(lambda: store, (), priority_rank, clock, random.Random(0))
        started = time.perf_counter()
        for _ in range(steps):
            maintenance.step()
        return {"idle_us": (time.perf_counter() - started) / steps * 1e6}


PROBES: dict[str, Callable[[int], dict[str, float]]] = {"year": year, "triggers": triggers, "looking": looking}
