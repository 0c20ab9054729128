"""Short words for what tests do with a file and the stores on it."""

import random
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rota.model.clock import Clock, SystemClock
from rota.model.ids import IdSource
from rota.model.query import InstanceFilter
from rota.model.records import Claim, Ending, InstanceRecord, Outcome, WorkerRecord
from rota_store_sqlite.store import SQLiteStore, open_store

__all__ = ["Lab", "Program", "url_of"]


def url_of(path: Path, **options: object) -> str:
    """The URL of a file, by its absolute path."""
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return f"sqlite:///{quote(str(path))}{query and '?'}{query}"


class Lab:
    """One file, and stores on it, each with connections of its own, that are closed in the end."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self.clock = clock or SystemClock()
        self._ids = IdSource(self.clock, random.Random())
        self._seqs = count(1)
        self._opened: list[SQLiteStore] = []

    def store(self, **options: object) -> SQLiteStore:
        """Another store on the file, as another process would have it; not open yet."""
        store = open_store(url_of(self.path, **{"synchronous": "normal", **options}), namespace="lab", clock=self.clock)
        self._opened.append(store)
        return store

    def record(self, **fields: Any) -> InstanceRecord:
        """A record of kind "add" unless said otherwise."""
        values: dict[str, Any] = {"id": self._ids.one(), "kind": "add", "arguments": b"[]", "rank": 5}
        return InstanceRecord(**{**values, "created_ms": self.clock.now_ms(), **fields})

    def add(self, store: SQLiteStore, number: int = 1, **fields: Any) -> list[str]:
        """Enqueue so many; their ids."""
        records = [self.record(**fields) for _ in range(number)]
        assert ["added"] * number == [answer.status for answer in store.enqueue(records)]
        return [record.id for record in records]

    def claim(self, store: SQLiteStore, limit: int = 1000) -> list[Claim]:
        """A claim of worker "w"."""
        store.beat("w", 600_000, WorkerRecord(id="w"))
        return store.claim("w", next(self._seqs), ["add"], limit)

    def settle(self, store: SQLiteStore, claims: list[Claim]) -> list[str]:
        """Complete them; the answers."""
        outcomes = [Outcome(one.record.id, one.token, Ending.COMPLETED, b"1") for one in claims]
        return [answer.status for answer in store.settle(outcomes)]

    @staticmethod
    def count(store: SQLiteStore) -> int:
        """How many instances there are."""
        return store.count(InstanceFilter())

    def close(self) -> None:
        """Close every store."""
        for store in self._opened:
            store.close()


class Program:
    """Another process that runs a script: it says lines, and goes on when it is told one. Use it in a `with`."""

    def __init__(self, script: str, *arguments: object) -> None:
        command = [sys.executable, "-W", "ignore", "-c", script, *map(str, arguments)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()

    def says(self) -> str:
        """Its next line; empty once it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip()

    def tell(self, line: str = "") -> None:
        """Let it go on."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """End it, with no chance to do anything about it."""
        self._process.kill()
        self._process.wait()

    def ends(self) -> str:
        """What else it says until it has ended."""
        said, _ = self._process.communicate(timeout=60)
        return said.rstrip()
