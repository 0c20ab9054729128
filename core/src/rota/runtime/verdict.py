"""What came of an attempt, judged: from a value or an exception to an outcome for the store."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from traceback import format_exception
from types import TracebackType
from typing import Final, Literal, TypeAlias

from rota.engine.codec import encode_result
from rota.engine.outcome import EXHAUSTED, backoff_ms, exhausts, retries
from rota.jobs.views import job_error
from rota.model.errors import JobCanceled
from rota.model.ids import id_to_uuid
from rota.model.policy import DEFAULT_BACKOFF, Resolved, Retry
from rota.model.records import Ending, ErrorRecord, Outcome, RetryRecord
from rota.model.text import storable
from rota.runtime.attempt import Attempt
from rota.runtime.processors import ProcessorChain

__all__ = ["Judge"]

Category: TypeAlias = Literal["failed", "timed_out", "canceled", "crashed"]

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
        if attempt.ended or attempt.interruption not in (None, "stopping"):
            return self.interrupted(attempt)
        data = self._encoded(attempt, value)
        if isinstance(data, ErrorRecord):
            return self._terminated(attempt, data)
        if self.chain.on_complete:
            if not attempt.decide():
                return self.interrupted(attempt)
            self.chain.complete(attempt.instance, value)
        return Outcome(attempt.claim.record.id, attempt.claim.token, Ending.COMPLETED, data)

    def _encoded(self, attempt: Attempt, value: object) -> bytes | ErrorRecord:
        try:
            data = encode_result(value)
        except Exception as error:  # noqa: BLE001 - whatever the value's own methods do
            return _failure(error, type_name="ResultNotData")
        if len(data) <= self.max_payload_bytes:
            return data
        message = (
            f"the result of {attempt.definition.kind!r} takes {len(data):,} bytes, this store keeps up to "
            f"{self.max_payload_bytes:,}: write it elsewhere and return where it is"
        )
        return ErrorRecord("failed", "ResultTooLarge", message)

    def raised(self, attempt: Attempt, error: BaseException, *, retriable: bool = True) -> Outcome:
        """The function raised, or could not be called."""
        if attempt.interruption is not None or not attempt.decide():
            return self.interrupted(attempt)
        record = _failure(error)
        policy = attempt.claim.record.retry or attempt.definition.retry
        if retriable and retries(policy, attempt.number, error, timed_out=False):
            return self._again(attempt, Ending.TERMINATED, record, policy)
        is_last = retriable and exhausts(policy, attempt.number, error, timed_out=False)
        return self._terminated(attempt, record, reason=EXHAUSTED if is_last else None)

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
                data = self._encoded(attempt, verdict.value)
                if not isinstance(data, ErrorRecord):
                    return Outcome(attempt.claim.record.id, attempt.claim.token, Ending.COMPLETED, data)
                record = data
            elif verdict is not error:
                record = _failure(verdict, category=record.category)
        return Outcome(attempt.claim.record.id, attempt.claim.token, ending, error=record, reason=reason)


def _own_frames(error: BaseException) -> TracebackType | None:
    """The traceback from the job's function on: the frame that called it says nothing to its author."""
    trace = error.__traceback__
    return trace if trace is None or trace.tb_next is None else trace.tb_next


def _failure(error: BaseException, *, category: Category = "failed", type_name: str = "") -> ErrorRecord:
    """An exception as text; never raises, whatever the exception's own methods do."""
    kind = type(error)
    prefix = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    name = type_name or prefix + kind.__qualname__
    frames = _own_frames(error)
    trace = _read(lambda: "".join(format_exception(kind, error, frames)))
    return ErrorRecord(category, name, _read(lambda: str(error)), trace)


def _read(text: Callable[[], str]) -> str:
    try:
        return storable(text())
    except BaseException as second:  # noqa: BLE001 - whatever the exception's own methods do
        return f"(its text can't be read: {type(second).__name__})"
