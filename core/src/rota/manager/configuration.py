"""What a manager is told by its surroundings: first found wins, flag, constructor, environment, file, default."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from rota.model.errors import ConfigError

__all__ = ["Configuration", "default_concurrency"]

_PREFIX: Final = "ROTA_"


class Configuration(msgspec.Struct, frozen=True):
    """The environment, then `rota.toml`, then `[tool.rota]` in `pyproject.toml`; files of the nearest folder,
    from the working directory upwards, that has a table for rota."""

    environ: Mapping[str, str]
    file: Mapping[str, Any]
    file_name: str = ""

    @classmethod
    def here(cls) -> "Configuration":
        """That of this process. Raises ConfigError for a file that is no TOML."""
        folder = Path.cwd()
        for one in (folder, *folder.parents):
            for name, keys in (("rota.toml", ()), ("pyproject.toml", ("tool", "rota"))):
                table = _table(one / name, keys)
                if table is not None:
                    return cls(os.environ, table, name)
        return cls(os.environ, {})

    def text(self, name: str) -> str | None:
        """A setting as text, None when nobody says it."""
        found = self.environ.get(_PREFIX + name.upper()) or self.file.get(name)
        if found is not None and not isinstance(found, (str, int, float)):
            raise ConfigError(f"{name} in {self.file_name} must be text or a number; got {found!r}")
        return None if found is None else str(found)

    def number(self, name: str, least: int = 1) -> int | None:
        """A setting as a whole number. Raises ConfigError naming where it was said."""
        found = self.text(name)
        if found is None:
            return None
        if not found.strip().isdecimal() or int(found) < least:
            where = _PREFIX + name.upper() if _PREFIX + name.upper() in self.environ else self.file_name
            raise ConfigError(f"{name} in {where} must be a whole number, {least} or more; got {found!r}")
        return int(found)


def _table(path: Path, keys: tuple[str, ...]) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    import tomllib

    try:
        table: Any = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is no TOML: {error}") from error
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else None


def default_concurrency() -> int:
    """Four slots a processor: jobs mostly wait."""
    return 4 * (os.cpu_count() or 1)
