"""`claim`: hand due instances to a worker."""

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from rota.model.records import Claim
from rota.store.contract import MAX_PROMOTED
from rota.store.kv.entry import Claimed, Entry, Item, decode, encode
from rota.store.kv.gates import gate_opens_ms, load_gates, pass_gate, room
from rota.store.kv.keys import PARTS, as_bytes, number, number_in, text
from rota.store.kv.lanes import gate_of, lane_of, load_lanes
from rota.store.kv.moves import PROCESSING, SCHEDULED, end_queued, give_up_key, leave_order, move, place_of
from rota.store.kv.step import Step
from rota.store.ordered_kv import Found, Range
from rota.store.refusals import lease_lost

__all__ = [
    "Orders", "answered", "bells", "claim", "due_in_ms", "is_full", "look", "promote", "remember_nothing", "replayed",
]  # fmt: skip

_CLAIM_OPS: Final = 10  # keys that one claimed puts and deletes, or checks, at most, beside those of its lane
_PROMOTE_OPS: Final = 4

_Place = tuple[bytes, str, str | None]  # rank, due and id as they sort; the kind, the lane


class Orders:
    """What was read of some kinds at one moment: those that may be claimed of, and of each the start of its ready
    order, what is due of the delayed, and the lanes to be looked at again."""

    def __init__(self, step: Step, names: Sequence[str], limit: int, pages: Sequence[list[Found]]) -> None:
        self.limit = limit
        self.ready: dict[str, list[Found]] = {}
        self.due: dict[str, list[Found]] = {}
        self.timers: dict[str, list[Found]] = {}
        for at, name in enumerate(names):
            if not step.peek_kind(name).paused:
                self.ready[name], self.due[name], self.timers[name] = pages[3 * at : 3 * at + 3]


def look(step: Step, worker: str, seq: int, names: Sequence[str], limit: int, others: Sequence[bytes] = ()) -> Orders:
    """Read what a claim goes by, and `others`, in one round trip. Raises: LeaseLost."""
    keys = [step.keys.worker(b"w", worker), step.keys.worker(b"j", worker), *others]
    ranges = [_parts(step, worker, seq - 1), _parts(step, worker, seq)]
    for name in names:
        ranges.append(step.keys.under(step.keys.of(b"q", text(name)), limit))
        for letter, most in ((b"s", MAX_PROMOTED), (b"t", MAX_PROMOTED)):
            start = step.keys.of(letter, text(name))
            ranges.append(Range(start, start + number(step.now_ms + 1), most))
    pages = step.load([*keys, *(step.keys.of(b"K", text(name)) for name in names)], ranges)
    if step.get(keys[0]) is None:
        raise lease_lost(worker)
    step.keep(ranges[:2], pages)
    return Orders(step, names, limit, pages[2:])


def _parts(step: Step, worker: str, seq: int) -> Range:
    return Range(step.keys.claim(worker, seq * PARTS), step.keys.claim(worker, (seq + 1) * PARTS), PARTS)


def promote(step: Step, orders: Orders, left: dict[str, int]) -> None:
    """Make ready what has become due, as much as a step takes and of a kind no more than is `left` to it; look at the
    lanes that a rate lets go on."""
    due = [(name, found) for name, page in orders.due.items() for found in page[: left.setdefault(name, MAX_PROMOTED)]]
    timers = [(name, decode.text(found.value)) for name, page in orders.timers.items() for found in page]
    timers = timers[: step.kv.max_ops // 8]
    due = due[: step.kv.max_ops // _PROMOTE_OPS]
    if due or timers:
        lanes = [(name, decode.text(found.value)) for name, found in due if found.value]
        load_lanes(step, [*timers, *lanes])
    for timer in timers:
        if step.is_empty or step.fits(_PROMOTE_OPS):
            lane_of(step, *timer)
    for name, found in due:
        if not step.is_empty and not step.fits(_PROMOTE_OPS + 8):
            return
        left[name] -= 1
        _promote(step, name, found)


def _promote(step: Step, name: str, found: Found) -> None:
    step.get(found.key)  # checked: who cancels it meanwhile takes it out here
    head = len(step.keys.of(b"s", text(name)))
    due, rank, instance_id = found.key[head : head + 8], found.key[head + 8 : head + 16], found.key[head + 16 :]
    step.delete(found.key)
    if found.value:
        lane_of(step, name, decode.text(found.value)).add(rank + due + instance_id)
    else:
        step.put(step.keys.of(b"q", text(name)) + rank + due + instance_id)


def replayed(step: Step, worker: str, seq: int) -> list[Claim] | None:
    """What claim `seq` answered before; None when it is a new one."""
    last = step.get(step.keys.worker(b"j", worker))
    if last is None or decode.integer(last) < seq:
        return None
    parts = step.page(_parts(step, worker, seq)) if decode.integer(last) == seq else []
    items = [(item, part.revision) for part in parts for item in decode.claimed(part.value).items]
    step.load([step.keys.instance(item.id) for item, _ in items])
    return [
        Claim(entry.record, item.token or revision, item.attempt, item.due_ms, item.started_ms, item.crashes)
        for item, revision in items
        if (entry := step.entry(item.id)) is not None
    ]


def claim(step: Step, orders: Orders, worker: str, part: int, limit: int, choose: Callable[[int], int]) -> list[Entry]:
    """Take up to `limit` instances in ready order, as many as a step takes. Their token is the revision of the commit.
    `choose` says in which of so many blocks of the order to begin: in the first, unless others claim as well."""
    names = list(orders.ready)
    load_gates(step, names)
    rooms = {name: room(step, name) for name in names}
    heads = _heads(step, orders, {name for name in names if rooms[name] > 0})
    block = max(1, min(limit, step.kv.max_ops // _CLAIM_OPS))
    heads = heads[block * choose(max(1, len(heads) // block)) :]
    _load(step, heads[:block], block)
    chosen = _take(step, orders, heads, rooms, worker, part, limit)
    for name in names:
        pass_gate(step, name, sum(entry.record.kind == name for entry in chosen))
    if chosen:
        _remember(step, worker, part, chosen)
    return chosen


def _heads(step: Step, orders: Orders, open_kinds: set[str]) -> list[_Place]:
    heads: list[_Place] = []
    for name in open_kinds:
        start = len(step.keys.of(b"q", text(name)))
        lanes = ((found.key, decode.text(found.value) if found.value else None) for found in orders.ready[name])
        heads += [(key[start:], name, lane) for key, lane in lanes]
    return sorted(heads, key=_order)


def _order(head: _Place) -> bytes:
    return head[0]


def _load(step: Step, heads: Sequence[_Place], block: int) -> None:
    keys = [step.keys.instance(place[16:]) for place, _, _ in heads]
    keys += [step.keys.of(b"o", text(name), bytes([step.shard])) for name in {name for _, name, _ in heads}]
    lanes = [(name, lane) for _, name, lane in heads if lane is not None]
    load_lanes(step, lanes, keys, max(4, block // max(1, len(lanes)) + 2))


def _take(
    step: Step, orders: Orders, heads: list[_Place], rooms: dict[str, int], worker: str, seq: int, limit: int
) -> list[Entry]:
    """Walk the merged orders. Where the page of a kind ends before its order does, nothing behind it is taken."""
    waiting = [(place, name, lane or "", lane is not None) for place, name, lane in heads]
    heapify(waiting)
    ends = {
        name: page[-1].key[len(step.keys.of(b"q", text(name))) :]
        for name, page in orders.ready.items()
        if len(page) == orders.limit
    }
    chosen: list[Entry] = []
    while waiting and len(chosen) < limit and (step.is_empty or step.fits(_CLAIM_OPS + 8)):
        place, name, lane, has_lane = heappop(waiting)
        if rooms[name] <= 0:
            continue
        entry = _start(step, place, name, worker, seq, lane if has_lane else None)
        if entry is not None:
            chosen.append(entry)
            rooms[name] -= 1
        following = lane_of(step, name, lane).regard() if has_lane else None
        if following is not None:
            heappush(waiting, (following, name, lane, True))
        if place == ends.get(name):
            break
    return chosen


def _start(step: Step, place: bytes, name: str, worker: str, seq: int, lane: str | None) -> Entry | None:
    """Begin one, if it may start; if not, put right what stands there in its stead."""
    if lane is not None:
        lane_of(step, name, lane).load_ahead(place[16:])
    entry = step.entry(place[16:])
    if entry is None or entry.state != SCHEDULED or place_of(entry) != place:
        step.delete(step.keys.of(b"q", text(name)) + place)  # it can't be: a place goes with what made it one
        if lane is not None:
            lane_of(step, name, lane).remove(place)
    elif not entry.token and entry.expires_ms is not None and entry.expires_ms <= step.now_ms:
        end_queued(step, entry, "expired")
    elif lane is None or lane_of(step, name, lane).has_room:
        _begin(step, entry, worker, seq)
        return entry
    return None


def _begin(step: Step, entry: Entry, worker: str, seq: int) -> None:
    step.kind(entry.record.kind)  # checked: nobody pauses it, or bounds it, meanwhile
    leave_order(step, entry, delayed=False)
    entry.attempt += 1
    entry.worker = worker
    entry.seq = seq
    entry.started_ms = step.now_ms
    entry.error = None
    if entry.record.unique_until == "started":
        give_up_key(step, entry)
    move(step, entry, PROCESSING, worker)


def _remember(step: Step, worker: str, part: int, chosen: list[Entry]) -> None:
    """Keep the answer for a lost reply, and drop that of the claim before when nothing of it is held any more."""
    items = [
        Item(as_bytes(one.record.id), 0, one.attempt, one.due_ms, one.started_ms or 0, one.crashes) for one in chosen
    ]
    key, last = step.keys.claim(worker, part), step.keys.worker(b"j", worker)
    step.get(key)
    step.put(key, encode(Claimed(items, len(items))))
    if part % PARTS == 0:
        _forget_last(step, worker)
        step.put(last, encode(part // PARTS))


def _forget_last(step: Step, worker: str) -> None:
    last = step.get(step.keys.worker(b"j", worker))
    if last is None:
        return
    for found in step.page(_parts(step, worker, decode.integer(last))):
        if decode.claimed(found.value).left <= 0 and step.fits(4):
            step.get(found.key)
            step.delete(found.key)


def answered(entry: Entry, token: int) -> Claim:
    """The claim of one that was begun."""
    return Claim(entry.record, token, entry.attempt, entry.due_ms, entry.started_ms or 0, entry.crashes)


def is_full(step: Step) -> bool:
    """Whether a step carries no more claims."""
    return not step.fits(_CLAIM_OPS + 8)


def remember_nothing(step: Step, worker: str, seq: int) -> None:
    """Keep that claim `seq` was answered with nothing."""
    step.page(_parts(step, worker, seq - 1), step.keys.worker(b"w", worker), step.keys.worker(b"j", worker))
    last = step.get(step.keys.worker(b"j", worker))
    if step.get(step.keys.worker(b"w", worker)) is not None and (last is None or decode.integer(last) < seq):
        _forget_last(step, worker)
        step.put(step.keys.worker(b"j", worker), encode(seq))


def bells(step: Step, names: Sequence[str]) -> list[bytes]:
    """What is put when a claim of these kinds may find something: of one with a gate, when anything of it ends."""
    step.load(step.keys.of(b"K", text(name)) for name in names)
    found: list[bytes] = []
    for name in names:
        letters = (b"q", b"s", b"K") if gate_of(step.peek_kind(name)) is None else (b"q", b"s", b"K", b"o")
        found += [step.keys.of(letter, text(name)) for letter in letters]
    return found


def due_in_ms(step: Step, names: Sequence[str]) -> int | None:
    """In how many milliseconds a claim of these kinds may find something by the passing of time alone; 0: now."""
    letters = (b"q", b"s", b"t")
    ranges = [step.keys.under(step.keys.of(letter, text(name)), 1) for name in names for letter in letters]
    pages = step.load([step.keys.of(b"K", text(name)) for name in names], ranges)
    open_kinds = [name for name in names if not step.peek_kind(name).paused]
    load_gates(step, open_kinds)
    soonest: list[int] = []
    for at, name in enumerate(names):
        opens_ms = gate_opens_ms(step, name) if name in open_kinds else None
        if opens_ms is None:
            continue
        ready, *timed = pages[3 * at : 3 * at + 3]
        soonest += [opens_ms for _ in ready]
        for letter, page in zip((b"s", b"t"), timed, strict=True):
            start = len(step.keys.of(letter, text(name)))
            soonest += [max(number_in(key, start), opens_ms) for key, _, _ in page]
    return max(0, min(soonest) - step.now_ms) if soonest else None
