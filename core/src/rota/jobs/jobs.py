"""A collection of job definitions; a manager is one, and includes others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast
from weakref import WeakSet

from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.jobs.call import Call
from rota.jobs.declare import RULE_OPTIONS, check_options, declare
from rota.jobs.decorator import JobMethod
from rota.jobs.job import Job
from rota.jobs.rule import DeclaredSchedule
from rota.jobs.running import CURRENT
from rota.model.errors import ConfigError, KindExists, NotBound, UnknownKind
from rota.model.name import check_name, is_system, refuse_system

if TYPE_CHECKING:
    from rota.jobs.client import Client

__all__ = ["Jobs"]


class Jobs:
    """A collection of definitions for a module; a manager includes it. `prefix` is put before every kind and
    schedule name. As a mapping it answers a `Job` for a kind, included collections too; rota's own kinds, those
    beginning with "system.", are found, but not listed."""

    _reserved: ClassVar[bool] = False  # may have kinds and rules of rota itself

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix and self._allowed("Jobs(prefix)", prefix)
        self._own: dict[str, Job[..., Any, Any]] = {}
        self._schedules: dict[str, DeclaredSchedule] = {}
        self._included: list[Jobs] = []
        self._to_import: list[str] = []
        self._included_by: WeakSet[Jobs] = WeakSet()

    # ---- declaring ---------------------------------------------------------------------------

    @property
    def job(self) -> JobMethod:
        """Decorator that makes a function a job: `@jobs.job`, `@jobs.job(kind=...)`, or `jobs.job(function)`.

        `kind` defaults to prefix + the function's name. `executor` defaults to "thread" for a `def` and
        "asyncio" for an `async def`; options of an executor may stand for its name. `priority`: lower first,
        0 high, 10 low. `timeout` bounds one attempt; `retry`, a number or a `Retry`, says what follows a failed
        one; after more than `max_crashes` deaths of its worker or child an instance is given up. `limits` bound
        how many run at a time and start, for the kind and for each key. `unique_key`, a template over argument
        names, lets one live instance stand for all calls with that key. `keep` says how long finished ones stay,
        7 days by default, None for ever. `recurring` fires it without arguments, by `misfire`, `misfire_cap` and
        `overlap` as in `recurring()`. `remote=True` declares the signature of a kind that other processes run.

        Raises: ConfigError; KindExists.
        """
        return cast(JobMethod, self._job)

    def _job(self, fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        check_options(options)
        if fn is None:
            return lambda function: self._declare(function, **options)
        return self._declare(fn, **options)

    def _declare(self, function: Callable[..., Any], *, kind: str | None = None, **options: Any) -> Job[..., Any, Any]:
        name = self._named(kind, function)
        of_rule = {option: options.pop(option) for option in RULE_OPTIONS if option in options}
        job: Job[..., Any, Any] = Job(declare(name, function, **options), self)
        trigger = job.definition.recurring
        if trigger is None and of_rule:
            raise ConfigError(f"job {name!r}: {', '.join(of_rule)} needs recurring=, the rule that it belongs to")
        rule = None if trigger is None else DeclaredSchedule(name, trigger, job.call(), **of_rule)
        replaced = self._add(job)
        if replaced is not None and replaced.definition.recurring is not None:
            self._schedules.pop(name, None)
        if rule is not None:
            self._schedules[name] = rule
        return job

    def _named(self, kind: str | None, function: Callable[..., Any]) -> str:
        name = kind if kind is not None else getattr(function, "__name__", None)
        if not name or name == "<lambda>":
            raise ConfigError(f"{function!r} has no name of its own to be known by: give it one with job(kind=...)")
        return self._allowed("a kind", self._prefix + name if isinstance(name, str) else name)

    def _allowed(self, what: str, name: str) -> str:
        checked = check_name(what, name)
        return checked if self._reserved else refuse_system(what, checked)

    def _add(self, job: Job[..., Any, Any]) -> Job[..., Any, Any] | None:
        """Take in a job; answers the one that it replaces here."""
        self._refuse_other([job], self._sharing())
        replaced = self._own.get(job.kind)
        self._own[job.kind] = job
        self._changed(job)
        return replaced

    def _changed(self, job: Job[..., Any, Any]) -> None:
        """A job was defined, or defined again: those who include this collection may be running it."""
        for one in self._included_by:
            one._changed(job)

    @staticmethod
    def _refuse_other(jobs: Iterable[Job[..., Any, Any]], collections: "Sequence[Jobs]") -> None:
        for job in jobs:
            for known in (one._own[job.kind] for one in collections if job.kind in one._own):
                if not known.definition.same_function(job.definition):
                    raise KindExists(_exists(known, job))

    def recurring(
        self,
        name: str,
        trigger: Cron | Every,
        call: Call[Any],
        *,
        misfire: Literal["latest", "skip", "all"] = "latest",
        overlap: Literal["skip", "allow"] = "skip",
        misfire_cap: int = 100,
    ) -> None:
        """Declare a recurring rule in code. Workers keep the store in step with what is declared: a new rule's
        first slot comes after now, a changed one's next slot from now, one no longer declared is dropped.

        `misfire` says what becomes of slots missed while nothing ran: the "latest" fires, all are passed over
        ("skip"), or "all" fire, but no more than the last `misfire_cap`. `overlap` "skip" passes a slot over while
        the rule's last instance is not final. Raises: ConfigError for a name that is taken.
        """
        full = self._allowed("a schedule's name", f"{self._prefix}{name}")
        if full in self._schedules:
            raise ConfigError(f"the recurring rule {full!r} is declared already: give one of them another name")
        self._schedules[full] = DeclaredSchedule(full, trigger, call, misfire, overlap, misfire_cap)

    def include(self, *jobs: "Jobs | str") -> None:
        """Take in other collections: by object, or by "package.module:name", imported when first needed.

        Raises: KindExists when two different functions share a kind.
        """
        for one in jobs:
            if isinstance(one, str):
                self._to_import.append(_checked(one))
            else:
                self._take_in(one)

    def _take_in(self, jobs: "Jobs") -> None:
        if not isinstance(jobs, Jobs):
            raise ConfigError(f'include() takes rota.Jobs, or "package.module:name" that leads to one; got {jobs!r}')
        if jobs in self._included:
            return
        if self in jobs._closure():
            raise ConfigError(f"{self!r} can't include {jobs!r}, which is or includes it: none can hold itself")
        self._refuse_other((job for one in jobs._closure() for job in one._own.values()), self._sharing())
        self._included.append(jobs)
        jobs._included_by.add(self)
        jobs.resolve()
        for kind in jobs._all_kinds():
            self._changed(jobs[kind])

    # ---- looking up --------------------------------------------------------------------------

    def resolve(self) -> None:
        """Import the collections that were included by name. Raises ConfigError naming the one that fails."""
        for path in list(self._to_import):
            self._take_in(_imported(path))
            if path in self._to_import:  # another thread may have been here
                self._to_import.remove(path)
        for one in self._included:
            one.resolve()

    def __getitem__(self, kind: str) -> Job[..., Any]:
        self.resolve()
        for one in self._closure():
            if kind in one._own:
                return one._own[kind]
        known = ", ".join(sorted(self._kinds())) or "none"
        raise UnknownKind(f"no job of kind {kind!r} is defined here; known: {known}")

    def __iter__(self) -> Iterator[str]:
        self.resolve()
        return iter(self._kinds())

    def __contains__(self, kind: object) -> bool:
        self.resolve()
        return any(kind in one._own for one in self._closure())

    def _kinds(self) -> list[str]:
        return [kind for kind in self._all_kinds() if not is_system(kind)]

    def _all_kinds(self) -> list[str]:
        """Those of rota itself, too."""
        return list(dict.fromkeys(kind for one in self._closure() for kind in one._own))

    def declared_schedules(self) -> dict[str, DeclaredSchedule]:
        """The recurring rules declared here and in included collections, by name."""
        found: dict[str, DeclaredSchedule] = {}
        for one in reversed(self._closure()):
            found.update(one._schedules)
        return found

    def _closure(self) -> "list[Jobs]":
        found: list[Jobs] = [self]
        for one in self._included:
            found.extend(member for member in one._closure() if member not in found)
        return found

    def _sharing(self) -> "list[Jobs]":
        """This one, what it includes, and all that is included beside it: where a kind has one meaning."""
        found = self._closure()
        for one in self._included_by:
            found.extend(member for member in one._sharing() if member not in found)
        return found

    # ---- binding -----------------------------------------------------------------------------

    def client_for(self, kind: str) -> "Client":
        """The one manager that includes this collection; of several, inside a job, the one that runs it.

        Raises: NotBound when there is none, or several.
        """
        clients, running = self._clients(), CURRENT.get()
        own = None if running is None else running.client_among(clients)
        if own is not None:
            return own
        if len(clients) == 1:
            return clients[0]
        if clients:
            raise NotBound(
                f"{len(clients)} managers include the job {kind!r}: say which one, with manager.schedule(job.call(...))"
            )
        raise NotBound(
            f"no manager includes the job {kind!r} yet: make one with rota.Manager(..., jobs=[...]) "
            "(collections given by name are found once the manager is entered or asked)"
        )

    def _clients(self) -> "list[Client]":
        found: list[Client] = []
        for one in self._included_by:
            found.extend(client for client in one._clients() if client not in found)
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._prefix!r} of {len(self._kinds())} jobs>"


def _exists(known: Job[..., Any, Any], new: Job[..., Any, Any]) -> str:
    return (
        f"the kind {new.kind!r} is taken by {known.definition.function!r}; "
        f"give {new.definition.function!r} another one with job(kind=...)"
    )


def _checked(path: str) -> str:
    module, _, name = path.partition(":")
    if not module or not name:
        raise ConfigError(f'jobs={path!r} must read package.module:name, as in "{module or "app"}:jobs"')
    return path


def _imported(path: str) -> Jobs:
    import importlib

    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise ConfigError(
            f"jobs={path!r} can't be imported ({type(error).__name__}: {error}); write package.module:name"
        ) from error
    if not isinstance(found, Jobs):
        raise ConfigError(f"jobs={path!r} is a {type(found).__name__}; it must name a rota.Jobs")
    return found
