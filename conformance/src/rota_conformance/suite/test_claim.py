"""CLM: what a claim hands out, to whom, and in which order."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from rota.model.errors import LeaseLost
from rota.model.query import PurgeFilter
from rota.model.records import Claim, Ending, TransitionRecord
from rota.model.state import State
from rota.store.contract import MAX_BATCH, MAX_PROMOTED, Store
from rota_conformance.lab import KIND, Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_LONG_MS = 60_000
_LARGEST_RANK = 2**53 - 1
_WAYS_BACK: list[tuple[Ending, dict[str, Any]]] = [
    (Ending.RELEASED, {}),
    (Ending.CRASHED, {}),
    (Ending.TERMINATED, {"retry_after_ms": 0}),
    (Ending.TIMED_OUT, {"retry_after_ms": 0}),
]


@proves("CLM-1")
def test_claim_takes_by_rank_then_due_then_id(lab: Lab) -> None:
    """Ready order is (rank, due, id)."""
    now_ms = lab.store.now_ms()
    wanted = [(rank, now_ms - late, lab.id()) for rank in (-3, 0, 7) for late in (9, 5, 5, 0)]
    shuffled = lab.rng.sample(wanted, len(wanted))
    lab.store.enqueue([lab.record(id=one, rank=rank, due_ms=due_ms) for rank, due_ms, one in shuffled])
    assert [one for _, _, one in sorted(wanted)] == lab.claimed_ids()


@proves("CLM-1")
def test_order_holds_to_the_last_bit(lab: Lab) -> None:
    """Ranks of 53 bits, either sign, and due times a millisecond apart in any year are told apart."""
    now_ms = lab.store.now_ms()
    ranks = [-_LARGEST_RANK, 1 - _LARGEST_RANK, -(2**52) - 1, -(2**31), -1, 0, 1, 2**31, 2**52 + 1, _LARGEST_RANK]
    wanted = [(rank, due_ms, lab.id()) for rank in ranks for due_ms in (0, 1, 9_999, 10_000, now_ms - 1, now_ms)]
    for rank, due_ms, one in lab.rng.sample(wanted, len(wanted)):
        lab.add(id=one, rank=rank, due_ms=due_ms)
    expected = [one for _, _, one in sorted(wanted)]
    assert expected == [claim.record.id for claim in lab.claim_all(limit=7)]


@proves("CLM-1")
def test_what_comes_back_keeps_its_rank(lab: Lab) -> None:
    """A release is due from then on, and stands before all of lower rank again."""
    first, *others = [lab.add(rank=rank) for rank in (1, 2, 3)]
    lab.settle(lab.claim_one(limit=1), Ending.RELEASED)
    assert [first, *others] == lab.claimed_ids()


@proves("CLM-1")
def test_order_holds_over_claims_of_several_workers(lab: Lab) -> None:
    """Claims that don't overlap take one order between them, whoever claims through whichever client."""
    ids = lab.add_many(30)
    stores = [lab.store, lab.client(), lab.client()]
    taken = [lab.claimed_ids(f"w{n % 4}", limit=3, store=stores[n % 3]) for n in range(10)]
    assert ids == [one for some in taken for one in some]


@proves("CLM-2")
def test_several_kinds_are_taken_in_one_order(lab: Lab) -> None:
    """Over the kinds asked for there is one ready order, whatever the order or number in which they are named."""
    wanted = [(rank, lab.add(kind=kind, rank=rank)) for rank, kind in enumerate("abcabdacbd")]
    mine = [one for _, one in wanted if lab.get(one).record.kind in "ab"]
    assert mine == lab.claimed_ids(kinds=("b", "nothing", "a", "b"))
    assert [one for _, one in wanted if one not in mine] == lab.claimed_ids(kinds=("d", "c"))


@proves("CLM-2")
def test_one_among_many_kinds_is_found(lab: Lab) -> None:
    """A worker of a hundred kinds gets the due one of any, and nobody else's."""
    kinds = tuple(f"kind-{n}" for n in range(100))
    lab.add(kind="kind-")
    lab.add(kind="kind-1000")
    for kind in (kinds[99], kinds[0], kinds[50]):
        one = lab.add(kind=kind)
        assert [one] == lab.claimed_ids(kinds=kinds)
    assert [] == lab.claim(kinds=())


@proves("CLM-3")
def test_due_exactly_now_is_handed_out_and_not_before(lab: Lab) -> None:
    """At its due time an instance is due; the moment before it is not."""
    due_ms = lab.store.now_ms() + 2 * lab.unit_ms
    one = lab.add(due_ms=due_ms)
    if lab.moves_time:
        lab.pass_ms(2 * lab.unit_ms - lab.capabilities.time_resolution_ms)
        assert [] == lab.claim()
        lab.pass_ms(lab.capabilities.time_resolution_ms)
    else:
        found = lab.claim()
        assert not found or lab.store.now_ms() >= due_ms
        lab.pass_ms(due_ms - lab.store.now_ms())
    assert [one] == lab.claimed_ids()


@proves("CLM-3")
def test_better_rank_that_is_not_due_is_passed_over(lab: Lab) -> None:
    """Nothing due waits for something that is not; once due, the better rank goes first."""
    better = lab.add(rank=0, delay_ms=3 * lab.unit_ms)
    first, second = lab.add(rank=9), lab.add(rank=9)
    assert [first] == lab.claimed_ids(limit=1)
    lab.pass_units(3)
    assert [better, second] == lab.claimed_ids()


@proves("CLM-3")
def test_retry_is_not_due_before_its_wait_is_over(lab: Lab) -> None:
    """What was sent back for later is no due work until then."""
    one = lab.add()
    lab.settle(lab.claim_one(), Ending.TERMINATED, retry_after_ms=2 * lab.unit_ms)
    assert [] == lab.claim()
    lab.pass_units(2)
    assert [one] == lab.claimed_ids()


@proves("CLM-4")
def test_claim_takes_no_more_than_its_limit(lab: Lab) -> None:
    """The first so many in ready order go, the rest stays SCHEDULED."""
    ids = lab.add_many(5)
    assert ids[:2] == lab.claimed_ids(limit=2)
    assert [State.SCHEDULED] * 3 == [lab.state(one) for one in ids[2:]]
    assert [] == lab.claimed_ids(limit=0)
    assert ids[2:] == lab.claimed_ids()


@proves("CLM-4")
def test_limit_holds_over_several_kinds_and_what_is_just_due(lab: Lab) -> None:
    """The limit is of the whole claim, not of each kind, nor of each order that it takes from."""
    for kind in "abc":
        lab.add_many(3, kind=kind)
        lab.add_many(3, kind=kind, delay_ms=lab.unit_ms)
    lab.pass_units(1)
    assert [4, 4, 4, 4, 2, 0] == [len(lab.claim(limit=4, kinds=("a", "b", "c"))) for _ in range(6)]


@proves("CLM-5")
def test_claimed_instance_is_processing_under_its_worker(lab: Lab) -> None:
    """The record, its history and what the claim says agree: who, since when, which attempt, by which token."""
    one = lab.add(arguments=b"x", delay_ms=lab.unit_ms)
    due_ms = lab.get(one).due_ms
    lab.pass_units(1)
    before_ms = lab.store.now_ms()
    claim = lab.claim_one("w")
    snapshot = lab.get(one, store=lab.client())
    assert before_ms <= claim.started_ms <= lab.store.now_ms()
    assert Claim(snapshot.record, snapshot.token, 1, due_ms, claim.started_ms) == claim
    assert (State.PROCESSING, "w", 1) == (snapshot.state, snapshot.worker, snapshot.attempt)
    assert (claim.started_ms, None) == (snapshot.started_ms, snapshot.ended_ms)
    assert TransitionRecord(State.PROCESSING, claim.started_ms, 1, "w") == lab.history(one)[-1]
    assert [{State.PROCESSING: 1}] == [entry.counts for entry in lab.store.stats()]
    assert [] == lab.claim("other"), "held is held"


@proves("CLM-5")
def test_attempts_count_up(lab: Lab) -> None:
    """Each attempt that failed has had its number; the next has the next."""
    one = lab.add()
    for attempt in (1, 2, 3):
        claim = lab.claim_one()
        assert (attempt, attempt) == (claim.attempt, lab.get(one).attempt)
        lab.settle(claim, Ending.TERMINATED, retry_after_ms=0)
    assert [1, 2, 3] == [entry.attempt for entry in lab.history(one) if entry.state is State.PROCESSING]


@proves("CLM-6")
def test_tokens_of_an_instance_rise(lab: Lab) -> None:
    """However an instance came back, and whoever takes it, its next token is higher than all before."""
    lab.add(max_crashes=100)
    tokens = [0]
    for n in range(4):
        for ending, options in _WAYS_BACK:
            claim = lab.claim_one(f"w{n}", store=lab.client() if n == 2 else None)
            tokens.append(claim.token)
            lab.settle(claim, ending, **options)
        tokens.append(lab.claim_one(f"r{n}").token)
        lab.store.retire(f"r{n}")
    lab.beat("dead", lab.short_ms)
    tokens.append(lab.claim_one("dead").token)
    lab.reap_dead(lab.short_ms)
    tokens.append(lab.claim_one("last").token)
    assert sorted(set(tokens)) == tokens


@proves("CLM-6")
def test_tokens_rise_over_a_purge_of_the_same_id(lab: Lab) -> None:
    """An id that comes anew gets a token that no one before had: an old claim is never right by accident."""
    one = lab.add()
    old = lab.claim_one()
    lab.settle(old)
    lab.purge_all()
    lab.add(id=one)
    new = lab.claim_one()
    assert new.token > old.token
    assert ("lost", State.PROCESSING) == (lab.settle(old).status, lab.state(one))


@proves("CLM-7")
def test_same_seq_answers_the_same(lab: Lab) -> None:
    """A claim repeated after a lost reply hands out what it had, counts no attempt, and takes nothing more."""
    ids = lab.add_many(5)
    lab.beat("w")
    claims = lab.store.claim("w", 7, [KIND], 2)
    before = lab.store.get(ids), lab.store.history(ids), lab.store.stats()
    for store in (lab.store, lab.client()):
        assert claims == store.claim("w", 7, [KIND], 2)
    assert before == (lab.store.get(ids), lab.store.history(ids), lab.store.stats())
    lab.beat("w")
    assert claims == lab.store.claim("w", 7, [KIND], 5, _LONG_MS), "whatever it asks for now, and after a beat"
    assert ids[2:4] == [claim.record.id for claim in lab.store.claim("w", 8, [KIND], 2)]
    assert ["done", "done"] == [lab.settle(claim).status for claim in claims]


@proves("CLM-7")
def test_seqs_are_each_workers_own(lab: Lab) -> None:
    """Two workers with the same seq are two claims; a worker that starts anew after its retirement is answered anew."""
    ids = [lab.add(rank=rank) for rank in range(4)]
    for worker in "ab":
        lab.beat(worker)
    assert ids[:2] == [lab.store.claim(worker, 1, [KIND], 1)[0].record.id for worker in "ab"]
    lab.store.retire("a")
    lab.beat("a")
    assert ids[:1] == [claim.record.id for claim in lab.store.claim("a", 1, [KIND], 1)]
    assert (1, State.PROCESSING) == (lab.get(ids[0]).attempt, lab.state(ids[0]))


@proves("CLM-7")
def test_repeated_claim_hands_out_nothing_that_came_since(lab: Lab) -> None:
    """What was purged may be missing in it; what was added since is not, wherever the store has put that."""
    held, ended = lab.add_many(2)
    lab.beat("w")
    claims = lab.store.claim("w", 1, [KIND], 2)
    lab.settle(claims[1])
    assert 1 == lab.store.purge(PurgeFilter(ids=(ended,)))
    lab.add_many(2)
    for store in (lab.store, lab.client()):
        again = [claim.record.id for claim in store.claim("w", 1, [KIND], 2)]
        assert [held] == [one for one in again if one != ended]


@proves("CLM-7")
def test_repeated_claim_counts_no_crash(lab: Lab) -> None:
    """What was handed out twice by one claim is one attempt, and one crash when its worker dies."""
    one = lab.add()
    lab.beat("w", lab.short_ms)
    for _ in range(3):
        lab.store.claim("w", 1, [KIND], 1)
    assert [one] == [moved.id for moved in lab.reap_dead(lab.short_ms)]
    assert (0, 1) == (lab.get(one).attempt, lab.get(one).crashes)
    assert ["created", "scheduled", "processing", "scheduled:crashed"] == lab.path(one)


@proves("CLM-8")
def test_worker_that_is_not_live_gets_nothing(lab: Lab) -> None:
    """Without a beat, or after it was retired, a worker's claim raises, and the work stays where it is."""
    one = lab.add()
    with pytest.raises(LeaseLost):
        lab.store.claim("stranger", 1, [KIND], 1)
    lab.beat("w")
    lab.store.retire("w")
    with pytest.raises(LeaseLost):
        lab.store.claim("w", 1, [KIND], 1, _LONG_MS)
    assert State.SCHEDULED is lab.state(one)
    assert [one] == lab.claimed_ids("live")


def _take(store: Store, worker: str, limit: int) -> list[Claim]:
    """Claim until nothing is left."""
    taken: list[Claim] = []
    seq = 0
    while some := store.claim(worker, seq := seq + 1, [KIND], limit):
        taken += some
    return taken


@proves("CLM-9")
def test_of_racing_claimers_one_holds_an_instance(lab: Lab, profile: Profile) -> None:
    """Claimers on clients of their own, started at one moment: each instance goes to one of them, and none is left."""
    stores = [lab.store, *(lab.client() for _ in range(5))]
    for n in range(profile.rounds):
        workers = [f"w{n}-{m}" for m in range(len(stores))]
        for worker in workers:
            lab.beat(worker, _LONG_MS)
        ids = lab.add_many(12)
        calls = [partial(_take, store, worker, 1 + n % 3) for store, worker in zip(stores, workers, strict=True)]
        taken = dict(zip(workers, lab.race(*calls), strict=True))
        assert ids == sorted(claim.record.id for claims in taken.values() for claim in claims)
        for worker, claims in taken.items():
            assert {(worker, 1, State.PROCESSING)} >= {
                (one.worker, one.attempt, one.state) for claim in claims for one in [lab.get(claim.record.id)]
            }
            assert all("done" == lab.settle(claim).status for claim in claims)
            lab.store.retire(worker)


@proves("CLM-9")
def test_of_claims_and_cancels_that_race_one_has_it(lab: Lab, profile: Profile) -> None:
    """Canceled in the queue and never handed out, or handed out and asked to stop: nothing in between."""
    other = lab.client()
    lab.beat("w", _LONG_MS)
    for n in range(profile.rounds):
        ids = lab.add_many(4)
        both: list[Callable[[], Any]] = [partial(lab.claim, "w"), partial(other.cancel, ids[:: -1 if n % 2 else 1])]
        claims, answers = lab.race(*both)
        held = {claim.record.id for claim in claims}
        for one, answer in zip(ids[:: -1 if n % 2 else 1], answers, strict=True):
            # a cancel that came first keeps the claim away; one that came second asks the holder
            assert ("requested" if one in held else "canceled") == answer
            assert (State.PROCESSING if one in held else State.CANCELED) is lab.state(one)
        for claim in claims:
            lab.settle(claim)


@proves("CLM-11")
def test_what_expired_in_the_queue_is_canceled_by_the_claim(lab: Lab) -> None:
    """Exactly at its time an instance has expired: the claim that meets it cancels it, and hands out the next."""
    expired = lab.add(expires_after_ms=lab.unit_ms)
    absolute = lab.add(expires_ms=lab.store.now_ms() + lab.unit_ms)
    good, lasting = lab.add(), lab.add(expires_after_ms=10 * _LONG_MS)
    lab.pass_units(1)
    assert [good, lasting] == lab.claimed_ids()
    for one in (expired, absolute):
        assert ["created", "scheduled", "canceled:expired"] == lab.path(one)
        assert (State.CANCELED, "expired") == (lab.state(one), lab.get(one).reason)
        assert lab.get(one).ended_ms is not None


@proves("CLM-11")
def test_what_has_not_expired_is_handed_out(lab: Lab) -> None:
    """The moment before, it goes out as any other."""
    one = lab.add(expires_after_ms=40 * lab.unit_ms)
    if lab.moves_time:
        lab.pass_ms(40 * lab.unit_ms - lab.capabilities.time_resolution_ms)
    assert [] == lab.store.reap()
    assert [one] == lab.claimed_ids()


@proves("CLM-11")
def test_many_expired_are_no_reason_for_an_empty_answer(lab: Lab) -> None:
    """However many expired ones stand before it, the one that is good comes."""
    number = 2 * MAX_PROMOTED + 100
    while number > 0:
        lab.add_many(min(number, MAX_BATCH), rank=0, expires_after_ms=lab.unit_ms)
        number -= MAX_BATCH
    good = lab.add(rank=1)
    lab.pass_units(1)
    assert [good] == lab.claimed_ids(limit=1)


@proves("CLM-11")
@pytest.mark.parametrize("how", ["released", "retry", "crashed", "retired", "reaped"])
def test_what_was_claimed_once_never_expires(lab: Lab, how: str) -> None:
    """It has started; whichever way it comes back, its bound is behind it."""
    one = lab.add(expires_after_ms=2 * lab.unit_ms)
    lab.beat("w", lab.short_ms)
    claim = lab.claim_one("w")
    if how == "released":
        lab.settle(claim, Ending.RELEASED)
    elif how == "retry":
        lab.settle(claim, Ending.TIMED_OUT, retry_after_ms=lab.unit_ms)
    elif how == "crashed":
        lab.settle(claim, Ending.CRASHED)
    elif how == "retired":
        lab.store.retire("w")
    else:
        lab.reap_dead(lab.short_ms)
    lab.pass_units(2)
    lab.store.reap()
    assert [one] == lab.claimed_ids("other")


@proves("CLM-13")
def test_thousands_due_at_one_instant_come_all(lab: Lab, profile: Profile) -> None:
    """Promoted in steps, each is handed out once, and no claim comes back empty while some are due."""
    due_ms = lab.store.now_ms() + (lab.unit_ms if lab.moves_time else 2_000)
    number = profile.crowd
    ids: list[str] = []
    while len(ids) < number:
        records = [
            lab.record(due_ms=due_ms, rank=lab.rng.randrange(100)) for _ in range(min(MAX_BATCH, number - len(ids)))
        ]
        assert {"added"} == {answer.status for answer in lab.store.enqueue(records)}
        ids += [record.id for record in records]
    lab.pass_ms(max(due_ms - lab.store.now_ms(), 0))
    claims = lab.claim_all(limit=300)
    assert len(ids) == len(claims)
    assert sorted(ids) == sorted(claim.record.id for claim in claims)
    assert [{State.PROCESSING: number}] == [entry.counts for entry in lab.store.stats()]


@proves("CLM-13")
def test_thousands_that_are_ready_come_in_order(lab: Lab, profile: Profile) -> None:
    """What is due when it comes needs no promotion: one exact order over any number."""
    now_ms = lab.store.now_ms()
    records = [
        lab.record(due_ms=now_ms - lab.rng.randrange(5), rank=lab.rng.randrange(20)) for _ in range(profile.crowd // 2)
    ]
    for start in range(0, len(records), MAX_BATCH):
        lab.store.enqueue(records[start : start + MAX_BATCH])
    expected = [record.id for record in sorted(records, key=lambda record: (record.rank, record.due_ms, record.id))]
    assert expected == [claim.record.id for claim in lab.claim_all(limit=450)]
