"""Taking instances in."""

from plugins.store_memory.tests.lab import Lab

from rota.model.records import EnqueueAnswer
from rota.model.state import State


def test_delay_counts_from_the_enqueue_step(lab: Lab) -> None:
    """A delay is added to the store's clock, an absolute due time is kept, also one that has passed."""
    now_ms = lab.clock.now_ms()
    delayed, absolute, past = lab.record(delay_ms=500), lab.record(due_ms=now_ms + 7), lab.record(due_ms=now_ms - 9)
    answers = lab.store.enqueue([delayed, absolute, past])
    assert [now_ms + 500, now_ms + 7, now_ms - 9] == [answer.due_ms for answer in answers]
    assert [now_ms + 500, now_ms + 7, now_ms - 9] == [lab.get(one.id).due_ms for one in (delayed, absolute, past)]


def test_same_id_again_exists_and_changes_nothing(lab: Lab) -> None:
    """A repeated enqueue has the effect of one, whatever became of the instance, also within one call."""
    record = lab.record()
    again = lab.record(id=record.id, rank=1)
    added, exists = lab.store.enqueue([record, again])
    assert ("added", EnqueueAnswer("exists", record.id)) == (added.status, exists)
    lab.settle(lab.claim_one())
    assert [EnqueueAnswer("exists", record.id)] == lab.store.enqueue([record])
    assert (State.COMPLETED, 5) == (lab.state(record.id), lab.get(record.id).record.rank)
    assert [] == lab.claim()


def test_unique_key_of_a_live_instance_answers_its_holder(lab: Lab) -> None:
    """A unique key is one live instance of its kind; other kinds have keys of their own."""
    holder = lab.add(unique_key="k")
    assert [EnqueueAnswer("duplicate", holder)] == lab.store.enqueue([lab.record(unique_key="k")])
    lab.add(unique_key="k", kind="other")
    lab.settle(lab.claim_one())
    lab.add(unique_key="k")


def test_unique_until_started_is_free_at_the_claim(lab: Lab) -> None:
    """With `unique_until="started"` the key is free once the instance was claimed; with "finished" it is not."""
    lab.add(unique_key="s", unique_until="started")
    lab.add(unique_key="f")
    lab.claim()
    answers = lab.store.enqueue([lab.record(unique_key="s"), lab.record(unique_key="f")])
    assert ["added", "duplicate"] == [answer.status for answer in answers]


def test_late_end_of_a_started_one_leaves_the_key_to_the_next(lab: Lab) -> None:
    """Only its holder frees a key."""
    lab.add(unique_key="k", unique_until="started")
    first = lab.claim_one()
    second = lab.add(unique_key="k", unique_until="started")
    lab.settle(first)
    assert [EnqueueAnswer("duplicate", second)] == lab.store.enqueue([lab.record(unique_key="k")])


def test_too_large_arguments_are_refused_alone(lab: Lab) -> None:
    """A payload over the declared bound is refused with the reason; the rest of the batch goes in."""
    limit = lab.store.capabilities.max_payload_bytes
    refused, added = lab.store.enqueue([lab.record(arguments=bytes(limit + 1)), lab.record(arguments=bytes(limit))])
    assert ("refused", "added") == (refused.status, added.status)
    assert f"{limit + 1} bytes" in refused.error
    assert [None] == lab.store.get([refused.id])
