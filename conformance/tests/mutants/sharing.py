"""Served stores that are broken in what several processes rely on; each harness serves one."""

from typing import ClassVar

from conformance.tests.served import ServedHarness, Server
from msgspec.structs import replace

from rota.model.records import Claim
from rota_store_memory.store import MemoryStore

__all__ = ["SHARED"]


class _HandedOutTwice(MemoryStore):
    """Whoever finds nothing gets what the one before got."""

    last: ClassVar[list[Claim]] = []

    def claim(self, worker, seq, kinds, limit, wait_ms=0):
        claims = super().claim(worker, seq, kinds, limit, wait_ms)
        seen, _HandedOutTwice.last = _HandedOutTwice.last, claims
        return claims or seen


class _LosesOnCrash(MemoryStore):
    """What the dead held is nobody's."""

    def reap(self, limit=100):
        super().reap(0)
        self._space.leases.orphans.clear()
        return []


class _TrustsZombies(MemoryStore):
    """Takes any token for the current one."""

    def settle(self, outcomes):
        there = self._space.entries
        return super().settle([replace(one, token=there[one.id].token) for one in outcomes])


class _TwiceServer(Server):
    store_type = _HandedOutTwice


class _LosingServer(Server):
    store_type = _LosesOnCrash


class _TrustingServer(Server):
    store_type = _TrustsZombies


class HandedOutTwice(ServedHarness):
    """Serves the first."""

    server_type = _TwiceServer


class LosesOnCrash(ServedHarness):
    """Serves the second."""

    server_type = _LosingServer


class TrustsZombies(ServedHarness):
    """Serves the third."""

    server_type = _TrustingServer


#: What has to find each out.
SHARED: dict[type[ServedHarness], str] = {HandedOutTwice: "CLM-10", LosesOnCrash: "WRK-9", TrustsZombies: "WRK-10"}
