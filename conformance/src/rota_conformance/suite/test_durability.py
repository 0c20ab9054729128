"""DUR: what was answered is kept, whatever becomes of processes, of the backend, and of the connections to it."""

from collections.abc import Callable
from itertools import islice
from typing import TypeVar

from rota.model.clock import SystemClock
from rota.model.errors import StoreUnavailable
from rota.model.ids import IdSource
from rota.model.records import Document
from rota.model.state import State
from rota.store.contract import Store
from rota_conformance.lab import Lab, wait_until
from rota_conformance.probes import Probe
from rota_conformance.probes.writer import lives
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

T = TypeVar("T")

_HEALED_S = 60.0


def _repeat(call: Callable[[], T]) -> T:
    """What a call answers in the end: as a program does, the same again while the store is unavailable."""
    found: list[T] = []

    def answered() -> bool:
        try:
            found.append(call())
        except StoreUnavailable:
            return False
        return True

    wait_until(answered, _HEALED_S, "the store to be available again")
    return found[0]


def _check(store: Store, told: list[dict[str, str]]) -> None:
    """All that was told is there as it was told; what was not told may have happened too."""
    for life in told:
        completed, running, queued = _repeat(
            lambda life=life: store.get([life["completed"], life["running"], life["queued"]])  # type: ignore[misc]
        )
        assert completed is not None
        assert running is not None
        assert queued is not None
        assert (State.COMPLETED, life["round"].encode()) == (completed.state, completed.result)
        assert (State.PROCESSING, State.SCHEDULED) == (running.state, queued.state)
        assert life["round"].encode() == queued.record.arguments
    (document,) = store.load(["round"])
    assert document is not None
    assert int(document.value or 0) >= int(told[-1]["round"])


@proves("DUR-1")
def test_what_was_answered_is_there_after_its_process_was_killed(lab: Lab) -> None:
    """SIGKILL in the midst of writing: every answer that came before holds."""
    with Probe(lab.harness, lab.namespace, "writer") as writer:
        told = [writer.answer() for _ in range(20)]
        told += writer.last_words()
    _check(lab.store, told)
    _check(lab.client(), told)


@proves("DUR-2")
def test_what_was_answered_is_there_after_a_hard_restart(lab: Lab) -> None:
    """The backend is stopped as by a power cut, and started again with its data; clients find it by themselves."""
    told = list(islice(lives(lab.store, IdSource(SystemClock(), lab.rng)), 20))
    assert lab.harness.restart_backend(), "the harness offers it"
    _check(lab.store, told)
    _check(_repeat(lab.client), told)
    more = list(islice(lives(lab.store, IdSource(SystemClock(), lab.rng)), 3))
    assert 3 == len(more)


@proves("DUR-3")
def test_dropped_connections_are_unavailable_and_heal(lab: Lab, profile: Profile) -> None:
    """A call that meets one raises StoreUnavailable, or goes through; repeated it has the effect of one, and the client
    needs no restart."""
    lab.beat("w", 600_000)
    for n in range(min(profile.rounds, 30)):
        record = lab.record()
        assert lab.harness.drop_connections(), "the harness offers it"
        (answer,) = _repeat(lambda record=record: lab.store.enqueue([record]))  # type: ignore[misc]
        assert answer.status in ("added", "exists")
        lab.harness.drop_connections()
        claims = _repeat(lambda n=n: lab.store.claim("w", n + 1, ["add"], 10))  # type: ignore[misc]
        assert [record.id] == [claim.record.id for claim in claims]
        lab.harness.drop_connections()
        settled = _repeat(lambda claims=claims: lab.settle(claims[0]))  # type: ignore[misc]
        assert settled.status in ("done", "already")
        assert ["created", "scheduled", "processing", "completed"] == _repeat(lambda: lab.path(record.id))  # noqa: B023
    _repeat(lambda: lab.store.save([Document("d", b"1")]))
    assert lab.store.load(["d"])[0] is not None


@proves("DUR-3")
def test_dropped_connection_of_a_blocked_call_is_told_or_healed(lab: Lab) -> None:
    """A claim that waits on a connection that is cut raises, or goes on waiting; either way the work comes."""
    lab.beat("w", 600_000)

    def claim() -> list[str]:
        return [one.record.id for one in lab.store.claim("w", 1, ["add"], 1, 60_000)]

    waiting = lab.blocked(lambda: _repeat(claim))
    lab.harness.drop_connections()
    record = lab.record()
    _repeat(lambda: lab.store.enqueue([record]))
    assert [record.id] == lab.answer(waiting)
