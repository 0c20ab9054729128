"""A job with arguments and options, not scheduled yet."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, cast, final
from uuid import UUID

from typing_extensions import TypeVar

from rota.engine.dependencies import outputs_in
from rota.engine.output import Output
from rota.engine.plain import ATOMS
from rota.jobs.options import CallOptions
from rota.model.errors import ConfigError

if TYPE_CHECKING:
    from rota.jobs.definition import Definition

__all__ = ["Call", "check_call", "check_calls", "depends"]

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")


@final
class Call(Generic[R_co]):
    """One call of a job, not yet scheduled: job, arguments, options. Scheduling it twice makes two instances; within
    one schedule call, all outputs of it are those of one instance.

    `args` and `kwargs` are bound and converted already.
    """

    __slots__ = ("_args", "_definition", "_kwargs", "_options")

    def __init__(self, definition: "Definition", options: CallOptions, args: Any, kwargs: dict[str, Any]) -> None:
        self._definition = definition
        self._options = options
        self._args = args
        self._kwargs = kwargs

    @property
    def kind(self) -> str:
        """The name of the job."""
        return self._definition.kind

    @property
    def definition(self) -> "Definition":
        """The job's definition."""
        return self._definition

    @property
    def options(self) -> CallOptions:
        """What was said of this call."""
        return self._options

    @property
    def bound(self) -> tuple[Any, dict[str, Any]]:
        """Positional and named arguments."""
        return self._args, self._kwargs

    @property
    def output(self) -> R_co:
        """Stands for the result: pass it as an argument of another call, or within a list, a tuple or the values of a
        dict; that one then depends on this one, which is scheduled with it."""
        return cast(R_co, Output(self))

    @property
    def depends_on(self) -> "tuple[Call[Any] | UUID, ...]":
        """The calls and the instances, by id, that must have ended before it can start; each once."""
        said, outputs = self._options.depends_on, outputs_in(self._args, self._kwargs)
        if not said and not outputs:
            return ()
        sources = (*said, *(output.source for output in outputs))
        return tuple({one if isinstance(one, UUID) else id(one): one for one in sources}.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Call):
            return NotImplemented
        return (self._definition, self._options, self.bound) == (other._definition, other._options, other.bound)

    def __hash__(self) -> int:
        return hash((self._definition, self._options))  # arguments may be lists

    def __repr__(self) -> str:
        values = [*map(repr, self._args), *(f"{name}={value!r}" for name, value in self._kwargs.items())]
        return f"<Call {self.kind}({', '.join(values)})>"


def depends(call: Any) -> bool:
    """Whether a call that is to be scheduled depends on anything; quick for the many that don't. Raises ConfigError
    for what is no call."""
    if type(call) is not Call:
        check_call("schedule()", call)
    if not call._kwargs and ATOMS.issuperset(map(type, call._args)) and not call._options.depends_on:
        return False
    return bool(call.depends_on)


def check_call(what: str, given: object) -> None:
    """Raise ConfigError unless it is a call; `what` says who takes one."""
    if not isinstance(given, Call):
        raise ConfigError(f"{what} takes a Call; write {_instead(given)}")


def check_calls(what: str, given: Iterable[Call[R]]) -> Iterable[Call[R]]:
    """The calls; ConfigError when it can't be several. Each is checked when it is its turn."""
    if not isinstance(given, Iterable):
        raise ConfigError(f"{what} takes several Calls; write [{_instead(given)}]")
    return given


def _instead(given: object) -> str:
    kind = getattr(given, "kind", None)
    if isinstance(given, Call) or not callable(getattr(given, "call", None)) or not isinstance(kind, str):
        return f"job.call(...); got {given!r}"
    return f"{kind.rpartition('.')[2]}.call(...)"
