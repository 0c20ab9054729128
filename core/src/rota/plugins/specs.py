"""What a plugin's hooks answer: frozen descriptions. Making one imports nothing.

A factory is a text, "package.module:name", so that the module behind it, and with it a client
library, is imported only when somebody asks for what the spec names.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import ClassVar, Final, final

from rota.jobs.functions import check_processor
from rota.model.errors import ConfigError

__all__ = [
    "CLIENT_API", "ClientSpec", "EXECUTOR_API", "ExecutorSpec", "POLICY_API", "PolicySpec", "ProcessorSpec",
    "STORE_API", "StoreSpec",
]  # fmt: skip

STORE_API: Final = 1
"""The version of the store contract and of what a store's factory is called with."""
EXECUTOR_API: Final = 1
"""The version of the executor protocol."""
POLICY_API: Final = 1
"""The version of the queue policy's rank function."""
CLIENT_API: Final = 1
"""The version of what a client's factory is called with."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_REFERENCE: Final = re.compile(r"[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)*:[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)*")


@final
@dataclass(frozen=True, slots=True)
class StoreSpec:
    """A store: the URL schemes it serves and where its code is.

    `factory` names a function `(url: StoreURL, *, namespace: str, clock: Clock) -> Store`. `requires`
    is what to install when the client library is missing ("rota-store-redis[client]"). `file` says that a URL's
    `file` is all there is of a store, and that opening one makes it.
    """

    schemes: tuple[str, ...]
    factory: str
    summary: str
    url_example: str
    requires: str = ""
    api: int = STORE_API
    file: bool = False

    noun: ClassVar[str] = "store"
    supported: ClassVar[int] = STORE_API

    def __post_init__(self) -> None:
        _check_schemes(self, self.schemes)
        _check_factory(self, self.factory)


@final
@dataclass(frozen=True, slots=True)
class ClientSpec:
    """A client for servers: what `rota.connect` makes of a URL with one of these schemes.

    `factory` names a function `(url: StoreURL, *, token: str | None) -> Client`.
    """

    schemes: tuple[str, ...]
    factory: str
    summary: str
    api: int = CLIENT_API

    noun: ClassVar[str] = "client"
    supported: ClassVar[int] = CLIENT_API

    def __post_init__(self) -> None:
        _check_schemes(self, self.schemes)
        _check_factory(self, self.factory)


@final
@dataclass(frozen=True, slots=True)
class ExecutorSpec:
    """An executor, chosen by `job(executor=name)`. `factory` names its class, or a function that makes one."""

    name: str
    factory: str
    summary: str
    api: int = EXECUTOR_API

    noun: ClassVar[str] = "executor"
    supported: ClassVar[int] = EXECUTOR_API

    def __post_init__(self) -> None:
        _check_name(self, self.name)
        _check_factory(self, self.factory)


@final
@dataclass(frozen=True, slots=True)
class PolicySpec:
    """A queue policy, chosen by `Manager(policy=name)`, or `"name?option=value&..."`.

    `factory` names the rank function `(record: InstanceRecord) -> int` itself, or a function that makes one of
    options: its parameters, all keyword-only and optional. An option arrives converted by the annotation of its
    parameter, as text without one. A smaller rank leaves the queue first; at most 53 bits.
    """

    name: str
    factory: str
    summary: str
    api: int = POLICY_API

    noun: ClassVar[str] = "policy"
    supported: ClassVar[int] = POLICY_API

    def __post_init__(self) -> None:
        _check_name(self, self.name)
        _check_factory(self, self.factory)


@final
@dataclass(frozen=True, slots=True)
class ProcessorSpec:
    """User code called on outcomes of every job whose kind matches one of `kinds` (`fnmatch` patterns).

    `on_complete(instance, result)` and `on_terminate(instance, error)` run in the worker before the
    settle, at least once; `on_state_change(instance, transition)` after the commit. `before` and
    `after` name other processors; names that nobody provides are ignored.
    """

    name: str
    on_complete: Callable[..., object] | None = None
    on_terminate: Callable[..., object] | None = None
    on_state_change: Callable[..., object] | None = None
    kinds: tuple[str, ...] = ("*",)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    noun: ClassVar[str] = "processor"

    def __post_init__(self) -> None:
        _check_name(self, self.name)
        for field in ("kinds", "before", "after"):
            _check_texts(self, field, getattr(self, field))
        calls = {field: getattr(self, field) for field in ("on_complete", "on_terminate", "on_state_change")}
        given = {field: call for field, call in calls.items() if call is not None}
        if not given:
            raise ConfigError(f"ProcessorSpec({self.name!r}) needs a function as {', '.join(calls)}, or several")
        for field, call in given.items():
            check_processor(f"ProcessorSpec({self.name!r}, {field})", call)

    def matches(self, kind: str) -> bool:
        """Whether it wants the outcomes of `kind`; capital and small letters differ."""
        return any(fnmatchcase(kind, pattern) for pattern in self.kinds)


def _check_texts(spec: object, field: str, values: Iterable[object]) -> None:
    if not isinstance(values, tuple) or not all(isinstance(value, str) for value in values):
        raise ConfigError(f"{type(spec).__name__}({field}) must be a tuple of texts; got {values!r}")


def _check_schemes(spec: object, schemes: tuple[str, ...]) -> None:
    _check_texts(spec, "schemes", schemes)
    if not schemes or len(set(schemes)) != len(schemes) or not all(map(_SCHEME.fullmatch, schemes)):
        raise ConfigError(
            f"{type(spec).__name__}(schemes) must be different URL schemes in lower case, at least one; got {schemes!r}"
        )


def _check_name(spec: object, name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{type(spec).__name__}(name) must be 1 to 100 letters, digits and . _ -, not starting with one of these;"
            f" got {name!r}"
        )


def _check_factory(spec: object, factory: object) -> None:
    if not isinstance(factory, str) or not _REFERENCE.fullmatch(factory):
        raise ConfigError(f'{type(spec).__name__}(factory) must be a text like "package.module:name"; got {factory!r}')
