"""The public surface: its names, its twins, its documentation."""

import ast
import inspect
import subprocess
import sys
import typing
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import rota
import rota.client.store_client
import rota.jobs.instance

#: The agreed names. A change here is a change of the interface, and needs a decision record.
SURFACE = [
    "ArgumentError", "Call", "Change", "Client", "ConfigError", "Context", "Cron", "Every", "ExecutorOptions",
    "Exponential", "Instance", "Job", "JobCanceled", "JobCrashed", "JobError", "JobFailed", "JobTimedOut", "Jobs",
    "Keep", "KindExists", "KindInfo", "KindStats", "Limit", "LogLine", "Manager", "NotBound", "Page", "PluginError",
    "ProcessOptions", "Query", "QueryError", "Resolved", "Retry",
    "RotaError", "Schedule", "State", "StoreError", "Transition", "UnknownKind", "Worker", "WorkerInfo",
    "chain", "chord", "connect", "group",
]  # fmt: skip

_TWINNED = (rota.Manager, rota.Client, rota.Job, rota.Instance, rota.Worker)


def _twins() -> list[tuple[type, str]]:
    return [
        (cls, name)
        for cls in _TWINNED
        for name in dir(cls)
        if not name.startswith("_") and name.startswith("a") and callable(getattr(cls, name[1:], None))
    ]


def _normal(annotation: object) -> object:
    """Resolve an annotation where it is text; an iterator stands for its asynchronous form."""
    if isinstance(annotation, str):
        names = {**vars(typing), **vars(rota.client.store_client), **vars(rota.jobs.instance), **vars(rota)}
        annotation = eval(annotation, names)  # noqa: S307
    if typing.get_origin(annotation) is AsyncIterator:
        return Iterator[typing.get_args(annotation)]  # type: ignore[misc]
    return annotation


def _signature(function: Any) -> tuple[list[tuple[object, ...]], object]:
    found = inspect.signature(function)
    parameters = [
        (one.name, one.kind, one.default, None if one.name == "self" else str(_normal(one.annotation)))
        for one in found.parameters.values()
    ]
    return parameters, str(_normal(found.return_annotation))


def test_all_is_sorted_and_is_the_agreed_surface() -> None:
    """`rota.__all__` is neither more nor less than what was agreed."""
    assert SURFACE == rota.__all__ == sorted(rota.__all__)


@pytest.mark.parametrize("name", SURFACE)
def test_name_is_there_and_says_what_it_is(name: str) -> None:
    """Each public name leads to an object with a docstring of its own."""
    assert (getattr(rota, name).__doc__ or "").strip()


def test_every_public_method_and_property_is_documented() -> None:
    """`help()` on anything of the surface answers; what a method inherits counts."""
    undocumented = [
        f"{name}.{attribute}"
        for name in SURFACE
        if isinstance(cls := getattr(rota, name), type)
        for attribute in dir(cls)
        if not attribute.startswith("_") and not isinstance(inspect.getattr_static(cls, attribute), str | bool)
        if attribute in {one for base in cls.__mro__ if base.__module__.startswith("rota") for one in vars(base)}
        if not inspect.ismemberdescriptor(inspect.getattr_static(cls, attribute))
        if not inspect.getdoc(getattr(cls, attribute))
    ]
    assert [] == undocumented


@pytest.mark.parametrize(("cls", "name"), _twins(), ids=lambda value: getattr(value, "__name__", value))
def test_twin_takes_and_gives_the_same_as_its_namesake(cls: type, name: str) -> None:
    """One world to learn: only the `await` differs. Parameters, defaults and annotations are compared."""
    assert _signature(getattr(cls, name[1:])) == _signature(getattr(cls, name))


@pytest.mark.parametrize(("cls", "name"), _twins(), ids=lambda value: getattr(value, "__name__", value))
def test_twin_is_awaited_or_iterated_asynchronously(cls: type, name: str) -> None:
    """A twin is a coroutine function, or an asynchronous iterator where its namesake is an iterator."""
    twin = getattr(cls, name)
    iterates = typing.get_origin(_normal(inspect.signature(getattr(cls, name[1:])).return_annotation)) is Iterator
    answers = _normal(inspect.signature(twin).return_annotation)
    if iterates:
        assert inspect.isasyncgenfunction(twin) or (cls is rota.Client and "Iterator" in str(answers))
    else:
        assert inspect.iscoroutinefunction(twin)


@pytest.mark.parametrize(
    ("cls", "free"),
    [
        # no I/O of their own, or for programs that are not asynchronous at all
        (rota.Manager, {"declared_schedules", "include", "job", "namespaced", "recurring", "remote", "resolve", "run"}),
        (rota.Job, {"bound_to", "call", "definition", "kind", "on_complete", "on_state_change", "on_terminate"}),
        (rota.Worker, {"concurrency", "define", "hurry", "name"}),
    ],
)
def test_everything_that_does_io_has_a_twin(cls: type, free: set[str]) -> None:
    """What is without a twin is on a list, so that a new method can't forget its own."""
    internal = {"client_for", "use_store", "worker", "options"}
    names = {name for name in dir(cls) if not name.startswith("_")} - free - internal
    assert {f"a{name}" for name in names if f"a{name}" not in names and name[1:] not in names} == set()


@pytest.mark.parametrize("cls", [rota.Manager, rota.Worker])
def test_context_managers_work_in_both_worlds(cls: type) -> None:
    """`with` and `async with`."""
    assert all(hasattr(cls, name) for name in ("__enter__", "__exit__", "__aenter__", "__aexit__"))


def test_manager_is_a_client() -> None:
    """Whatever a Client can do, a Manager can."""
    promised = {name for name in vars(rota.Client) if not name.startswith("_")}
    assert promised <= set(dir(rota.Manager))
    for name in promised:
        assert _signature(getattr(rota.Client, name))[1] == _signature(getattr(rota.Manager, name))[1], name


def test_import_loads_nothing_heavy() -> None:
    """`import rota` stays quick: what only some programs need is imported where they need it."""
    heavy = {"asyncio", "click", "croniter", "importlib.metadata", "multiprocessing", "rich", "tomllib", "zoneinfo"}
    script = f"import sys, rota; print(sorted({heavy} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert [] == ast.literal_eval(printed)
