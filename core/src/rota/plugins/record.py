"""What became of each plugin that is installed, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, final

from rota.model.errors import IncompatiblePlugin, PluginConflict, PluginError, PluginLoadError

__all__ = ["PluginRecord", "PluginState", "Problem", "brief"]

PluginState: TypeAlias = Literal["loaded", "blocked", "failed", "incompatible", "shadowed"]

_MAX_CAUSE: Final = 600

_SAYS: Final = {
    "blocked": 'plugin "{}" is disabled',
    "failed": 'plugin "{}" is installed but did not load',
    "incompatible": 'plugin "{}" was made for another version of rota\'s interface',
    "shadowed": 'plugin name "{}" is claimed by two distributions',
}


@final
@dataclass(frozen=True, slots=True)
class PluginRecord:
    """One candidate: an entry point of group `rota`, or a plugin that came with core or a test.

    `origin` is the module that the entry point names, `schemes` those of its stores and clients (known
    once its hooks have answered), `hooks` what it implements. When the state is not `loaded`, `error`
    says why in one line and `fix` what to do; `cause` is the exception behind it, if any, and `rival`
    the plugin that has its name. An `essential` one can't be disabled.
    """

    name: str
    distribution: str
    version: str
    origin: str
    state: PluginState
    schemes: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    error: str = ""
    fix: str = ""
    essential: bool = False
    cause: BaseException | None = field(default=None, compare=False, repr=False)
    rival: "PluginRecord | None" = field(default=None, compare=False, repr=False)

    @property
    def source(self) -> str:
        """Distribution and version: `rota-store-redis 0.4.1`."""
        return f"{self.distribution} {self.version}"

    @property
    def where(self) -> str:
        """Name, distribution, version and entry point, for the second part of a message."""
        return f"{self.name}  ({self.source}, entry point {self.origin})"

    def problem(self, what: str = "") -> "Problem":
        """Why it is not loaded; `what` says what could not be done because of that."""
        records = (self,) if self.rival is None else (self.rival, self)
        state = _SAYS[self.state].format(self.name)
        return Problem(f"{what}: {state}" if what else state, records, self.error, self.fix)

    def refusal(self, what: str = "") -> PluginError:
        """The error for whoever asked for it, with `cause` as its cause."""
        problem = self.problem(what)
        if self.state == "shadowed":
            return problem.conflict()
        kinds = {"failed": PluginLoadError, "incompatible": IncompatiblePlugin}
        error = kinds.get(self.state, PluginError)(problem.text())
        error.__cause__ = self.cause
        return error


@final
@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one plugin, or between several: what, which, why, what to do."""

    what: str
    records: tuple[PluginRecord, ...]
    cause: str
    fix: str

    def text(self) -> str:
        """The four parts on their lines, as errors and `rota plugins doctor` show them."""
        lines = [self.what, *(f"  plugin:  {record.where}" for record in self.records)]
        return "\n".join([*lines, f"  cause:   {self.cause}", f"  try:     {self.fix}"])

    def conflict(self) -> PluginConflict:
        """The error for whoever asked for what two plugins claim."""
        return PluginConflict(self.text(), _different([record.distribution for record in self.records]))


def _different(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def brief(error: BaseException) -> str:
    """An exception in one line: its type and its message, cut at 600 characters."""
    message = " ".join(str(error).split())[:_MAX_CAUSE]
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
