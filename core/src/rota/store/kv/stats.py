"""`stats`, and `count` where counters tell it: numbers that are kept, never counted."""

from collections.abc import Iterable
from typing import Final

from rota.model.query import InstanceFilter
from rota.model.records import KindStats
from rota.model.state import State
from rota.store.histories import NUMBER, STATES
from rota.store.kv.entry import decode
from rota.store.kv.gates import load_gates, room
from rota.store.kv.keys import number, number_in, text
from rota.store.kv.lanes import HELD
from rota.store.kv.pages import all_under
from rota.store.kv.step import NUMBERS, SHARDS, Step
from rota.store.ordered_kv import Found, Range

__all__ = ["count_by_counters", "counted_kinds", "stats", "tidy_counters"]

_SCHEDULED: Final = NUMBER[State.SCHEDULED]


def counted_kinds(step: Step, names: Iterable[str] | None) -> dict[str, list[int]]:
    """The numbers of each kind that has instances, by kind: those of `names`, or all."""
    if names is None:
        found: Iterable[Found] = all_under(step, step.keys.of(b"o"))
    else:
        ranges = [step.keys.under(step.keys.of(b"o", text(name)), SHARDS) for name in dict.fromkeys(names)]
        found = [one for page in step.load((), ranges) for one in page]
    totals: dict[str, list[int]] = {}
    for _, value, _ in found:
        kind, numbers = decode.counts(value)
        before = totals.get(kind, [0] * len(numbers))
        totals[kind] = [one + other for one, other in zip(before, numbers, strict=True)]
    return {kind: totals[kind] for kind in sorted(totals) if any(totals[kind])}


def tidy_counters(step: Step, kind: str) -> None:
    """Remove the numbers of a kind that add up to nothing: what one shard has too many of, another one has too few."""
    keys = [step.keys.of(b"o", text(kind), bytes([shard])) for shard in range(SHARDS)]
    step.load(keys)
    found = [decode.counts(value)[1] for key in keys if (value := step.get(key)) is not None]
    if not any(map(sum, zip(*found, strict=True))):
        for key in keys:
            step.delete(key)


def count_by_counters(step: Step, query: InstanceFilter) -> int | None:
    """The number of matches from the kept counters, when kinds and states are all that the query asks for."""
    if query != InstanceFilter(kinds=query.kinds, states=query.states, newest_first=query.newest_first):
        return None
    wanted = [NUMBER[state] for state in (STATES if query.states is None else query.states)]
    return sum(numbers[state] for numbers in counted_kinds(step, query.kinds).values() for state in wanted)


def stats(step: Step, kinds: Iterable[str] | None) -> list[KindStats]:
    """Per kind with instances, or paused. A constant number of round trips; O(kinds), and O(delayed) for a kind whose
    gate is shut."""
    asked = None if kinds is None else list(dict.fromkeys(kinds))
    counted = counted_kinds(step, asked)
    names = sorted({*counted, *(_paused(step) if asked is None else asked)})
    ranges: list[Range] = []
    for name in names:
        ready, delayed = step.keys.of(b"q", text(name)), step.keys.of(b"s", text(name))
        later = delayed + number(step.now_ms + 1)
        ranges += [step.keys.under(ready, 1), Range(delayed, later, 1), step.keys.under(delayed, 1, beyond=later)]
    pages = step.load([step.keys.of(b"K", text(name)) for name in names], ranges)
    load_gates(step, names)
    found = [_stats(step, name, counted.get(name), pages[3 * at : 3 * at + 3]) for at, name in enumerate(names)]
    return [one for one in found if one.counts or one.paused]


def _stats(step: Step, name: str, numbers: list[int] | None, pages: list[list[Found]]) -> KindStats:
    start = len(step.keys.of(b"q", text(name)))
    ready, delayed, coming = pages
    due = [*(number_in(key, start + 8) for key, _, _ in ready), *(number_in(key, start) for key, _, _ in delayed)]
    numbers = numbers or [0] * NUMBERS
    shut = room(step, name) <= 0
    return KindStats(
        kind=name,
        counts={state: many for state, many in zip(STATES, numbers, strict=False) if many},
        oldest_due_ms=None if shut else min(due, default=None),
        next_due_ms=number_in(coming[0].key, start) if coming else None,
        held_back=_due(step, name, numbers) if shut else numbers[HELD],
        paused=step.kind(name).paused,
    )


def _due(step: Step, name: str, numbers: list[int]) -> int:
    """How many of a kind are due: all that are queued but those still to come."""
    delayed = step.keys.of(b"s", text(name))
    later = delayed + number(step.now_ms + 1)
    return numbers[_SCHEDULED] - sum(key >= later for key, _, _ in all_under(step, delayed))


def _paused(step: Step) -> list[str]:
    found = (decode.kind(value) for _, value, _ in all_under(step, step.keys.of(b"K")))
    return [kind.name for kind in found if kind.paused]
