"""One schedule call: its calls, and all that they depend on, become instances, what others depend on first."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from rota.client.requests import Requests
from rota.engine.dependencies import replaced
from rota.engine.output import Output
from rota.jobs.call import Call, depends
from rota.jobs.instance import Instance
from rota.model.errors import ConfigError
from rota.model.ids import uuid_to_id
from rota.model.records import EnqueueAnswer, InstanceRecord
from rota.store.contract import MAX_PARENTS, Store

__all__ = ["Scheduling"]


class Scheduling:
    """Schedules lists of calls, `batch` at a time. Each listed call is an instance of its own; the outputs of a call
    are those of the first that was made of it, since the start. `added` makes instances of a store's answers."""

    def __init__(
        self,
        store: Store,
        requests: Requests,
        added: Callable[[list[InstanceRecord], list[EnqueueAnswer]], list[Instance[Any]]],
        batch: int,
    ) -> None:
        self._store = store
        self._requests = requests
        self._added = added
        self._batch = batch
        self._max_bytes = store.capabilities.max_payload_bytes
        self._plain: list[tuple[Sequence[Call[Any]], list[Instance[Any]]]] = []  # not in `_made` before a flow comes
        self._made: dict[int, _Made] = {}  # by the identity of calls, which it keeps alive
        self._keyed: dict[tuple[int, int], bool] = {}

    def add(self, calls: list[Call[Any]]) -> list[Instance[Any]]:
        """An instance for each call, in order."""
        if any(map(depends, calls)) or self._made:
            return self._add_flows(calls)
        records = self._requests.records(calls, self._max_bytes)
        instances = self._added(records, self._store.enqueue(records))
        self._plain.append((calls, instances))
        return instances

    def _add_flows(self, calls: list[Call[Any]]) -> list[Instance[Any]]:
        self._remember_plain()
        order, listed = list[_Made](), list[_Made]()
        for call in calls:
            order.extend(self._parents_first(call))
            made = self._made[id(call)]
            if made.listed:
                made = _Made(call, made.parents)
                order.append(made)
            made.listed = True
            listed.append(made)
        for made, instance_id in zip(order, self._requests.ids(len(order)), strict=True):
            made.id = instance_id
        self._enqueue(order)
        return [made.instance for made in listed if made.instance is not None]

    def _remember_plain(self) -> None:
        """Let outputs be those of what was made without a flow in sight."""
        for calls, instances in self._plain:
            for call, instance in zip(calls, instances, strict=True):
                if id(call) not in self._made:
                    self._made[id(call)] = made = _Made(call, ())
                    made.id, made.instance, made.listed = uuid_to_id(instance.id), instance, True
        self._plain.clear()

    def _parents_first(self, root: Call[Any]) -> Iterator["_Made"]:
        """What has to be made for a call, itself last; by hand, since a chain may be longer than a stack is deep."""
        made, found, stack = self._made, dict[int, tuple[Call[Any] | UUID, ...]](), [root]
        while stack:
            call = stack.pop()
            if id(call) in made:
                continue
            if id(call) in found:
                made[id(call)] = one = _Made(call, found[id(call)])
                yield one
                continue
            found[id(call)] = parents = _checked_parents(call)
            stack.append(call)
            for parent in reversed(parents):
                if not isinstance(parent, Call) or id(parent) in made:
                    continue
                if id(parent) in found:  # met on the way to itself
                    raise ConfigError(f"{call.kind!r} depends on itself")
                stack.append(parent)

    def _enqueue(self, order: "list[_Made]") -> None:
        """In batches. What a live instance may stand for, by its unique key, is asked for before its id is used."""
        pending, keyed = list[_Made](), set[int]()
        for made in order:
            if len(pending) == self._batch or (keyed and not keyed.isdisjoint(map(id, made.parents))):
                self._flush(pending)
                pending, keyed = [], set()
            pending.append(made)
            if self._is_keyed(made.call):
                keyed.add(id(made.call))
        self._flush(pending)

    def _is_keyed(self, call: Call[Any]) -> bool:
        job = id(call.definition), id(call.options)
        if job not in self._keyed:
            self._keyed[job] = self._requests.is_keyed(call)
        return self._keyed[job]

    def _flush(self, pending: "list[_Made]") -> None:
        if not pending:
            return
        records = self._requests.records(
            [self._bound(made) for made in pending],
            self._max_bytes,
            [made.id for made in pending],
            [tuple(dict.fromkeys(map(self._id_of, made.parents))) for made in pending],
        )
        for made, instance in zip(pending, self._added(records, self._store.enqueue(records)), strict=True):
            made.instance = instance
            if instance.duplicate:
                made.id = uuid_to_id(instance.id)

    def _bound(self, made: "_Made") -> Call[Any]:
        """The call, its outputs those of instances."""
        call = made.call
        if not made.parents:
            return call
        args, kwargs = replaced(call.bound[0], self._reference), replaced(call.bound[1], self._reference)
        return Call(call.definition, call.options, args, kwargs)

    def _reference(self, output: Output) -> Output:
        return Output(self._id_of(output.source))

    def _id_of(self, source: Call[Any] | UUID) -> str:
        return uuid_to_id(source) if isinstance(source, UUID) else self._made[id(source)].id


class _Made:
    """What becomes of a call: its id as soon as there is one, and the instance once it was enqueued. `listed`: a
    place in the answer is its own."""

    __slots__ = ("call", "id", "instance", "listed", "parents")

    def __init__(self, call: Call[Any], parents: Sequence[Call[Any] | UUID]) -> None:
        self.call = call
        self.parents = parents
        self.id = ""
        self.instance: Instance[Any] | None = None
        self.listed = False


def _checked_parents(call: Call[Any]) -> tuple[Call[Any] | UUID, ...]:
    parents = call.depends_on
    if len(parents) > MAX_PARENTS:
        raise ConfigError(
            f"a call of {call.kind!r} depends on {len(parents):,} others, at most {MAX_PARENTS:,} is what stores take: "
            "collect them with rota.group() or rota.chord()"
        )
    return parents
