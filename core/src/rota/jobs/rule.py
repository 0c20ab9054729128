"""A recurring rule, before any store knows it."""

from typing import Any, Literal

import msgspec

from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.engine.trigger import trigger_record
from rota.jobs.call import Call, check_call
from rota.model.errors import ConfigError
from rota.model.name import check_name

__all__ = ["DeclaredSchedule"]


class DeclaredSchedule(msgspec.Struct, frozen=True):
    """A recurring rule, declared or asked for. Raises ConfigError for what can't be one."""

    name: str
    trigger: Cron | Every
    call: Call[Any]
    misfire: Literal["latest", "skip", "all"] = "latest"
    overlap: Literal["skip", "allow"] = "skip"
    misfire_cap: int = 100

    def __post_init__(self) -> None:
        check_name("a schedule's name", self.name)
        trigger_record(self.trigger)
        check_call(f"schedule {self.name!r}", self.call)
        if self.misfire not in ("latest", "skip", "all"):
            raise ConfigError(f'schedule {self.name!r}: misfire is "latest", "skip" or "all"; got {self.misfire!r}')
        if self.overlap not in ("skip", "allow"):
            raise ConfigError(f'schedule {self.name!r}: overlap is "skip" or "allow"; got {self.overlap!r}')
        cap = self.misfire_cap
        if isinstance(cap, bool) or not isinstance(cap, int) or cap < 1:
            raise ConfigError(f"schedule {self.name!r}: misfire_cap is a whole number, 1 or more; got {cap!r}")
        if self.call.depends_on:
            raise ConfigError(
                f"schedule {self.name!r}: a slot fires one instance, and its call depends on others; "
                "write a job that schedules the flow, and let the rule fire that"
            )
        if self.call.options.due_ms is not None or self.call.options.jitter_ms:
            raise ConfigError(
                f"schedule {self.name!r}: its slots say when the call is due, not options(at=, jitter=); "
                "use the trigger's jitter, or options(after=)"
            )
        if self.call.options.expires_ms is not None:
            raise ConfigError(
                f"schedule {self.name!r}: an instant in options(expires=) would be the same for every slot; "
                "give how long each may wait, a timedelta or seconds"
            )
