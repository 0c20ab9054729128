"""REF: what is not declared is refused, and nothing of it is done."""

from collections.abc import Callable
from typing import Any

import pytest

from rota.model.errors import QueryError, UnsupportedFeature
from rota.model.query import InstanceFilter
from rota.model.records import Ending, KindDescriptor, LimitRecord, Outcome
from rota.model.state import State
from rota_conformance.lab import KIND, Lab
from rota_conformance.recorder import proves

_LONG_MS = 600_000


def _askings(lab: Lab, feature: str) -> dict[str, Callable[[], Any]]:
    """Every operation that asks for the feature, each together with something that does not."""
    parent = lab.add(kind="parent")
    lab.add(kind="settled", rank=-9)
    claim = lab.claim_one(kinds=("settled",))
    rule = lab.store.put_schedule(lab.rule("fired", next_slot_ms=1))
    asking = {"depends_on": (parent,)} if feature == "dependencies" else {"lane": "a"}
    limit = LimitRecord(2) if feature == "limits" else LimitRecord(rate_count=1, rate_ms=1_000)
    through_records: dict[str, Callable[[], Any]] = {
        "enqueue": lambda: lab.store.enqueue([lab.record(), lab.record(**asking)]),
        "settle": lambda: lab.store.settle(
            [Outcome(claim.record.id, claim.token, Ending.COMPLETED, followups=(lab.record(), lab.record(**asking)))]
        ),
        "fire": lambda: lab.store.fire(rule, 1, 2, [lab.record(), lab.record(**asking)]),
        "put_schedule": lambda: lab.store.put_schedule(lab.rule("new", template=lab.record(id="", **asking))),
    }
    through_kinds: dict[str, Callable[[], Any]] = {
        "put_kinds": lambda: lab.store.put_kinds(
            [KindDescriptor(kind="plain"), KindDescriptor(kind="limited", limits=(limit,))]
        ),
        "put_kinds of a lane": lambda: lab.store.put_kinds(
            [KindDescriptor(kind="limited", limits=(LimitRecord(2, limit.rate_count, limit.rate_ms, "{x}"),))]
        ),
    }
    return {
        "dependencies": through_records,
        "limits": {**through_records, **through_kinds},
        "rate": through_kinds,
        "changes": {"changes": lambda: lab.store.changes(), "changes after": lambda: lab.store.changes("1")},
    }[feature]


def _picture(lab: Lab) -> tuple[Any, ...]:
    found = lab.store.find(InstanceFilter()).items
    return found, lab.store.stats(), lab.store.schedules(), lab.store.kinds()


@proves("REF-1")
@pytest.mark.parametrize("feature", ["dependencies", "limits", "rate", "changes"])
def test_feature_is_there_or_refused(lab: Lab, feature: str) -> None:
    """Where it is not declared each operation that asks for it raises, names it, and has done nothing, not even what
    was fine of the call. Where it is declared none of them does."""
    for name, ask in _askings(lab, feature).items():
        if lab.has(feature):
            _accept(ask, name)
            continue
        before = _picture(lab)
        with pytest.raises(UnsupportedFeature) as raised:
            ask()
        named = {"limits", "rate"} if feature == "rate" and not lab.has("limits") else {feature}
        assert (name, True) == (name, raised.value.feature in named)
        assert before == _picture(lab), name
        if name == "settle":
            assert State.PROCESSING in lab.store.stats(["settled"])[0].counts


def _accept(ask: Callable[[], Any], name: str) -> None:
    try:
        ask()
    except UnsupportedFeature as error:
        raise AssertionError(f"{name} refuses what is declared: {error}") from error
    except QueryError:  # the cursor is none: it was looked at, which is all that counts here
        assert "changes after" == name


@proves("REF-1")
def test_what_asks_for_nothing_is_never_refused(lab: Lab) -> None:
    """The plain forms of the same operations work on every store."""
    one = lab.record(depends_on=(), lane=None)
    assert ["added"] == [answer.status for answer in lab.store.enqueue([one])]
    lab.store.put_kinds([KindDescriptor(kind=KIND, limits=())])
    assert lab.store.count(InstanceFilter()) >= 0
    assert "done" == lab.settle(lab.claim_one(), followups=(lab.record(),)).status
