"""A job's log: its own logger, and the lines that it writes with the standard one."""

import logging
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Final

from rota.jobs.running import CURRENT, RunningAttempt

__all__ = ["CaptureHandler", "job_log"]

_TAKEN: Final = "rota_taken"  # marks records that the adapter has put into the job's log already
_FORMAT: Final = logging.Formatter()


def job_log(attempt: RunningAttempt) -> logging.LoggerAdapter[logging.Logger]:
    """The adapter that `Context.log` is: lines from INFO on land in the instance's log, whatever level
    `logging` is set to; all go on to the logger `rota.job.KIND`."""
    return _JobLog(logging.getLogger(f"rota.job.{attempt.instance.kind}"), attempt)


class _JobLog(logging.LoggerAdapter[logging.Logger]):
    def __init__(self, logger: logging.Logger, attempt: RunningAttempt) -> None:
        super().__init__(logger, {"instance_id": str(attempt.instance.id), "attempt": attempt.number})
        self._attempt = attempt

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the name in `logging`
        return level >= logging.INFO or super().isEnabledFor(level)

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        if not self.isEnabledFor(level):
            return
        self._attempt.append_log(level, _text(self._record(level, msg, args, kwargs.get("exc_info"))))
        if self.logger.isEnabledFor(level):
            shown, how = self.process(msg, kwargs)
            self.logger.log(level, shown, *args, **how)

    def _record(self, level: int, msg: object, args: tuple[Any, ...], exc_info: Any) -> logging.LogRecord:
        if isinstance(exc_info, BaseException):
            exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
        elif exc_info and not isinstance(exc_info, tuple):
            import sys

            exc_info = sys.exc_info()
        return logging.LogRecord(self.logger.name, level, "", 0, msg, args, exc_info or None)

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[object, MutableMapping[str, Any]]:
        extra: Mapping[str, object] = kwargs.get("extra") or {}
        kwargs["extra"] = {**(self.extra or {}), **extra, _TAKEN: True}
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
        return msg, kwargs


class CaptureHandler(logging.Handler):
    """Stands at the root logger while a worker runs: what is logged inside one of its jobs lands in that job's
    log. It leaves the rest of `logging` as it was, the last resort for unhandled warnings included."""

    def __init__(self, owner: object) -> None:
        super().__init__()
        self._owner = owner

    def emit(self, record: logging.LogRecord) -> None:
        """Put the line into the log of the job that runs here, if it is one of this worker."""
        running = CURRENT.get()
        mine = getattr(running, "surroundings", None) is self._owner
        if running is not None and mine and not hasattr(record, _TAKEN):
            running.append_log(record.levelno, _text(record))
        self._last_resort(record)

    def _last_resort(self, record: logging.LogRecord) -> None:
        handlers = list(_handlers(logging.getLogger(record.name)))
        first = next((one for one in handlers if isinstance(one, CaptureHandler)), None)
        if first is self and all(isinstance(one, CaptureHandler) for one in handlers):
            last = logging.lastResort
            if last is not None and record.levelno >= last.level:
                last.handle(record)


def _handlers(logger: logging.Logger | None) -> Iterator[logging.Handler]:
    """All that a record of this logger comes by."""
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def _text(record: logging.LogRecord) -> str:
    """The line; never raises: a format string that doesn't fit must not end the job."""
    try:
        return _FORMAT.format(record)
    except Exception as error:  # noqa: BLE001 - whatever the arguments' own methods do
        return f"{_shown(record.msg)} {_shown(record.args)} (it can't be formatted: {type(error).__name__})"


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - as above
        return f"<{type(value).__name__}>"
