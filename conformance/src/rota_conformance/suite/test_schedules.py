"""SCH: recurring rules, and that each slot of one is fired once."""

from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from rota.model.ids import slot_id
from rota.model.query import InstanceFilter
from rota.model.records import Ending, ScheduleRecord, TriggerRecord
from rota.model.state import State
from rota.store.contract import FireAnswer, Store
from rota_conformance.hostile import TEXTS
from rota_conformance.lab import Lab
from rota_conformance.profiles import Profile
from rota_conformance.recorder import proves

_LONG_MS = 600_000


def _stored(lab: Lab, name: str = "rule") -> ScheduleRecord:
    (rule,) = [rule for rule in lab.store.schedules() if rule.name == name]
    return rule


def _fire(lab: Lab, rule: ScheduleRecord, slot_ms: int, store: Store | None = None, **fields: Any) -> FireAnswer:
    record = lab.record(id=slot_id(rule.name, slot_ms), schedule=rule.name, slot_ms=slot_ms, **fields)
    return (store or lab.store).fire(rule, slot_ms, slot_ms + 1_000, [record])


@proves("SCH-1")
def test_rules_are_kept_by_owner_and_name(lab: Lab) -> None:
    """Each as it was put, with a version of its own; the list goes by name, for every client."""
    rules = [
        lab.rule("r"), lab.rule("r", owner="shop", next_slot_ms=7, misfire="all", misfire_cap=3, overlap="allow"),
        lab.rule("a", trigger=TriggerRecord("cron", "*/5 * * * *", "Europe/Berlin", jitter_ms=9), next_slot_ms=5),
        lab.rule("b", template=lab.record(id="", created_ms=0, arguments=b"\0x", unique_key="k", max_crashes=7)),
    ]  # fmt: skip
    put = [lab.store.put_schedule(rule) for rule in rules]
    assert rules == [replace(rule, version=0) for rule in put]
    assert 4 == len({rule.version for rule in put} - {0})
    found = lab.client().schedules()
    assert ["a", "b", "r", "r"] == [rule.name for rule in found]
    assert sorted(put, key=str) == sorted(found, key=str)


@proves("SCH-1", "ENQ-10")
def test_rules_of_any_name_are_their_own(lab: Lab) -> None:
    """Names and owners may be any text: each pair is one rule, and only the one named is dropped."""
    for text in TEXTS:
        lab.store.put_schedule(lab.rule(text, next_slot_ms=1))
        lab.store.put_schedule(lab.rule("a", owner=text, next_slot_ms=1))
    expected = {*((text, None) for text in TEXTS), *(("a", text) for text in TEXTS)}
    assert expected == {(rule.name, rule.owner) for rule in lab.store.schedules()}
    assert expected == {(rule.name, rule.owner) for rule in lab.store.due_schedules(1_000)[0]}
    for text in TEXTS[::3]:
        assert lab.store.drop_schedule(text)
        assert lab.store.drop_schedule("a", text)
        expected -= {(text, None), ("a", text)}
        assert expected == {(rule.name, rule.owner) for rule in lab.store.schedules()}


@proves("SCH-2")
def test_unchanged_rule_keeps_all(lab: Lab) -> None:
    """Put again, made later and with other next slots, it keeps its version, its slots, what it fired."""
    stored = lab.store.put_schedule(lab.rule(next_slot_ms=1))
    _fire(lab, stored, 1)
    lab.store.patch_schedule("rule", None, paused=True, next_slot_ms=99)
    before = _stored(lab)
    again = lab.rule(next_slot_ms=500, template=lab.record(id="", rank=77))
    assert before == lab.client().put_schedule(again)
    assert [before] == lab.store.schedules()


@proves("SCH-2")
@pytest.mark.parametrize("field", ["trigger", "template", "misfire", "misfire_cap", "overlap"])
def test_changed_rule_keeps_pause_and_last_slot(lab: Lab, field: str) -> None:
    """It takes the slots given, and is a new version; what happened stays."""
    stored = lab.store.put_schedule(lab.rule(next_slot_ms=1))
    _fire(lab, stored, 1)
    lab.store.patch_schedule("rule", None, paused=True, next_slot_ms=99)
    before = _stored(lab)
    change: dict[str, Any] = {
        "trigger": TriggerRecord("every", period_ms=5), "template": lab.record(id="", arguments=b"[2]"),
        "misfire": "all", "misfire_cap": 3, "overlap": "allow",
    }  # fmt: skip
    after = lab.store.put_schedule(replace(lab.rule(next_slot_ms=77), **{field: change[field]}))
    assert (True, 1, before.last_id, 77) == (after.paused, after.last_slot_ms, after.last_id, after.next_slot_ms)
    assert change[field] == getattr(after, field)
    assert after.version != before.version
    assert [after] == lab.store.schedules()
    assert "lost" == _fire(lab, before, 99)


@proves("SCH-3")
def test_due_rules_come_earliest_first(lab: Lab) -> None:
    """At most so many, exactly from their slot on, not the paused ones; and the next slot that is still to come."""
    now_ms = lab.store.now_ms()
    assert ([], None) == lab.store.due_schedules()
    slots = {
        "late": now_ms,
        "early": now_ms - 5,
        "next": now_ms + _LONG_MS,
        "far": now_ms + 2 * _LONG_MS,
        "never": None,
    }
    for name, slot_ms in slots.items():
        lab.store.put_schedule(lab.rule(name, next_slot_ms=slot_ms))
    lab.store.put_schedule(lab.rule("paused", next_slot_ms=now_ms, paused=True))
    due, coming_ms = lab.client().due_schedules()
    assert (["early", "late"], now_ms + _LONG_MS) == ([rule.name for rule in due], coming_ms)
    assert ["early"] == [rule.name for rule in lab.store.due_schedules(1)[0]]
    assert [_stored(lab, rule.name) for rule in due] == due


@proves("SCH-3")
def test_slot_comes_at_its_time_and_not_before(lab: Lab) -> None:
    """As with instances: exactly now is due."""
    slot_ms = lab.store.now_ms() + 3 * lab.unit_ms
    lab.store.put_schedule(lab.rule(next_slot_ms=slot_ms))
    if lab.moves_time:
        lab.pass_ms(3 * lab.unit_ms - lab.capabilities.time_resolution_ms)
        assert ([], slot_ms) == lab.store.due_schedules()
    lab.pass_ms(max(0, slot_ms - lab.store.now_ms()))
    assert ["rule"] == [rule.name for rule in lab.store.due_schedules()[0]]


@proves("SCH-4")
def test_of_callers_with_one_version_one_fires(lab: Lab) -> None:
    """The winner's instance is there with the answer, and the rule has passed the slot; who comes later has lost."""
    rule = lab.store.put_schedule(lab.rule(next_slot_ms=1))
    other = lab.record(id=lab.id(), schedule="rule")
    assert "fired" == _fire(lab, rule, 1, arguments=b"mine")
    assert "lost" == lab.client().fire(rule, 1, 2_000, [other])
    one = slot_id("rule", 1)
    assert [one] == lab.find_all()
    assert (b"mine", 1, ["created", "scheduled"]) == (
        lab.get(one).record.arguments,
        lab.get(one).record.slot_ms,
        lab.path(one),
    )
    fired = _stored(lab)
    assert (1, 1_001, one) == (fired.last_slot_ms, fired.next_slot_ms, fired.last_id)
    assert fired.version != rule.version
    assert [one] == lab.claimed_ids()


@proves("SCH-4")
def test_version_that_is_not_current_loses(lab: Lab) -> None:
    """A rule that was changed, paused, dropped or put anew since is not fired."""
    old = lab.store.put_schedule(lab.rule(next_slot_ms=1))
    lab.store.put_schedule(lab.rule(overlap="allow", next_slot_ms=1))
    assert "lost" == _fire(lab, old, 1)
    current = _stored(lab)
    lab.store.patch_schedule("rule", None, paused=True, next_slot_ms=1)
    assert "lost" == _fire(lab, current, 1)
    current = _stored(lab)
    lab.store.drop_schedule("rule")
    assert "lost" == _fire(lab, current, 1)
    lab.store.put_schedule(lab.rule(next_slot_ms=1))
    assert ["lost", "lost"] == [_fire(lab, old, 1), _fire(lab, current, 1)]
    assert [] == lab.find_all()


@proves("SCH-4")
def test_slot_may_bring_several_instances_or_none(lab: Lab) -> None:
    """All of them in the one step; the last one is the rule's last."""
    rule = lab.store.put_schedule(lab.rule(next_slot_ms=1))
    records = [lab.record(id=slot_id("rule", n), schedule="rule", slot_ms=n) for n in (1, 2, 3)]
    assert "fired" == lab.store.fire(rule, 3, 4, records)
    assert {record.id for record in records} == set(lab.find_all(schedule="rule"))
    assert records[-1].id == _stored(lab).last_id
    for claim in lab.claim():
        lab.settle(claim)
    assert "fired" == lab.store.fire(_stored(lab), 4, None, [])
    assert (4, None) == (_stored(lab).last_slot_ms, _stored(lab).next_slot_ms)
    assert ([], None) == lab.store.due_schedules()


@proves("SCH-4")
def test_rules_do_not_fire_for_one_another(lab: Lab) -> None:
    """The same name of two owners is two rules with slots of their own."""
    mine, theirs = (lab.store.put_schedule(lab.rule(owner=owner, next_slot_ms=1)) for owner in (None, "shop"))
    assert ["fired", "fired"] == [
        lab.store.fire(rule, 1, 2, [lab.record(id=lab.id())]) for rule in (mine, theirs)
    ]  # fmt: skip
    assert 2 == len(lab.find_all())


@proves("SCH-5")
def test_slot_passes_while_the_last_instance_lives(lab: Lab) -> None:
    """With overlap "skip": queued or running, it lives; once it has ended, whichever way, the next slot fires."""
    lab.store.put_schedule(lab.rule(next_slot_ms=1))
    assert "fired" == _fire(lab, _stored(lab), 1)
    assert "skipped" == _fire(lab, _stored(lab), 2)
    claim = lab.claim_one()
    before = _stored(lab)
    assert "skipped" == _fire(lab, before, 3)
    after = _stored(lab)
    assert (3, 1_003, claim.record.id) == (after.last_slot_ms, after.next_slot_ms, after.last_id)
    assert "lost" == _fire(lab, before, 3), "a slot that passed is passed for all"
    assert [claim.record.id] == lab.find_all()
    lab.settle(claim, Ending.TERMINATED)
    assert "fired" == _fire(lab, _stored(lab), 4)
    lab.settle(lab.claim_one())
    lab.purge_all()
    assert "fired" == _fire(lab, _stored(lab), 5), "one that is purged lives no more"


@proves("SCH-5")
def test_overlap_allow_fires_regardless(lab: Lab) -> None:
    """With "allow" instances of one rule live side by side."""
    lab.store.put_schedule(lab.rule(overlap="allow", next_slot_ms=1))
    assert ["fired"] * 3 == [_fire(lab, _stored(lab), slot_ms) for slot_ms in (1, 2, 3)]
    assert 3 == len(lab.claim())


@proves("SCH-6")
def test_of_racing_schedulers_one_fires_a_slot(lab: Lab, profile: Profile) -> None:
    """Many at one moment, on clients of their own: one fires, the others have lost, and there is one instance."""
    stores = [lab.store, *(lab.client() for _ in range(5))]
    lab.store.put_schedule(lab.rule(overlap="allow", next_slot_ms=1))
    for n in range(1, profile.rounds + 1):
        rule = _stored(lab)
        calls = [partial(_fire, lab, rule, n, store) for store in stores]
        assert ["fired", *["lost"] * (len(stores) - 1)] == sorted(lab.race(*calls))
        assert slot_id("rule", n) == _stored(lab).last_id
    assert profile.rounds == len(lab.find_all(schedule="rule"))


@proves("SCH-6")
def test_of_fire_and_change_that_race_one_comes_first(lab: Lab, profile: Profile) -> None:
    """A rule that is dropped at the same moment has fired before, or not at all."""
    other = lab.client()
    for n in range(1, profile.rounds // 2 + 1):
        rule = lab.store.put_schedule(lab.rule(overlap="allow", next_slot_ms=n))
        fired, _ = lab.race(partial(_fire, lab, rule, n), partial(other.drop_schedule, "rule"))
        assert fired in ("fired", "lost")
        assert ("fired" == fired) == (lab.store.get([slot_id("rule", n)])[0] is not None)
        assert [] == lab.store.schedules()


@proves("SCH-7")
def test_fire_repeated_after_a_lost_reply_adds_nothing(lab: Lab) -> None:
    """The same call again finds its version gone; a slot fired by another's hand anew meets the id that is there."""
    rule = lab.store.put_schedule(lab.rule(overlap="allow", next_slot_ms=1))
    _fire(lab, rule, 1)
    before = lab.store.get([slot_id("rule", 1)]), _stored(lab)
    assert ["lost"] * 2 == [_fire(lab, rule, 1), _fire(lab, rule, 1, lab.client())]
    assert before == (lab.store.get([slot_id("rule", 1)]), _stored(lab))
    assert "fired" == _fire(lab, _stored(lab), 1), "whoever recovers may pass the slot again"
    assert 1 == lab.store.count(InstanceFilter())
    assert [slot_id("rule", 1)] == lab.claimed_ids()


@proves("SCH-8")
def test_declared_set_that_stands_is_put(lab: Lab) -> None:
    """What it lacks is dropped, what changed is changed, what did not keeps all; others' rules are left alone."""
    lab.beat("w", _LONG_MS, owner="shop", fingerprint="v1")
    lab.store.put_schedule(lab.rule("client's", next_slot_ms=1))
    lab.store.put_schedule(lab.rule("a", owner="bank", next_slot_ms=1))
    names = [lab.rule(name, next_slot_ms=5) for name in "abc"]
    assert lab.store.sync_schedules("shop", "v1", None, names)
    before = {(rule.name, rule.owner): rule for rule in lab.store.schedules()}
    assert {("a", "shop"), ("b", "shop"), ("c", "shop"), ("a", "bank"), ("client's", None)} == set(before)
    changed = [lab.rule("a", next_slot_ms=9), lab.rule("b", overlap="allow", next_slot_ms=9)]
    for _ in range(2):
        assert lab.client().sync_schedules("shop", "v1", None, changed)
    after = {(rule.name, rule.owner): rule for rule in lab.store.schedules()}
    assert set(before) - {("c", "shop")} == set(after)
    same = [identity for identity, rule in after.items() if before[identity] == rule]
    assert {("a", "shop"), ("a", "bank"), ("client's", None)} == set(same)
    assert ("allow", 9) == (after["b", "shop"].overlap, after["b", "shop"].next_slot_ms)


@proves("SCH-8")
def test_set_that_does_not_stand_changes_nothing(lab: Lab) -> None:
    """Among live workers of two versions the set whose earliest worker started last stands, until they are gone."""
    lab.beat("old", _LONG_MS, owner="shop", fingerprint="v1")
    assert lab.store.sync_schedules("shop", "v1", None, [lab.rule("a")])
    lab.pass_units(1)
    lab.beat("new", _LONG_MS, owner="shop", fingerprint="v2")
    lab.beat("other", _LONG_MS, owner="bank", fingerprint="v9")
    before = lab.store.schedules()
    assert not lab.store.sync_schedules("shop", "v1", None, [])
    assert before == lab.store.schedules()
    assert lab.store.sync_schedules("shop", "v2", None, [lab.rule("b")])
    assert ["b"] == [rule.name for rule in lab.store.schedules()]
    lab.store.retire("new")
    assert lab.store.sync_schedules("shop", "v1", None, [lab.rule("a")])
    assert ["a"] == [rule.name for rule in lab.store.schedules()]


@proves("SCH-8")
def test_highest_revision_stands(lab: Lab) -> None:
    """Where revisions are given they decide, whoever started when."""
    lab.beat("new", _LONG_MS, owner="shop", fingerprint="v2", revision=2)
    lab.pass_units(1)
    lab.beat("old", _LONG_MS, owner="shop", fingerprint="v1", revision=1)
    assert not lab.store.sync_schedules("shop", "v1", 1, [lab.rule("a")])
    assert lab.store.sync_schedules("shop", "v2", 2, [lab.rule("b")])
    assert ["b"] == [rule.name for rule in lab.store.schedules()]


@proves("SCH-9")
def test_patched_rule_is_paused_and_goes_on(lab: Lab) -> None:
    """Paused it is never due; let go on it is from the slot given. Nothing else of it changes but its version."""
    put = lab.store.put_schedule(lab.rule(next_slot_ms=1))
    lab.store.put_schedule(lab.rule(owner="shop", next_slot_ms=None))
    paused = lab.client().patch_schedule("rule", None, paused=True, next_slot_ms=7)
    assert paused is not None
    assert replace(put, paused=True, next_slot_ms=7, version=paused.version) == paused
    assert paused.version != put.version
    assert ([], None) == lab.store.due_schedules()
    resumed = lab.store.patch_schedule("rule", None, paused=False, next_slot_ms=9)
    assert resumed is not None
    assert (False, 9) == (resumed.paused, resumed.next_slot_ms)
    assert [resumed] == lab.store.due_schedules()[0]
    shop = lab.store.patch_schedule("rule", "shop", paused=True, next_slot_ms=None)
    assert [shop] == [rule for rule in lab.store.schedules() if rule.owner == "shop"]
    assert lab.store.patch_schedule("no", None, paused=True, next_slot_ms=None) is None
    assert lab.store.patch_schedule("rule", "bank", paused=True, next_slot_ms=None) is None
    assert 2 == len(lab.store.schedules())


@proves("SCH-10")
def test_dropped_rule_is_gone_and_what_it_fired_stays(lab: Lab) -> None:
    """True once; another owner's rule of the name stays; the instances go on."""
    rule = lab.store.put_schedule(lab.rule(next_slot_ms=1))
    lab.store.put_schedule(lab.rule(owner="shop"))
    _fire(lab, rule, 1)
    assert [True, False, False] == [
        lab.store.drop_schedule("rule"), lab.client().drop_schedule("rule"), lab.store.drop_schedule("rule", "bank"),
    ]  # fmt: skip
    assert ["shop"] == [rule.owner for rule in lab.store.schedules()]
    assert ([], None) == lab.store.due_schedules()
    assert [slot_id("rule", 1)] == lab.find_all(schedule="rule")
    assert State.SCHEDULED is lab.state(slot_id("rule", 1))
    anew = lab.store.put_schedule(lab.rule(next_slot_ms=1))
    assert (None, None) == (anew.last_slot_ms, anew.last_id)
    assert anew.version != rule.version
