"""From calls to the records that a store takes."""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from rota.client.published import PublishedKinds
from rota.engine.rank import RankFunction
from rota.jobs.call import Call, check_call
from rota.jobs.definition import Definition
from rota.jobs.options import UNSET, CallOptions
from rota.jobs.running import CURRENT
from rota.model.errors import ArgumentError
from rota.model.ids import IdSource
from rota.model.records import InstanceRecord

__all__ = ["Requests"]


class Requests:
    """Makes records of calls: ids, encoded arguments, ranks, keys, jitter."""

    def __init__(
        self,
        ids: IdSource,
        rng: random.Random,
        now_ms: Callable[[], int],
        rank: RankFunction,
        published: PublishedKinds,
    ) -> None:
        self._ids = ids
        self._rng = rng
        self._now_ms = now_ms
        self._rank = rank
        self._published = published

    def records(self, calls: Sequence[Call[Any]], max_bytes: int) -> list[InstanceRecord]:
        """A record for each call, in order.

        Raises: ArgumentError for arguments that are no data, or larger than `max_bytes` encoded.
        """
        parent = _parent()
        now_ms, rank = self._now_ms(), self._rank
        previous: Call[Any] | None = None
        fixed, varies = dict[str, Any](), False
        found: list[InstanceRecord] = []
        for instance_id, call in zip(self._ids.many(len(calls)), calls, strict=True):
            check_call("schedule()", call)
            if previous is None or call.definition is not previous.definition or call.options is not previous.options:
                previous, fixed = call, self._fixed(call.definition, call.options, parent)
                varies = bool(call.options.jitter_ms or fixed["unique_key"] or fixed["lane"])
            args, kwargs = call.bound
            data = call.definition.plan.encode(args, kwargs)
            if len(data) > max_bytes:
                raise _too_large(call.kind, len(data), max_bytes)
            record = InstanceRecord(
                id=instance_id,
                arguments=data,
                created_ms=now_ms,
                **(self._varied(fixed, call, args, kwargs) if varies else fixed),
            )
            rank_value = rank(record)
            found.append(record if rank_value == record.rank else msgspec.structs.replace(record, rank=rank_value))
        return found

    def template(self, call: Call[Any], max_bytes: int) -> InstanceRecord:
        """The record that a recurring rule copies for each of its slots: without id, instant and parent."""
        (record,) = self.records([call], max_bytes)
        return msgspec.structs.replace(record, id="", created_ms=0, parent=None)

    def from_template(self, template: InstanceRecord, schedule: str) -> InstanceRecord:
        """An instance of a recurring rule outside its slots, due as its call says: the trigger's jitter spreads slots,
        and this is none."""
        record = msgspec.structs.replace(
            template,
            id=self._ids.one(), created_ms=self._now_ms(), schedule=schedule, parent=_parent(), rank=template.priority,
        )  # fmt: skip
        return msgspec.structs.replace(record, rank=self._rank(record))

    def again(self, record: InstanceRecord) -> InstanceRecord:
        """A new request for what a finished instance was asked to do, linked to it, due now."""
        fresh = msgspec.structs.replace(
            record,
            id=self._ids.one(), created_ms=self._now_ms(), retry_of=record.id, due_ms=None, delay_ms=0,
            expires_ms=None, schedule=None, slot_ms=None, rank=record.priority,
        )  # fmt: skip
        return msgspec.structs.replace(fresh, rank=self._rank(fresh))

    def _fixed(self, definition: Definition, options: CallOptions, parent: str | None) -> dict[str, Any]:
        """What all calls of one job with one set of options share."""
        defaults = self._published.defaults(definition)
        priority = defaults.priority if options.priority is None else options.priority
        return {
            "kind": definition.kind,
            "rank": priority,
            "priority": priority,
            "due_ms": options.due_ms,
            "delay_ms": options.delay_ms,
            "expires_ms": options.expires_ms,
            "expires_after_ms": options.expires_after_ms,
            "timeout_ms": options.timeout_ms,
            "retry": options.retry,
            "unique_key": defaults.unique_key if options.unique_key is UNSET else options.unique_key,
            "unique_until": defaults.unique_until,
            "lane": defaults.lane,
            "max_crashes": defaults.max_crashes,
            "parent": parent,
        }

    def _varied(self, fixed: dict[str, Any], call: Call[Any], args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The same with this call's own keys and drawn jitter."""
        varied = dict(fixed)
        for name in ("unique_key", "lane"):
            if fixed[name] is not None:
                varied[name] = self._published.render(call.definition, fixed[name], args, kwargs)
        if call.options.jitter_ms:
            drawn_ms = self._rng.randint(0, call.options.jitter_ms)
            name = "delay_ms" if fixed["due_ms"] is None else "due_ms"
            varied[name] = fixed[name] + drawn_ms
        return varied


def _parent() -> str | None:
    """The instance in whose job this is; None outside of one, and where a job was called as a function."""
    running = CURRENT.get()
    return running.instance.id.hex if running is not None and running.token else None


def _too_large(kind: str, size: int, max_bytes: int) -> ArgumentError:
    return ArgumentError(
        f"the arguments of {kind!r} take {size:,} bytes, this store keeps up to {max_bytes:,}: "
        "put the data where the worker can read it, and pass where it is"
    )


def chunks(calls: Iterable[Call[Any]], size: int) -> Iterable[list[Call[Any]]]:
    """Lists of up to `size`, in order."""
    from itertools import islice

    remaining = iter(calls)
    while chunk := list(islice(remaining, size)):
        yield chunk
