"""One connection to a namespace: made at first use, and anew after a fork."""

import os
from collections.abc import Callable
from typing import Final

from rota.model.errors import ConfigError
from rota.model.process_lock import ProcessLock
from rota.model.records import Document
from rota.store.contract import Store

__all__ = ["Connection"]

_POLICY_KEY: Final = "rota/policy"
_POLICY: Final = "priority"  # of a namespace that nobody has given one


class Connection:
    """Opens its store when first asked for it. Thread-safe.

    `policy` is what the namespace's queue is kept by, and is held against it; with None the namespace's own counts.
    """

    def __init__(self, open_store: Callable[[], Store], policy: str | None) -> None:
        self._open_store = open_store
        self._policy = policy
        self._adopted: str | None = None
        self._lock = ProcessLock()
        self._found: Store | None = None  # kept over close(): a memory store lives as long as its object
        self._open: Store | None = None
        self._pid = 0

    @property
    def store(self) -> Store:
        """The store, open. Raises StoreUnavailable, PluginError, ConfigError."""
        store = self._open
        return store if store is not None and self._pid == os.getpid() else self._connect()

    @property
    def is_open(self) -> bool:
        """True while it holds a connection of this process."""
        return self._open is not None and self._pid == os.getpid()

    @property
    def policy(self) -> str:
        """The policy of the namespace's queue. Where nobody has said one, and none is held, it is the default from
        now on: whoever asks is about to rank an instance by it."""
        if self._policy is not None:
            return self._policy
        if self._adopted is None:
            self._adopted = _recorded(self.store, _POLICY)
        return self._adopted

    def _connect(self) -> Store:
        with self._lock:
            if self._pid != os.getpid():
                self._found = self._open = None
            if self._open is None:
                self._found = self._found or self._open_store()
                self._open, self._pid = _opened(self._found, self._policy), os.getpid()
            return self._open

    def namespaced(self, namespace: str) -> "Connection":
        """The same connection, seen through another namespace."""
        return _View(self, namespace, self._policy)

    def close(self) -> None:
        """Let go; the next use opens it again."""
        with self._lock:
            store, self._open = self._open, None
        if store is not None and self._pid == os.getpid():
            store.close()


class _View(Connection):
    """Follows its base when that is made anew; closes it only when it was what opened it."""

    def __init__(self, base: Connection, namespace: str, policy: str | None) -> None:
        super().__init__(lambda: base.store.namespaced(namespace), policy)
        self._base = base
        self._seen: tuple[Store, Store] | None = None  # the base's store, and the view of it
        self._opened_base = False

    @property
    def store(self) -> Store:
        """The store, open, by the same rules."""
        if not self._base.is_open:
            self._opened_base = True
        base = self._base.store
        if self._seen is None or self._seen[0] is not base:
            view = self._open_store()
            _hold_policy(view, self._policy)
            self._seen = base, view
        return self._seen[1]

    @property
    def is_open(self) -> bool:
        """As the base."""
        return self._base.is_open

    def close(self) -> None:
        """Leave the connection to the base, unless it was opened for this view."""
        if self._opened_base:
            self._opened_base = False
            self._base.close()


def _opened(store: Store, policy: str | None) -> Store:
    store.open()
    try:
        _hold_policy(store, policy)
    except BaseException:
        store.close()
        raise
    return store


def _hold_policy(store: Store, policy: str | None) -> None:
    """Record the namespace's one queue policy, or check it: ranks of two policies don't compare."""
    if policy is not None and (kept := _recorded(store, policy)) != policy:
        raise ConfigError(
            f"the namespace {store.namespace!r} keeps its queue by policy {kept!r}, this manager by {policy!r}: "
            f"use Manager(policy={kept!r}), or another namespace"
        )


def _recorded(store: Store, policy: str) -> str:
    """The policy that the namespace has on record; `policy`, recorded now, where it has none."""
    (document,) = store.load([_POLICY_KEY])
    if document is None and store.save([Document(_POLICY_KEY, policy.encode())]) is None:
        (document,) = store.load([_POLICY_KEY])  # another one was first
    return policy if document is None else (document.value or b"").decode()
