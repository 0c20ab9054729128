"""LMDB's environments: one for each file in a process, as LMDB demands, and none that is open while it forks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

import lmdb

from rota.errors import StoreUnavailable

_REMEDIES = {
    lmdb.MapFullError: "nothing of this call was kept; give a larger map_size_mb= in the URL, in every process",
    lmdb.MapResizedError: "another process has a larger map_size_mb= in its URL; give the same in every process",
    lmdb.InvalidError: "it is not of LMDB; name another file",
}
_lock = RLock()  # one transaction at a time
_opened: dict[Path, lmdb.Environment] = {}


@contextmanager
def transaction(path: Path, map_size: int, *, write: bool = False) -> Iterator[lmdb.Transaction]:
    """One transaction, committed at the end of the block unless that raises. Raises: StoreUnavailable."""
    with _lock:
        try:
            if path not in _opened:
                _opened[path] = lmdb.open(str(path), map_size=map_size, subdir=False)
                _opened[path].reader_check()  # what killed processes read would be kept for ever
            with _opened[path].begin(write=write, buffers=True) as begun:
                yield begun
        except lmdb.Error as error:
            close(path)
            remedy = _REMEDIES.get(type(error), "see that its folder is there, and that it can be read and written")
            raise StoreUnavailable(f"the LMDB store {path}: {error}: {remedy}") from error


def close(*paths: Path) -> None:
    """Close files; the next transaction opens them again."""
    with _lock:
        for path in paths:
            if environment := _opened.pop(path, None):
                environment.close()


# The last to be registered goes first: what is under way ends, then every file is closed, then the process forks.
os.register_at_fork(before=lambda: close(*_opened))
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
