"""Why a plugin is turned away while it loads; the loader makes a record of it."""

from typing import Literal, final

__all__ = ["PluginFault"]


@final
class PluginFault(Exception):
    """A plugin breaks a rule: `why` in one line, `fix` what its user can do. Never leaves the loader."""

    def __init__(
        self,
        why: str,
        fix: str = "",
        *,
        state: Literal["failed", "incompatible"] = "failed",
        schemes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix
        self.state = state
        self.schemes = schemes
