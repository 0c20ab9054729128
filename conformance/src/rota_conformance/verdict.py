"""From what became of the tests to what became of the requirements, and to the verdict. It can't come out empty."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from rota_conformance.requirements import REQUIREMENTS, Level, Requirement
from rota_conformance.results import Recorded, TestRecord
from rota_conformance.written import written_tests

__all__ = ["Outcome", "RequirementResult", "Verdict", "judge", "verdict_of"]

#: `not_run`: a test that proves it was not called, or is not there; `undeclared`, `not_offered`: it can't apply.
Outcome: TypeAlias = Literal["passed", "failed", "not_run", "undeclared", "not_offered"]
Verdict: TypeAlias = Literal["conformant", "partial", "failed"]

_CAN_NOT_APPLY: Final = ("undeclared", "not_offered")


class RequirementResult(msgspec.Struct, frozen=True):
    """What became of one requirement, and why: the tests that failed, or were not called."""

    id: str
    level: Level
    text: str
    outcome: Outcome
    feature: str | None = None
    reason: str = ""
    duration_s: float = 0.0


def judge(
    recorded: Recorded,
    manifest: Mapping[str, Requirement] = REQUIREMENTS,
    written: Mapping[str, Sequence[str]] | None = None,
) -> list[RequirementResult]:
    """Each requirement of the manifest. One is passed when all tests that are `written` for it were called and passed:
    by name, with the requirements that each proves; those of the suite when none are given."""
    proving: dict[str, list[TestRecord]] = {one: [] for one in manifest}
    for test in [*recorded.tests, *_never_collected(recorded, written_tests() if written is None else written)]:
        for one in test.proves:
            proving.setdefault(one, []).append(test)
    return [_judge(one, proving[one.id], recorded) for one in manifest.values()]


def _never_collected(recorded: Recorded, written: Mapping[str, Sequence[str]]) -> list[TestRecord]:
    collected = {test.name.partition("[")[0] for test in recorded.tests}
    return [
        TestRecord(name, tuple(proves), origin=name.partition("::")[0])
        for name, proves in written.items()
        if name not in collected
    ]


def _judge(requirement: Requirement, tests: Sequence[TestRecord], recorded: Recorded) -> RequirementResult:
    outcome, reason = _outcome(requirement, tests, recorded)
    seconds = sum(test.duration_s for test in tests)
    return RequirementResult(
        requirement.id, requirement.level, requirement.text, outcome, requirement.feature, reason, seconds
    )


def _outcome(requirement: Requirement, tests: Sequence[TestRecord], recorded: Recorded) -> tuple[Outcome, str]:
    if requirement.feature is not None and requirement.feature not in recorded.capabilities.features:
        return "undeclared", f"the store does not declare {requirement.feature!r}"
    if requirement.needs is not None and requirement.needs not in recorded.offered:
        return "not_offered", f"the harness has no {requirement.needs}()"
    failed = [test for test in tests if test.outcome == "failed"]
    if failed:
        return "failed", "\n".join(f"{test.name}: {_last_line(test.reason)}" for test in failed)
    missing = [test for test in tests if test.outcome != "passed" or not test.origin]
    if missing:
        return "not_run", "\n".join(f"{test.name}: {_why_not(test)}" for test in missing)
    return ("passed", "") if tests else ("not_run", "no test that proves it was collected")


def _why_not(test: TestRecord) -> str:
    if test.outcome == "passed":
        return "overridden: its code is not the suite's"
    return {"not_run": "deselected, or never called"}.get(test.outcome, f"{test.outcome}: {_last_line(test.reason)}")


def _last_line(reason: str) -> str:
    lines = [line for line in reason.splitlines() if line.startswith("E ")] or reason.splitlines()
    return lines[0].removeprefix("E").strip() if lines else ""


def verdict_of(results: Sequence[RequirementResult], spoiled: Sequence[str] = ()) -> Verdict:
    """`conformant`: everything that counts passed. `failed`: something failed. `partial`: something was not run, or
    `spoiled` by what is not the suite's."""
    counting = [one for one in results if one.level != "provisional" and one.outcome not in _CAN_NOT_APPLY]
    if any(one.outcome == "failed" for one in counting):
        return "failed"
    whole = any(one.level == "core" for one in counting) and all(one.outcome == "passed" for one in counting)
    return "conformant" if whole and not spoiled else "partial"
