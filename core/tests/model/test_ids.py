"""Ids: UUIDv7, rising, and never the same in two processes."""

import os
import random
import sys
from subprocess import run

import pytest

from rota.model.ids import IdSource, id_to_uuid, retry_id, slot_id, uuid_to_id
from rota.testing import FakeClock

_FORKED = """
import os, random
from rota.model.ids import IdSource
from rota.testing import FakeClock

source = IdSource(FakeClock(), random.Random(1))
source.one()
child = os.fork()
if child:
    os.waitpid(child, 0)
print(source.one(), flush=True)
os._exit(0)
"""


def test_id_is_a_uuid_of_version_7_that_tells_its_time() -> None:
    """RFC 9562: version, variant, and the creation in milliseconds in the first 48 bits."""
    clock = FakeClock()
    made = id_to_uuid(IdSource(clock, random.Random(0)).one())
    assert (7, "specified in RFC 4122", clock.now_ms()) == (made.version, made.variant, made.int >> 80)
    assert made == id_to_uuid(uuid_to_id(made))


def test_ids_rise_within_a_millisecond_and_when_the_clock_is_set_back() -> None:
    """Text order is creation order, whatever the clock does."""
    from datetime import timedelta

    clock = FakeClock()
    source = IdSource(clock, random.Random(0))
    made = source.many(10_000)
    clock.step_wall(timedelta(hours=-1))
    made += source.many(10_000)
    clock.advance(7200)
    made.append(source.one())
    assert made == sorted(set(made))


def test_sources_with_one_seed_make_the_same_ids() -> None:
    """Clock and randomness are passed in: a test can repeat a run."""
    assert IdSource(FakeClock(), random.Random(3)).many(5) == IdSource(FakeClock(), random.Random(3)).many(5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_forked_child_makes_other_ids_than_its_parent() -> None:
    """A server that forks its workers must not give two jobs one id, in the same millisecond either."""
    made = run([sys.executable, "-c", _FORKED], capture_output=True, text=True, check=True).stdout.split()
    assert 2 == len(made) == len(set(made))


def test_slot_id_depends_on_rule_and_slot_alone() -> None:
    """Whoever fires a slot makes the same id; another slot or rule another one, in the order of slots."""
    assert slot_id("a", 5_000) == slot_id("a", 5_000)
    assert 4 == len({slot_id("a", 5_000), slot_id("b", 5_000), slot_id("a", 6_000), slot_id("b", 6_000)})
    assert slot_id("b", 5_000) < slot_id("a", 6_000)
    assert 7 == id_to_uuid(slot_id("a", 5_000)).version


def test_retry_id_depends_on_the_failed_one_alone() -> None:
    """Whoever retries, and however often, makes the same id; of another failure another one, in their order."""
    first, second = IdSource(FakeClock(), random.Random(0)).many(2)
    ended_ms = FakeClock().now_ms() + 60_000
    assert retry_id(first, ended_ms) == retry_id(first, ended_ms)
    assert retry_id(first, ended_ms) != retry_id(second, ended_ms)
    assert retry_id(second, ended_ms) < retry_id(first, ended_ms + 1)
    made = id_to_uuid(retry_id(first, ended_ms))
    assert (7, "specified in RFC 4122", ended_ms) == (made.version, made.variant, made.int >> 80)


@pytest.mark.parametrize("ended_ms", [-1, 0, FakeClock().now_ms(), FakeClock().now_ms() + 1])
def test_retry_comes_after_what_it_retries(ended_ms: int) -> None:
    """Also when the clock that told the end is behind the one that made the id, and in one millisecond."""
    ids = IdSource(FakeClock(), random.Random(0)).many(50)
    assert all(one < retry_id(one, ended_ms) < retry_id(retry_id(one, ended_ms), ended_ms) for one in ids)
