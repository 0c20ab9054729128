"""Blocked calls: they look, wait, look again; and end when they are told to."""

from collections.abc import Iterator
from threading import Event, Thread

import pytest

from rota.store.blocking import Calls
from rota.store.doorbell import Doorbell
from rota.testing import FakeClock, wait_until

_SOON_S = 20.0


class _Lab:
    """Calls on one doorbell under a clock that stands still, and what their looks find."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.doorbell = Doorbell(f"blocking-{id(self)}")
        self.calls = Calls(self.doorbell)
        self.looks = 0
        self.there = Event()
        self.due_ms: int | None = None
        self._threads: list[Thread] = []

    def look(self) -> tuple[str, int | None]:
        """What is there, and when time may bring more."""
        self.looks += 1
        return ("found" if self.there.is_set() else ""), self.due_ms

    def call(self, name: str = "w", timeout_ms: int = 60_000, session: object = "here") -> list[str]:
        """A blocked call in a thread of its own; its answer comes into the list."""
        answer: list[str] = []
        before = self.clock.waiters
        thread = Thread(target=lambda: answer.append(self.until(name, timeout_ms, session)))
        self._threads.append(thread)
        thread.start()
        wait_until(lambda: self.clock.waiters > before or answer, _SOON_S, "it waits")
        return answer

    def until(self, name: str = "w", timeout_ms: int = 60_000, session: object = "here") -> str:
        """The same, here."""
        return self.calls.until(
            self.look, bool, clock=self.clock, topics=1, name=("ns", name), session=session, timeout_ms=timeout_ms
        )

    def close(self) -> None:
        """Let every thread go."""
        self.calls.end_session("here")
        self.calls.end_session("there")
        for thread in self._threads:
            thread.join(_SOON_S)
        self.doorbell.close()


@pytest.fixture
def lab() -> Iterator[_Lab]:
    """Nothing is there yet."""
    lab = _Lab()
    yield lab
    lab.close()


def _ends(answer: list[str]) -> str:
    wait_until(lambda: answer, _SOON_S, "the call ends")
    return answer[0]


def test_what_is_there_is_answered_at_once(lab: _Lab) -> None:
    """Without a wait."""
    lab.there.set()
    assert ("found", 1) == (lab.until(), lab.looks)


def test_ring_lets_a_call_look_again(lab: _Lab) -> None:
    """And go on waiting, when it finds nothing."""
    answer = lab.call()
    lab.doorbell.ring(1)
    wait_until(lambda: lab.looks == 2 and lab.clock.waiters, _SOON_S, "it looked and waits on")
    lab.there.set()
    lab.doorbell.ring(1)
    assert "found" == _ends(answer)


def test_call_looks_when_something_falls_due_and_ends_with_its_time(lab: _Lab) -> None:
    """Both by the clock."""
    lab.due_ms = 10_000
    answer = lab.call(timeout_ms=15_000)
    lab.clock.advance(10)
    wait_until(lambda: lab.looks == 2 and lab.clock.waiters, _SOON_S, "it looked and waits on")
    lab.clock.advance(5)
    assert ("", 3) == (_ends(answer), lab.looks)


def test_interrupt_ends_the_calls_of_a_name(lab: _Lab) -> None:
    """And no others."""
    mine, other = lab.call("w"), lab.call("v")
    lab.calls.interrupt(("ns", "w"))
    assert "" == _ends(mine)
    assert [] == other


def test_interrupt_without_a_call_ends_the_next_one(lab: _Lab) -> None:
    """Once: who is told to stop before it began does not begin; one without a name is never meant."""
    lab.calls.interrupt(("ns", "w"))
    lab.calls.interrupt(("ns", ""))
    assert "" == lab.until("w")
    assert [] == lab.call("w")
    assert [] == lab.call("")


def test_interrupts_that_nobody_comes_for_are_bounded(lab: _Lab) -> None:
    """The oldest go."""
    for number in range(1_001):
        lab.calls.interrupt(("ns", f"w{number}"))
    assert "" == lab.until("w1")
    assert [] == lab.call("w0")


def test_end_of_a_session_ends_its_calls_and_looks_no_more(lab: _Lab) -> None:
    """A look would connect again what was just closed."""
    answer = lab.call()
    lab.calls.end_session("here")
    assert ("", 1) == (_ends(answer), lab.looks)


def test_end_of_a_session_ends_no_call_of_another(lab: _Lab) -> None:
    """Several connections of a process share a doorbell."""
    other = lab.call(session="there")
    lab.calls.end_session("here")
    wait_until(lambda: lab.looks == 2 and lab.clock.waiters, _SOON_S, "it looked and waits on")
    assert [] == other
