"""What instances ask of the store that they stand in."""

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from rota.client.finals import Finals
from rota.client.twins import offload
from rota.client.waiting import why_not_ended
from rota.engine.arguments import ArgumentPlan, OpenPlan
from rota.jobs.definition import Definition
from rota.model.errors import UnknownInstance
from rota.model.ids import id_to_uuid
from rota.model.query import LogFilter
from rota.model.records import LogPage, Snapshot, TransitionRecord
from rota.store.contract import Store

__all__ = ["StoreInstances"]

P = ParamSpec("P")
R = TypeVar("R")


class StoreInstances:
    """The `InstanceSource` of a store. `store` answers the one that its client uses now; `definition` finds a
    kind's definition where it is known here."""

    def __init__(
        self, store: Callable[[], Store], definition: Callable[[str], Definition | None], finals: Finals
    ) -> None:
        self._store = store
        self._definition = definition
        self._finals = finals

    async def offload(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a blocking call beside the event loop."""
        return await offload(function, *args, **kwargs)

    def snapshot(self, instance_id: str) -> Snapshot:
        """The instance as it stands now. Raises UnknownInstance."""
        (snapshot,) = self._store().get([instance_id])
        return _there(snapshot, instance_id)

    def snapshots(self, ids: Sequence[str]) -> list[Snapshot]:
        """Instances as they stand now, in order; those that are not there are left out."""
        return [snapshot for snapshot in self._store().get(ids) if snapshot is not None] if ids else []

    def final_snapshot(self, instance_id: str, timeout_s: float | None) -> Snapshot:
        """The instance once it is final. Raises TimeoutError, UnknownInstance."""
        try:
            self._finals.wait(instance_id, timeout_s)
        except TimeoutError as error:
            raise self._explained(error, instance_id) from None
        return self.snapshot(instance_id)

    async def afinal_snapshot(self, instance_id: str, timeout_s: float | None) -> Snapshot:
        """The same, holding no thread while it waits."""
        try:
            await self._finals.await_(instance_id, timeout_s)
        except TimeoutError as error:
            raise await offload(self._explained, error, instance_id) from None
        return await offload(self.snapshot, instance_id)

    def _explained(self, error: TimeoutError, instance_id: str) -> TimeoutError:
        return TimeoutError(f"{error}: {why_not_ended(self._store(), instance_id)}")

    def cancel_one(self, instance_id: str) -> bool:
        """Ask for its end; False when it is final already. Raises UnknownInstance."""
        (answer,) = self._store().cancel([instance_id])
        if answer == "missing":
            _there(None, instance_id)
        return answer in ("canceled", "requested")

    def transitions(self, instance_id: str) -> tuple[TransitionRecord, ...]:
        """Its history. Raises UnknownInstance."""
        (history,) = self._store().history([instance_id])
        return _there(history, instance_id).entries

    def log_page(self, instance_id: str, position: int, timeout_ms: int) -> LogPage:
        """Lines from a position on, waiting up to `timeout_ms` for the first. Raises UnknownInstance."""
        return self._store().logs(LogFilter(id=instance_id, position=position), timeout_ms)

    def plan_of(self, kind: str) -> ArgumentPlan | OpenPlan:
        """How arguments and result of a kind read."""
        definition = self._definition(kind)
        return OpenPlan(kind) if definition is None else definition.plan


def _there(found: R | None, instance_id: str) -> R:
    if found is None:
        raise UnknownInstance(f"no instance {id_to_uuid(instance_id)} here: it never was, or it was purged")
    return found
