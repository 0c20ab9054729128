"""CLM-14: kinds that are paused."""

from rota.model.records import Ending
from rota.model.state import State
from rota_conformance.lab import KIND, Lab, wait_until
from rota_conformance.recorder import proves

_LONG_MS = 60_000


@proves("CLM-14")
def test_paused_kind_is_left_alone_until_resume(lab: Lab) -> None:
    """Nothing of it is claimed, whether it came before or after, was due or becomes so; other kinds go on."""
    held, running = lab.add_many(2, kind="held")
    claim = lab.claim_one(kinds=("held",), limit=1)
    assert held == claim.record.id
    for _ in range(2):
        lab.store.pause(["held", "unheard-of"])
    later = lab.add(kind="held", delay_ms=lab.unit_ms)
    other = lab.add()
    lab.pass_units(1)
    assert [other] == lab.claimed_ids("w2", kinds=(KIND, "held"))
    assert [] == lab.claim("w2", kinds=("held",))
    assert "done" == lab.settle(claim, Ending.TERMINATED, retry_after_ms=0).status, "what runs goes on"
    assert [] == lab.claim("w2", kinds=("held",), store=lab.client())
    assert [True] == [entry.paused for entry in lab.store.stats(["held"])]
    for _ in range(2):
        lab.store.resume(["held", "unheard-of"])
    assert sorted([held, running, later]) == sorted(lab.claimed_ids("w2", kinds=("held",)))
    assert [False] == [entry.paused for entry in lab.store.stats(["held"])]


@proves("CLM-14")
def test_pause_does_not_end_a_wait_and_resume_does(lab: Lab) -> None:
    """Work that comes for a paused kind wakes nobody; the resume hands it over."""
    lab.beat("w", _LONG_MS)
    lab.store.pause([KIND])
    waiting = lab.blocked(lambda: lab.store.claim("w", 1, [KIND], 1, _LONG_MS))
    one = lab.add()
    wait_until(lambda: lab.state(one) is State.SCHEDULED)
    assert not waiting.done()
    lab.store.resume([KIND])
    assert [one] == [claim.record.id for claim in lab.answer(waiting)]


@proves("CLM-14")
def test_paused_instance_is_canceled_and_expires_all_the_same(lab: Lab) -> None:
    """A pause holds claims back and nothing else."""
    canceled, expiring = lab.add(), lab.add(expires_after_ms=lab.unit_ms)
    lab.store.pause([KIND])
    assert ["canceled"] == lab.store.cancel([canceled])
    lab.pass_units(1)
    assert [expiring] == [moved.id for moved in lab.store.reap()]
