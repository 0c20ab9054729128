"""Instances: a frozen snapshot whose attributes never touch the store, and a handle whose methods do."""

from datetime import UTC, datetime, timedelta
from threading import Thread
from uuid import uuid4

import pytest
from core.tests.client.managers import ByHand, fresh_url, managed

from rota import Every, Instance, JobCanceled, JobFailed, Manager, Query, QueryError, State
from rota.model.errors import UnknownInstance
from rota.model.records import Ending, ErrorRecord, LogRecord, Outcome, WorkerRecord
from rota.testing import FakeClock, harness, wait_until

_START = datetime(2026, 1, 1, tzinfo=UTC)


def add(a: int, b: int = 2) -> int:
    """A job."""
    return a + b


def test_fresh_instance_tells_everything_without_asking() -> None:
    """What `schedule` answers is complete, and goes on telling what it told after the store is closed."""
    clock = FakeClock()
    with managed(clock) as manager:
        one = manager.job(unique_key="add:{a}:{b}")(add).options(after=90).schedule(1)
    assert (7, "add", State.SCHEDULED, 0, {"a": 1}) == (one.id.version, one.kind, one.state, one.attempt, one.arguments)
    assert (_START, _START + timedelta(seconds=90)) == (one.created_at, one.due_at)
    assert ("add:1:2", False) == (one.unique_key, one.duplicate)
    nothing = (one.started_at, one.ended_at, one.progress, one.error, one.schedule, one.slot)
    assert (None,) * 6 == nothing


def test_running_and_ended_instance_tell_when() -> None:
    """Attempt, start, progress, end; each as of the read."""
    clock = FakeClock()
    with managed(clock) as manager:
        one = manager.job(add).schedule(1)
        worker = ByHand(manager)
        clock.advance(5)
        (claim,) = worker.claim("add")
        worker.store.append_logs([LogRecord(claim.record.id, claim.token, 1, clock.now_ms(), 0, "half", progress=0.5)])
        running = one.refresh()
        assert (State.PROCESSING, 1, _START + timedelta(seconds=5), 0.5) == (
            running.state, running.attempt, running.started_at, running.progress
        )  # fmt: skip
        clock.advance(5)
        worker.store.settle([_failed(claim.record.id, claim.token)])
        ended = running.refresh()
        assert (State.TERMINATED, _START + timedelta(seconds=10)) == (ended.state, ended.ended_at)
        assert (State.SCHEDULED, None) == (one.state, one.ended_at)
        assert JobFailed("no", instance_id=one.id, type_name="OSError") == ended.error


def _failed(instance_id: str, token: int) -> Outcome:
    return Outcome(instance_id, token, Ending.TERMINATED, error=ErrorRecord("failed", "OSError", "no"))


def test_instance_of_a_slot_tells_its_rule_and_slot() -> None:
    """The nominal time, before jitter."""
    with harness(Manager("memory://")) as kit:
        kit.manager.put_schedule("hourly", Every(3600), kit.manager.job(add).call(1))
        (one,) = kit.advance(3600)
        assert ("hourly", _START + timedelta(hours=1)) == (one.schedule, one.slot)


@pytest.mark.parametrize(
    "attribute", ["id", "kind", "state", "arguments", "error", "duplicate", "progress", "something_new"]
)
def test_instance_is_frozen(attribute: str) -> None:
    """A snapshot can't be made to lie."""
    with managed() as manager:
        one = manager.job(add).schedule(1)
    with pytest.raises(AttributeError):
        setattr(one, attribute, None)
    with pytest.raises(TypeError):
        one.arguments["a"] = 2  # type: ignore[index]


def test_instances_of_one_read_state_are_equal() -> None:
    """Whatever handle they came by; another state or instance differs. They may stand in sets."""
    with managed() as manager:
        job = manager.job(add)
        one, other = job.schedule(1), job.schedule(1)
        assert one == manager.get(one.id) == job.get(one.id)
        assert hash(one) == hash(manager.get(one.id))
        assert one != other
        one.cancel()
        assert one != one.refresh()
        assert hash(one) == hash(one.refresh())
        assert one != one.id
        assert 2 == len({one, other, other.refresh()})


def test_arguments_have_their_names_and_types_where_the_job_is_known() -> None:
    """Elsewhere they are plain data, positional ones by their number."""
    url = fresh_url()

    def greet(name: str, *others: str, at: datetime) -> None: ...

    with managed(store=url) as here, managed(store=url) as elsewhere:
        one = here.job(greet).schedule("a", "b", "c", at=_START)
        assert {"name": "a", "others": ["b", "c"]} == {key: one.arguments[key] for key in ("name", "others")}
        assert {"0", "1", "2", "at"} == set(elsewhere.get(one.id).arguments)


def test_unknown_id_is_an_error_that_says_so() -> None:
    """By `get` of client and job, near and awaited."""
    with managed() as manager:
        job, nobody = manager.job(add), uuid4()
        for ask in (manager.get, job.get):
            with pytest.raises(UnknownInstance, match=str(nobody)):
                ask(nobody)


def test_instance_of_another_job_is_unknown_to_this_one() -> None:
    """`job.get` promises an instance of that job, with its result type."""
    with managed() as manager:
        job, other = manager.job(add), manager.remote("other").schedule()
        with pytest.raises(UnknownInstance, match="'other', not of 'add'"):
            job.get(other.id)


@pytest.mark.parametrize("given", ["0123", 5, None])
def test_id_that_is_none_is_refused(given: object) -> None:
    """Text from a web request, say; the message tells how to read it."""
    with managed() as manager, pytest.raises(QueryError, match=r"uuid\.UUID"):
        manager.get(given)  # type: ignore[arg-type]


def test_purged_instance_is_unknown_to_all_that_ask_the_store() -> None:
    """Its handle still tells what it told."""
    with managed() as manager:
        one = manager.job(add).schedule(1)
        one.cancel()
        manager.purge(Query(ids=[one.id]))
        for ask in (one.refresh, one.history, one.cancel, lambda: list(one.logs()), one.join, one.result):
            with pytest.raises(UnknownInstance):
                ask()
        assert State.SCHEDULED == one.state


def test_cancel_of_the_queued_is_final_at_once() -> None:
    """True when it had an effect, False when there was nothing to cancel any more."""
    with managed() as manager:
        one = manager.job(add).schedule(1)
        assert [True, False] == [one.cancel(), one.cancel()]
        assert (State.CANCELED, JobCanceled) == (one.refresh().state, type(one.refresh().error))


def test_cancel_of_the_running_is_a_request() -> None:
    """Its worker answers it; until then it runs."""
    with managed() as manager:
        one = manager.job(add).schedule(1)
        worker = ByHand(manager)
        (claim,) = worker.claim("add")
        assert one.cancel()
        assert State.PROCESSING == one.refresh().state
        assert (claim.record.id,) == worker.store.beat(worker.name, 60_000, WorkerRecord(id=worker.name)).cancels


def test_history_is_every_state_in_order() -> None:
    """With attempt, worker, reason and error; what is read twice is equal."""
    clock = FakeClock()
    with managed(clock) as manager:
        one = manager.job(add).schedule(1)
        clock.advance(1)
        ByHand(manager).fail("add")
        history = one.history()
        assert ["created", "scheduled", "processing", "terminated"] == [step.state.value for step in history]
        assert [0, 0, 1, 1] == [step.attempt for step in history]
        assert [None, None, "by-hand", "by-hand"] == [step.worker for step in history]
        assert [_START, _START, *[_START + timedelta(seconds=1)] * 2] == [step.at for step in history]
        assert (None, "OSError") == (history[0].error, history[-1].error and history[-1].error.type_name)
        assert history == one.history()
        assert hash(history[-1]) == hash(one.history()[-1])


def test_logs_come_in_order_and_in_pages() -> None:
    """However many there are; without `follow` it ends where there are no more."""
    clock = FakeClock()
    with managed(clock) as manager:
        one = manager.job(add).schedule(1)
        worker = ByHand(manager)
        (claim,) = worker.claim("add")
        lines = [LogRecord(claim.record.id, claim.token, n, clock.now_ms(), 20, f"line {n}") for n in range(1, 2502)]
        for start in range(0, len(lines), 1000):
            worker.store.append_logs(lines[start : start + 1000])
        found = list(one.logs())
        assert [f"line {n}" for n in range(1, 2502)] == [line.message for line in found]
        assert (_START, 20, 1) == (found[0].at, found[0].level, found[0].attempt)


def test_followed_log_ends_with_the_instance() -> None:
    """Lines come as they are written; the end of the instance is the end of the log."""
    with managed() as manager:
        one = manager.job(add).schedule(1)
        worker = ByHand(manager)
        (claim,) = worker.claim("add")
        followed: list[str] = []
        reader = Thread(target=lambda: followed.extend(line.message for line in one.logs(follow=True)))
        reader.start()
        for n, text in enumerate(("a", "b"), 1):
            worker.store.append_logs([LogRecord(claim.record.id, claim.token, n, 0, 20, text)])
            wait_until(lambda text=text: text in followed, description=f"line {text}")
        worker.store.settle([_failed(claim.record.id, claim.token)])
        reader.join(10)
        assert (False, ["a", "b"]) == (reader.is_alive(), followed)


def test_duplicate_flag_stays_with_the_handle() -> None:
    """`refresh` reads the instance anew, and still knows how this handle came about."""
    with managed() as manager:
        job = manager.job(unique_key="one")(add)
        first, second = job.schedule(1), job.schedule(2)
        assert ((False, True), first.id) == ((first.duplicate, second.duplicate), second.id)
        assert second.refresh().duplicate
        assert not manager.get(second.id).duplicate


def test_repr_shows_kind_id_and_state() -> None:
    """For logs."""
    with Manager("memory://") as manager:
        one: Instance[int] = manager.job(add).schedule(1)
        assert f"<Instance add {one.id} scheduled>" == repr(one)
