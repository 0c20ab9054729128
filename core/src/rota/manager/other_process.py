"""What another process has of a manager's store: its address, when the store can be reached from there at all."""

from typing import TYPE_CHECKING, Final

from rota.jobs.running import CURRENT
from rota.model.errors import NotBound
from rota.store.contract import Store

if TYPE_CHECKING:
    from rota.runtime.outside import ClientTerms

__all__ = ["client_terms", "refuse_in_a_child"]

_STAND_IN: Final = "rota.manager.stand_in:StandIn"
_INSTEAD: Final = "run the job in a thread, return what is to be scheduled, or use a store that processes share"


def client_terms(given: str | Store, store: Store, policy: str, declared: tuple[str, str]) -> "ClientTerms":
    """How a child makes its client; with the reason when it can't."""
    from rota.runtime.outside import ClientTerms

    why_not, url = "", given if isinstance(given, str) else ""
    if not url:
        why_not = f"the manager was given its store as an object, which a child process can't have; {_INSTEAD}"
    elif not _is_shared(store):
        why_not = (
            f"{url.partition(':')[0]}:// lives in the worker's process alone, and this is a child of it; {_INSTEAD}"
        )
    return ClientTerms(_STAND_IN, url, store.namespace, policy, declared, why_not)


def refuse_in_a_child(store: Store) -> Store:
    """The store. Raises NotBound inside a job in a child process, when the store of this process is nobody else's:
    what is put there would be lost without a word."""
    running = CURRENT.get()
    if running is not None and running.elsewhere and not _is_shared(store):
        raise NotBound(
            f"this job runs in a child process, where the manager's own store would be another one; {_INSTEAD}"
        )
    return store


def _is_shared(store: Store) -> bool:
    return "multi_process" in store.capabilities.features
