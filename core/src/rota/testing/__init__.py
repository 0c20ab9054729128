"""What tests of jobs and stores need: a clock that moves only when told, and waiting without sleeping."""

from rota.testing.clock import FakeClock
from rota.testing.clocked import clocked
from rota.testing.descendants import descendants
from rota.testing.waiting import wait_until

__all__ = ["FakeClock", "clocked", "descendants", "wait_until"]
