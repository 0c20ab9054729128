"""From a URL to a file: any name, and clear words for what can't be one."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from plugins.store_sqlite.tests.lab import Lab, url_of

from rota.model.clock import SystemClock
from rota.model.errors import ConfigError, IncompatibleStore, RotaError, StoreUnavailable
from rota_store_sqlite import connecting, location
from rota_store_sqlite.location import Location
from rota_store_sqlite.store import open_store

_NAMES = ["a b.db", "what?.db", "no#1.db", "100%.db", "%20.db", "ünïcödé-仕事.db", "semi;colon&=.db", "'quote\".db"]


@pytest.mark.parametrize("name", _NAMES)
def test_file_may_have_any_name(name: str, tmp_path: Path) -> None:
    """It is found again under it, and no other is made."""
    lab = Lab(tmp_path / name)
    lab.add(lab.store())
    assert 1 == lab.count(lab.store())
    lab.close()
    assert [name] == os.listdir(tmp_path)


def test_path_is_of_the_working_folder_when_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that goes elsewhere later keeps its file."""
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///jobs.db", clock=SystemClock())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.open()
    store.close()
    assert (tmp_path / "jobs.db").exists()


def test_options_say_how_it_is_written(tmp_path: Path) -> None:
    """As the connection has them."""
    lab = Lab(tmp_path / "jobs.db")
    for synchronous, level in (("full", 2), ("normal", 1)):
        with lab.store(synchronous=synchronous, busy=7)._hub.database.write() as connection:
            assert (level,) == connection.execute("PRAGMA synchronous").fetchone()
    lab.close()
    assert ("full", 30.0) == Location(tmp_path)[1:]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite://jobs.db", "host"),
        ("sqlite:///jobs.db?synchronous=off", "full or normal; got 'off'"),
        ("sqlite:///jobs.db?busy=-1", "0 to 3,600"),
        ("sqlite:///jobs.db?busy=soon", "a number"),
        ("sqlite:///jobs.db?mode=ro", "unknown option 'mode'"),
    ],
)
def test_url_that_says_something_else_is_refused(url: str, said: str) -> None:
    """Before anything is opened."""
    with pytest.raises(ConfigError, match=said):
        open_store(url, clock=SystemClock())


def test_sqlite_that_is_too_old_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a syntax error in the middle of the schema."""
    monkeypatch.setattr(location.sqlite3, "sqlite_version_info", (3, 36, 9))
    monkeypatch.setattr(location.sqlite3, "sqlite_version", "3.36.9")
    with pytest.raises(ConfigError, match=r"SQLite is 3\.36\.9, the SQLite store needs 3\.37\.0 or newer"):
        open_store("sqlite:///jobs.db", clock=SystemClock())


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda path: path.mkdir(), StoreUnavailable, "that is no file"),
        (lambda path: os.mkfifo(path), StoreUnavailable, "that is no file"),
        (lambda path: path.symlink_to(path), StoreUnavailable, "Too many levels|unable to open"),
        (lambda path: path.write_bytes(os.urandom(5000)), IncompatibleStore, "no SQLite database; name another"),
        (lambda path: path.symlink_to("/nowhere/at/all"), StoreUnavailable, "can't be opened or made"),
    ],
)
def test_place_that_is_none_is_told_at_once(
    make: Callable[[Path], object], error: type[RotaError], said: str, lab: Lab
) -> None:
    """A folder, a pipe, a link to itself."""
    make(lab.path)
    with pytest.raises(error, match=said):
        lab.store().open()


def test_folder_that_is_not_there_is_named(lab: Lab, tmp_path: Path) -> None:
    """It is not made: a slip in a path would go unnoticed."""
    other = Lab(tmp_path / "no" / "where" / "jobs.db")
    with pytest.raises(StoreUnavailable, match=f"there is no folder {tmp_path / 'no' / 'where'}; make it"):
        other.store().open()
    assert not (tmp_path / "no").exists()


def test_network_file_system_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the file is made."""
    monkeypatch.setattr(connecting, "network_file_system", lambda folder: "nfs4")
    with pytest.raises(ConfigError, match=r"jobs\.db is on a network file system \(nfs4\)"):
        lab.store().open()
    assert not lab.path.exists()


def test_file_system_without_shared_memory_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite then goes on without its log, where a reader would wait for every writer."""

    class Without(sqlite3.Connection):
        def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
            return super().execute("SELECT 'delete'" if "journal_mode" in sql else sql, *parameters)

    connect = sqlite3.connect
    monkeypatch.setattr(
        connecting.sqlite3, "connect", lambda *args, **options: connect(*args, factory=Without, **options)
    )
    with pytest.raises(StoreUnavailable, match="write-ahead log needs"):
        lab.store().open()


def test_two_names_of_one_file_share_a_doorbell(tmp_path: Path) -> None:
    """Who came by a link is heard as well."""
    (tmp_path / "link").symlink_to(tmp_path)
    urls = [url_of(tmp_path / "jobs.db"), url_of(tmp_path / "link" / "jobs.db")]
    folders = {open_store(url, clock=SystemClock())._hub.doorbell._folder for url in urls}
    assert 1 == len(folders)
