"""The one order in which processors are called, from what each says about the others."""

import heapq
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from rota.plugins.record import Problem
from rota.plugins.settings import DISABLE
from rota.plugins.specs import ProcessorSpec
from rota.plugins.table import Offer

__all__ = ["cycle_of", "ordered"]


def ordered(offers: Sequence[Offer[ProcessorSpec]]) -> tuple[ProcessorSpec, ...]:
    """Sort so that every `before` and `after` holds; where they are silent, plugins keep their order.

    Names are unique among `offers`. Raises: PluginConflict that names the cycle, when there is one.
    """
    problem = cycle_of(offers)
    if problem is not None:
        raise problem.conflict()
    sorter = _graph(offers)
    sorter.prepare()
    ready: list[int] = []
    found: list[ProcessorSpec] = []
    while sorter.is_active():
        for position in sorter.get_ready():
            heapq.heappush(ready, position)
        position = heapq.heappop(ready)
        found.append(offers[position].item)
        sorter.done(position)
    return tuple(found)


def cycle_of(offers: Sequence[Offer[ProcessorSpec]]) -> Problem | None:
    """The first cycle among `before` and `after`; None when they can all hold."""
    try:
        _graph(offers).prepare()
    except CycleError as error:
        members = [offers[position] for position in error.args[1]]
    else:
        return None
    path = " -> ".join(member.name for member in members)
    records = tuple(dict.fromkeys(member.record for member in members))
    return Problem(
        "processors can't be put in order",
        records,
        f"their before= and after= form a cycle: {path}",
        f"disable one: {'   |   '.join(f'{DISABLE}={record.name}' for record in records)}",
    )


def _graph(offers: Sequence[Offer[ProcessorSpec]]) -> TopologicalSorter[int]:
    positions = {offer.name: position for position, offer in enumerate(offers)}
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for position, offer in enumerate(offers):
        sorter.add(position, *(positions[name] for name in offer.item.after if name in positions))
        for name in offer.item.before:
            if name in positions:
                sorter.add(positions[name], position)
    return sorter
