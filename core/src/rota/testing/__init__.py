"""What tests of jobs and stores need: the program's jobs run inline, a clock that moves only when told, and waiting
without sleeping."""

from rota.testing.clock import FakeClock
from rota.testing.clocked import clocked
from rota.testing.descendants import descendants
from rota.testing.harness import Harness, harness
from rota.testing.waiting import wait_until

__all__ = ["FakeClock", "Harness", "clocked", "descendants", "harness", "wait_until"]
