"""What a manager is told by its surroundings, and what wins."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rota import ConfigError, Manager, connect
from rota.manager.configuration import default_concurrency

_ROTA = {"rota.toml": 'store = "memory://toml"\nnamespace = "toml"\nconcurrency = 3\n'}
_PYPROJECT = {"pyproject.toml": '[tool.rota]\nstore = "memory://py"\nnamespace = "py"\nconcurrency = 2\n'}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and no setting in the environment."""
    for name in ("STORE", "NAMESPACE", "CONCURRENCY"):
        monkeypatch.delenv(f"ROTA_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def test_manager_without_a_store_anywhere_says_what_to_write() -> None:
    """The quickest way first, then where else it may be said."""
    for make in (Manager, connect):
        with pytest.raises(ConfigError, match=r'Manager\("memory://"\).*ROTA_STORE.*rota\.toml.*\[tool\.rota\]'):
            make()


@pytest.mark.parametrize(
    ("files", "environ", "given", "expected"),
    [
        ({**_ROTA, **_PYPROJECT}, "env", "given", "given"),
        ({**_ROTA, **_PYPROJECT}, "env", None, "env"),
        ({**_ROTA, **_PYPROJECT}, None, None, "toml"),
        (_PYPROJECT, None, None, "py"),
        (_PYPROJECT, "", None, "py"),
        ({}, None, "given", "given"),
    ],
)
def test_first_found_wins(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    environ: str | None,
    given: str | None,
    expected: str,
) -> None:
    """Constructor, environment, `rota.toml`, `[tool.rota]`: for store and namespace alike."""
    _write(folder, files)
    if environ is not None:
        monkeypatch.setenv("ROTA_STORE", environ and f"memory://{environ}")
        monkeypatch.setenv("ROTA_NAMESPACE", environ)
    manager = Manager(given and f"memory://{given}", namespace=given)
    assert (f"memory://{expected}", expected) == (manager._given_store, manager._namespace)


def test_nearest_folder_upwards_that_speaks_of_rota_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `pyproject.toml` of something else in between does not."""
    _write(folder, _ROTA)
    deeper = folder / "a" / "b"
    deeper.mkdir(parents=True)
    (folder / "a" / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    monkeypatch.chdir(deeper)
    assert "memory://toml" == Manager()._given_store


def test_namespace_is_default_unless_said() -> None:
    """And a store object keeps the one it has."""
    from core.tests.client.managers import Watched

    assert "default" == Manager("memory://")._namespace
    store = Watched.memory().namespaced("kept")
    with Manager(store) as manager:
        assert "kept" == manager._store.namespace
    with Manager(store, namespace="said") as manager:
        assert "said" == manager._store.namespace


@pytest.mark.parametrize(
    ("files", "environ", "given", "expected"),
    [
        (_ROTA, "5", 7, 7),
        (_ROTA, "5", None, 5),
        (_ROTA, " 5 ", None, 5),
        (_ROTA, None, None, 3),
        (_PYPROJECT, None, None, 2),
        ({}, None, None, default_concurrency()),
    ],
)
def test_concurrency_follows_the_same_rule(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    environ: str | None,
    given: int | None,
    expected: int,
) -> None:
    """`worker(concurrency=)`, `ROTA_CONCURRENCY`, the file, four for each processor."""
    _write(folder, files)
    if environ is not None:
        monkeypatch.setenv("ROTA_CONCURRENCY", environ)
    assert expected == Manager("memory://").worker(concurrency=given).concurrency


@pytest.mark.parametrize("value", ["0", "-1", "four", "2.5", "1e3", "٣x"])
def test_bad_number_in_the_environment_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """With what was found there."""
    monkeypatch.setenv("ROTA_CONCURRENCY", value)
    with pytest.raises(ConfigError, match=r"concurrency in ROTA_CONCURRENCY must be a whole number, 1 or more") as bad:
        Manager("memory://").worker()
    assert repr(value) in str(bad.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("concurrency = 0", r"concurrency in rota\.toml"),
        ("concurrency = 2.5", r"concurrency in rota\.toml"),
        ("concurrency = true", r"concurrency in rota\.toml"),
        ("concurrency = [1]", r"concurrency in rota\.toml must be a whole number"),
        ("concurrency =", r"rota\.toml is no TOML"),
        ("store = {}", r"store in rota\.toml"),
        ("store = 5", r"store in rota\.toml must be text; got 5"),
        ("store = 'memory'", r"^rota\.toml: a store URL starts with a scheme"),
        (
            "stores = 'memory://'",
            r"rota\.toml: 'stores' is no setting of rota; there are store, namespace, concurrency",
        ),
        ("[tool.rota]\nconcurrency = 4", r"rota\.toml: 'tool' is no setting"),
    ],
)
def test_bad_file_is_an_error_that_names_it(folder: Path, text: str, said: str) -> None:
    """Which file, which setting, what was found."""
    (folder / "rota.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        Manager(None if text.startswith("store") else "memory://").worker()


@pytest.mark.parametrize("value", ["", " ", "a b", "a/b", "x" * 101, "ä", 5])
@pytest.mark.parametrize("what", ["namespace", "name"])
def test_name_that_not_every_store_can_keep_is_refused(what: str, value: Any) -> None:
    """For namespaces and owners the same small alphabet."""
    with pytest.raises(ConfigError, match=rf"Manager\({what}\)"):
        Manager("memory://", **{what: value})


def test_bad_namespace_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it was said."""
    monkeypatch.setenv("ROTA_NAMESPACE", "a b")
    with pytest.raises(ConfigError, match="namespace"):
        Manager("memory://")


def test_making_a_manager_connects_to_nothing() -> None:
    """A URL that leads nowhere is an error at first use."""
    manager = Manager("nowhere://")
    from rota import PluginError

    with pytest.raises(PluginError, match="nowhere"):
        manager.count()


@pytest.mark.parametrize("text", ["memory", "", "redis:/host", "user:hush@host"])
def test_text_that_is_no_url_is_refused_at_construction(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """With where it came from, and nothing of what it holds."""
    for make, where in ((Manager, r"Manager\(store\)"), (connect, r"connect\(url\)")):
        with pytest.raises(ConfigError, match=f"^{where}: a store URL starts with a scheme") as refused:
            make(text)
        assert "hush" not in str(refused.value)
    if text:
        monkeypatch.setenv("ROTA_STORE", text)
        for unsaid in (Manager, connect):
            with pytest.raises(ConfigError, match=r"^ROTA_STORE: a store URL"):
                unsaid()


def test_what_is_neither_url_nor_store_is_refused() -> None:
    """At construction, and when another is gone over to."""
    with pytest.raises(ConfigError, match=r"Manager\(store\) takes a URL such as memory://, or a Store; got 5"):
        Manager(5)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"use_store\(store\): a store URL"):
        Manager("memory://").use_store("memory")


@contextmanager
def _resources() -> Iterator[list[object]]:
    yield []


@pytest.mark.parametrize("lifespan", [_resources(), 5, "resources"])
def test_lifespan_that_was_called_is_refused(lifespan: Any) -> None:
    """What `@contextmanager` makes can be called, too, and would fail only in the worker."""
    with pytest.raises(ConfigError, match="pass the function, not its call"):
        Manager("memory://", lifespan=lifespan)
    Manager("memory://", lifespan=_resources)
