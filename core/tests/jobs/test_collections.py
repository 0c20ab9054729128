"""Collections that include collections: by object, by name, lazily, and never in a circle."""

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rota import ConfigError, Jobs, KindExists, Manager, UnknownKind


def one() -> int:
    """A job of one collection."""
    return 1


def two() -> int:
    """A job of another."""
    return 2


def _holding(*functions: object, prefix: str = "") -> Jobs:
    jobs = Jobs(prefix)
    for function in functions:
        jobs.job(function)  # type: ignore[call-overload]
    return jobs


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path; what it holds is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_included_jobs_are_found_in_the_collection() -> None:
    """As a mapping: lookup, membership and iteration go through all of it."""
    outer = _holding(one)
    outer.include(_holding(two, prefix="b."))
    assert (["one", "b.two"], 2, True, False) == (list(outer), outer["b.two"](), "b.two" in outer, "two" in outer)


def test_collections_nest_and_join_again() -> None:
    """What two included collections both include stands there once."""
    inner = _holding(one)
    left, right, top = Jobs(), Jobs(), Jobs()
    left.include(inner)
    right.include(inner)
    top.include(left, right, left)
    assert ["one"] == list(top)
    inner.job(two)
    assert ["one", "two"] == list(top)


def test_unknown_kind_names_those_that_are_known() -> None:
    """The usual cause is a typing error or a missing include."""
    with pytest.raises(UnknownKind, match=r"'oen'.*known: one, two"):
        _holding(two, one)["oen"]
    with pytest.raises(UnknownKind, match="known: none"):
        Jobs()["one"]


@pytest.mark.parametrize("order", ["before", "after"])
def test_two_functions_of_one_kind_can_not_meet(order: str) -> None:
    """Whichever comes first: the include, or the declaration."""
    outer, inner = Jobs(), Jobs()
    if order == "before":
        outer.include(inner)
    outer.job(kind="same")(one)
    inner_first = order == "after"
    if inner_first:
        inner.job(kind="same")(two)
    declare = inner.job(kind="same")
    with pytest.raises(KindExists, match="same"):
        outer.include(inner) if inner_first else declare(two)


def test_two_included_collections_can_not_share_a_kind() -> None:
    """Neither when both are there before the declaration."""
    top, left, right = Jobs(), Jobs(), Jobs()
    top.include(left, right)
    left.job(kind="same")(one)
    with pytest.raises(KindExists):
        right.job(kind="same")(two)
    right.job(kind="same")(one)  # the same function may stand in both


def test_one_kind_may_mean_two_things_where_nobody_sees_both() -> None:
    """Collections that share no manager are strangers."""
    left, right = _holding(), _holding()
    left.job(kind="same")(one)
    assert "same" == right.job(kind="same")(two).kind


@pytest.mark.parametrize("length", [1, 2, 3])
def test_circle_of_includes_is_refused(length: int) -> None:
    """A collection can't hold itself, directly or through others."""
    ring = [Jobs(f"r{number}.") for number in range(length)]
    for outer, inner in pairwise(ring):
        outer.include(inner)
    with pytest.raises(ConfigError, match="can't include"):
        ring[-1].include(ring[0])


def test_what_is_no_collection_is_refused() -> None:
    """A function, say: it is `job` that takes those."""
    with pytest.raises(ConfigError, match=r"rota\.Jobs"):
        Jobs().include(one)  # type: ignore[arg-type]


def test_collection_given_by_name_is_imported_when_it_is_needed(modules: Path) -> None:
    """Not before: so that modules may import one another, and a program starts quickly."""
    (modules / "lazy_mail.py").write_text("import rota\njobs = rota.Jobs('mail.')\n@jobs.job\ndef send(): return 7\n")
    outer = Jobs()
    outer.include("lazy_mail:jobs")
    outer.job(one)
    repr(outer)
    assert "lazy_mail" not in sys.modules
    assert 7 == outer["mail.send"]()
    assert ["one", "mail.send"] == list(outer)


@pytest.mark.parametrize("ask", [list, lambda jobs: "mail.send" in jobs, lambda jobs: jobs.resolve()])
def test_every_question_finds_what_was_given_by_name(modules: Path, ask: object) -> None:
    """Looking up, listing, and a manager that is entered."""
    (modules / "asked_mail.py").write_text("import rota\njobs = rota.Jobs('mail.')\n@jobs.job\ndef send(): return 7\n")
    inner, outer = Jobs(), Jobs()
    inner.include("asked_mail:jobs")
    outer.include(inner)
    ask(outer)  # type: ignore[operator]
    assert "asked_mail" in sys.modules


def test_manager_finds_collections_given_by_name_without_being_entered(modules: Path) -> None:
    """Scheduling by `manager[kind]` is enough."""
    (modules / "shop_mail.py").write_text("import rota\njobs = rota.Jobs('mail.')\n@jobs.job\ndef send(): return 7\n")
    manager = Manager("memory://", jobs=["shop_mail:jobs"])
    assert "mail.send" == manager["mail.send"].schedule().kind


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("no_such_module:jobs", "", "ModuleNotFoundError.*no_such_module"),
        ("there:nothing", "", "AttributeError.*nothing"),
        ("there:jobs", "jobs = 5", "int; it must name a rota.Jobs"),
        ("there:jobs", "import no_such_library", "ModuleNotFoundError.*no_such_library"),
        ("there:jobs", "1/0", "ZeroDivisionError"),
    ],
)
def test_name_that_leads_nowhere_says_which_and_why(modules: Path, path: str, text: str, said: str) -> None:
    """ConfigError, from its cause, each time it is asked: a program must not start half."""
    name = f"there_{abs(hash(text + path))}"
    (modules / f"{name}.py").write_text(text)
    jobs = Jobs()
    jobs.include(path.replace("there", name))
    for _ in range(2):
        with pytest.raises(ConfigError, match=said):
            list(jobs)


def test_circle_of_names_is_refused_clearly(modules: Path) -> None:
    """Each names the other."""
    (modules / "ring_a.py").write_text("import rota\njobs = rota.Jobs('a.')\njobs.include('ring_b:jobs')\n")
    (modules / "ring_b.py").write_text("import rota\njobs = rota.Jobs('b.')\njobs.include('ring_a:jobs')\n")
    manager = Manager("memory://", jobs=["ring_a:jobs"])
    with pytest.raises(ConfigError, match=r"'b\.'.*can't include.*'a\.'"):
        manager.resolve()


def test_modules_that_import_one_another_work(modules: Path) -> None:
    """The manager's module names the collection, whose module imports the manager: no circle at import."""
    (modules / "shop_app.py").write_text("import rota\nmanager = rota.Manager('memory://', jobs=['shop_jobs:jobs'])\n")
    (modules / "shop_jobs.py").write_text(
        "import rota\nfrom shop_app import manager\njobs = rota.Jobs()\n@jobs.job\ndef sell(): return manager\n"
    )
    from importlib import import_module

    manager = import_module("shop_app").manager
    assert manager is manager["sell"]()


def test_many_threads_resolve_each_name_once(modules: Path) -> None:
    """First uses race in a server; nothing is lost and nothing stands twice."""
    from concurrent.futures import ThreadPoolExecutor

    names = [f"raced_{number}" for number in range(8)]
    for name in names:
        (modules / f"{name}.py").write_text(f"import rota\njobs = rota.Jobs('{name}.')\n@jobs.job\ndef go(): ...\n")
    jobs = Jobs()
    jobs.include(*(f"{name}:jobs" for name in names))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: sorted(jobs), range(8)))
    assert [sorted(f"{name}.go" for name in names)] * 8 == found
    assert 8 == len(jobs._included)


@pytest.mark.parametrize("path", ["mail", "mail:", ":jobs", ""])
def test_name_without_both_parts_is_refused_at_once(path: str) -> None:
    """Not only when it is needed: it can never lead anywhere."""
    with pytest.raises(ConfigError, match=r"must read package\.module:name"):
        Manager("memory://", jobs=[path])


@pytest.mark.parametrize("jobs", [Jobs("mail."), "mail:jobs"])
def test_one_collection_instead_of_a_list_is_refused(jobs: Any) -> None:
    """A collection is iterable, by its kinds; a text by its characters."""
    with pytest.raises(ConfigError, match=r"Manager\(jobs\) takes a list; write jobs=\[\.\.\.\]"):
        Manager("memory://", jobs=jobs)
