"""CLM-10, WRK-9, WRK-10: workers in processes of their own that race, die, and come back as zombies."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from rota.model.state import State
from rota_conformance.harness import StoreHarness
from rota_conformance.lab import KIND, Lab, wait_until
from rota_conformance.probes import Probe
from rota_conformance.recorder import proves

_RACERS = 3
_LONG_MS = 600_000
_SURE_S = 12.0  # a lease, and the 5 s of invariant 4, with room


@pytest.fixture
def real(harness: StoreHarness, seed: int) -> Iterator[Lab]:
    """A namespace on the real clock, which the processes go by."""
    lab = Lab(harness, seed, real_time=True)
    try:
        yield lab
    finally:
        lab.close()


def _reap_until(lab: Lab, instance_id: str) -> None:
    """Reap, as others' maintenance does, until the dead worker's instance is back in the queue."""

    def is_back() -> bool:
        lab.store.reap()
        return lab.state(instance_id) is State.SCHEDULED

    wait_until(is_back, _SURE_S, "a dead worker's instance comes back")


@proves("CLM-10")
def test_of_racing_claimers_in_several_processes_one_holds_an_instance(real: Lab) -> None:
    """All start at once on one queue: what is claimed is claimed once, and nothing is left."""
    with ExitStack() as stack:
        racers = [stack.enter_context(Probe(real.harness, real.namespace, "worker", f"w{n}")) for n in range(_RACERS)]
        for racer in racers:
            assert racer.ask("beat", lease_ms=_LONG_MS) is False
        for _ in range(5):
            ids = real.add_many(60)
            for racer in racers:
                racer.say("drain", kind=KIND, limit=4)
            claimed = Counter(one for racer in racers for one, _ in racer.answer())
            assert dict.fromkeys(ids, 1) == dict(claimed)


@proves("WRK-9")
def test_process_killed_after_its_claim_loses_nothing(real: Lab) -> None:
    """SIGKILL between claim and settle: the instance is handed out again after the lease, a crash counted."""
    one = real.add()
    with Probe(real.harness, real.namespace, "worker", "victim") as victim:
        victim.ask("beat", lease_ms=real.lease_ms)
        ((claimed, token),) = victim.ask("claim", kind=KIND, limit=1)
        assert one == claimed
        victim.kill()
    assert [] == real.store.reap(), "the lease has not ended yet"
    _reap_until(real, one)
    again = real.claim_one("heir")
    assert (one, 1, 1) == (again.record.id, again.crashes, again.attempt)
    assert token < again.token


@proves("WRK-10")
def test_process_stopped_past_its_lease_changes_nothing_when_it_goes_on(real: Lab) -> None:
    """SIGSTOP, reaped by another who claims anew, SIGCONT: the zombie settles and claims in vain."""
    one = real.add()
    with Probe(real.harness, real.namespace, "worker", "zombie") as zombie:
        zombie.ask("beat", lease_ms=real.lease_ms)
        ((claimed, _),) = zombie.ask("claim", kind=KIND, limit=1)
        assert one == claimed
        zombie.stop()
        _reap_until(real, one)
        real.beat("heir", _LONG_MS)
        again = real.claim_one("heir")
        waiting = real.add()
        zombie.go_on()
        assert ["lost"] == zombie.ask("settle")
        assert ["LeaseLost"] == zombie.ask("claim", kind=KIND, limit=1)
        assert zombie.ask("beat", lease_ms=_LONG_MS) is True
    standing = real.get(one)
    assert (State.PROCESSING, "heir", again.token) == (standing.state, standing.worker, standing.token)
    assert State.SCHEDULED is real.state(waiting)
    assert "done" == real.settle(again).status
