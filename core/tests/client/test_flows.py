"""Scheduling what depends on others: one instance a call, what others need first, and what is refused."""

from typing import Any

import pytest
from core.tests.client.managers import ByHand, Watched, managed, store_of

from rota import (
    ArgumentError,
    ConfigError,
    Cron,
    Every,
    Instance,
    Jobs,
    Limit,
    Manager,
    Query,
    State,
    StoreError,
    chain,
    chord,
    group,
)  # fmt: skip
from rota.engine.output import Output
from rota.model.ids import uuid_to_id
from rota.model.records import Ending, Outcome
from rota.testing import FakeClock


def _parents(instance: Instance[Any]) -> list[str]:
    return [one.kind for one in instance.parents()]


@pytest.fixture
def manager() -> Any:
    """With jobs "num", "add", "total" and "keyed"."""
    with managed() as manager:
        manager.job(kind="num")(_num)
        manager.job(kind="add")(_add)
        manager.job(kind="total")(_total)
        manager.job(kind="keyed", unique_key="k:{n}")(_num)
        yield manager


def _num(n: int) -> int:
    return n


def _add(a: int, b: int = 0) -> int:
    return a + b


def _total(numbers: list[int]) -> int:
    return sum(numbers)


def test_parents_are_scheduled_with_the_call_and_before_it(manager: Manager) -> None:
    """Ids rise along the chain; the one answered waits."""
    last = manager.schedule(chain(manager["num"].call(1), manager["add"], manager["add"]))
    assert (State.CREATED, ["add"]) == (last.state, _parents(last))
    middle = last.parents()[0]
    assert (State.CREATED, ["num"]) == (middle.state, _parents(middle))
    assert last.id > middle.id > middle.parents()[0].id
    assert [] == middle.parents()[0].parents()
    assert {"a": Output(middle.id)} == dict(last.arguments)
    assert str(middle.id) in repr(last.arguments["a"])


async def _aparents(instance: Instance[Any]) -> list[str]:
    return [one.kind for one in await instance.aparents()]


def test_parents_are_awaited_alike(manager: Manager) -> None:
    """The twin answers the same."""
    import asyncio

    last = manager.schedule(chain(manager["num"].call(1), manager["add"]))
    assert ["num"] == asyncio.run(_aparents(last))


def test_one_call_is_one_instance_within_a_schedule_call(manager: Manager) -> None:
    """However often its output is used; scheduled again, it is another one."""
    shared = manager["num"].call(1)
    call = manager["total"].call([shared.output, manager["add"].call(shared.output, shared.output).output])
    first, second = manager.schedule(call), manager.schedule(call)
    assert 6 == manager.count()
    assert [] == [one for one in first.parents() if one in second.parents()]


def test_listed_calls_are_instances_and_outputs_those_of_the_first(manager: Manager) -> None:
    """Before and after what depends on it, and in batches of their own."""
    num, other = manager["num"].call(1), manager["num"].call(2)
    add = manager["add"].call(num.output, other.output)
    for batch in (1, 2, 1000):
        again, _, first, second, late = manager.schedule_many(
            [other, manager["num"].call(3), num, num, add], batch=batch
        )
        assert {again.id, first.id} == {one.id for one in late.parents()}
        assert second.id not in {one.id for one in late.parents()}
        early, own = manager.schedule_many([add, num], batch=batch)
        assert own.id in {one.id for one in early.parents()}
    assert 2 == len({one.id for one in manager.schedule_many([num] * 2)})


def test_dependencies_without_results_are_said_by_options(manager: Manager) -> None:
    """Instances and calls alike."""
    before = manager["num"].schedule(1)
    call = manager["add"].options(depends_on=[before, manager["keyed"].call(2)]).call(1, 2)
    one = manager.schedule(call)
    assert (State.CREATED, ["num", "keyed"]) == (one.state, _parents(one))
    assert 2 == manager.count(Query(parent=before.id)) + manager.count(Query(parent=one.parents()[1].id))


def test_output_of_an_instance_is_one_as_well(manager: Manager) -> None:
    """So arguments that were read can be scheduled again."""
    one = manager.schedule(chain(manager["num"].call(1), manager["add"]))
    again = manager["add"].schedule(**one.arguments)
    assert [parent.id for parent in one.parents()] == [parent.id for parent in again.parents()]


def test_duplicate_parent_stands_for_the_holder_of_its_key(manager: Manager) -> None:
    """What depends on it refers to the one that lives."""
    holder = manager["keyed"].schedule(7)
    one = manager.schedule(chain(manager["keyed"].call(7), manager["add"], manager["add"]))
    (middle,) = one.parents()
    assert ([holder.id], {"a": Output(holder.id)}) == (
        [parent.id for parent in middle.parents()],
        dict(middle.arguments),
    )
    assert 3 == manager.count()


def test_batches_are_never_larger_than_a_store_takes() -> None:
    """A group of 1,000 and what collects it: two calls of `enqueue`, parents in the first."""
    store = Watched.memory()
    with managed(store=store) as manager:
        job = manager.job(kind="num")(_num)
        manager.schedule(group([job.call(n) for n in range(1000)]))
    assert [1000, 1] == store.sizes("enqueue")


@pytest.mark.parametrize("count", [1001, 5000])
def test_more_than_a_thousand_are_collected_in_parts(manager: Manager, count: int) -> None:
    """No instance depends on more than stores allow, and the progress goes in small steps."""
    total = manager.schedule(chord([manager["num"].call(n) for n in range(count)], manager["total"]))
    (top,) = total.parents()
    parts = top.parents()
    assert {"system.group"} == {top.kind, *(part.kind for part in parts)}
    assert count == sum(len(part.parents()) for part in parts)
    assert 30 < len(parts) < 100


def test_more_than_a_thousand_by_hand_are_refused(manager: Manager) -> None:
    """With the way to do it."""
    calls = [manager["num"].call(n) for n in range(1001)]
    with pytest.raises(ConfigError, match=r"depends on 1,001 others.*rota\.group"):
        manager["total"].schedule([call.output for call in calls])
    assert 0 == manager.count()


def test_delay_counts_from_the_release() -> None:
    """And so does a bound on the wait in the queue."""
    clock = FakeClock()
    with managed(clock) as manager:
        num, add = manager.job(kind="num")(_num), manager.job(kind="add")(_add)
        one = manager.schedule(add.options(after=5, expires=8).call(num.call(1).output))
        clock.advance(100)
        hand = ByHand(manager)
        hand.end("num", result=b"\x01")
        assert (State.SCHEDULED, clock.now_ms() + 5000) == (
            one.refresh().state,
            one.refresh().due_at.timestamp() * 1000,
        )
        clock.advance(5)
        assert [uuid_to_id(one.id)] == hand.end("add")


def test_progress_of_a_group_is_the_part_that_has_ended(manager: Manager) -> None:
    """Seen from outside, whatever the jobs themselves report; a wait that was too short tells what it waits for."""
    one = manager.schedule(group([manager["num"].call(n) for n in range(4)]))
    assert 0.0 == one.refresh().progress
    hand = ByHand(manager)
    (claim,) = hand.claim("num", limit=1)
    hand.store.settle([Outcome(claim.record.id, claim.token, Ending.COMPLETED, b"\x01")])
    assert 0.25 == one.refresh().progress
    with pytest.raises(TimeoutError, match="waits for 3 of the 4 instances that it depends on, 'num'"):
        one.result(timeout=0)


def test_key_that_needs_a_result_is_refused(manager: Manager) -> None:
    """A unique key or a lane is made when the call is scheduled; the result is not there yet."""
    num = manager["num"].call(1)
    with pytest.raises(ArgumentError, match=r"'k:\{n\}': n is the result of another instance, known only when"):
        manager["keyed"].schedule(num.output)
    limited = manager.job(kind="limited", limits=Limit(1, key="{n}"))(_num)
    with pytest.raises(ArgumentError, match="known only when"):
        limited.schedule(num.output)
    assert 0 == manager.count()


def test_recurring_rule_fires_no_flow(manager: Manager) -> None:
    """It is refused where it is written, with what to write instead."""
    call = chain(manager["num"].call(1), manager["add"])
    with pytest.raises(ConfigError, match="a job that schedules the flow"):
        manager.put_schedule("rule", Every(60), call)
    with pytest.raises(ConfigError, match="depends on others"):
        Jobs().recurring("rule", Cron("0 0 * * *"), call)


def test_gone_parent_is_refused(manager: Manager) -> None:
    """An instance that was purged, or stands in another namespace, can't be waited for."""
    gone = manager["num"].schedule(1)
    gone.cancel()
    manager.purge(Query())
    with pytest.raises(StoreError, match=r"depends on .* which is not here"):
        manager["num"].options(depends_on=[gone]).schedule(2)


def test_call_that_depends_on_itself_is_refused(manager: Manager) -> None:
    """A list that is changed after the call was made can do that."""
    numbers: list[Any] = []
    call = manager.remote("total").call(numbers)
    numbers.append(call.output)
    with pytest.raises(ConfigError, match="depends on itself"):
        manager.schedule(call)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"depends_on": [1]}, "takes Instances and Calls; got 1"),
        ({"depends_on": 1}, r"write \[1\]"),
        ({"on_parent_failure": "skip"}, '"cancel" or "run"'),
    ],
)
def test_options_that_are_none_are_refused(manager: Manager, options: Any, said: str) -> None:
    """Where they are written."""
    with pytest.raises(ConfigError, match=said):
        manager["num"].options(**options)


@pytest.mark.parametrize("make", [lambda job: group([job]), lambda job: chord([job], job), lambda job: chain(job, job)])
def test_flows_take_calls(manager: Manager, make: Any) -> None:
    """A job in the place of its call is told so."""
    with pytest.raises(ConfigError, match=r"num\.call\("):
        make(manager["num"])


def test_chain_of_thousands_needs_no_stack(manager: Manager) -> None:
    """Its length is bounded by nothing but memory."""
    one = manager.schedule(chain(manager["num"].call(1), *[manager["add"]] * 5000))
    assert (5001, State.CREATED) == (manager.count(), one.state)
    manager.cancel(Query(kind="num"))
    assert (State.CANCELED, 5001) == (one.refresh().state, manager.count(Query(state=State.CANCELED)))


def test_flow_scheduled_in_bulk_beside_plain_calls_has_them_all(manager: Manager) -> None:
    """A generator is taken batch by batch; each call has its place in the answer."""
    num = manager["num"]
    calls = (chain(num.call(n), manager["add"]) if n % 7 == 0 else num.call(n) for n in range(100))
    found = manager.schedule_many(calls, batch=10)
    assert ["add" if n % 7 == 0 else "num" for n in range(100)] == [one.kind for one in found]
    assert 115 == manager.count()
    assert store_of(manager).stats() != []
