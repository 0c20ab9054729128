"""Five primitives over an ordered key-value backend; `rota.store.kv.KVStore` builds the whole store contract on them.

What `KVStore` relies on:

* **Order**: keys are bytes and compare as bytes.
* **Revisions**: the backend has one number that rises with each commit. Each value has the revision of the commit that
  last put it, and a key that is not there has revision 0.
* **Linearizable reads**: a read sees every commit that was answered before it began, and one moment only.
* **Errors**: `StoreUnavailable` alone, translated from the client library's own. After one from `commit` nobody needs
  to know whether it was done: it reaches the caller, who repeats the operation, and that finds what was done.

All methods may be called by several threads at once.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

__all__ = ["Found", "OrderedKV", "Page", "Range", "Value"]


class Range(NamedTuple):
    """Keys with start <= key < end, at most `limit` of them, the last ones first when `reverse`."""

    start: bytes
    end: bytes
    limit: int
    reverse: bool = False


class Found(NamedTuple):
    """A key of a range, its value, and the revision of the commit that put it."""

    key: bytes
    value: bytes
    revision: int


Value: TypeAlias = tuple[bytes, int] | None  #: a value with its revision; None for a key that is not there
Page: TypeAlias = list[Found]


class OrderedKV(Protocol):
    """One connection to a backend, for all namespaces."""

    #: The most checks, and the most puts and deletes together, that one commit takes. At least 64.
    max_ops: int
    #: The most bytes, keys and values together, that one commit takes; one value takes up to a quarter of it. At
    #: least 1.5 MiB: a document or a line of a log may have a good part of that.
    max_bytes: int
    #: The longest key, in bytes. At least 256.
    max_key: int
    #: True when `wait` is woken by the commits of others within 10 ms, whatever process they come from.
    push: bool
    #: Whose time `now_ms` is: the backend's, that of a machine which all its users share, or each client's own. With
    #: "client" a lease is judged by how long a beat was seen not to change, never by anybody's wall clock.
    clock: Literal["server", "host", "client"]

    def read(self, keys: Sequence[bytes], ranges: Sequence[Range]) -> tuple[int, list[Value], list[Page]]:
        """The revision of the backend, a value for each key and a page for each range, in their order, of one moment.
        One round trip. Raises: StoreUnavailable."""
        ...

    def commit(
        self, checks: Mapping[bytes, int], puts: Mapping[bytes, bytes], deletes: Collection[bytes]
    ) -> int | None:
        """Put and delete all of it, if each checked key still has that revision (0: is not there); the revision of this
        commit, or None, with nothing done, when a check failed. No key is both put and deleted; to delete one that is
        not there is no error. One round trip. Raises: StoreUnavailable, and then it may have been done."""
        ...

    def wait(self, prefixes: Sequence[bytes], since: int, timeout_ms: int) -> int:
        """Return once a commit after revision `since` put a key with one of the prefixes, or after `timeout_ms`; the
        revision to wait from next. It may return early for no reason. `close` ends it. Raises: StoreUnavailable."""
        ...

    def now_ms(self) -> int:
        """The time by `clock`, milliseconds since 1970 UTC. One round trip at most. Raises: StoreUnavailable."""
        ...

    def close(self) -> None:
        """End every `wait` and let go of the connection. Idempotent; the next call connects anew."""
        ...
