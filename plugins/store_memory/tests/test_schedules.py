"""Recurring rules."""

from threading import Barrier
from typing import Any

from msgspec.structs import replace
from plugins.store_memory.tests.lab import Lab

from rota.model.ids import slot_id
from rota.model.records import Ending, ScheduleRecord, TriggerRecord
from rota.model.state import State


def _rule(lab: Lab, name: str = "r", **fields: Any) -> ScheduleRecord:
    values: dict[str, Any] = {
        "name": name,
        "trigger": TriggerRecord("every", period_ms=1000),
        "template": lab.record(id=""),
        "next_slot_ms": lab.clock.now_ms() + 1000,
    }
    return ScheduleRecord(**{**values, **fields})


def _fire(lab: Lab, rule: ScheduleRecord, slot_ms: int = 1) -> str:
    record = lab.record(id=slot_id(rule.name, slot_ms), schedule=rule.name, slot_ms=slot_ms)
    return lab.store.fire(rule, slot_ms, slot_ms + 1000, [record])


def _stored(lab: Lab) -> ScheduleRecord:
    (rule,) = lab.store.schedules()
    return rule


def test_unchanged_rule_keeps_everything(lab: Lab) -> None:
    """Putting the same rule again, made later, changes nothing: not its version, not its next slot."""
    stored = lab.store.put_schedule(_rule(lab))
    assert stored.version > 0
    lab.clock.advance(60)
    assert stored == lab.store.put_schedule(_rule(lab))
    assert [stored] == lab.store.schedules()


def test_changed_rule_keeps_what_happened_and_takes_the_new_slots(lab: Lab) -> None:
    """A change of trigger, call, misfire or overlap keeps `paused`, the last slot and instance; it is a new version."""
    stored = lab.store.put_schedule(_rule(lab, paused=True))
    _fire(lab, stored)
    fired = _stored(lab)
    for change in (
        {"trigger": TriggerRecord("every", period_ms=5)}, {"template": lab.record(id="", arguments=b"[2]")},
        {"misfire": "all"}, {"misfire_cap": 3}, {"overlap": "allow"},
    ):  # fmt: skip
        before = _stored(lab)
        new = replace(_rule(lab, next_slot_ms=77), **change)
        after = lab.store.put_schedule(new)
        assert (True, 1, fired.last_id, 77) == (after.paused, after.last_slot_ms, after.last_id, after.next_slot_ms)
        assert after.version > before.version


def test_new_revision_alone_keeps_the_next_slot(lab: Lab) -> None:
    """The revision says which set stands; it is no change of the rule."""
    stored = lab.store.put_schedule(_rule(lab, revision=1))
    after = lab.store.put_schedule(_rule(lab, revision=2, next_slot_ms=99))
    assert replace(stored, revision=2, version=after.version) == after


def test_pause_and_resume_keep_all_but_the_next_slot(lab: Lab) -> None:
    """Each gives a new version; a paused rule is not due, one that goes on is due at the slot it was given."""
    rule = lab.store.put_schedule(_rule(lab, owner="shop", next_slot_ms=lab.clock.now_ms()))
    paused = lab.store.patch_schedule(rule, paused=True, next_slot_ms=rule.next_slot_ms)
    assert [paused] == lab.store.schedules()
    assert paused == replace(rule, paused=True, version=paused.version)
    assert ([], None) == lab.store.due_schedules()
    resumed = lab.store.patch_schedule(paused, paused=False, next_slot_ms=lab.clock.now_ms() + 9)
    assert ([], lab.clock.now_ms() + 9) == lab.store.due_schedules()
    assert resumed == replace(rule, next_slot_ms=lab.clock.now_ms() + 9, version=resumed.version)
    assert rule.version < paused.version < resumed.version


def test_rule_that_changed_since_it_was_read_is_not_patched(lab: Lab) -> None:
    """Fired, changed, patched or dropped meanwhile: nothing is set back, also when a call is repeated."""
    rule = lab.store.put_schedule(_rule(lab))
    _fire(lab, rule)
    assert lab.store.patch_schedule(rule, paused=True, next_slot_ms=1) is None
    fired = _stored(lab)
    assert lab.store.patch_schedule(fired, paused=True, next_slot_ms=1) is not None
    assert lab.store.patch_schedule(fired, paused=True, next_slot_ms=1) is None
    paused = _stored(lab)
    assert "lost" == _fire(lab, fired)
    assert (fired.last_slot_ms, True, 1) == (paused.last_slot_ms, paused.paused, paused.next_slot_ms)
    lab.store.drop_schedule("r")
    assert lab.store.patch_schedule(paused, paused=False, next_slot_ms=2) is None
    assert [] == lab.store.schedules()


def test_rules_are_told_apart_by_owner_and_name(lab: Lab) -> None:
    """The same name of two owners is two rules; dropping one leaves the other."""
    for owner in (None, "shop"):
        lab.store.put_schedule(_rule(lab, owner=owner))
    lab.store.put_schedule(_rule(lab, "a"))
    assert [("a", None), ("r", None), ("r", "shop")] == [(rule.name, rule.owner) for rule in lab.store.schedules()]
    assert [True, False, False] == [
        lab.store.drop_schedule("r"), lab.store.drop_schedule("r"), lab.store.drop_schedule("r", "bank"),
    ]  # fmt: skip
    assert [("a", None), ("r", "shop")] == [(rule.name, rule.owner) for rule in lab.store.schedules()]


def test_due_rules_come_earliest_first(lab: Lab) -> None:
    """Due ones by slot, at most `limit`, not the paused, and the next slot that is still to come."""
    now_ms = lab.clock.now_ms()
    assert ([], None) == lab.store.due_schedules()
    slots = {"late": now_ms, "early": now_ms - 5, "next": now_ms + 9, "far": now_ms + 99, "never": None}
    for name, slot_ms in slots.items():
        lab.store.put_schedule(_rule(lab, name, next_slot_ms=slot_ms))
    lab.store.put_schedule(_rule(lab, "paused", next_slot_ms=now_ms, paused=True))
    due, coming_ms = lab.store.due_schedules()
    assert (["early", "late"], now_ms + 9) == ([rule.name for rule in due], coming_ms)
    assert ["early"] == [rule.name for rule in lab.store.due_schedules(limit=1)[0]]


def test_slot_is_fired_once_whoever_tries(lab: Lab) -> None:
    """Of many who fire one slot at once exactly one gets `fired`, and there is one instance."""
    rule = lab.store.put_schedule(_rule(lab))
    barrier = Barrier(16)

    def race() -> str:
        barrier.wait()
        return _fire(lab, rule)

    answers = [future.result(5) for future in [lab.background(race) for _ in range(16)]]
    assert ["fired"] + ["lost"] * 15 == sorted(answers)
    assert [slot_id("r", 1)] == lab.claimed_ids()
    assert (1, 1001, slot_id("r", 1)) == (
        _stored(lab).last_slot_ms, _stored(lab).next_slot_ms, _stored(lab).last_id,
    )  # fmt: skip


def test_version_that_is_not_current_loses(lab: Lab) -> None:
    """A rule that was changed, dropped, or put anew since is not fired."""
    old = lab.store.put_schedule(_rule(lab))
    lab.store.put_schedule(_rule(lab, overlap="allow"))
    assert "lost" == _fire(lab, old)
    lab.store.drop_schedule("r")
    assert "lost" == _fire(lab, old)
    lab.store.put_schedule(_rule(lab))
    assert "lost" == _fire(lab, old)
    assert [] == lab.find_all()


def test_overlap_skip_passes_the_slot_while_the_last_one_lives(lab: Lab) -> None:
    """While the last instance is queued or running a slot passes without one; once it has ended it fires."""
    lab.store.put_schedule(_rule(lab))
    assert "fired" == _fire(lab, _stored(lab), 1)
    assert "skipped" == _fire(lab, _stored(lab), 2)
    claim = lab.claim_one()
    assert "skipped" == _fire(lab, _stored(lab), 3)
    assert (3, 1003, claim.record.id) == (
        _stored(lab).last_slot_ms, _stored(lab).next_slot_ms, _stored(lab).last_id,
    )  # fmt: skip
    lab.settle(claim, Ending.TERMINATED)
    assert "fired" == _fire(lab, _stored(lab), 4)
    assert [slot_id("r", 4), slot_id("r", 1)] == lab.find_all()


def test_overlap_allow_fires_regardless(lab: Lab) -> None:
    """With "allow" instances of one rule may live side by side."""
    lab.store.put_schedule(_rule(lab, overlap="allow"))
    assert ["fired", "fired"] == [_fire(lab, _stored(lab), slot_ms) for slot_ms in (1, 2)]
    assert 2 == len(lab.claim())


def test_unique_key_held_elsewhere_counts_as_the_last_one(lab: Lab) -> None:
    """A slot whose instance is a duplicate leaves the holder as the rule's last instance."""
    holder = lab.add(unique_key="k")
    rule = lab.store.put_schedule(_rule(lab))
    assert "fired" == lab.store.fire(rule, 1, 2, [lab.record(unique_key="k")])
    assert holder == _stored(lab).last_id


def test_sync_makes_the_owners_rules_the_declared_ones(lab: Lab) -> None:
    """Rules no longer declared go, changed and new ones come, unchanged ones stay; others' are left alone."""
    lab.beat("w", owner="shop", fingerprint="v1")
    lab.store.put_schedule(_rule(lab, "client's"))
    assert lab.store.sync_schedules("shop", "v1", None, [_rule(lab, "a"), _rule(lab, "b"), _rule(lab, "c")])
    before = {rule.name: rule.version for rule in lab.store.schedules()}
    assert {"a", "b", "c", "client's"} == set(before)
    assert lab.store.sync_schedules("shop", "v1", None, [_rule(lab, "a"), _rule(lab, "b", overlap="allow")])
    after = {rule.name: (rule.owner, rule.version == before[rule.name]) for rule in lab.store.schedules()}
    assert {"a": ("shop", True), "b": ("shop", False), "client's": (None, True)} == after


def test_sync_of_a_set_that_does_not_stand_changes_nothing(lab: Lab) -> None:
    """While workers of two versions live, the set whose earliest worker started last stands, until they are gone."""
    lab.beat("old", owner="shop", fingerprint="v1")
    assert lab.store.sync_schedules("shop", "v1", None, [_rule(lab, "a")])
    lab.clock.advance(1)
    lab.beat("new", owner="shop", fingerprint="v2")
    assert not lab.store.sync_schedules("shop", "v1", None, [])
    assert ["a"] == [rule.name for rule in lab.store.schedules()]
    assert lab.store.sync_schedules("shop", "v2", None, [_rule(lab, "b")])
    lab.store.retire("new")
    assert lab.store.sync_schedules("shop", "v1", None, [_rule(lab, "a")])
    assert ["a"] == [rule.name for rule in lab.store.schedules()]


def test_fired_instance_is_like_any_other(lab: Lab) -> None:
    """What a rule fired wakes waiters, is found by its schedule, and stays when the rule is dropped."""
    lab.beat("w")
    claim = lab.blocked(lambda: lab.store.claim("w", 1, ["add"], 1, 60_000))
    rule = lab.store.put_schedule(_rule(lab))
    _fire(lab, rule)
    assert [slot_id("r", 1)] == [one.record.id for one in claim.result(5)]
    lab.store.drop_schedule("r")
    assert [slot_id("r", 1)] == lab.find_all(schedule="r")
    assert State.PROCESSING is lab.state(slot_id("r", 1))
