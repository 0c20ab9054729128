"""Names that travel: kinds, schedules, namespaces, owners."""

import re
from typing import Final

from rota.model.errors import ConfigError

__all__ = ["SYSTEM_OWNER", "SYSTEM_PREFIX", "check_name", "is_system", "refuse_system"]

SYSTEM_PREFIX: Final = "system."  #: kinds and rules of rota itself
SYSTEM_OWNER: Final = "system"  #: who owns the recurring rules of rota itself, whatever managers are called

_NAME: Final = r"[A-Za-z0-9._:-]{1,100}"


def check_name(what: str, value: str) -> str:
    """The name, when every store and file system can keep it; else ConfigError. `what` says whose name it is."""
    if not isinstance(value, str) or re.fullmatch(_NAME, value) is None:
        raise ConfigError(f"{what} takes 1 to 100 characters of A-Z a-z 0-9 . _ : -; got {value!r}")
    return value


def is_system(name: str) -> bool:
    """True for a kind or rule of rota itself."""
    return name.startswith(SYSTEM_PREFIX)


def refuse_system(what: str, name: str) -> str:
    """The name, unless it is reserved for rota itself: ConfigError then. `what` says whose name it is."""
    if isinstance(name, str) and is_system(name):
        raise ConfigError(f"{what} can't begin with {SYSTEM_PREFIX!r}, which rota keeps for its own; got {name!r}")
    return name
