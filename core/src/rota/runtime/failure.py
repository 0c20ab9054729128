"""An exception, or a value that is no result, as text for the store."""

from collections.abc import Callable
from traceback import format_exception
from types import TracebackType
from typing import Literal, TypeAlias

from rota.engine.codec import encode_result
from rota.engine.outcome import qualified_name
from rota.model.records import ErrorRecord
from rota.model.text import storable

__all__ = ["Category", "encoded", "failure"]

Category: TypeAlias = Literal["failed", "timed_out", "canceled", "crashed"]


def encoded(kind: str, value: object, max_bytes: int) -> bytes | ErrorRecord:
    """What a job returned, for the store; or why it can't be kept. Never raises."""
    try:
        data = encode_result(value)
    except Exception as error:  # noqa: BLE001 - whatever the value's own methods do
        return failure(error, type_name="ResultNotData")
    if len(data) <= max_bytes:
        return data
    message = (
        f"the result of {kind!r} takes {len(data):,} bytes, this store keeps up to "
        f"{max_bytes:,}: write it elsewhere and return where it is"
    )
    return ErrorRecord("failed", "ResultTooLarge", message)


def failure(error: BaseException, *, category: Category = "failed", type_name: str = "") -> ErrorRecord:
    """An exception as text; never raises, whatever the exception's own methods do."""
    kind = type(error)
    name = type_name or qualified_name(kind).removeprefix("builtins.")
    frames = _own_frames(error)
    trace = _read(lambda: "".join(format_exception(kind, error, frames)))
    return ErrorRecord(category, name, _read(lambda: str(error)), trace)


def _own_frames(error: BaseException) -> TracebackType | None:
    """The traceback from the job's function on: the frame that called it says nothing to its author."""
    trace = error.__traceback__
    return trace if trace is None or trace.tb_next is None else trace.tb_next


def _read(text: Callable[[], str]) -> str:
    try:
        return storable(text())
    except BaseException as second:  # noqa: BLE001 - whatever the exception's own methods do
        return f"(its text can't be read: {type(second).__name__})"
