"""What stores of one process share: a lock and the namespaces under it. Nothing is shared with a forked child."""

import os
import re
from threading import Lock
from typing import Final
from weakref import WeakValueDictionary

from rota.model.errors import ConfigError
from rota.model.process_lock import ProcessLock
from rota.store.url import StoreURL
from rota_store_memory.space import Space

__all__ = ["Hub", "hub_of"]

_NAME: Final = re.compile(r"[A-Za-z0-9._-]*")


class Hub:
    """All namespaces of one memory store, and the one lock that guards them. It belongs to the process that
    made it: in a forked child the lock may be held for ever, and every job would be there twice."""

    __slots__ = ("__weakref__", "_pid", "_spaces", "lock")

    def __init__(self) -> None:
        self._pid = os.getpid()
        self.lock = Lock()
        self._spaces: dict[str, Space] = {}

    def space(self, namespace: str) -> Space:
        """The namespace, made when it is asked for first. Raises: ConfigError in a forked child."""
        self.refuse_child()
        with self.lock:
            space = self._spaces.get(namespace)
            if space is None:
                space = self._spaces[namespace] = Space(namespace, self.lock)
            return space

    def end_session(self, session: object) -> None:
        """End every blocked call made through one connection; there is none in a forked child."""
        if self._pid != os.getpid():
            return
        with self.lock:
            for space in self._spaces.values():
                space.waiters.end_session(session)

    def refuse_child(self) -> None:
        """Raise ConfigError in a process forked from the one that made this hub."""
        if self._pid != os.getpid():
            raise ConfigError(
                f"this memory store was made in process {self._pid} and is used in {os.getpid()}, forked from it: its "
                "instances belong to the process that made it; open a store in the child, give Manager a URL (each "
                "process then opens its own, empty one), or use a store that processes can share"
            )


# The one piece of module state: a name in a URL can only mean the same data to two stores of a process
# if the process keeps the name, here by process id and name, so that a forked child has names of its own.
# It holds nothing alive: the data goes with the last store that has it.
_named: Final[WeakValueDictionary[tuple[int, str], Hub]] = WeakValueDictionary()
_named_lock: Final = ProcessLock()


def hub_of(url: StoreURL) -> Hub:
    """A new hub for `memory://`, the shared one for `memory://name`. Raises: ConfigError."""
    name = _name_of(url)
    if not name:
        return Hub()
    identity = os.getpid(), name
    with _named_lock:
        hub = _named.get(identity)
        if hub is None:
            hub = _named[identity] = Hub()
        return hub


def _name_of(url: StoreURL) -> str:
    url.options({})
    names = [str(host) for host in url.hosts]
    if len(names) > 1 or url.user or url.path or not _NAME.fullmatch("".join(names)):
        raise ConfigError(
            f"store URL {url.redacted!r} is not one of the memory store: it reads memory:// (private) or memory://NAME "
            "(shared within the process), NAME of letters, digits, '.', '_' and '-', without path or query"
        )
    return "".join(names)
