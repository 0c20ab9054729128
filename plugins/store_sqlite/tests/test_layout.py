"""Whose file it is, which layout it has, and how it comes to the present one."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import pytest
from plugins.store_sqlite.tests.lab import Lab, Program

from rota.model.errors import IncompatibleStore, StoreError
from rota.model.records import Ending, Outcome
from rota_store_sqlite import layout
from rota_store_sqlite.statements import LAYOUT, schema


def _files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in folder.iterdir()}


def _asked(path: Path, question: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchone()[0]


def _executed(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def _dies_in_its_log(path: Path) -> None:
    """A database whose program died: what it wrote stands in its log alone."""
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('PRAGMA journal_mode = WAL'); c.execute('CREATE TABLE theirs (x)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, path], check=True)


_FOREIGN: dict[str, Callable[[Path], object]] = {
    "with tables": lambda path: _executed(path, "CREATE TABLE theirs (x)"),
    "with a log": lambda path: _executed(path, "PRAGMA journal_mode = WAL", "CREATE TABLE theirs (x)"),
    "with a log of a program that died": _dies_in_its_log,
    "with a version": lambda path: _executed(path, "PRAGMA user_version = 7"),
    "with a mark": lambda path: _executed(path, "PRAGMA application_id = 7"),
    "that is none": lambda path: path.write_text("dear diary\n" * 100),
}


@pytest.mark.parametrize("kind", _FOREIGN)
def test_file_of_another_program_is_refused_and_not_touched(kind: str, lab: Lab, tmp_path: Path) -> None:
    """Not a byte of it, of its journal and of its folder."""
    _FOREIGN[kind](lab.path)
    before = _files(tmp_path)
    store = lab.store()
    for _ in range(2):
        with pytest.raises(IncompatibleStore, match=r"jobs\.db.*(give the jobs a file of their own|name another one)"):
            store.open()
    with pytest.raises(IncompatibleStore):
        lab.add(store)
    assert before == _files(tmp_path)


def test_lock_that_the_program_itself_holds_on_a_foreign_file_stays(lab: Lab) -> None:
    """To look at a file by a descriptor of one's own, and to close that, would drop every lock of the process on it."""
    _executed(lab.path, "CREATE TABLE theirs (x)")
    with closing(sqlite3.connect(lab.path, isolation_level=None)) as theirs:
        theirs.execute("BEGIN IMMEDIATE")
        with pytest.raises(IncompatibleStore):
            lab.store().open()
        script = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        other = subprocess.run([sys.executable, "-c", script, lab.path], capture_output=True, text=True, check=False)
    assert "database is locked" in other.stderr


@pytest.mark.parametrize("make", [Path.touch, lambda path: _executed(path, "VACUUM"), lambda path: None])
def test_empty_file_becomes_a_store(make: Callable[[Path], object], lab: Lab) -> None:
    """Or one that is not there."""
    make(lab.path)
    lab.store().open()
    assert (LAYOUT, layout._APPLICATION_ID) == tuple(
        _asked(lab.path, f"PRAGMA {name}") for name in ("user_version", "application_id")
    )
    assert "wal" == _asked(lab.path, "PRAGMA journal_mode")


@pytest.mark.parametrize("step", range(3))
def test_file_whose_first_process_died_in_the_midst_of_making_it_is_finished(step: int, lab: Lab) -> None:
    """Claimed, with a log, without tables: the layout before the first one."""
    statements = [f"PRAGMA application_id = {layout._APPLICATION_ID}", "PRAGMA journal_mode = WAL"]
    _executed(lab.path, *statements[:step])
    store = lab.store()
    lab.add(store)
    assert (LAYOUT, 1) == (_asked(lab.path, "PRAGMA user_version"), lab.count(store))


def test_file_that_was_cut_off_while_its_log_was_written_back_opens(lab: Lab, tmp_path: Path) -> None:
    """It says of itself that it is longer than it is; the log has the rest."""
    store = lab.store()
    lab.add(store, 50)
    with store._hub.database.write() as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with closing(sqlite3.connect(lab.path)) as other:
        busy, in_log, written_back = other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    assert (0, in_log) == (busy, written_back)
    folder = tmp_path / "left"
    folder.mkdir()
    subprocess.run(["cp", lab.path, f"{lab.path}-wal", folder], check=True)
    with (folder / lab.path.name).open("r+b") as file:
        file.truncate(size)
    left = Lab(folder / lab.path.name)
    assert 50 == left.count(left.store())
    left.close()


_OPENS = """
import sys
from pathlib import Path
from plugins.store_sqlite.tests.lab import Lab
lab = Lab(Path(sys.argv[1]))
store = lab.store()
print("ready", flush=True)
sys.stdin.readline()
lab.add(store)
lab.close()
print("done")
"""


def test_processes_that_make_the_file_at_the_same_moment_share_it(tmp_path: Path) -> None:
    """One makes it, the others wait for that."""
    for number in range(5):
        lab = Lab(tmp_path / f"{number}.db")
        with ExitStack() as stack:
            programs = [stack.enter_context(Program(_OPENS, lab.path)) for _ in range(4)]
            assert ["ready"] * 4 == [one.says() for one in programs]
            for one in programs:
                one.tell()
            assert ["done"] * 4 == [one.ends() for one in programs]
        assert 4 == lab.count(lab.store())
        lab.close()


def test_newer_layout_is_refused(lab: Lab) -> None:
    """It says which, and what to do; nothing of it changes."""
    lab.add(lab.store())
    lab.close()
    _executed(lab.path, "PRAGMA user_version = 99")
    with pytest.raises(IncompatibleStore, match=r"jobs\.db has layout 99, .* knows up to \d+: upgrade it"):
        lab.store().open()
    assert (99, 1) == (_asked(lab.path, "PRAGMA user_version"), _asked(lab.path, "SELECT count(*) FROM instance"))


def _next_layout(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(layout, "LAYOUT", LAYOUT + 1)
    monkeypatch.setattr(layout, "schema", lambda number: script if number == LAYOUT + 1 else schema(number))


def test_older_layout_is_brought_up_to_date_with_what_is_in_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step by step, those of a new file too."""
    lab.add(lab.store(), 3)
    lab.close()
    _next_layout(monkeypatch, "CREATE TABLE later (x);\n-- and more;\nINSERT INTO later\n    VALUES (';');\n")
    for path in (lab.path, lab.path.with_name("new.db")):
        other = Lab(path)
        assert (3 if path == lab.path else 0) == other.count(other.store())
        other.close()
        assert (LAYOUT + 1, ";") == (_asked(path, "PRAGMA user_version"), _asked(path, "SELECT x FROM later"))


def test_migration_that_fails_leaves_the_layout_before_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a step or nothing: the version that wrote the file still reads it."""
    lab.add(lab.store(), 3)
    lab.close()
    with monkeypatch.context() as patched:
        _next_layout(patched, "CREATE TABLE later (x);\nDROP TABLE instance;\nINSERT INTO nowhere VALUES (1);\n")
        store = lab.store()
        for _ in range(2):
            with pytest.raises(StoreError, match="no such table: nowhere"):
                store.open()
    assert LAYOUT == _asked(lab.path, "PRAGMA user_version")
    assert 3 == lab.count(lab.store())
    assert 0 == _asked(lab.path, "SELECT count(*) FROM sqlite_schema WHERE name = 'later'")


def test_fields_that_a_newer_version_wrote_stay_in_the_record_of_an_instance(lab: Lab) -> None:
    """Whatever an older one does with it in a rolling upgrade: what was asked for is never written anew."""
    store = lab.store()
    ids = lab.add(store)
    with store._hub.database.write() as connection:
        fields = msgspec.msgpack.decode(connection.execute("SELECT record FROM instance").fetchone()[0])
        newer = msgspec.msgpack.encode({**fields, "later": [1, 2]})
        connection.execute("UPDATE instance SET record = ?", (newer,))
    (claim,) = lab.claim(store)
    store.settle([Outcome(ids[0], claim.token, Ending.TERMINATED, retry_after_ms=0)])
    store.settle([Outcome(ids[0], one.token, Ending.RELEASED) for one in lab.claim(store)])
    store.cancel(ids)
    assert newer == _asked(lab.path, "SELECT record FROM instance")
