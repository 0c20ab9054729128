"""Messages over a pipe: whole, in order, of any size, and never mistaken."""

import multiprocessing
from collections.abc import Iterator
from threading import Thread

import pytest

from rota.runtime.executors.process.channel import Channel, Unreadable
from rota.runtime.executors.process.death import death

Pair = tuple[Channel, Channel]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The two ends of a pipe."""
    here, there = map(Channel, multiprocessing.Pipe())
    yield here, there
    here.close()
    there.close()


def test_messages_come_whole_and_in_order(pair: Pair) -> None:
    """Empty ones, several in one read, and one larger than any pipe holds."""
    here, there = pair
    sent = [b"", b"one", b"two", bytes(10_000_000), b"three"]
    thread = Thread(target=lambda: [here.send(one) for one in sent])
    thread.start()
    assert sent == [there.receive() for _ in sent]
    thread.join()


def test_end_of_the_other_side_is_told_after_what_it_said(pair: Pair) -> None:
    """As EOFError; writing is an OSError."""
    here, there = pair
    here.send(b"last")
    here.close()
    assert b"last" == there.receive()
    with pytest.raises(EOFError):
        there.receive()
    with pytest.raises(OSError, match=r"pipe|closed"):
        there.send(b"nobody hears")


def test_printed_text_is_no_length(pair: Pair) -> None:
    """Nobody waits for the gigabytes that it would announce."""
    here, there = pair
    here._connection._send(b"hello, world")  # type: ignore[attr-defined]
    with pytest.raises(Unreadable, match="were announced"):
        there.receive()


@pytest.mark.parametrize(
    ("code", "said"),
    [(0, "exited with code 0"), (-11, "signal 11 (SIGSEGV)"), (-63, "signal 63"), (None, "did not end")],
)
def test_death_is_told_in_words(code: int | None, said: str) -> None:
    """Exit codes, signals with and without a name."""
    assert said in death(code)
