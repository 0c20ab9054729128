"""What may be said of one call: when it runs, how urgently, for how long, how often again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from rota.engine.arguments import ArgumentPlan, OpenPlan
from rota.engine.outcome import retry_record
from rota.engine.rank import check_priority
from rota.engine.template import Template
from rota.jobs.instance import Instance
from rota.model.duration import Duration, to_instant_ms, to_ms
from rota.model.errors import ConfigError
from rota.model.policy import Retry
from rota.model.records import RetryRecord

__all__ = ["UNSET", "CallOptions", "as_retry", "changed_options", "key_template", "timeout_in_ms"]

#: Stands for an option that was not given, where None means something.
UNSET: Final[Any] = type("Unset", (), {"__repr__": lambda self: "..."})()

NO_TIMEOUT: Final = 0

_LAST_YEAR: Final = 8000  # what is asked for, with the longest delay added, is still an instant


class CallOptions(msgspec.Struct, frozen=True):
    """Options of one call; None leaves the choice to the job's definition. Lengths and instants in ms."""

    due_ms: int | None = None
    delay_ms: int = 0
    jitter_ms: int = 0
    expires_ms: int | None = None
    expires_after_ms: int | None = None
    priority: int | None = None
    timeout_ms: int | None = None
    retry: RetryRecord | None = None
    unique_key: Any = UNSET  # a Template, or None for no key
    depends_on: tuple[Any, ...] = ()  # calls, and the ids of instances
    on_parent_failure: Literal["cancel", "run"] = "cancel"


def as_retry(retry: Retry | int) -> Retry:
    """A plain number is that many retries with the default backoff."""
    return retry if isinstance(retry, Retry) else Retry(retry)


def timeout_in_ms(timeout: Duration | None) -> int:
    """Milliseconds of a bound on one attempt; 0 for none. ConfigError for zero or less."""
    if timeout is None:
        return NO_TIMEOUT
    value_ms = to_ms(timeout, "timeout")
    if value_ms == 0:
        raise ConfigError("timeout must be more than zero; None is no bound")
    return value_ms


def key_template(plan: ArgumentPlan | OpenPlan, unique_key: str | None, what: str) -> Template | None:
    """A unique key, read once. Raises ConfigError for what is no template; `what` says whose it is."""
    if unique_key is None:
        return None
    if not isinstance(unique_key, str) or not unique_key:
        raise ConfigError(f'{what} is a text such as "invoice:{{order}}", or None; got {unique_key!r}')
    return plan.check_template(unique_key, what)


def changed_options(options: CallOptions, **given: Any) -> CallOptions:
    """A copy with what was given (not `UNSET`), checked and converted."""
    changes: dict[str, Any] = {}
    for name, value in given.items():
        if value is not UNSET:
            changes.update(_READERS[name](value))
    changed = msgspec.structs.replace(options, **changes)
    if changed.due_ms is not None and changed.delay_ms:
        raise ConfigError("options(at=, after=) exclude one another: give the instant or the delay")
    return changed


def _read_at(at: datetime | None) -> dict[str, Any]:
    return {"due_ms": None if at is None else _instant_ms(at, "options(at)")}


def _instant_ms(value: datetime, what: str) -> int:
    found_ms = to_instant_ms(value, what)
    if value.year >= _LAST_YEAR:
        raise ConfigError(f"{what} must lie before the year {_LAST_YEAR}, so that delays fit; got {value!r}")
    return found_ms


def _read_after(after: Duration | None) -> dict[str, Any]:
    return {"delay_ms": 0 if after is None else to_ms(after, "options(after)")}


def _read_expires(expires: Duration | datetime | None) -> dict[str, Any]:
    if expires is None:
        return {"expires_ms": None, "expires_after_ms": None}
    if isinstance(expires, datetime):
        return {"expires_ms": _instant_ms(expires, "options(expires)"), "expires_after_ms": None}
    return {"expires_ms": None, "expires_after_ms": to_ms(expires, "options(expires)")}


def _read_depends_on(depends_on: Sequence[object]) -> dict[str, Any]:
    from rota.jobs.call import Call  # which has options itself

    if not isinstance(depends_on, Sequence):
        raise ConfigError(f"options(depends_on) takes a list of Instances and Calls; write [{depends_on!r}]")
    for one in depends_on:
        if not isinstance(one, (Call, Instance)):
            raise ConfigError(f"options(depends_on) takes Instances and Calls; got {one!r}")
    return {"depends_on": tuple(one.id if isinstance(one, Instance) else one for one in depends_on)}


def _read_on_parent_failure(value: str) -> dict[str, Any]:
    if value not in ("cancel", "run"):
        raise ConfigError(f'options(on_parent_failure) is "cancel" or "run"; got {value!r}')
    return {"on_parent_failure": value}


_READERS: Final[dict[str, Any]] = {
    "at": _read_at,
    "after": _read_after,
    "jitter": lambda value: {"jitter_ms": to_ms(value, "options(jitter)")},
    "expires": _read_expires,
    "priority": lambda value: {"priority": check_priority(value)},
    "timeout": lambda value: {"timeout_ms": timeout_in_ms(value)},
    "retry": lambda value: {"retry": retry_record(as_retry(value))},
    "unique_key": lambda value: {"unique_key": value},
    "depends_on": _read_depends_on,
    "on_parent_failure": _read_on_parent_failure,
}
