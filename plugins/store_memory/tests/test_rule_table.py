"""Rules by their next slot, against the plain answer."""

from hypothesis import given
from hypothesis import strategies as st

from rota.model.records import InstanceRecord, ScheduleRecord, TriggerRecord
from rota_store_memory.rule_table import RuleTable

_CALL = InstanceRecord(id="", kind="k", arguments=b"", rank=5, created_ms=0)
_TRIGGER = TriggerRecord("every", period_ms=1000)


def _rule(name: str, owner: str | None, next_slot_ms: int | None = 0, paused: bool = False) -> ScheduleRecord:
    return ScheduleRecord(
        name=name, owner=owner, trigger=_TRIGGER, template=_CALL, next_slot_ms=next_slot_ms, paused=paused
    )


_RULES = st.builds(
    _rule, st.sampled_from("abc"), st.sampled_from([None, "", "o"]), st.none() | st.integers(0, 9), st.booleans()
)


@given(st.lists(_RULES | _RULES.map(lambda rule: (rule.name, rule.owner)), max_size=40))
def test_due_are_those_whose_slot_has_come_after_any_changes(
    steps: list[ScheduleRecord | tuple[str, str | None]],
) -> None:
    """Set anew, paused, dropped in any order: due ones by slot and name, up to the limit, and the next to come."""
    table, plain = RuleTable(), dict[tuple[str, str | None], ScheduleRecord]()
    for step in steps:
        if isinstance(step, ScheduleRecord):
            table.set(step)
            plain[step.name, step.owner] = step
        else:
            assert (plain.pop(step, None) is not None) == table.drop(*step)
        assert plain.get(("a", "o")) == table.get("a", "o")
    assert sorted(map(repr, plain.values())) == sorted(map(repr, table))
    slots = sorted(
        (rule.next_slot_ms, rule.name, rule.owner is not None, rule.owner or "")
        for rule in plain.values()
        if rule.next_slot_ms is not None and not rule.paused
    )
    for now_ms in range(-1, 11):
        due = [plain[name, owner if owned else None] for at, name, owned, owner in slots if at <= now_ms]
        coming = next((at for at, *_ in slots if at > now_ms), None)
        assert [(due[:limit], coming) for limit in (0, 1, 100)] == [table.due(now_ms, limit) for limit in (0, 1, 100)]


def test_cleared_table_is_empty() -> None:
    """Nothing is due any more, nothing comes."""
    table = RuleTable()
    table.set(_rule("a", None))
    table.clear()
    assert ([], ([], None), None) == ([*table], table.due(10, 1), table.get("a", None))
