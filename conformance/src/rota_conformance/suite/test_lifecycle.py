"""LIFE: opening, closing, clearing; the clock; what is declared."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from rota.model.errors import ConfigError, StoreUnavailable
from rota.model.query import InstanceFilter, LogFilter
from rota.model.records import Document, KindDescriptor, WorkerRecord
from rota.model.state import State
from rota.store.contract import Store
from rota.testing import FakeClock
from rota_conformance.lab import KIND, Lab
from rota_conformance.recorder import proves
from rota_conformance.requirements import FEATURES
from rota_conformance.skewed import SkewedClock

_LONG_MS = 60_000


@proves("LIFE-1")
def test_open_may_be_repeated(lab: Lab) -> None:
    """A second `open` changes nothing."""
    one = lab.add()
    for _ in range(2):
        lab.store.open()
    assert [one] == lab.claimed_ids()


@proves("LIFE-1")
def test_view_that_was_never_opened_connects_by_itself(lab: Lab) -> None:
    """Every operation connects when `open` was not called."""
    one = lab.add()
    view = lab.store.namespaced(lab.namespace)
    assert State.SCHEDULED is lab.get(one, store=view).state
    two = lab.record()
    assert ["added"] == [answer.status for answer in view.enqueue([two])]
    assert [one, two.id] == lab.claimed_ids(store=lab.store.namespaced(lab.namespace))


@proves("LIFE-2")
def test_closed_store_is_opened_again(lab: Lab) -> None:
    """What is stored stays, and so does what another client stored meanwhile."""
    other = lab.client()
    one, two = lab.add(), lab.record()
    lab.store.close()
    other.enqueue([two])
    lab.store.open()
    assert [State.SCHEDULED] * 2 == [lab.state(one), lab.state(two.id)]
    assert [one, two.id] == lab.claimed_ids()


@proves("LIFE-3")
def test_close_may_be_repeated(lab: Lab) -> None:
    """A second `close` does nothing; another client goes on."""
    other = lab.client()
    one = lab.add()
    for _ in range(2):
        lab.store.close()
    assert State.SCHEDULED is lab.get(one, store=other).state
    lab.store.open()


@proves("LIFE-3")
@pytest.mark.parametrize("operation", ["claim", "wait", "await_final", "logs"])
def test_close_ends_the_calls_that_are_blocked_in_it(lab: Lab, operation: str) -> None:
    """Whatever is blocked in a client comes back when that one is closed; a call of another client does not."""
    client = lab.client()
    one = lab.add(kind="never-claimed")
    mine = lab.blocked(lambda: _call_blocking(client, operation, "mine", one))
    other = lab.blocked(lambda: _call_blocking(lab.store, operation, "other", one))
    client.close()
    with suppress(StoreUnavailable):  # it may also say that it was cut off
        assert not lab.answer(mine)
    assert not other.done()


def _call_blocking(store: Store, operation: str, name: str, instance_id: str) -> object:
    if operation == "claim":
        store.beat(name, _LONG_MS, WorkerRecord(id=name))
    calls: dict[str, Callable[[], object]] = {
        "claim": lambda: store.claim(name, 1, [KIND], 1, _LONG_MS),
        "wait": lambda: store.wait(name, [KIND], _LONG_MS),
        "await_final": lambda: store.await_final([instance_id], _LONG_MS, name),
        "logs": lambda: store.logs(LogFilter(id=instance_id), _LONG_MS).lines,
    }
    return calls[operation]()


@proves("LIFE-4")
def test_clear_removes_everything(lab: Lab) -> None:
    """Instances in every state, keys, rules, kinds, documents, pauses: all of it; the namespace is like new."""
    _fill(lab)
    lab.store.retire("w")
    lab.store.clear()
    assert ([], [], [], []) == (lab.find_all(), lab.store.stats(), lab.store.schedules(), lab.store.kinds())
    assert ([], ([], None)) == (lab.store.workers(), lab.store.scan(""))
    assert ([None], 0) == (lab.store.load(["d"]), lab.store.count(InstanceFilter()))
    assert ([], None) == lab.store.due_schedules()
    one = lab.add(unique_key="k")
    assert [one] == lab.claimed_ids(), "the kind is not paused any more"


@proves("LIFE-4")
def test_clear_refuses_while_a_worker_lives(lab: Lab) -> None:
    """Without `force` nothing is removed from under a living worker; with it all is, the worker too."""
    one = _fill(lab)
    before = (lab.find_all(), lab.store.stats(), lab.store.schedules(), lab.store.scan(""))
    with pytest.raises(ConfigError):
        lab.store.clear()
    assert before == (lab.find_all(), lab.store.stats(), lab.store.schedules(), lab.store.scan(""))
    assert State.PROCESSING is lab.state(one)
    lab.store.clear(force=True)
    assert ([], [], [None]) == (lab.find_all(), lab.store.workers(), lab.store.get([one]))


def _fill(lab: Lab) -> str:
    """Something of everything; an instance that a living worker holds."""
    lab.add(kind="other", unique_key="k")
    lab.run(unique_key="k")
    one = lab.add(unique_key="k")
    lab.claim_one()
    lab.add(delay_ms=_LONG_MS)
    lab.store.put_schedule(lab.rule(next_slot_ms=1))
    lab.store.put_kinds([KindDescriptor(kind=KIND)])
    lab.store.save([Document("d", b"1")])
    lab.store.pause([KIND])
    return one


@proves("LIFE-5")
def test_clock_is_the_one_that_is_named(lab: Lab) -> None:
    """`host`: the clock of the host, which is injected here; `client`: that of the client; `server`: one for all,
    whatever a client's own clock shows."""
    if isinstance(lab.clock, FakeClock):
        assert lab.clock.now_ms() == lab.store.now_ms()
        lab.clock.step_wall(timedelta(hours=-3))
        assert lab.clock.now_ms() == lab.store.now_ms()
        return
    skewed = lab.client(clock=SkewedClock(hours=1))
    apart_ms = skewed.now_ms() - lab.store.now_ms()
    expected_ms = 3_600_000 if lab.capabilities.clock == "client" else 0
    assert abs(apart_ms - expected_ms) < _LONG_MS


@proves("LIFE-5")
def test_clock_goes_on_by_milliseconds(lab: Lab) -> None:
    """What passes, passes on the store's clock, for each of its clients."""
    other = lab.client()
    before_ms = lab.store.now_ms()
    lab.pass_units(2)
    assert lab.store.now_ms() >= before_ms + 2 * lab.unit_ms
    assert before_ms + 2 * lab.unit_ms <= other.now_ms() < before_ms + 2 * lab.unit_ms + _LONG_MS


@proves("LIFE-6")
def test_declarations_are_constant_and_can_be(lab: Lab) -> None:
    """Whoever asks, whenever, gets the same; features are known ones, and one rests on the other."""
    declared = lab.capabilities
    assert [declared] * 3 == [
        lab.store.capabilities, lab.client().capabilities, lab.store.namespaced(lab.namespace + "-2").capabilities,
    ]  # fmt: skip
    assert declared.features <= set(FEATURES)
    assert declared.clock in ("server", "host", "client")
    assert "rate" not in declared.features or "limits" in declared.features
    assert declared.time_resolution_ms >= 1
    assert 1 <= declared.min_lease_ms <= 15_000, "a lease of the default length must be possible"
    assert declared.max_payload_bytes >= 64 * 1024
    assert lab.namespace == lab.store.namespace
