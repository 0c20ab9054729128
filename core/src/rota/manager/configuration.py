"""What a manager is told by its surroundings: first found wins, flag, constructor, environment, file, default."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from rota.model.errors import ConfigError
from rota.store.contract import Store
from rota.store.url import StoreURL

__all__ = ["Configuration", "checked_store", "default_concurrency", "store_url"]

_PREFIX: Final = "ROTA_"
_KEYS: Final = ("store", "namespace", "concurrency")


class Configuration(msgspec.Struct, frozen=True):
    """The environment, then `rota.toml`, then `[tool.rota]` in `pyproject.toml`; files of the nearest folder,
    from the working directory upwards, that has a table for rota."""

    environ: Mapping[str, str]
    file: Mapping[str, Any]
    file_name: str = ""

    @classmethod
    def here(cls) -> "Configuration":
        """That of this process. Raises ConfigError for a file that is no TOML, or says what rota does not know."""
        folder = Path.cwd()
        for one in (folder, *folder.parents):
            for name, keys in (("rota.toml", ()), ("pyproject.toml", ("tool", "rota"))):
                table = _table(one / name, keys)
                if table is not None:
                    return cls(os.environ, table, name)
        return cls(os.environ, {})

    def where(self, name: str) -> str:
        """Where a setting is said, for messages."""
        variable = _PREFIX + name.upper()
        return variable if self.environ.get(variable) else self.file_name

    def text(self, name: str) -> str | None:
        """A setting as text, None when nobody says it. Raises ConfigError naming where it was said."""
        found = self._said(name)
        if found is not None and not isinstance(found, str):
            raise ConfigError(f"{name} in {self.where(name)} must be text; got {found!r}")
        return found

    def number(self, name: str, least: int = 1) -> int | None:
        """A setting as a whole number. Raises ConfigError naming where it was said."""
        found = self._said(name)
        if found is None:
            return None
        if not str(found).strip().isdecimal() or int(found) < least:
            raise ConfigError(f"{name} in {self.where(name)} must be a whole number, {least} or more; got {found!r}")
        return int(found)

    def _said(self, name: str) -> Any:
        return self.environ.get(_PREFIX + name.upper()) or self.file.get(name)


def store_url(text: str, where: str) -> StoreURL:
    """The address of a store; ConfigError for a text that is none. `where` says where it came from."""
    try:
        return StoreURL.parse(text)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def checked_store(given: str | Store, where: str) -> str | Store:
    """What was given as a store; ConfigError for a text that is no URL, and for what is neither."""
    if isinstance(given, str):
        store_url(given, where)
    elif not hasattr(given, "namespaced"):
        raise ConfigError(f"{where} takes a URL such as memory://, or a Store; got {given!r}")
    return given


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
    return _known(table, path) if isinstance(table, dict) else None


def _known(table: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    unknown = [key for key in table if key not in _KEYS]
    if unknown:
        raise ConfigError(f"{path}: {unknown[0]!r} is no setting of rota; there are {', '.join(_KEYS)}")
    return table


def default_concurrency() -> int:
    """Four slots a processor: jobs mostly wait."""
    return 4 * (os.cpu_count() or 1)
