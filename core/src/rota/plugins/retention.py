"""What keeps history and logs within bounds: rota's own recurring jobs, for every worker."""

from datetime import UTC, datetime, timedelta
from typing import Final

from rota.client.cleaners import clean_history, clean_logs
from rota.engine.every import Every
from rota.jobs.jobs import Jobs
from rota.jobs.system import SystemJobs
from rota.model.policy import Keep
from rota.plugins.hookspecs import hookimpl

__all__ = ["NAME", "rota_jobs"]

NAME: Final = "retention"
"""The name of this plugin; `ROTA_DISABLE_PLUGINS=retention` turns it off."""

_HOUR: Final = timedelta(hours=1)
_SPREAD: Final = timedelta(minutes=10)  # programs that share a machine should not clean all at once
_LOGS_FROM: Final = datetime(1970, 1, 1, 0, 30, tzinfo=UTC)  # half an hour apart from the history
_LAST: Final = 10  # behind all work


@hookimpl
def rota_jobs() -> Jobs:
    """`system.history.cleaner` and `system.log.cleaner`, each once an hour."""
    jobs, keep = SystemJobs(), Keep(timedelta(days=1), failed=timedelta(days=7))
    jobs.job(kind="history.cleaner", priority=_LAST, keep=keep, recurring=Every(_HOUR, jitter=_SPREAD))(clean_history)
    every_half = Every(_HOUR, start=_LOGS_FROM, jitter=_SPREAD)
    jobs.job(kind="log.cleaner", priority=_LAST, keep=keep, recurring=every_half)(clean_logs)
    return jobs
