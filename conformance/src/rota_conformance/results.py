"""What a run recorded of each of its tests."""

from typing import Literal, TypeAlias

import msgspec

from rota.store.contract import StoreCapabilities

__all__ = ["Recorded", "TestOutcome", "TestRecord"]

#: `not_run`: collected, and then never called: deselected by somebody, or the run broke off.
TestOutcome: TypeAlias = Literal["passed", "failed", "skipped", "xfailed", "not_run"]


class TestRecord(msgspec.Struct):
    """One test: the requirements that it proves, and what came of it. `origin` is the suite's file that its code is
    in, empty when the code came from elsewhere."""

    __test__ = False

    name: str
    proves: tuple[str, ...]
    outcome: TestOutcome = "not_run"
    reason: str = ""
    duration_s: float = 0.0
    origin: str = ""

    def note(self, phase: str, outcome: str, duration_s: float, reason: str, expected_to_fail: bool) -> None:
        """Take in one phase: set-up, call, tear-down. The worst counts; passed is who passed all."""
        self.duration_s += duration_s
        if expected_to_fail:
            found: TestOutcome = "xfailed"
        elif outcome == "passed":
            if phase == "call" and self.outcome == "not_run":
                self.outcome = "passed"
            return
        else:
            found = "skipped" if outcome == "skipped" else "failed"
        if self.outcome != "failed":
            self.outcome, self.reason = found, reason[-4000:]


class Recorded(msgspec.Struct):
    """All of a run. `plugins` are those of pytest that are not its own or the suite's."""

    capabilities: StoreCapabilities
    offered: list[str]
    duration_s: float
    tests: list[TestRecord]
    plugins: list[str] = []
