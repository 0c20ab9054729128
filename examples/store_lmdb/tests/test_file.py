"""What LMDB demands of a process that uses a file, and what becomes of its errors."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from rota.errors import ConfigError, StoreUnavailable
from rota.model.clock import SystemClock
from rota.store.url import StoreURL

lmdb = pytest.importorskip("lmdb", reason="the LMDB store needs lmdb: pip install lmdb")
from acme_rota_lmdb.environments import close, transaction  # noqa: E402
from acme_rota_lmdb.store import LmdbKV, open_store  # noqa: E402

LONG_MS = 60_000
ERRORS = [one for one in vars(lmdb).values() if isinstance(one, type) and issubclass(one, lmdb.Error)]

_COMMON = """
import os, signal, sys, threading
from pathlib import Path
from acme_rota_lmdb.environments import transaction
from acme_rota_lmdb.store import LmdbKV
from rota.model.clock import SystemClock
from rota.store.url import StoreURL

path = Path(sys.argv[1])
def opened(size_mb=16):
    return LmdbKV(StoreURL.parse(f"lmdb:///{path}?map_size_mb={size_mb}"), SystemClock())

kv = opened()

def count_up(times):
    for _ in range(times):
        done = None
        while done is None:
            _, [found], _ = kv.read([b"n"], [])
            value, revision = found or (b"0", 0)
            done = kv.commit({b"n": revision}, {b"n": b"%d" % (int(value) + 1)}, [])
"""


def started(path: Path, script: str) -> subprocess.Popen[str]:
    """Another process on the same file."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
    command = [sys.executable, "-c", _COMMON + script, str(path)]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    """All that it said, once it has ended."""
    output, _ = process.communicate(timeout=60)
    assert 0 == process.returncode
    return output


def opened(path: Path, size_mb: int = 16) -> LmdbKV:
    """A connection to the file."""
    return LmdbKV(StoreURL.parse(f"lmdb:///{path}?map_size_mb={size_mb}"), SystemClock())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a file may be."""
    return tmp_path / "x.lmdb"


@pytest.fixture
def kv(path: Path) -> Iterator[LmdbKV]:
    """A connection."""
    found = opened(path)
    yield found
    found.close()


def test_processes_count_together_and_lose_nothing(path: Path, kv: LmdbKV) -> None:
    """A check that failed means that somebody else was first, and nothing else."""
    for process in [started(path, "count_up(200)") for _ in range(3)]:
        said(process)
    _, [found], _ = kv.read([b"n"], [])
    assert (b"600", 600) == found


def test_wait_is_ended_by_a_commit_of_another_process(path: Path, kv: LmdbKV) -> None:
    """The doorbell rings in every process."""
    other = started(path, "count_up(1)")
    begun, revision = monotonic(), 0
    while revision < 1:
        revision = kv.wait([b""], 0, LONG_MS)
    assert monotonic() - begun < LONG_MS / 2000
    said(other)


def test_forked_child_and_its_parent_go_on(path: Path) -> None:
    """While other threads of the parent read and write, it forks: nothing that either of them commits is lost."""
    script = """
busy = [threading.Thread(target=count_up, args=(100,)) for _ in range(3)]
for each in busy:
    each.start()
children = []
for _ in range(10):
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        kv = opened()
        count_up(10)
        os._exit(0)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
for each in busy:
    each.join()
print(codes, kv.read([b"n"], [])[1])
"""
    assert f"{[0] * 10} [(b'400', 400)]\n" == said(started(path, script))


def test_child_does_not_use_the_environment_of_its_parent(path: Path) -> None:
    """It has none after the fork, and opens its own."""
    script = """
from acme_rota_lmdb.environments import _opened
count_up(1)
before = len(_opened)
child = os.fork()
if child == 0:
    left = len(_opened)
    count_up(1)
    os._exit(10 * left + len(_opened))
print(before, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), kv.read([b"n"], [])[1])
"""
    assert "1 1 [(b'2', 2)]\n" == said(started(path, script))


def test_what_a_killed_reader_held_is_used_again(path: Path) -> None:
    """Its place among the readers is given back when a process opens the file."""
    script = """
with transaction(path, 1 << 24):
    print(flush=True)
    signal.pause()
"""
    opened(path).commit({}, {b"a": b""}, [])
    close(path)
    reader = started(path, script)
    assert reader.stdout is not None
    reader.stdout.readline()
    reader.kill()
    reader.communicate()
    with transaction(path, 1 << 24, write=True):
        pass
    from acme_rota_lmdb.environments import _opened

    assert 0 == _opened[path].reader_check(), "none is left to be given back"
    close(path)


def test_full_file_is_unavailable_and_keeps_what_it_had(tmp_path: Path) -> None:
    """The error says what to do, a larger size makes room."""
    path = tmp_path / "small.lmdb"
    small = opened(path, 1)
    small.commit({}, {b"a": b"1"}, [])
    with pytest.raises(StoreUnavailable, match=r"small.lmdb: .*MAP_FULL.* give a larger map_size_mb="):
        small.commit({}, {b"a": b"2", b"b": bytes(2 << 20)}, [])
    assert (1, [(b"1", 1), None], []) == small.read([b"a", b"b"], [])
    small.close()
    large = opened(path)
    assert 2 == large.commit({b"a": 1}, {b"b": bytes(2 << 20)}, [])
    large.close()


def test_file_that_another_process_let_grow_is_told_and_read(path: Path, kv: LmdbKV) -> None:
    """The call that meets it says what is wrong with the URLs; the next one goes on."""
    kv.commit({}, {b"a": b""}, [])
    said(started(path, 'opened(64).commit({}, {b"b": bytes(1 << 25)}, [])'))
    with pytest.raises(StoreUnavailable, match="give the same in every process"):
        kv.read([b"b"], [])
    _, [found], _ = kv.read([b"b"], [])
    assert (bytes(1 << 25), 2) == found


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_of_lmdb_is_translated(path: Path, error: type[Exception]) -> None:
    """From its cause, and with the name of the file."""
    with pytest.raises(StoreUnavailable, match=r"x\.lmdb: made up: ") as raised, transaction(path, 1 << 20):
        raise error("made up")
    assert isinstance(raised.value.__cause__, error)


def test_file_that_cant_be_opened_is_unavailable(tmp_path: Path) -> None:
    """Whatever the reason, the message says what to do."""
    nowhere, no_lmdb = tmp_path / "nowhere" / "x", tmp_path / "no-lmdb"
    no_lmdb.write_bytes(b"x" * 9000)
    for path, what_to_do in {nowhere: "see that its folder is there", no_lmdb: "name another file"}.items():
        with pytest.raises(StoreUnavailable, match=what_to_do):
            opened(path, 1).read([], [])


@pytest.mark.parametrize("rest", ["//", "//host/x", "///x?map_size_mb=0", "///x?map_size_mb=big", "///x?size=5"])
def test_url_that_is_none_is_refused(rest: str) -> None:
    """At once, not at the first use."""
    with pytest.raises(ConfigError):
        open_store(StoreURL.parse(f"lmdb:{rest}"), namespace="test", clock=SystemClock())
