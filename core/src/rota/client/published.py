"""What workers publish of their kinds: the defaults of a call that is made by name."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

import msgspec

from rota.engine.arguments import OpenPlan
from rota.engine.template import Template
from rota.jobs.definition import DEFAULT_MAX_CRASHES, DEFAULT_PRIORITY, Definition
from rota.model.clock import Clock
from rota.model.records import KindDescriptor, ParameterRecord

__all__ = ["Defaults", "PublishedKinds"]

_KEPT_S: Final = 5.0  # how long an answer of the store serves


class Defaults(msgspec.Struct, frozen=True):
    """What a definition says where the call does not."""

    priority: int = DEFAULT_PRIORITY
    unique_key: Template | None = None
    unique_until: Literal["started", "finished"] = "finished"
    max_crashes: int = DEFAULT_MAX_CRASHES
    lane: Template | None = None


class PublishedKinds:
    """Looks kinds up in the store, at most once in five seconds."""

    def __init__(self, kinds: Callable[[], list[KindDescriptor]], clock: Clock) -> None:
        self._kinds = kinds
        self._clock = clock
        self._found: dict[str, KindDescriptor] = {}
        self._until = float("-inf")

    def defaults(self, definition: Definition) -> Defaults:
        """Those of the definition where it is known here, else those that were published, else rota's own."""
        if definition.function is not None:
            return Defaults(
                definition.priority,
                definition.unique_key,
                definition.unique_until,
                definition.max_crashes,
                definition.lane,
            )
        found = self._published(definition.kind)
        if found is None:
            return Defaults()
        key = None if found.unique_key is None else Template.parse(found.unique_key, f"unique_key of {found.kind!r}")
        lanes = [
            Template.parse(limit.key, f"the limit's key of {found.kind!r}")
            for limit in found.limits
            if limit.key is not None
        ]
        return Defaults(found.priority, key, found.unique_until, found.max_crashes, lanes[0] if lanes else None)

    def render(self, definition: Definition, template: Template, args: Sequence[Any], kwargs: dict[str, Any]) -> str:
        """A key of this call; a remote kind gets the published names of its positions, and plain defaults."""
        plan = definition.plan
        if isinstance(plan, OpenPlan) and (found := self._published(definition.kind)) is not None:
            named = OpenPlan(definition.kind, found.parameters).named(args, kwargs)
            return template.render({**_plain_defaults(found.parameters), **named})
        return plan.render(template, args, kwargs)

    def _published(self, kind: str) -> KindDescriptor | None:
        now = self._clock.monotonic()
        if now >= self._until:
            self._found = {descriptor.kind: descriptor for descriptor in self._kinds()}
            self._until = now + _KEPT_S
        return self._found.get(kind)


def _plain_defaults(parameters: Iterable[ParameterRecord]) -> dict[str, object]:
    """The defaults that can be read back from their published text: whole literals, not shortened ones."""
    from ast import literal_eval

    found: dict[str, object] = {}
    for one in parameters:
        if one.default and "..." not in one.default:
            with suppress(ValueError, SyntaxError):
                found[one.name] = literal_eval(one.default)
    return found
