"""CLM: what a claim hands out, to whom, and in which order."""

from rota.model.state import State
from rota_conformance.lab import Lab
from rota_conformance.recorder import proves


@proves("CLM-1")
def test_claim_takes_by_rank_then_due_then_id(lab: Lab) -> None:
    """Ready order is (rank, due, id)."""
    now_ms = lab.store.now_ms()
    wanted = [(rank, now_ms - late, lab.id()) for rank in (-3, 0, 7) for late in (9, 5, 5, 0)]
    shuffled = lab.rng.sample(wanted, len(wanted))
    lab.store.enqueue([lab.record(id=one, rank=rank, due_ms=due_ms) for rank, due_ms, one in shuffled])
    assert [one for _, _, one in sorted(wanted)] == lab.claimed_ids()


@proves("CLM-4")
def test_claim_takes_no_more_than_its_limit(lab: Lab) -> None:
    """The first so many in ready order go, the rest stays SCHEDULED."""
    ids = lab.add_many(5)
    assert ids[:2] == lab.claimed_ids(limit=2)
    assert [State.SCHEDULED] * 3 == [lab.state(one) for one in ids[2:]]
    assert [] == lab.claimed_ids(limit=0)
    assert ids[2:] == lab.claimed_ids()
