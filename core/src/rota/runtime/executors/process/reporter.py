"""Says what a job's function came to, in the child that called it; the worker judges."""

from rota.engine.outcome import qualified_name
from rota.model.records import ErrorRecord
from rota.runtime.answer import Failed, Returned
from rota.runtime.attempt import Attempt
from rota.runtime.failure import encoded, failure

__all__ = ["Reporter"]


class Reporter:
    """The `Judging` of a child: it decides nothing."""

    def __init__(self, max_payload_bytes: int) -> None:
        self._max_bytes = max_payload_bytes

    def runs_user_code(self, attempt: Attempt) -> bool:
        """Processors run in the worker."""
        return False

    def returned(self, attempt: Attempt, value: object) -> Returned | Failed:
        """The function returned."""
        data = encoded(attempt.definition.kind, value, self._max_bytes)
        return Failed(data, retriable=False) if isinstance(data, ErrorRecord) else Returned(data)

    def raised(self, attempt: Attempt, error: BaseException, *, retriable: bool = True) -> Returned | Failed:
        """The function raised, or could not be called."""
        return Failed(failure(error), tuple(map(qualified_name, type(error).__mro__)), retriable)
