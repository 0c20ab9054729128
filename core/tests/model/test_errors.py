"""The tree of errors: drawn, stable, and the same after a journey to another process."""

import copy
import inspect
import pickle
from uuid import UUID

import pytest

from rota.model import errors
from rota.model.errors import JobCanceled, JobError, JobFailed, PluginConflict, RotaError, UnsupportedFeature

_ALL = [getattr(errors, name) for name in errors.__all__]
_ID = UUID(int=7)

_CODES = {
    "ArgumentError": "job.arguments",
    "ConfigError": "config",
    "CorruptRecord": "store.corrupt",
    "CursorExpired": "query.cursor_expired",
    "IncompatiblePlugin": "plugin.incompatible",
    "IncompatibleStore": "store.incompatible",
    "JobCanceled": "job.canceled",
    "JobCrashed": "job.crashed",
    "JobError": "job",
    "JobFailed": "job.failed",
    "JobTimedOut": "job.timed_out",
    "KindExists": "job.kind_exists",
    "LeaseLost": "store.lease_lost",
    "NotBound": "config.not_bound",
    "PluginConflict": "plugin.conflict",
    "PluginError": "plugin",
    "PluginLoadError": "plugin.load",
    "QueryError": "query",
    "RotaError": "rota",
    "StoreError": "store",
    "StoreUnavailable": "store.unavailable",
    "UnknownInstance": "query.unknown_instance",
    "UnknownSchedule": "query.unknown_schedule",
    "UnknownKind": "job.unknown_kind",
    "UnsupportedFeature": "store.unsupported",
}


def _drawn() -> dict[str, str]:
    """Child to parent, read from the drawing in the module's docstring."""
    parents: dict[str, str] = {}
    above: list[str] = ["RotaError"]
    for line in (errors.__doc__ or "").splitlines():
        name = line.lstrip("│├└─ ").split(" ", 1)[0]
        if not line.startswith(("│", "├", "└", "    └", "    ├")):
            continue
        depth = (len(line) - len(line.lstrip("│├└─ "))) // 4
        above = [*above[:depth], name]
        parents[name] = above[depth - 1]
    return parents


def test_codes_are_what_they_were() -> None:
    """A code is stable: programs and dashboards match on it."""
    assert _CODES == {cls.__name__: cls.code for cls in _ALL}


def test_codes_are_unique() -> None:
    """No two classes share a code."""
    assert len(_ALL) == len({cls.code for cls in _ALL})


def test_drawing_shows_every_class_under_its_parent() -> None:
    """The tree at the top of the module is the tree of the classes."""
    tree = {cls.__name__: cls.__bases__[0].__name__ for cls in _ALL if cls is not RotaError}
    assert tree == _drawn()


def test_only_an_unavailable_store_is_retryable() -> None:
    """`retryable` says that the same call may succeed later; nothing else is so by itself."""
    assert ["StoreUnavailable"] == [cls.__name__ for cls in _ALL if cls.retryable]


@pytest.mark.parametrize("cls", _ALL, ids=lambda cls: cls.__name__)
def test_error_without_a_message_says_what_its_class_means(cls: type[RotaError]) -> None:
    """No error is ever an empty line."""
    assert inspect.getdoc(cls).split("\n", 1)[0] == cls().message  # type: ignore[union-attr]


@pytest.mark.parametrize("cls", _ALL, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("journey", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])  # noqa: S301
def test_error_survives_a_journey(cls: type[RotaError], journey: object) -> None:
    """Class, message and code arrive; errors go from process to process."""
    arrived = journey(cls("what happened"))  # type: ignore[operator]
    assert (cls, "what happened", str) == (type(arrived), arrived.message, type(arrived.code))


def test_attributes_survive_a_journey() -> None:
    """What an error carries besides its text arrives too."""
    failed = JobFailed("no", instance_id=_ID, type_name="OSError", traceback="Traceback...")
    arrived = pickle.loads(pickle.dumps(failed))  # noqa: S301
    assert (_ID, "OSError", "Traceback...") == (arrived.instance_id, arrived.type_name, arrived.traceback)
    assert "rate" == pickle.loads(pickle.dumps(UnsupportedFeature("no", "rate"))).feature  # noqa: S301
    assert ("a", "b") == copy.deepcopy(PluginConflict("no", ["a", "b"])).distributions


def test_job_errors_that_say_the_same_are_equal() -> None:
    """What is read twice from a store compares equal; another class or id does not."""
    one = JobFailed("no", instance_id=_ID)
    assert one == JobFailed("no", instance_id=_ID)
    assert hash(one) == hash(JobFailed("no", instance_id=_ID))
    assert one != JobCanceled("no", instance_id=_ID)
    assert one != JobFailed("no")
    assert one != "no"


def test_job_error_of_no_exception_is_named_after_its_class() -> None:
    """`type_name` is never empty."""
    assert "JobError" == JobError("no").type_name


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (JobFailed("no", type_name="OSError"), "OSError: no"),
        (JobFailed("", type_name="OSError"), "OSError"),
        (JobFailed("no"), "no"),
    ],
)
def test_error_of_a_job_reads_like_the_exception_it_was(error: JobError, text: str) -> None:
    """Type and message; `message` is the text alone."""
    assert text == str(error)
    assert "OSError" not in error.message


def test_every_error_can_be_imported_from_one_public_place() -> None:
    """`rota.errors` has them all, those that few programs catch too."""
    from rota import errors as public_module

    public = {name: getattr(public_module, name) for name in public_module.__all__}
    defined = {name: one for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, RotaError)}
    assert defined == public
