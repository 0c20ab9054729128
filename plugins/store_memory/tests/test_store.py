"""Opening, sharing, closing and clearing."""

import gc

import pytest
from plugins.store_memory.tests.lab import Lab

from rota.model.clock import SystemClock
from rota.model.errors import ConfigError, CursorExpired
from rota.model.query import InstanceFilter
from rota.model.records import Document, KindDescriptor, ScheduleRecord, TriggerRecord
from rota.store.contract import Store
from rota.testing import FakeClock
from rota_store_memory.store import MemoryStore, open_store


def _store(url: str = "memory://", namespace: str = "default") -> MemoryStore:
    return open_store(url, namespace=namespace, clock=FakeClock())


def test_private_stores_share_nothing(lab: Lab) -> None:
    """Each `memory://` is a store of its own."""
    one, two = _store(), _store()
    one.enqueue([lab.record()])
    assert [1, 0] == [store.count(InstanceFilter()) for store in (one, two)]


def test_named_stores_share_while_anybody_holds_them(lab: Lab) -> None:
    """The same name is the same data within the process; it goes with the last store that has it."""
    one, two, other = _store("memory://shared.x"), _store("memory://shared.x"), _store("memory://other-y")
    one.enqueue([lab.record()])
    assert [1, 1, 0] == [store.count(InstanceFilter()) for store in (one, two, other)]
    del one
    gc.collect()
    assert 1 == two.count(InstanceFilter())
    del two
    gc.collect()
    assert 0 == _store("memory://shared.x").count(InstanceFilter())


@pytest.mark.parametrize(
    "url",
    ["memory://a/b", "memory:///b", "memory:///", "memory://a/", "memory://?x=1", "memory://a?x=1", "memory://a#b",
     "memory://u:p@a", "memory://a,b", "memory://a:1", "memory:a"],
)  # fmt: skip
def test_url_with_anything_but_a_name_is_refused(url: str) -> None:
    """A path, a query, credentials, a port or two names: ConfigError."""
    with pytest.raises(ConfigError):
        _store(url)


def test_namespaces_never_see_each_other(lab: Lab) -> None:
    """The same ids, kinds, keys, workers, documents and schedules live side by side; `clear` touches its own only."""
    here, there = lab.store, lab.store.namespaced("there")
    assert ("lab", "there") == (here.namespace, there.namespace)
    record = lab.record(unique_key="k")
    rule = ScheduleRecord(name="r", trigger=TriggerRecord("every", period_ms=1), template=lab.record(id=""))
    for store in (here, there):
        assert ["added"] == [answer.status for answer in store.enqueue([record])]
        assert store.save([Document("d", b"1")]) is not None
        store.put_schedule(rule)
        store.put_kinds([KindDescriptor(kind="add")])
    lab.store.pause(["add"])
    lab.beat("w")
    assert [] == there.workers()
    assert not there.stats()[0].paused
    here.clear(force=True)
    assert [0, 1] == [store.count(InstanceFilter()) for store in (here, there)]
    assert [([], []), ([rule.name], ["add"])] == [
        ([one.name for one in store.schedules()], [one.kind for one in store.kinds()]) for store in (here, there)
    ]
    assert 1 == len(lab.store.namespaced("there").scan("")[0])


def test_clear_refuses_while_workers_live(lab: Lab) -> None:
    """A namespace in use is cleared by force only; then nothing is left of it, nor of its workers."""
    instance_id = lab.add()
    lab.claim("w")
    lab.store.pause(["add"])
    with pytest.raises(ConfigError, match="'w'"):
        lab.store.clear()
    assert [instance_id] == lab.find_all()
    lab.store.clear(force=True)
    assert ([], [], []) == (lab.find_all(), lab.store.workers(), lab.store.stats())
    lab.add(id=instance_id)
    assert [instance_id] == lab.claimed_ids()


def test_clear_after_the_lease_has_ended_needs_no_force(lab: Lab) -> None:
    """A worker whose lease has ended lives no more."""
    lab.beat("w", lease_ms=1000)
    lab.clock.advance(1)
    lab.store.clear()
    assert not lab.beat("w").lost


def test_close_ends_the_blocked_calls_of_its_views_alone(lab: Lab) -> None:
    """Closing ends what is blocked through this store and its views; data stays, and it may be used again."""
    other, view = MemoryStore(lab.store._hub, "lab", lab.clock), lab.store.namespaced("there")
    instance_id = lab.add(kind="b")
    lab.store.namespaced("there").enqueue([lab.record(id=instance_id)])
    mine = lab.blocked(lambda: lab.store.wait("w", ["add"], 60_000))
    viewed = lab.blocked(lambda: view.await_final([instance_id], 60_000))
    theirs = lab.blocked(lambda: other.wait("w", ["add"], 60_000))
    lab.store.close()
    lab.store.close()
    assert (None, []) == (mine.result(5), viewed.result(5))
    lab.until_asleep(1)
    assert not theirs.done()
    lab.store.open()
    assert [instance_id] == lab.find_all()
    other.close()


def test_published_kinds_are_told_by_name(lab: Lab) -> None:
    """The last word on a kind stands."""
    lab.store.put_kinds([KindDescriptor(kind="b"), KindDescriptor(kind="a")])
    lab.store.put_kinds([KindDescriptor(kind="b", summary="new")])
    assert [KindDescriptor(kind="a"), KindDescriptor(kind="b", summary="new")] == lab.store.kinds()


def test_store_is_what_the_contract_asks_for() -> None:
    """The class is a `Store`, on the machine's clock too, and declares what it can."""
    store: Store = open_store("memory://", clock=SystemClock())
    assert ("default", "host") == (store.namespace, store.capabilities.clock)
    features = {"dependencies", "limits", "rate", "changes", "push", "wake_one", "push_cancel", "exact_count"}
    assert features == store.capabilities.features
    assert abs(store.now_ms() - SystemClock().now_ms()) < 60_000


def test_followers_survive_a_clear(lab: Lab) -> None:
    """After `clear` a follower's old cursor has expired if it missed something, and holds if it had not."""
    cursor = lab.store.changes().cursor
    lab.store.clear()
    assert () == lab.store.changes(cursor).changes
    lab.add()
    lab.store.clear()
    with pytest.raises(CursorExpired):
        lab.store.changes(cursor)
