"""What the worker processes of `benchmarks/kill_storm.py` run: jobs that leave a mark, and settles that leave one.

A mark is one short line, appended by one call to the system: what a killed process wrote is there whole. The files are
in the folder that STORM_FOLDER names: `runs` has the id of each attempt that began its work, `settles` the id and token
of each settle that was answered `done`.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rota


def _mark(name: str, *words: object) -> None:
    line = f"{' '.join(map(str, words))}\n".encode()
    descriptor = os.open(Path(os.environ["STORM_FOLDER"]) / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


@contextmanager
def noting_settles() -> Iterator[None]:
    """Mark every settle that the store accepts."""
    store_type: Any = type(manager._store)
    settle = store_type.settle

    def noted(self: Any, outcomes: Sequence[Any]) -> Any:
        answers = settle(self, outcomes)
        for outcome, answer in zip(outcomes, answers, strict=True):
            if answer.status == "done":
                _mark("settles", outcome.id, outcome.token)
        return answers

    store_type.settle = noted
    try:
        yield
    finally:
        store_type.settle = settle


manager = rota.Manager(lifespan=noting_settles)


@manager.job(kind="storm")
def work(ctx: rota.Context, seconds: float) -> None:
    """Leave a mark, and take a while."""
    _mark("runs", ctx.instance.id)
    time.sleep(seconds)
