"""The job of rota's own that flows are made with: it collects results."""

from functools import lru_cache
from typing import Any

from rota.jobs.definition import Definition
from rota.jobs.system import SystemJobs

__all__ = ["flow_jobs", "group_definition"]


def collect(results: list[Any], parts: bool = False) -> list[Any]:
    """The results of a group, in order; those of its `parts`, where it was too large for one instance, one after the
    other."""
    return [result for part in results for result in part] if parts else results


def flow_jobs() -> SystemJobs:
    """A collection with "system.group"."""
    jobs = SystemJobs()
    jobs.job(kind="group")(collect)
    return jobs


@lru_cache(maxsize=1)
def group_definition() -> Definition:
    """What calls of "system.group" are made of, without any manager."""
    return flow_jobs()["system.group"].definition
