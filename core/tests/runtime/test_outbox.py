"""The outbox by itself: group commit, order, and what is kept after a failure."""

from typing import Any, cast

import pytest
from core.tests.runtime.harness import attempts

from rota.model.errors import CorruptRecord, StoreUnavailable
from rota.model.records import Ending, LogRecord, Outcome, SettleAnswer
from rota.model.state import State
from rota.runtime.attempt import Attempt
from rota.runtime.outbox import MAX_GATHERED, Outbox
from rota.store.contract import Store
from rota.testing import FakeClock


class _Paper:
    """Takes what is written, in order; raises the errors it was given first."""

    def __init__(self, *errors: Exception) -> None:
        self.written: list[tuple[str, Any]] = []
        self.errors = list(errors)
        self.refused: set[str] = set()

    def append_logs(self, lines: list[LogRecord]) -> None:
        self._fail()
        self.written.append(("lines", [line.message for line in lines]))

    def settle(self, outcomes: list[Outcome]) -> list[SettleAnswer]:
        self._fail()
        if self.refused & {one.id for one in outcomes}:
            raise CorruptRecord("poison")
        self.written.append(("outcomes", [one.id for one in outcomes]))
        return [SettleAnswer("done", State.COMPLETED) for _ in outcomes]

    def _fail(self) -> None:
        if self.errors:
            raise self.errors.pop(0)

    @property
    def store(self) -> Store:
        return cast(Store, self)


def _end(outbox: Outbox, attempt: Attempt) -> str:
    record = attempt.claim.record
    outbox.put(attempt, Outcome(record.id, attempt.claim.token, Ending.COMPLETED))
    return record.id


def _settled_ids(batches: list[Any]) -> list[str]:
    return [attempt.claim.record.id for batch, _ in batches for attempt, _ in batch]


def test_everything_that_gathered_is_one_batch_lines_first(clock: FakeClock) -> None:
    """So that a final instance has its whole log, and a thousand jobs cost a few writes."""
    batches: list[Any] = []
    outbox, paper = Outbox(lambda batch, answers: batches.append((batch, answers))), _Paper()
    found = attempts(clock, 3, outbox)
    ids = []
    for number, one in enumerate(found):
        one.append_log(20, f"line {number}")
        ids.append(_end(outbox, one))
    assert outbox.step(paper.store)
    assert [("lines", ["line 0", "line 1", "line 2"]), ("outcomes", ids)] == paper.written
    assert ids == _settled_ids(batches)


def test_a_batch_is_bounded(clock: FakeClock) -> None:
    """What does not go into the first goes into the next, in order."""
    outbox, paper = Outbox(lambda batch, answers: None), _Paper()
    ids = [_end(outbox, one) for one in attempts(clock, MAX_GATHERED + 50)]
    outbox.step(paper.store)
    outbox.step(paper.store)
    assert [("outcomes", ids[:MAX_GATHERED]), ("outcomes", ids[MAX_GATHERED:])] == paper.written


@pytest.mark.parametrize("failures", [1, 3])
def test_a_batch_that_was_not_answered_is_written_again(clock: FakeClock, failures: int) -> None:
    """The same lines and outcomes, in the same order, before anything new."""
    outbox = Outbox(lambda batch, answers: None)
    paper = _Paper(*[StoreUnavailable()] * failures)
    first, second = attempts(clock, 2, outbox)
    first.append_log(20, "line")
    _end(outbox, first)
    for _ in range(failures):
        with pytest.raises(StoreUnavailable):
            outbox.step(paper.store)
        _end(outbox, second)
    outbox.step(paper.store)
    expected = [("lines", ["line"]), ("outcomes", [first.claim.record.id])]
    assert expected == paper.written


def test_lines_are_not_written_again_when_the_outcomes_fail(clock: FakeClock) -> None:
    """Each half of a batch is kept by itself."""
    outbox, paper = Outbox(lambda batch, answers: None), _Paper()
    (one,) = attempts(clock, 1, outbox)
    one.append_log(20, "line")
    _end(outbox, one)
    append = paper.append_logs
    paper.append_logs = lambda lines: (append(lines), paper.errors.append(StoreUnavailable()))[0]  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        outbox.step(paper.store)
    outbox.step(paper.store)
    assert [("lines", ["line"]), ("outcomes", [one.claim.record.id])] == paper.written


def test_one_poison_outcome_does_not_hold_up_the_batch(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """The others are settled one by one; the poison one counts as lost here and is reported."""
    batches: list[Any] = []
    outbox, paper = Outbox(lambda batch, answers: batches.append((batch, answers))), _Paper()
    ids = [_end(outbox, one) for one in attempts(clock, 3)]
    paper.refused = {ids[1]}
    outbox.step(paper.store)
    assert [("outcomes", [ids[0]]), ("outcomes", [ids[2]])] == paper.written
    assert ["done", "lost", "done"] == [answer.status for answer in batches[0][1]]
    assert ids[1] in caplog.text


def test_only_the_last_progress_of_an_attempt_is_written(clock: FakeClock) -> None:
    """Between lines of the log, which are all kept."""
    outbox, paper = Outbox(lambda batch, answers: None), _Paper()
    first, second = attempts(clock, 2, outbox)
    for number in range(4):
        first.progress(number / 10, f"first {number}")
        second.progress(number / 10, f"second {number}")
        first.append_log(20, f"line {number}")
    outbox.step(paper.store)
    assert [("lines", ["line 0", "line 1", "line 2", "first 3", "second 3", "line 3"])] == paper.written


def test_after_close_what_came_before_is_written_and_the_step_says_so(clock: FakeClock) -> None:
    """Then the settler's loop ends."""
    outbox, paper = Outbox(lambda batch, answers: None), _Paper()
    (one,) = attempts(clock, 1)
    _end(outbox, one)
    outbox.close()
    assert not outbox.step(paper.store)
    assert [("outcomes", [one.claim.record.id])] == paper.written
