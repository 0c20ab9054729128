"""What has to be equal between a store and the model, and what a store may choose.

Tokens are compared by their place among those of an instance, and have to rise; versions and cursors not at all. Of an
instance that waits, the worker, error and start of an earlier attempt are nobody's promise; of one that ended by
poison or cancellation, the text of the error and the number of the attempt. Times are compared where one clock serves
both.
"""

from typing import Any, Final

from rota.model.records import Claim, History, Reaped, Snapshot, TransitionRecord
from rota.model.state import State

__all__ = ["Likeness"]

_BY_THE_HOLDER: Final = (State.COMPLETED, State.TERMINATED, State.TIMED_OUT)


class Likeness:
    """One side's answers in the form in which both sides are compared. `timed` says that times are equal too."""

    def __init__(self, timed: bool) -> None:
        self._timed = timed
        self._tokens: dict[str, list[int]] = {}

    def place(self, instance_id: str, token: int) -> int:
        """The place of a token among those of its instance, from 1; 0 before the first. A new one is above all."""
        if not token:
            return 0
        known = self._tokens.setdefault(instance_id, [])
        if token not in known:
            assert not known or known[-1] < token, f"token {token} of {instance_id} does not rise above {known}"
            known.append(token)
        return known.index(token) + 1

    def claim(self, claim: Claim) -> dict[str, Any]:
        """A claim."""
        place = self.place(claim.record.id, claim.token)
        told = {"record": claim.record, "token": place, "attempt": claim.attempt, "crashes": claim.crashes}
        return told | self._times(due_ms=claim.due_ms, started_ms=claim.started_ms)

    def snapshot(self, one: Snapshot | None) -> dict[str, Any] | None:
        """An instance as it stands."""
        if one is None:
            return None
        told: dict[str, Any] = {
            "record": one.record,
            "state": one.state,
            "token": self.place(one.record.id, one.token),
            "crashes": one.crashes,
            "reason": one.reason,
            "progress": (one.progress, one.progress_message),
            **self._times(expires_ms=one.expires_ms, ended_ms=one.ended_ms),
        }
        if one.state is State.SCHEDULED:
            told |= {"attempt": one.attempt, **self._times(due_ms=one.due_ms)}
        elif one.state is State.PROCESSING:
            told |= {"attempt": one.attempt, "worker": one.worker, "cancel_requested": one.cancel_requested}
            told |= self._times(started_ms=one.started_ms)
        elif one.state in _BY_THE_HOLDER:
            told |= {"worker": one.worker, "result": one.result, "category": one.error and one.error.category}
            told |= {} if one.reason == "poison" else {"attempt": one.attempt, "error": one.error}
        return told

    def history(self, history: History | None) -> dict[str, Any] | None:
        """What happened to an instance."""
        if history is None:
            return None
        return {"entries": [self._entry(entry) for entry in history.entries], "dropped": history.dropped}

    def _entry(self, entry: TransitionRecord) -> dict[str, Any]:
        told: dict[str, Any] = {"state": entry.state, "reason": entry.reason, **self._times(at_ms=entry.at_ms)}
        if entry.state is State.PROCESSING or entry.state in _BY_THE_HOLDER:
            told["worker"] = entry.worker
            told |= {} if entry.reason == "poison" else {"attempt": entry.attempt, "error": entry.error}
        return told

    def reaped(self, reaped: list[Reaped]) -> list[tuple[Any, ...]]:
        """What a reap that was not cut short took back; in any order. What expired a claim may have met before."""
        found = [one for one in reaped if one.reason != "expired"]
        return sorted((one.id, one.kind, one.state.value, one.worker or "") for one in found)

    def _times(self, **times: int | None) -> dict[str, int | None]:
        return times if self._timed else {}
