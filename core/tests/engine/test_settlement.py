"""What becomes of an instance as its attempt ends."""

import pytest

from rota.engine.settlement import DONE, crashed, refused, released, settlement
from rota.model.records import Ending, ErrorRecord, Outcome
from rota.model.state import State

_BROKE = ErrorRecord("failed", "ValueError", "broke")


def _outcome(ending: Ending, token: int = 7, retry_after_ms: int | None = None) -> Outcome:
    return Outcome("one", token, ending, error=_BROKE, retry_after_ms=retry_after_ms, reason="why")


def test_outcome_of_the_holder_is_applied() -> None:
    """The current token of a live worker is refused by nothing."""
    assert refused(_outcome(Ending.COMPLETED), State.PROCESSING, token=7, settled=3, alive=True) is None


def test_outcome_under_another_token_is_lost() -> None:
    """Whatever the state."""
    for state in State:
        answer = refused(_outcome(Ending.COMPLETED, token=6), state, token=7, settled=0, alive=True)
        assert answer is not None
        assert ("lost", state) == (answer.status, answer.state)


def test_outcome_that_was_settled_is_already_there() -> None:
    """Also once the instance was claimed again; the token 0 is nobody's."""
    for token in (7, 9):
        answer = refused(_outcome(Ending.COMPLETED), State.PROCESSING, token=token, settled=7, alive=True)
        assert answer is None if token == 7 else "already" == answer.status
    nobody = refused(_outcome(Ending.COMPLETED, token=0), State.SCHEDULED, token=0, settled=0, alive=True)
    assert nobody is not None
    assert "lost" == nobody.status


def test_outcome_of_a_dead_worker_is_lost() -> None:
    """Though nobody has taken the instance back yet."""
    answer = refused(_outcome(Ending.COMPLETED), State.PROCESSING, token=7, settled=0, alive=False)
    assert answer is not None
    assert ("lost", State.PROCESSING) == (answer.status, answer.state)


@pytest.mark.parametrize("state", [State.COMPLETED, State.TERMINATED, State.CANCELED, State.TIMED_OUT])
def test_ending_without_retry_is_final(state: State) -> None:
    """With its reason and error, and with a cancel that came too late."""
    for canceled in (False, True):
        what = settlement(_outcome(Ending(state.value)), canceled, crashes=0, max_crashes=3, worker="w")
        assert (state, "why", _BROKE, None) == (what.state, what.reason, what.error, what.due_in_ms)


@pytest.mark.parametrize("ending", [Ending.TERMINATED, Ending.TIMED_OUT])
def test_failure_with_retry_goes_back_unless_canceled(ending: Ending) -> None:
    """The attempt counts."""
    what = settlement(_outcome(ending, retry_after_ms=50), False, crashes=0, max_crashes=3, worker="w")
    assert (State(ending.value), 50, True) == (what.state, what.due_in_ms, what.counts)
    canceled = settlement(_outcome(ending, retry_after_ms=50), True, crashes=0, max_crashes=3, worker="w")
    assert (State.CANCELED, None) == (canceled.state, canceled.due_in_ms)


@pytest.mark.parametrize("ending", [Ending.COMPLETED, Ending.CANCELED])
def test_success_and_cancel_are_final_whatever_is_asked(ending: Ending) -> None:
    """A wait is for failures alone."""
    what = settlement(_outcome(ending, retry_after_ms=50), False, crashes=0, max_crashes=3, worker="w")
    assert what.due_in_ms is None


def test_release_gives_the_attempt_back() -> None:
    """Due at once; a requested cancel ends it instead."""
    what = settlement(_outcome(Ending.RELEASED), False, crashes=0, max_crashes=3, worker="w")
    assert (State.SCHEDULED, "released", 0, False) == (what.state, what.reason, what.due_in_ms, what.counts)
    assert State.CANCELED is released(canceled=True).state


def test_crash_goes_back_until_there_are_too_many() -> None:
    """Then it is poison, with the error of the crash when there is one."""
    what = settlement(_outcome(Ending.CRASHED), False, crashes=2, max_crashes=3, worker="w")
    assert (State.SCHEDULED, "crashed", 0, False) == (what.state, what.reason, what.due_in_ms, what.counts)
    poison = settlement(_outcome(Ending.CRASHED), True, crashes=3, max_crashes=3, worker="w")
    assert (State.TERMINATED, "poison", _BROKE) == (poison.state, poison.reason, poison.error)
    dead = crashed(False, 4, 3, "w")
    assert dead.error is not None
    assert "4 times, last w; max_crashes is 3" in dead.error.message
    assert State.CANCELED is crashed(True, 1, 3, "w").state


def test_answer_of_what_was_applied_tells_the_state() -> None:
    """For every state."""
    assert {state: ("done", state) for state in State} == {
        state: (answer.status, answer.state) for state, answer in DONE.items()
    }
