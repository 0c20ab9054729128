"""The id order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rota.model.records import InstanceRecord
from rota.store.contract import MAX_LOOKED_AT
from rota_store_memory.entry import Entry
from rota_store_memory.index import IdIndex

_RECORD = InstanceRecord(id="", kind="add", arguments=b"", rank=0, created_ms=0)
_NUMBERS = st.lists(st.integers(0, 9000), min_size=1, max_size=400)


def _entry(number: int) -> Entry:
    return Entry(0, 0, f"{number:08}", _RECORD, 0)


def _alive(entry: Entry) -> bool:
    return not entry.crashes  # stands for any field of its own


@settings(max_examples=60)
@given(_NUMBERS, _NUMBERS, st.integers(0, 9000), st.booleans())
def test_walk_is_the_sorted_rest_whatever_came_and_went(
    added: list[int], dead: list[int], after: int, newest_first: bool
) -> None:
    """From any id a walk goes over what lives beyond it in order, at most as many as may be looked at;
    the dead are never more than the living."""
    spread = [number * 7 % 9001 for number in range(0, 9001, 2)]  # thousands, far from sorted
    entries = {number: _entry(number) for number in [*spread, *added]}
    index = IdIndex(_alive)
    for entry in entries.values():
        index.add(entry)
    for number in [*dead, *range(0, 9001, 3)]:
        if number in entries and _alive(entries[number]):
            entries[number].crashes = 1
            index.discard()
    living = sorted(entry.id for entry in entries.values() if _alive(entry))
    assert len(living) <= len(index) <= 2 * len(living)
    beyond = [one for one in living if (one < f"{after:08}" if newest_first else one > f"{after:08}")]
    walked = list(index.walk(f"{after:08}", newest_first))
    assert len(walked) <= MAX_LOOKED_AT
    met = [entry.id for entry in walked if _alive(entry)]
    assert sorted(beyond, reverse=newest_first)[: len(met)] == met
    assert len(met) == len(beyond) or len(walked) == MAX_LOOKED_AT


def test_everything_dead_leaves_nothing() -> None:
    """The last to die takes all with it."""
    index, entries = IdIndex(_alive), [_entry(number) for number in range(3000)]
    for entry in reversed(entries):
        index.add(entry)
    for entry in entries:
        entry.crashes = 1
        index.discard()
    assert (0, []) == (len(index), list(index.walk(None, True)))
