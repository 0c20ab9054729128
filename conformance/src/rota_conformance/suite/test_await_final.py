"""AWT: waiting for ends."""

from typing import Any

import pytest

from rota.model.query import PurgeFilter
from rota.model.records import Ending
from rota_conformance.lab import Lab
from rota_conformance.recorder import proves

_LONG_MS = 600_000


@proves("AWT-1")
def test_what_is_final_or_gone_is_answered_at_once(lab: Lab) -> None:
    """Those of the ids, and no others, whatever the time-out."""
    ended, canceled, live, gone = lab.run(), lab.add(), lab.add(), lab.run()
    lab.store.cancel([canceled])
    lab.store.purge(PurgeFilter(ids=(gone,)))
    asked = [live, ended, gone, canceled, "f" * 32]
    answer = lab.answer(lab.background(lambda: lab.store.await_final(asked, _LONG_MS)))
    assert {ended, gone, canceled, "f" * 32} == set(answer)
    assert [] == lab.store.await_final([live], 0)


@proves("AWT-1")
@pytest.mark.parametrize("how", ["settle", "cancel", "purge after", "crash", "retire", "expire", "reap"])
def test_first_end_is_answered_as_soon_as_it_comes(lab: Lab, how: str) -> None:
    """Whatever ends one of them, and whoever does: a caller that waits is told of it, and not of others that go on."""
    bound: dict[str, Any] = {"expires_after_ms": lab.unit_ms} if how == "expire" else {}
    one, other = lab.add(rank=1, max_crashes=0, **bound), lab.add(rank=2)
    lab.beat("w", lab.short_ms)
    claim = lab.claim_one("w", limit=1) if how not in ("cancel", "expire") else None
    waiting = lab.blocked(lambda: lab.client().await_final([other, one], _LONG_MS))
    if how == "cancel":
        lab.store.cancel([one])
    elif how == "expire":
        lab.pass_units(1)
        lab.store.reap()
    elif how == "reap":
        lab.reap_dead(lab.short_ms)
    elif how == "retire":
        lab.store.cancel([one])
        lab.store.retire("w")
    elif claim is not None:
        lab.settle(claim, Ending.CRASHED if how == "crash" else Ending.COMPLETED)
        if how == "purge after":
            lab.purge_all()
    assert [one] == lab.answer(waiting)


@proves("AWT-1")
def test_what_goes_back_to_the_queue_has_not_ended(lab: Lab) -> None:
    """A failed attempt that is retried, a release, a crash: nobody is told of an end."""
    one = lab.add()
    waiting = lab.blocked(lambda: lab.store.await_final([one], _LONG_MS))
    for ending in (Ending.TERMINATED, Ending.RELEASED, Ending.CRASHED):
        options: dict[str, Any] = {"retry_after_ms": 0} if ending is Ending.TERMINATED else {}
        lab.settle(lab.claim_one(), ending, **options)
    assert not waiting.done()
    lab.settle(lab.claim_one())
    assert [one] == lab.answer(waiting)


@proves("AWT-1")
def test_nothing_is_answered_when_the_time_is_over_or_at_an_interrupt(lab: Lab) -> None:
    """Then the answer is empty; interrupts go by the waiter's name."""
    one = lab.add()
    timed = lab.blocked(lambda: lab.store.await_final([one], 2 * lab.unit_ms, "a"))
    lab.pass_units(2)
    assert [] == lab.answer(timed)
    waiting = lab.blocked(lambda: lab.store.await_final([one], _LONG_MS, "b"))
    lab.store.interrupt("a")
    assert not waiting.done()
    lab.store.interrupt("b")
    assert [] == lab.answer(waiting)


@proves("AWT-1")
def test_many_callers_are_told_of_one_end(lab: Lab) -> None:
    """Each of them, and those that wait for another one are not."""
    one, other = lab.add(rank=1), lab.add(rank=2)
    waiting = [lab.blocked(lambda: lab.store.await_final([one], _LONG_MS)) for _ in range(5)]
    apart = lab.blocked(lambda: lab.store.await_final([other], _LONG_MS))
    lab.settle(lab.claim_one(limit=1))
    assert [[one]] * 5 == [lab.answer(each) for each in waiting]
    assert not apart.done()
