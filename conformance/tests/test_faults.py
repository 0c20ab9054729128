"""The store whose calls fail."""

from typing import Any, cast

import pytest

from rota.model.errors import StoreUnavailable
from rota.store.contract import Store
from rota_conformance.faults import OPERATIONS, again, lose_reply, seeded


class _Counting:
    """Counts its calls."""

    namespace = "n"

    def __init__(self) -> None:
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> str:
            self.calls += 1
            return name

        return call


def _counting() -> tuple[_Counting, Store]:
    store = _Counting()
    return store, cast(Store, store)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_lost_reply_is_that_of_a_call_that_was_done(operation: str) -> None:
    """Done once, told of as unknown; the next call is done too, and answers."""
    inner, store = _counting()
    faulty = lose_reply(store, operation)
    with pytest.raises(StoreUnavailable):
        getattr(faulty, operation)()
    assert 1 == inner.calls
    assert operation == getattr(faulty, operation)()
    assert (2, 1) == (inner.calls, faulty.lost)


def test_seeded_faults_come_before_and_after_and_again_by_the_seed() -> None:
    """About as many of each as was asked; the same ones for the same seed."""

    def faults(seed: int) -> tuple[int, int, list[bool]]:
        inner, store = _counting()
        faulty, failed = seeded(store, seed, 0.2), []
        for _ in range(500):
            try:
                faulty.now_ms()
                failed.append(False)
            except StoreUnavailable:
                failed.append(True)
        return inner.calls, faulty.lost, failed

    calls, lost, failed = faults(1)
    assert 150 < lost < 250
    assert 70 < 500 - calls < 130
    assert faults(1)[2] == failed != faults(2)[2]


def test_again_gives_up_on_what_never_answers() -> None:
    """Nobody waits for ever."""
    _, store = _counting()
    with pytest.raises(StoreUnavailable):
        again(seeded(store, 0, 1.0).now_ms)
