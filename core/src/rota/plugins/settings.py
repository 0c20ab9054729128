"""Which plugins may load, by environment."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, final

from rota.model.errors import ConfigError

__all__ = ["AUTOLOAD", "DISABLE", "PluginSettings", "normalized"]

DISABLE: Final = "ROTA_DISABLE_PLUGINS"
AUTOLOAD: Final = "ROTA_PLUGIN_AUTOLOAD"

_ON_OFF: Final = {"": True, "1": True, "true": True, "yes": True, "on": True,
                  "0": False, "false": False, "no": False, "off": False}  # fmt: skip


@final
@dataclass(frozen=True, slots=True)
class PluginSettings:
    """`disabled` holds plugin names and distribution names; without `autoload` no installed plugin loads."""

    disabled: tuple[str, ...] = ()
    autoload: bool = True

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "PluginSettings":
        """Read ROTA_DISABLE_PLUGINS (names separated by commas) and ROTA_PLUGIN_AUTOLOAD (0 or 1).

        Raises: ConfigError when the second is neither.
        """
        names = (name.strip() for name in environ.get(DISABLE, "").split(","))
        text = environ.get(AUTOLOAD, "").strip()
        autoload = _ON_OFF.get(text.lower())
        if autoload is None:
            raise ConfigError(f"{AUTOLOAD} is {text!r}\n  try:     {AUTOLOAD}=0 to load no installed plugin, or 1")
        return cls(tuple(dict.fromkeys(name for name in names if name)), autoload)

    def block(self, name: str, distribution: str, *, installed: bool = True) -> tuple[str, str]:
        """Why a plugin may not load, and how to change that; two empty texts when it may. One that is not `installed`
        but came with core is disabled by its own name alone."""
        if installed and not self.autoload:
            return f"{AUTOLOAD}=0 keeps all installed plugins from loading", f"unset {AUTOLOAD}"
        for entry in self.disabled:
            if entry == name or (installed and normalized(entry) == normalized(distribution)):
                return f"{DISABLE} names {entry}", f"take {entry} out of {DISABLE}"
        return "", ""

    def unknown(self, names: Collection[str], distributions: Iterable[str]) -> tuple[str, ...]:
        """The disabled ones that are neither a plugin nor a distribution here."""
        known = {normalized(distribution) for distribution in distributions}
        return tuple(entry for entry in self.disabled if entry not in names and normalized(entry) not in known)


def normalized(distribution: str) -> str:
    """A distribution's name as it is compared: small letters, `_` and `.` as `-`."""
    return distribution.lower().replace("_", "-").replace(".", "-")
