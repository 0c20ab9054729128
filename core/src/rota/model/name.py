"""Names that travel: kinds, schedules, namespaces, owners."""

import re
from typing import Final

from rota.model.errors import ConfigError

__all__ = ["check_name"]

_NAME: Final = r"[A-Za-z0-9._:-]{1,100}"


def check_name(what: str, value: str) -> str:
    """The name, when every store and file system can keep it; else ConfigError. `what` says whose name it is."""
    if not isinstance(value, str) or re.fullmatch(_NAME, value) is None:
        raise ConfigError(f"{what} takes 1 to 100 characters of A-Z a-z 0-9 . _ : -; got {value!r}")
    return value
