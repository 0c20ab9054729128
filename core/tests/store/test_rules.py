"""Recurring rules over whatever keeps them."""

from collections.abc import Sequence

from msgspec.structs import replace

from rota.model.records import EnqueueAnswer, InstanceRecord, ScheduleRecord, TriggerRecord
from rota.store.rules import fire_rule, patch_rule, put_rule, sync_rules

_CALL = InstanceRecord(id="", kind="add", arguments=b"[]", rank=5, created_ms=0)
_RULE = ScheduleRecord(name="hourly", trigger=TriggerRecord("every", period_ms=1000), template=_CALL, next_slot_ms=100)


class _Shelf:
    def __init__(self) -> None:
        self.rules: dict[tuple[str, str | None], ScheduleRecord] = {}
        self.version = 0

    def find(self, name: str, owner: str | None) -> ScheduleRecord | None:
        return self.rules.get((name, owner))

    def names_of(self, owner: str) -> Sequence[str]:
        return [name for name, of in self.rules if of == owner]

    def save(self, rule: ScheduleRecord) -> ScheduleRecord:
        self.version += 1
        self.rules[rule.name, rule.owner] = replace(rule, version=self.version)
        return self.rules[rule.name, rule.owner]

    def drop(self, name: str, owner: str | None) -> bool:
        return self.rules.pop((name, owner), None) is not None


def test_same_rule_again_changes_nothing() -> None:
    """Not even its version."""
    shelf = _Shelf()
    first = put_rule(shelf, _RULE)
    assert first == put_rule(shelf, replace(_RULE, next_slot_ms=5000))


def test_changed_rule_keeps_what_the_store_knows_of_it() -> None:
    """Paused and fired last; its next slot is the new one."""
    shelf = _Shelf()
    shelf.save(replace(_RULE, paused=True, last_slot_ms=50, last_id="x"))
    stands = put_rule(shelf, replace(_RULE, overlap="allow", next_slot_ms=700))
    assert (True, 50, "x", 700, 2) == (
        stands.paused, stands.last_slot_ms, stands.last_id, stands.next_slot_ms, stands.version
    )  # fmt: skip


def test_new_revision_keeps_the_next_slot() -> None:
    """The rule itself is the same: nothing is moved."""
    shelf = _Shelf()
    put_rule(shelf, _RULE)
    stands = put_rule(shelf, replace(_RULE, revision=2, next_slot_ms=700))
    assert (100, 2) == (stands.next_slot_ms, stands.revision)


def test_patch_of_a_rule_that_has_changed_does_nothing() -> None:
    """The version that it was read with no longer stands."""
    shelf = _Shelf()
    read = put_rule(shelf, _RULE)
    shelf.save(read)
    assert patch_rule(shelf, read, True, None) is None
    assert [False] == [rule.paused for rule in shelf.rules.values()]


def test_sync_drops_what_is_no_longer_declared() -> None:
    """Of its owner alone."""
    shelf = _Shelf()
    shelf.save(replace(_RULE, name="old", owner="shop"))
    shelf.save(replace(_RULE, name="other", owner="mail"))
    shelf.save(replace(_RULE, name="own"))
    assert sync_rules(shelf, "shop", "f", (), [_RULE])
    assert {("hourly", "shop"), ("other", "mail"), ("own", None)} == set(shelf.rules)


def test_fire_skips_while_the_last_instance_lives() -> None:
    """The slot is passed all the same, and a rule that was fired meanwhile is lost."""
    shelf = _Shelf()
    rule = put_rule(shelf, _RULE)
    added = [EnqueueAnswer("added", "first")]
    assert "fired" == fire_rule(shelf, rule, 100, 200, lives=lambda _: True, enqueue=lambda: added)
    assert "lost" == fire_rule(shelf, rule, 100, 200, lives=lambda _: True, enqueue=lambda: added)
    second = shelf.rules["hourly", None]
    assert "skipped" == fire_rule(shelf, second, 200, 300, lives=lambda one: one == "first", enqueue=lambda: added * 0)
    stands = shelf.rules["hourly", None]
    assert (200, 300, "first") == (stands.last_slot_ms, stands.next_slot_ms, stands.last_id)
