"""A disk that is full: a clear error, nothing lost, and work goes on once there is room."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from plugins.store_sqlite.tests.lab import Lab

from rota.model.errors import StoreUnavailable
from rota.model.records import Claim
from rota.model.state import State

_BIG = b"x" * 10_000


def _full(lab: Lab, store: object, *, pages: int = 1) -> None:
    with store._hub.database.write() as connection:  # type: ignore[attr-defined]
        connection.execute(f"PRAGMA max_page_count = {pages}")  # never less than there are


def test_calls_on_a_full_disk_keep_nothing_and_go_through_once_there_is_room(lab: Lab) -> None:
    """Each of them, repeated as it was; what was there before stays, and can be read meanwhile."""
    store = lab.store()
    ids = lab.add(store, 20)
    claims = lab.claim(store, 10)
    records = [lab.record(arguments=_BIG) for _ in range(10)]
    _full(lab, store)
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match=r"jobs\.db: .*full: nothing of this call was kept; free some space"):
            store.enqueue(records)
    assert 20 == lab.count(store)
    assert [State.PROCESSING] * 10 == [one.state for one in store.get([claim.record.id for claim in claims]) if one]
    _full(lab, store, pages=1_000_000)
    assert ["added"] * 10 == [answer.status for answer in store.enqueue(records)]
    assert ["done"] * 10 == lab.settle(store, claims)
    assert len(ids) == lab.count(store) - 10 == 20


def test_settlement_that_found_no_room_is_not_half_done(lab: Lab) -> None:
    """Its worker keeps what it holds, and settles it later."""
    store = lab.store()
    lab.add(store, 5)
    claims: list[Claim] = lab.claim(store)
    with store._hub.database.write() as connection:
        connection.execute(
            "CREATE TRIGGER grows AFTER UPDATE ON instance BEGIN INSERT INTO filler VALUES (randomblob(9999)); END"
        )
        connection.execute("CREATE TABLE filler (x)")
    _full(lab, store)
    with pytest.raises(StoreUnavailable):
        lab.settle(store, claims)
    assert {State.PROCESSING} == {one.state for one in store.get([claim.record.id for claim in claims]) if one}
    _full(lab, store, pages=1_000_000)
    assert ["done"] * 5 == lab.settle(store, claims)


_COMMON = """
import os, resource, sys
from pathlib import Path
from plugins.store_sqlite.tests.lab import Lab
from rota.errors import StoreUnavailable

lab = Lab(Path(sys.argv[1]))
store = lab.store()
kept, refused = lab.add(store, 5), 0

def fill():
    global kept, refused
    while not refused:
        try:
            kept += lab.add(store, 5, arguments=b"x" * 20_000)
        except StoreUnavailable as error:
            refused += 1
            print(error)

def check():
    return None not in store.get(kept) and len(kept) <= lab.count(store) <= len(kept) + 5 * refused
"""


def _output(script: str, path: Path, *before: str) -> list[str]:
    command = [*before, sys.executable, "-W", "error", "-c", _COMMON + script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    return (done.stdout + done.stderr).splitlines()


def test_process_over_its_limit_on_file_sizes_goes_on_once_it_is_raised(tmp_path: Path) -> None:
    """The system itself refuses the write, in the midst of the log; another process finds the file whole."""
    script = """
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
fill()
print(check())
resource.setrlimit(resource.RLIMIT_FSIZE, before)
kept += lab.add(store, 5)
print(check())
lab.close()
print(check())
"""
    said, *checks = _output(script, tmp_path / "jobs.db")
    assert "limits on space and file sizes" in said
    assert ["True"] * 3 == checks


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a file system of a given size")
def test_file_system_without_room_goes_on_once_there_is_some(tmp_path: Path) -> None:
    """A real one, for which no write of any file has room."""
    script = """
fill()
print(check())
os.unlink(Path(sys.argv[1]).with_name("ballast"))
kept += lab.add(store, 5)
print(check())
lab.close()
print(check())
"""
    prepare = 'mount -t tmpfs -o size=2m tmpfs "$1" && head -c 700000 /dev/zero > "$1/ballast" && shift && exec "$@"'
    unshared = ["unshare", "--user", "--map-root-user", "--mount"]
    probe = subprocess.run([*unshared, "mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this system lets nobody mount a file system of their own")
    said, *checks = _output(script, tmp_path / "jobs.db", *unshared, "sh", "-c", prepare, "sh", str(tmp_path))
    assert "full: nothing of this call was kept; free some space" in said
    assert ["True"] * 3 == checks
    assert [] == os.listdir(tmp_path)
