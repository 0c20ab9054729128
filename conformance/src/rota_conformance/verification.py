"""Whether a report is whole, and says what follows from its own results."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rota_conformance.report import SCHEMA, Report
from rota_conformance.requirements import REQUIREMENTS, Requirement
from rota_conformance.verdict import RequirementResult, verdict_of

__all__ = ["faults"]


def faults(report: Report) -> list[str]:
    """What is wrong with it, in words; nothing when it is sound. It is held against this suite's requirements."""
    found = [] if report.schema == SCHEMA else [f"its schema is {report.schema!r}, this suite reads {SCHEMA!r}"]
    ids = [one.id for one in report.results]
    missing, unknown = sorted(REQUIREMENTS.keys() - set(ids)), sorted(set(ids) - REQUIREMENTS.keys())
    found += [f"it lacks {', '.join(missing)}"] if missing else []
    found += [f"this suite does not know {', '.join(unknown)}"] if unknown else []
    found += ["it has a requirement twice"] if len(set(ids)) < len(ids) else []
    found += [
        f"{one.id} has another level, feature or text than here"
        for one in report.results
        if one.id in REQUIREMENTS and (one.level, one.feature, one.text) != _as_required(REQUIREMENTS[one.id])
    ]
    found += [fault for one in report.results if one.id in REQUIREMENTS for fault in _misplaced(one, report.features)]
    if dict(Counter(one.outcome for one in report.results)) != report.totals:
        found.append("its totals are not those of its results")
    verdict = verdict_of(report.results, report.spoiled)
    if verdict != report.verdict:
        found.append(f"its verdict is {report.verdict!r}, its results make {verdict!r}")
    return found


def _as_required(requirement: Requirement) -> tuple[str, str | None, str]:
    return requirement.level, requirement.feature, requirement.text


def _misplaced(result: RequirementResult, features: Sequence[str]) -> Iterator[str]:
    """Why it can't stand as what does not apply."""
    requirement = REQUIREMENTS[result.id]
    if result.outcome == "undeclared":
        if requirement.feature is None:
            yield f"{result.id} stands as undeclared, but holds for every store"
        elif requirement.feature in features:
            yield f"{result.id} stands as undeclared, but the store declares {requirement.feature!r}"
    if result.outcome == "not_offered" and requirement.needs is None:
        yield f"{result.id} stands as not offered, but needs nothing of a harness"
