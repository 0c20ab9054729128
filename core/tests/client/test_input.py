"""What no call can mean is refused where it is written, by an error of rota that says what to write instead."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from rota import Every, Manager, Query, RotaError

NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)
MISTAKES: dict[str, tuple[Callable[[Manager, Any], object], str]] = {
    "far away": (lambda _, f: f.options(at=datetime.max.replace(tzinfo=UTC)), "before the year"),
    "revision": (lambda _, f: Manager("memory://", revision="x"), "whole number"),  # type: ignore[arg-type]
    "cursor": (lambda manager, f: manager.find(cursor=5), "next_cursor"),  # type: ignore[arg-type]
    "limit": (lambda manager, f: manager.find(limit="5"), "1 to 1000"),  # type: ignore[arg-type]
    "part of a limit": (lambda manager, f: manager.find(limit=1.5), "1 to 1000"),  # type: ignore[arg-type]
    "batch": (lambda manager, f: manager.schedule_many([f.call()], batch=1.5), "1 to 1000"),  # type: ignore[arg-type]
    "kind": (lambda _, f: Query(kind=5), "one value or a collection"),  # type: ignore[arg-type]
    "kinds": (lambda _, f: Query(kind=[1]), "takes text"),  # type: ignore[list-item]
    "ids": (lambda _, f: Query(ids=5), "one value or a collection"),  # type: ignore[arg-type]
    "unique_key": (lambda _, f: Query(unique_key=5), "takes text"),  # type: ignore[arg-type]
    "schedule": (lambda _, f: Query(schedule=5), "takes text"),  # type: ignore[arg-type]
    "pause": (lambda manager, f: manager.pause(["f"]), "pause"),  # type: ignore[arg-type]
    "empty key": (lambda _, f: f.options(unique_key=""), "invoice"),
    "patterns": (lambda manager, f: manager.worker(kinds=[5]), "billing"),  # type: ignore[list-item]
    "one end for all slots": (
        lambda manager, f: manager.put_schedule(
            "x", Every(1), f.options(expires=datetime(2030, 1, 1, tzinfo=UTC)).call()
        ),
        "same for every slot",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_an_error_of_rota(mistake: str) -> None:
    """Never a bare TypeError from the depths, and never silence."""
    manager = Manager("memory://")

    @manager.job
    def f() -> None: ...

    call, words = MISTAKES[mistake]
    with pytest.raises(RotaError, match=words):
        call(manager, f)


def test_one_id_stands_for_a_collection() -> None:
    """As one kind and one state do."""
    manager = Manager("memory://")

    @manager.job
    def f() -> None: ...

    one = f.schedule()
    assert 1 == manager.count(Query(ids=one.id))  # type: ignore[arg-type]
