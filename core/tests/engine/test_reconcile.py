"""Whose declared schedules stand, while programs come and go."""

from itertools import permutations

import msgspec
import pytest

from rota.engine.reconcile import changed, declared_fingerprint, standing_fingerprint
from rota.model.records import InstanceRecord, ScheduleRecord, TriggerRecord, WorkerRecord


def _worker(
    name: str, fingerprint: str | None, started_ms: int, revision: int | None = None, owner: str = "shop"
) -> WorkerRecord:
    return WorkerRecord(id=name, owner=owner, fingerprint=fingerprint, started_ms=started_ms, revision=revision)


_CALL = InstanceRecord(id="", kind="report", arguments=b"[1]", rank=5, created_ms=7)
_RULE = ScheduleRecord(name="r", owner="shop", trigger=TriggerRecord("cron", "0 2 * * *"), template=_CALL)


def test_nobody_declares_nothing_stands() -> None:
    """Workers of others, and workers that declare nothing, have no say."""
    assert standing_fingerprint([], "shop") is None
    assert standing_fingerprint([_worker("a", "x", 1, owner="bank"), _worker("b", None, 2)], "shop") is None


def test_rolling_deploy_and_rollback_end_right_at_every_step() -> None:
    """While v2 replaces v1 worker by worker v2 stands from its first worker on; v1 once it is rolled back."""
    live = {f"old-{n}": _worker(f"old-{n}", "v1", n) for n in range(3)}
    for step in range(3):
        live[f"new-{step}"] = _worker(f"new-{step}", "v2", 100 + step)
        assert "v2" == standing_fingerprint(list(live.values()), "shop")
        del live[f"old-{step}"]
        assert "v2" == standing_fingerprint(list(live.values()), "shop")
    live["new-1"] = _worker("new-1", "v2", 150)  # one of them crashes and starts again
    assert "v2" == standing_fingerprint(list(live.values()), "shop")
    for step in range(3):
        live[f"back-{step}"] = _worker(f"back-{step}", "v1", 200 + step)
        assert "v1" == standing_fingerprint(list(live.values()), "shop")
        del live[f"new-{step}"]
        assert "v1" == standing_fingerprint(list(live.values()), "shop")


def test_old_worker_that_restarts_within_a_deploy_does_not_bring_its_set_back() -> None:
    """What counts is the earliest worker of a set: v1 is old as long as one of its old workers lives."""
    live = [_worker("old-1", "v1", 1), _worker("new-1", "v2", 100), _worker("old-2", "v1", 300)]
    assert "v2" == standing_fingerprint(live, "shop")


@pytest.mark.parametrize(
    ("workers", "stands"),
    [
        ([_worker("a", "x", 1, revision=8), _worker("b", "y", 900, revision=7)], "x"),
        ([_worker("a", "x", 1, revision=-3), _worker("b", "y", 900)], "x"),  # one beats none
        ([_worker("a", "x", 1, revision=7), _worker("b", "y", 2, revision=7)], "y"),  # a tie goes by the start
        ([_worker("a", "x", 1, revision=7), _worker("c", "x", 3), _worker("b", "y", 2, revision=6)], "x"),
        ([_worker("a", "x", 5), _worker("b", "y", 5)], "y"),  # a full tie by the text
    ],
)
def test_revision_decides_when_given_and_the_order_of_workers_never(workers: list[WorkerRecord], stands: str) -> None:
    """The higher revision stands, whoever started when, and every machine answers the same."""
    assert {stands} == {standing_fingerprint(order, "shop") for order in permutations(workers)}


@pytest.mark.parametrize(
    "new",
    [
        msgspec.structs.replace(_RULE, trigger=TriggerRecord("cron", "0 2 * * *", jitter_ms=1)),
        msgspec.structs.replace(_RULE, template=msgspec.structs.replace(_CALL, arguments=b"[2]")),
        msgspec.structs.replace(_RULE, template=msgspec.structs.replace(_CALL, priority=1)),
        msgspec.structs.replace(_RULE, misfire="all"),
        msgspec.structs.replace(_RULE, misfire_cap=5),
        msgspec.structs.replace(_RULE, overlap="allow"),
    ],
)
def test_other_trigger_call_misfire_or_overlap_is_a_change(new: ScheduleRecord) -> None:
    """Code is the truth for these, and a set that has them otherwise has another name."""
    assert changed(_RULE, new)
    assert declared_fingerprint([_RULE]) != declared_fingerprint([new])


@pytest.mark.parametrize(
    "kept",
    [
        {"paused": True},
        {"version": 9},
        {"last_slot_ms": 1, "next_slot_ms": 2, "last_id": "f"},
        {"revision": 4},
        {"template": msgspec.structs.replace(_CALL, id="x", created_ms=99, rank=99)},
    ],
)
def test_what_the_store_keeps_is_no_change(kept: dict[str, object]) -> None:
    """Pausing, firing and declaring it at another time leave the rule what it is."""
    new = msgspec.structs.replace(_RULE, **kept)
    assert not changed(_RULE, new)
    assert declared_fingerprint([_RULE]) == declared_fingerprint([new])


def test_fingerprint_names_the_set_not_its_order() -> None:
    """Sixteen digits, the same in whatever order modules declare, another for a rule more."""
    other = msgspec.structs.replace(_RULE, name="s")
    assert declared_fingerprint([_RULE, other]) == declared_fingerprint([other, _RULE])
    assert declared_fingerprint([_RULE, other]) != declared_fingerprint([_RULE])
    assert 16 == len(declared_fingerprint([])) == len(declared_fingerprint([_RULE]))


def test_rules_of_rota_itself_go_by_what_each_worker_says_of_them() -> None:
    """Whatever the programs and their revisions: among all live workers the set of the newest version stands, none
    included, and no program's own set has a part in it."""
    old = [msgspec.structs.replace(_worker(f"old-{n}", "x", n, 7), system="s1") for n in range(2)]
    new = msgspec.structs.replace(_worker("new", "y", 100, 1, owner="bank"), system="s2")
    nameless = WorkerRecord(id="nameless", system="s3", started_ms=200)
    silent = _worker("silent", "z", 300, owner="system")
    assert standing_fingerprint([silent], "system") is None
    assert "s1" == standing_fingerprint([*old, silent], "system")
    assert "s2" == standing_fingerprint([*old, new, silent], "system")
    assert "s3" == standing_fingerprint([*old, new, nameless, silent], "system")
    assert "x" == standing_fingerprint([*old, new, nameless, silent], "shop")
