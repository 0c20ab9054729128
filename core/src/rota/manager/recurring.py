"""Recurring rules declared in code, as what a worker keeps the store in step with."""

from collections.abc import Mapping

import msgspec

from rota.client.requests import Requests
from rota.client.rules import schedule_record
from rota.engine.reconcile import declared_fingerprint
from rota.jobs.rule import DeclaredSchedule
from rota.model.errors import ConfigError
from rota.model.name import SYSTEM_OWNER
from rota.model.records import ScheduleRecord
from rota.runtime.maintenance import Declared
from rota.store.contract import Store

__all__ = ["declared_rules", "system_rules"]


def declared_rules(
    requests: Requests,
    store: Store,
    owner: str | None,
    nameless: str,
    revision: int | None,
    rules: Mapping[str, DeclaredSchedule],
) -> Declared | None:
    """What to keep the store in step with; None when nothing is declared and nobody owns what was. `nameless` is the
    owner of a manager without a name, where no other process can see the store.

    Raises: ConfigError for rules without an owner in a store that several processes share.
    """
    if owner is None:
        if not rules:
            return None
        if "multi_process" in store.capabilities.features:
            raise ConfigError(
                f"recurring jobs are declared ({', '.join(sorted(rules))}), but the manager has no name to own them: "
                'write Manager(name="..."), the same in every process that runs this code'
            )
        owner = nameless
    return _declared(requests, store, owner, revision, rules)


def system_rules(requests: Requests, store: Store, rules: Mapping[str, DeclaredSchedule]) -> Declared:
    """The rules of rota itself, which have an owner of their own: no program needs a name because of them. Also
    without any, so that those of a version that had them go."""
    return _declared(requests, store, SYSTEM_OWNER, None, rules)


def _declared(
    requests: Requests, store: Store, owner: str, revision: int | None, rules: Mapping[str, DeclaredSchedule]
) -> Declared:
    def records() -> list[ScheduleRecord]:
        now_ms = store.now_ms()
        found = []
        for rule in rules.values():
            record = schedule_record(rule, requests, store, now_ms)
            found.append(msgspec.structs.replace(record, owner=owner, revision=revision))
        return found

    return Declared(owner, declared_fingerprint(records()), revision, records)
