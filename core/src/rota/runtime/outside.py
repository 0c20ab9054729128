"""What an executor tells a process of its own about the worker whose jobs it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

__all__ = ["ClientTerms", "Outside"]


class ClientTerms(msgspec.Struct, frozen=True):
    """How another process makes a client on the worker's store.

    `factory` is the "module:name" of what is called with these terms. `declared` is the store's URL and the namespace
    as the manager was made, by which a copy of it is known. `why_not` says why no other process reaches the store.
    """

    factory: str
    store: str
    namespace: str
    policy: str
    declared: tuple[str, str]
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """The worker, as far as another process can have it."""

    max_payload_bytes: int
    client: ClientTerms
    lifespan: Callable[..., Any] | None = None
