"""Served stores that are broken in what several processes rely on."""

from collections.abc import Sequence
from typing import Any

from conformance.tests.served import ServedHarness, Server

from rota.model.records import Claim, Outcome, SettleAnswer
from rota_store_memory.store import MemoryStore

__all__ = ["SHARED"]


class _Twice(MemoryStore):
    """Hands each instance to the next caller too, whoever that is."""

    def claim(self, worker: str, seq: int, kinds: Sequence[str], limit: int, wait_ms: int = 0) -> list[Claim]:
        claims = super().claim(worker, seq, kinds, limit, wait_ms)
        last = _Twice.__dict__.get("last")
        type.__setattr__(_Twice, "last", claims)
        return claims or last or []


class _Lost(MemoryStore):
    """What the dead held is nobody's."""

    def reap(self, limit: int = 100) -> list[Any]:
        super().reap(0)
        self._space.leases.orphans.clear()
        return []


class _Zombie(MemoryStore):
    """Takes any token for the current one."""

    def settle(self, outcomes: Sequence[Outcome]) -> list[SettleAnswer]:
        there = self._space.entries
        from msgspec.structs import replace

        return super().settle([replace(one, token=there[one.id].token) for one in outcomes])


def _harness(name: str, broken: type[MemoryStore]) -> type[ServedHarness]:
    server = type("Server", (Server,), {"store_type": broken})
    return type(name, (ServedHarness,), {"server_type": server, "__module__": __name__})


TwiceHarness = _harness("TwiceHarness", _Twice)
LostHarness = _harness("LostHarness", _Lost)
ZombieHarness = _harness("ZombieHarness", _Zombie)

#: Broken stores that only processes find out, by their harness.
SHARED = {"TwiceHarness": "CLM-10", "LostHarness": "WRK-9", "ZombieHarness": "WRK-10"}
