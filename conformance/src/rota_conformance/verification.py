"""Whether a report is whole, and says what follows from its own results."""

from collections import Counter

from rota_conformance.report import SCHEMA, Report
from rota_conformance.requirements import REQUIREMENTS
from rota_conformance.verdict import verdict_of

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
        f"{one.id} has another level or text than here"
        for one in report.results
        if one.id in REQUIREMENTS and (one.level, one.text) != (REQUIREMENTS[one.id].level, REQUIREMENTS[one.id].text)
    ]
    found += [
        f"{one.id} stands as undeclared, but the store declares {one.feature!r}"
        for one in report.results
        if one.outcome == "undeclared" and one.feature in report.features
    ]
    if dict(Counter(one.outcome for one in report.results)) != report.totals:
        found.append("its totals are not those of its results")
    if verdict_of(report.results) != report.verdict:
        found.append(f"its verdict is {report.verdict!r}, its results make {verdict_of(report.results)!r}")
    return found
