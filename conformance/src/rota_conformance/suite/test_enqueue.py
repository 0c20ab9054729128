"""ENQ: what is taken in, how it is answered, and that it is kept as it was given."""

from functools import partial
from typing import Any

import pytest

from rota.model.query import InstanceFilter
from rota.model.records import (
    BackoffRecord,
    Ending,
    EnqueueAnswer,
    InstanceRecord,
    RetryRecord,
    Snapshot,
    TransitionRecord,
)
from rota.model.state import State
from rota.store.contract import MAX_BATCH, Store
from rota_conformance.hostile import PAYLOADS, TEXTS, huge_text, payload_of
from rota_conformance.lab import KIND, Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_HOUR_MS = 3_600_000


@proves("ENQ-1")
def test_added_instance_is_there_as_it_was_asked_for(lab: Lab) -> None:
    """Every field is kept; the instance is SCHEDULED, found, counted, and handed out."""
    now_ms = lab.store.now_ms()
    record = lab.record(
        arguments=b"\x93\x01\x02\x03", rank=-7, priority=3, due_ms=now_ms - 5, expires_ms=now_ms + _HOUR_MS,
        timeout_ms=0, retry=RetryRecord(4, BackoffRecord(10, 20, 1.5, True), ("a.B",), ("c.D",), False), max_crashes=9,
        unique_key="key", unique_until="started", schedule="rule", slot_ms=17, parent="f" * 32, retry_of="e" * 32,
    )  # fmt: skip
    assert [EnqueueAnswer("added", record.id, now_ms - 5)] == lab.store.enqueue([record])
    expected = Snapshot(
        record=record, state=State.SCHEDULED, due_ms=now_ms - 5, expires_ms=now_ms + _HOUR_MS
    )  # fmt: skip
    for store in (lab.store, lab.client()):
        assert [expected] == store.get([record.id])
        assert (expected,) == store.find(InstanceFilter(kinds=frozenset({KIND}))).items
    assert [{State.SCHEDULED: 1}] == [entry.counts for entry in lab.store.stats()]
    assert record == lab.claim_one().record


@proves("ENQ-1")
def test_history_starts_with_the_enqueue_step(lab: Lab) -> None:
    """CREATED and SCHEDULED stand in the history at once, at the time of the step by the store's clock."""
    before_ms = lab.store.now_ms()
    one = lab.add(created_ms=5)
    created, scheduled = lab.history(one)
    assert before_ms <= created.at_ms <= lab.store.now_ms()
    assert TransitionRecord(State.CREATED, created.at_ms) == created
    assert TransitionRecord(State.SCHEDULED, created.at_ms) == scheduled


@proves("ENQ-1")
def test_each_of_a_full_batch_is_there(lab: Lab) -> None:
    """The largest batch is taken in, of several kinds, in list order, and each of it is handed out once."""
    records = [lab.record(kind=KIND if n % 3 else "other", rank=n % 7) for n in range(MAX_BATCH)]
    assert [("added", one.id) for one in records] == [(a.status, a.id) for a in lab.store.enqueue(records)]
    assert records == [one and one.record for one in lab.store.get([record.id for record in records])]
    claims = lab.claim_all(kinds=(KIND, "other"), limit=400)
    assert sorted(record.id for record in records) == sorted(claim.record.id for claim in claims)


@proves("ENQ-1")
def test_nothing_is_answered_for_nothing(lab: Lab) -> None:
    """An empty batch is no error."""
    assert [] == lab.store.enqueue([])
    assert [] == lab.find_all()


@proves("ENQ-2")
@pytest.mark.parametrize("stage", ["scheduled", "processing", "completed", "canceled"])
def test_same_id_again_changes_nothing(lab: Lab, stage: str) -> None:
    """Whatever else it says, a record whose id is there answers `exists`, and what stands stays as it is."""
    one = lab.add(arguments=b"first", unique_key="k")
    if stage in ("processing", "completed"):
        claim = lab.claim_one()
        if stage == "completed":
            lab.settle(claim, result=b"r")
    if stage == "canceled":
        lab.store.cancel([one])
    before = lab.get(one), lab.store.history([one]), lab.store.stats()
    other = lab.record(id=one, arguments=b"second", rank=-9, delay_ms=_HOUR_MS, unique_key="other")
    for store in (lab.store, lab.client()):
        assert [("exists", one)] == [(answer.status, answer.id) for answer in store.enqueue([other])]
    assert before == (lab.get(one), lab.store.history([one]), lab.store.stats())
    assert lab.add(unique_key="other"), "what exists takes no key"


@proves("ENQ-2")
def test_same_id_under_another_kind_is_the_same(lab: Lab) -> None:
    """An id is one instance, of whatever kind."""
    one = lab.add()
    assert ["exists"] == [answer.status for answer in lab.store.enqueue([lab.record(id=one, kind="other")])]
    assert [] == lab.claimed_ids(kinds=("other",))
    assert [one] == lab.claimed_ids()


@proves("ENQ-2")
def test_batch_repeated_has_the_effect_of_one(lab: Lab) -> None:
    """The same call again, as after a lost reply, adds nothing; an id twice in one batch is one instance."""
    records = [lab.record(unique_key=f"k{n}" if n % 2 else None) for n in range(20)]
    lab.store.enqueue(records)
    assert {"exists"} == {answer.status for answer in lab.store.enqueue(records)}
    twice = lab.record()
    assert ["added", "exists"] == [answer.status for answer in lab.store.enqueue([twice, twice])]
    assert [*(record.id for record in records), twice.id] == lab.claimed_ids()
    assert [] == lab.claim()


@proves("ENQ-3")
def test_batch_answers_each_item_in_order(lab: Lab) -> None:
    """Added, exists, duplicate, refused: each for itself, and the others are not harmed."""
    old = lab.add(unique_key="k")
    big = b"x" * (lab.capabilities.max_payload_bytes + 1)
    records = [
        lab.record(), lab.record(id=old), lab.record(unique_key="k"), lab.record(arguments=big),
        lab.record(unique_key="fresh"), lab.record(unique_key="fresh"), lab.record(kind="other"),
    ]  # fmt: skip
    answers = lab.store.enqueue(records)
    expected = ["added", "exists", "duplicate", "refused", "added", "duplicate", "added"]
    assert expected == [answer.status for answer in answers]
    holders = [records[0].id, old, old, records[3].id, records[4].id, records[4].id, records[6].id]
    assert holders == [answer.id for answer in answers]
    assert {old, records[0].id, records[4].id, records[6].id} == set(lab.find_all())
    assert [old, records[0].id, records[4].id] == lab.claimed_ids()


@proves("ENQ-4")
def test_delay_counts_from_the_step(lab: Lab) -> None:
    """A delay is added to the store's clock in the step, whenever the record was made; a due time is taken as it is."""
    delay_ms = 3 * lab.unit_ms
    before_ms = lab.store.now_ms()
    delayed, absolute = lab.record(delay_ms=delay_ms, created_ms=1), lab.record(due_ms=before_ms + delay_ms + 12_345)
    answers = lab.store.enqueue([delayed, absolute])
    assert before_ms + delay_ms <= answers[0].due_ms <= lab.store.now_ms() + delay_ms
    assert before_ms + delay_ms + 12_345 == answers[1].due_ms
    assert [answer.due_ms for answer in answers] == [lab.get(one.id).due_ms for one in (delayed, absolute)]
    assert [] == lab.claim()
    lab.pass_ms(delay_ms)
    assert [delayed.id] == lab.claimed_ids()


@proves("ENQ-4")
def test_due_times_far_away_are_kept(lab: Lab) -> None:
    """The distant past is due, the distant future is not, and both are kept to the millisecond."""
    now_ms = lab.store.now_ms()
    times_ms = [now_ms + 100 * 365 * 24 * _HOUR_MS, 0, now_ms + _HOUR_MS, 1, now_ms - 1]
    ids = [lab.add(due_ms=due_ms) for due_ms in times_ms]
    assert times_ms == [lab.get(one).due_ms for one in ids]
    assert [ids[1], ids[3], ids[4]] == lab.claimed_ids()


@proves("ENQ-4")
def test_expiry_counts_from_the_step(lab: Lab) -> None:
    """`expires_after_ms` is added to the store's clock, `expires_ms` is taken as it is."""
    before_ms = lab.store.now_ms()
    one, two = lab.add(expires_after_ms=_HOUR_MS), lab.add(expires_ms=before_ms + 7)
    expires_ms = lab.get(one).expires_ms
    assert expires_ms is not None
    assert before_ms + _HOUR_MS <= expires_ms <= lab.store.now_ms() + _HOUR_MS
    assert before_ms + 7 == lab.get(two).expires_ms


def _duplicate_of(lab: Lab, **fields: Any) -> str | None:
    """The holder that stands in the way of a new record; None when it was added."""
    record = lab.record(**fields)
    (answer,) = lab.store.enqueue([record])
    if answer.status == "added":
        assert record.id == answer.id
        return None
    assert "duplicate" == answer.status
    assert [None] == lab.store.get([record.id]), "a duplicate is not kept"
    return answer.id


@proves("ENQ-5")
def test_key_is_held_until_the_end(lab: Lab) -> None:
    """Queued, delayed, running, sent back: all the time the key is the holder's, whom the answer names."""
    one = lab.add(unique_key="k")
    assert one == _duplicate_of(lab, unique_key="k")
    claim = lab.claim_one()
    assert one == _duplicate_of(lab, unique_key="k")
    lab.settle(claim, Ending.RELEASED)
    assert one == _duplicate_of(lab, unique_key="k")
    lab.settle(lab.claim_one(), Ending.TERMINATED, retry_after_ms=lab.unit_ms)
    assert one == _duplicate_of(lab, unique_key="k", delay_ms=5)
    lab.pass_units(1)
    lab.settle(lab.claim_one(), Ending.CRASHED)
    assert one == _duplicate_of(lab, unique_key="k")
    lab.store.cancel([lab.claim_one().record.id])
    assert one == _duplicate_of(lab, unique_key="k"), "a request to cancel is no end"
    assert [one] == lab.find_all()


@proves("ENQ-5")
@pytest.mark.parametrize("ending", [Ending.COMPLETED, Ending.TERMINATED, Ending.CANCELED, Ending.TIMED_OUT])
def test_key_is_free_after_any_ending(lab: Lab, ending: Ending) -> None:
    """Whatever the ending, the next one gets the key, and holds it."""
    lab.run(ending, unique_key="k")
    two = lab.add(unique_key="k")
    assert two == _duplicate_of(lab, unique_key="k")


@proves("ENQ-5")
@pytest.mark.parametrize("how", ["cancel", "expire", "poison", "answered cancel"])
def test_key_is_free_after_an_end_without_an_outcome(lab: Lab, how: str) -> None:
    """A cancel in the queue, an expiry, the last crash: they end the instance, and free its key."""
    one = lab.add(unique_key="k", max_crashes=0, expires_after_ms=lab.unit_ms if how == "expire" else None)
    if how == "cancel":
        lab.store.cancel([one])
    elif how == "expire":
        lab.pass_units(1)
        lab.store.reap()
    else:
        claim = lab.claim_one()
        if how == "answered cancel":
            lab.store.cancel([one])
        lab.settle(claim, Ending.CRASHED if how == "poison" else Ending.RELEASED)
    assert lab.state(one).final
    assert _duplicate_of(lab, unique_key="k") is None


@proves("ENQ-5")
def test_key_belongs_to_its_kind(lab: Lab) -> None:
    """The same key of another kind is another key; no key is no key."""
    lab.add(unique_key="k")
    assert _duplicate_of(lab, unique_key="k", kind="other") is None
    assert [None, None] == [_duplicate_of(lab), _duplicate_of(lab)]


@proves("ENQ-6")
def test_key_until_started_is_free_from_the_claim_on(lab: Lab) -> None:
    """Queued it is held; once claimed the next one gets it, and the end of the first does not take it away again."""
    one = lab.add(unique_key="k", unique_until="started")
    assert one == _duplicate_of(lab, unique_key="k", unique_until="started")
    claim = lab.claim_one()
    two = lab.add(unique_key="k", unique_until="started")
    assert two == _duplicate_of(lab, unique_key="k", unique_until="started")
    lab.settle(claim)
    assert two == _duplicate_of(lab, unique_key="k", unique_until="started"), "the end of the first frees nothing"
    assert [two] == lab.claimed_ids()


@proves("ENQ-7")
def test_of_racing_callers_one_gets_the_key(lab: Lab, profile: Profile) -> None:
    """However many ask at the same moment, through clients of their own, one is added and the others are told of it."""
    stores = [lab.store, *(lab.client() for _ in range(5))]
    for n in range(profile.rounds):
        records = [lab.record(unique_key=f"k{n}") for _ in stores]
        calls = [partial(_enqueue_one, store, record) for store, record in zip(stores, records, strict=True)]
        answers = lab.race(*calls)
        (holder,) = [answer.id for answer in answers if answer.status == "added"]
        assert [holder] * len(stores) == [answer.id for answer in answers]
        assert ["added", *["duplicate"] * (len(stores) - 1)] == sorted(answer.status for answer in answers)
    assert profile.rounds == lab.store.count(InstanceFilter())


@proves("ENQ-7")
def test_of_racing_callers_one_adds_an_id(lab: Lab, profile: Profile) -> None:
    """The same for one id: one is added, the others find that it exists, and there is one instance."""
    stores = [lab.store, *(lab.client() for _ in range(5))]
    for n in range(profile.rounds):
        one = lab.id()
        records = [lab.record(id=one, arguments=b"%d" % n) for n in range(len(stores))]
        calls = [partial(_enqueue_one, store, record) for store, record in zip(stores, records, strict=True)]
        answers = lab.race(*calls)
        assert ["added", *["exists"] * (len(stores) - 1)] == sorted(answer.status for answer in answers)
        (winner,) = [n for n, answer in enumerate(answers) if answer.status == "added"]
        assert records[winner] == lab.get(one).record
        assert [{State.SCHEDULED: n + 1}] == [entry.counts for entry in lab.store.stats()]


def _enqueue_one(store: Store, record: InstanceRecord) -> EnqueueAnswer:
    return store.enqueue([record])[0]


@proves("ENQ-8")
def test_payload_over_the_bound_is_refused_with_a_text(lab: Lab) -> None:
    """One byte more than is declared, and the record is refused: the answer says why, and nothing of it is kept."""
    record = lab.record(arguments=payload_of(lab.capabilities.max_payload_bytes + 1), unique_key="k")
    (answer,) = lab.store.enqueue([record])
    assert ("refused", record.id) == (answer.status, answer.id)
    assert len(answer.error) > 10, "a refusal says why"
    assert [None] == lab.store.get([record.id])
    assert ([], []) == (lab.store.stats(), lab.claim())
    assert lab.add(unique_key="k"), "the key of a refused one is free"


@proves("ENQ-8")
@pytest.mark.parametrize("less", [0, 1])
def test_payload_of_the_bound_is_kept(lab: Lab, less: int) -> None:
    """The largest arguments and the largest result come back whole."""
    payload = payload_of(lab.capabilities.max_payload_bytes - less)
    one = lab.add(arguments=payload)
    claim = lab.claim_one()
    assert payload == claim.record.arguments
    assert "done" == lab.settle(claim, result=payload).status
    assert payload == lab.get(one, store=lab.client()).result


@proves("ENQ-9")
@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: repr(payload[:12]))
def test_payload_comes_back_byte_for_byte(lab: Lab, payload: bytes) -> None:
    """Arguments and results are bytes, nothing else, in whatever answer they come."""
    one = lab.add(arguments=payload)
    claim = lab.claim_one()
    lab.settle(claim, result=payload)
    other = lab.client()
    (found,) = other.find(InstanceFilter()).items
    assert [payload] * 5 == [
        claim.record.arguments, found.record.arguments, found.result, lab.get(one).record.arguments,
        lab.get(one, store=other).result,
    ]  # fmt: skip


@proves("ENQ-9")
def test_payloads_of_every_size_come_back(lab: Lab) -> None:
    """Around each power of two, where blocks and fields end, up to the bound."""
    largest = min(lab.capabilities.max_payload_bytes, 4 * 1024 * 1024)
    sizes = sorted({1, 2, 3, *(2**power + more for power in range(4, 23) for more in (-1, 0, 1))})
    for size_bytes in [size for size in sizes if size <= largest]:
        payload = payload_of(size_bytes, seed=size_bytes)
        one = lab.add(arguments=payload)
        claim = lab.claim_one()
        lab.settle(claim, result=payload[::-1])
        assert (payload, payload) == (claim.record.arguments, lab.get(one).record.arguments), size_bytes
        assert payload[::-1] == lab.get(one).result, size_bytes


@proves("ENQ-10")
def test_hostile_keys_hold_themselves_alone(lab: Lab) -> None:
    """Each key is another one, and finds its own instance; held once, it is a duplicate the second time."""
    keys = ["", *TEXTS, huge_text()]
    ids = [lab.add(unique_key=key) for key in keys]
    for key, one in zip(keys, ids, strict=True):
        assert one == _duplicate_of(lab, unique_key=key)
        assert (key[:50], [one]) == (key[:50], lab.find_all(unique_key=key))
        assert key == lab.get(one).record.unique_key


@proves("ENQ-10")
def test_hostile_names_on_records_select_themselves_alone(lab: Lab) -> None:
    """Schedules and reasons may be any text: each finds its own instances, and comes back as it was given."""
    ids = [lab.add(schedule=text, rank=n) for n, text in enumerate(TEXTS)]
    for text, one, claim in zip(TEXTS, ids, lab.claim(), strict=True):
        assert one == claim.record.id
        lab.settle(claim, Ending.TERMINATED, reason=text)
        assert (text, [one]) == (text, lab.find_all(schedule=text))
        assert (text, text) == (lab.get(one).record.schedule, lab.history(one)[-1].reason)
    for text, one in zip(TEXTS, ids, strict=True):
        assert (text, [one]) == (text, lab.find_all(reason=text))


@proves("ENQ-10")
def test_hostile_workers_hold_their_own_alone(lab: Lab) -> None:
    """A worker's id may be any text: its claims are its own, and another one's end touches none of them."""
    lab.add_many(len(TEXTS))
    held = {text: lab.claimed_ids(text, limit=1) for text in TEXTS}
    assert sorted(TEXTS) == sorted(worker.id for worker in lab.store.workers())
    for text, ids in held.items():
        assert (text, ids) == (text, lab.find_all(worker=text))
    for text, ids in held.items():
        lab.store.retire(text)
        assert (text, State.SCHEDULED) == (text, lab.state(ids[0]))
    assert [] == lab.store.workers()


@proves("ENQ-10")
@pytest.mark.parametrize("kind", ["a", "A", "a.b:c-d_e", ":", ".", "..", "-", "x" * 100, "0", "a:b", "a:", "history"])
def test_every_allowed_kind_is_a_kind_of_its_own(lab: Lab, kind: str) -> None:
    """Whatever a kind may be called, it is told apart from its neighbours."""
    others = [other for other in (kind[:-1], kind[:99] + "b", kind.swapcase(), "add") if other and other != kind]
    for other in set(others):
        lab.add(kind=other)
    one = lab.add(kind=kind, unique_key="k")
    assert [one] == lab.find_all(kinds=frozenset({kind}))
    assert [kind] == [entry.kind for entry in lab.store.stats([kind])]
    assert [one] == lab.claimed_ids(kinds=(kind,))
    lab.store.pause([kind])
    assert len(set(others)) == len(lab.claim(kinds=tuple(set(others))))


@proves("ENQ-11")
def test_answers_are_the_callers_own(lab: Lab) -> None:
    """Emptying what was passed in, or what was answered, changes nothing in the store."""
    records = [lab.record() for _ in range(3)]
    ids = [record.id for record in records]
    given = list(records)
    answers = lab.store.enqueue(given)
    given.clear()
    answers.clear()
    lab.store.enqueue([lab.record(kind="other")])
    for entry in lab.store.stats():
        entry.counts.clear()
    for answer in (lab.store.get(ids), lab.store.history(ids), lab.store.stats(), lab.store.workers()):
        answer.clear()
    assert records == [one and one.record for one in lab.store.get(ids)]
    assert {KIND: {State.SCHEDULED: 3}, "other": {State.SCHEDULED: 1}} == {
        entry.kind: entry.counts for entry in lab.store.stats()
    }
    lab.beat("w")
    claims = lab.store.claim("w", 1, [KIND], 5)
    assert ids == [claim.record.id for claim in claims]
    copy = list(claims)
    claims.clear()
    assert copy == lab.store.claim("w", 1, [KIND], 5), "the answer kept for a lost reply is the store's"


@proves("ENQ-11")
def test_lists_of_rules_and_kinds_are_the_callers_own(lab: Lab) -> None:
    """The same for what is kept beside the instances."""
    lab.store.put_schedule(lab.rule(next_slot_ms=1))
    lab.beat("w")
    for answer in (lab.store.schedules(), lab.store.due_schedules()[0], lab.store.workers(), lab.store.kinds()):
        answer.clear()
    assert (["rule"], ["w"]) == ([one.name for one in lab.store.schedules()], [one.id for one in lab.store.workers()])
    assert ["rule"] == [one.name for one in lab.store.due_schedules()[0]]
