"""What came of an attempt, judged: from a value or an exception to an outcome for the store."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from rota.engine.outcome import EXHAUSTED, backoff_ms, exhausts, retries
from rota.jobs.views import job_error
from rota.model.errors import JobCanceled, JobCrashed
from rota.model.ids import id_to_uuid
from rota.model.policy import DEFAULT_BACKOFF, Resolved, Retry
from rota.model.records import Ending, ErrorRecord, Outcome, RetryRecord
from rota.runtime.answer import Answer, Died, Returned
from rota.runtime.attempt import Attempt
from rota.runtime.failure import encoded, failure
from rota.runtime.processors import ProcessorChain

__all__ = ["Judge"]

_SURE: Final = Retry(-1, backoff=DEFAULT_BACKOFF)


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the attempts of one kind."""

    chain: ProcessorChain
    rng: random.Random
    max_payload_bytes: int

    def runs_user_code(self, attempt: Attempt) -> bool:
        """True when judging may call a user's code, which neither a loop nor a timer may wait for."""
        return bool(self.chain.on_complete or self.chain.on_terminate) or callable(attempt.definition.retry.backoff)

    def returned(self, attempt: Attempt, value: object) -> Outcome:
        """The function returned: completed, unless its end had been asked for, or the value is no data."""
        if _came_late(attempt):
            return self.interrupted(attempt)
        data = encoded(attempt.definition.kind, value, self.max_payload_bytes)
        if isinstance(data, ErrorRecord):
            return self._terminated(attempt, data)
        return self._completed(attempt, data, lambda: value)

    def _completed(self, attempt: Attempt, data: bytes, value: Callable[[], object]) -> Outcome:
        if self.chain.on_complete:
            if not attempt.decide():
                return self.interrupted(attempt)
            self.chain.complete(attempt.instance, value())
        return Outcome(attempt.claim.record.id, attempt.claim.token, Ending.COMPLETED, data)

    def raised(self, attempt: Attempt, error: BaseException, *, retriable: bool = True) -> Outcome:
        """The function raised, or could not be called."""
        return self._failed(attempt, lambda: failure(error), error, retriable)

    def answered(self, attempt: Attempt, answer: Answer) -> Outcome:
        """What came from the process that ran the function: as if it had run here."""
        if isinstance(answer, Died):
            return self._died(attempt, answer.how)
        if not isinstance(answer, Returned):
            return self._failed(attempt, lambda: answer.error, answer.bases, answer.retriable)
        if _came_late(attempt):
            return self.interrupted(attempt)
        return self._completed(attempt, answer.data, lambda: attempt.definition.plan.decode_result(answer.data))

    def _failed(
        self,
        attempt: Attempt,
        as_record: Callable[[], ErrorRecord],
        error: BaseException | Collection[str],
        retriable: bool,
    ) -> Outcome:
        if attempt.interruption is not None or not attempt.decide():
            return self.interrupted(attempt)
        record, policy = as_record(), attempt.claim.record.retry or attempt.definition.retry
        if retriable and retries(policy, attempt.number, error, timed_out=False):
            return self._again(attempt, Ending.TERMINATED, record, policy)
        is_last = retriable and exhausts(policy, attempt.number, error, timed_out=False)
        return self._terminated(attempt, record, reason=EXHAUSTED if is_last else None)

    def _died(self, attempt: Attempt, how: str) -> Outcome:
        if attempt.interruption is not None or not attempt.decide():  # it was killed
            return self.interrupted(attempt)
        return self.crashed(attempt, how)

    def crashed(self, attempt: Attempt, how: str) -> Outcome:
        """What ran it died, and not by our hand; the store counts that apart from failures."""
        claim = attempt.claim
        message = (
            f"{how}; crash {claim.crashes + 1} of {claim.record.kind!r}, max_crashes is {claim.record.max_crashes}"
        )
        error = ErrorRecord("crashed", JobCrashed.__name__, message)
        return Outcome(claim.record.id, claim.token, Ending.CRASHED, error=error, reason="crashed")

    def timed_out(self, attempt: Attempt) -> Outcome:
        """The attempt went over its time."""
        bound = f"{attempt.timeout_ms / 1000:g} s"
        message = f"attempt {attempt.number} of {attempt.definition.kind!r} went over its {bound}"
        record = ErrorRecord("timed_out", "TimeoutError", message)
        policy = attempt.claim.record.retry or attempt.definition.retry
        if retries(policy, attempt.number, None, timed_out=True):
            return self._again(attempt, Ending.TIMED_OUT, record, policy)
        is_last = exhausts(policy, attempt.number, None, timed_out=True)
        return self._terminated(attempt, record, Ending.TIMED_OUT, EXHAUSTED if is_last else None)

    def interrupted(self, attempt: Attempt) -> Outcome:
        """The end of the attempt had been asked for, and it came; too late, when it was recorded already."""
        return self.released(attempt) if attempt.ended else self.cut_off(attempt)

    def cut_off(self, attempt: Attempt) -> Outcome:
        """What an attempt comes to that was asked to end, by why it was asked."""
        claim = attempt.claim
        if attempt.interruption == "canceled":
            record = ErrorRecord("canceled", JobCanceled.__name__, f"{claim.record.kind!r} was canceled while it ran")
            return Outcome(claim.record.id, claim.token, Ending.CANCELED, error=record)
        if attempt.interruption == "deadline":
            return self.timed_out(attempt)
        return self.released(attempt)

    def released(self, attempt: Attempt) -> Outcome:
        """It goes back to the queue, the attempt not counted."""
        return Outcome(attempt.claim.record.id, attempt.claim.token, Ending.RELEASED, reason="released")

    def _again(self, attempt: Attempt, ending: Ending, record: ErrorRecord, policy: Retry | RetryRecord) -> Outcome:
        try:
            wait_ms = backoff_ms(policy, attempt.number, self.rng)
        except BaseException as error:  # noqa: BLE001 - a callable of the user's
            attempt.append_log(30, f"the backoff function failed, the default is used: {error!r}")
            wait_ms = backoff_ms(_SURE, attempt.number, self.rng)
        return Outcome(attempt.claim.record.id, attempt.claim.token, ending, error=record, retry_after_ms=wait_ms)

    def _terminated(
        self, attempt: Attempt, record: ErrorRecord, ending: Ending = Ending.TERMINATED, reason: str | None = None
    ) -> Outcome:
        if self.chain.on_terminate:
            error = job_error(record, id_to_uuid(attempt.claim.record.id))
            verdict = self.chain.terminate(attempt.instance, error)
            if isinstance(verdict, Resolved):
                data = encoded(attempt.definition.kind, verdict.value, self.max_payload_bytes)
                if not isinstance(data, ErrorRecord):
                    return Outcome(attempt.claim.record.id, attempt.claim.token, Ending.COMPLETED, data)
                record = data
            elif verdict is not error:
                record = failure(verdict, category=record.category)
        return Outcome(attempt.claim.record.id, attempt.claim.token, ending, error=record, reason=reason)


def _came_late(attempt: Attempt) -> bool:
    """True when its end had been asked for, or was recorded already; a stop takes what still comes."""
    return attempt.ended or attempt.interruption not in (None, "stopping")
