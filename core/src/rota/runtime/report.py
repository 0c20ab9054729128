"""What a worker says in `logging` of the attempts that it settled: failures loudly, the rest quietly."""

import logging

from rota.model.ids import id_to_uuid
from rota.model.records import Ending, Outcome
from rota.runtime.attempt import Attempt

__all__ = ["report"]

_log = logging.getLogger("rota.worker")


def report(attempt: Attempt, outcome: Outcome) -> None:
    """One line for an attempt that did not complete; with the traceback when it was the last."""
    kind, instance_id = attempt.definition.kind, id_to_uuid(outcome.id)
    error = outcome.error
    if outcome.ending is Ending.RELEASED:
        _log.debug("%s %s goes back to the queue, attempt %d not counted", kind, instance_id, attempt.number)
        return
    if outcome.ending is Ending.CRASHED:
        how = "its thread or process died" if error is None else error.message
        last = attempt.claim.crashes >= attempt.claim.record.max_crashes
        then = "and is given up, poison" if last else "which counts as no attempt"
        _log.error("%s %s crashed in attempt %d, %s: %s", kind, instance_id, attempt.number, then, how)
        return
    if outcome.ending is Ending.CANCELED or error is None:
        _log.info("%s %s was canceled, attempt %d", kind, instance_id, attempt.number)
        return
    what = f"{error.type_name}: {error.message}" if error.message else error.type_name
    if outcome.retry_after_ms is not None:
        again_s = outcome.retry_after_ms / 1000
        _log.warning("%s %s failed, attempt %d: %s; again in %g s", kind, instance_id, attempt.number, what, again_s)
    else:
        trace = f"\n{error.traceback.rstrip()}" if error.traceback else ""
        _log.error("%s %s failed for good, attempt %d: %s%s", kind, instance_id, attempt.number, what, trace)
