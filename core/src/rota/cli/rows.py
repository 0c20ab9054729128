"""Instances, jobs, schedules and workers as rows: the names are the columns, and the keys in JSON."""

from collections.abc import Iterable
from typing import Any, Final

from rota.jobs.instance import Instance
from rota.jobs.views import Change, KindInfo, KindStats, LogLine, Schedule, Transition, WorkerInfo
from rota.model.records import ParameterRecord

__all__ = [
    "CHANGES", "INSTANCES", "JOBS", "LINES", "SCHEDULES", "STATS", "TRANSITIONS", "WORKERS", "change_row", "detail",
    "instance_row", "job_row", "line_row", "schedule_row", "stats_row", "transition_row", "worker_row",
]  # fmt: skip

Row = dict[str, object]

INSTANCES: Final = ("id", "kind", "state", "attempt", "due", "ended", "error", "created", "started")
JOBS: Final = ("kind", "parameters", "executor", "priority", "timeout_s", "max_retries", "limits", "summary")
SCHEDULES: Final = ("name", "kind", "trigger", "owner", "paused", "last_slot", "next_slot")
WORKERS: Final = ("name", "concurrency", "running", "last_beat", "kinds")
TRANSITIONS: Final = ("at", "state", "attempt", "worker", "reason", "error")
LINES: Final = ("at", "level", "attempt", "message")
STATS: Final = (
    "kind",
    "scheduled",
    "processing",
    "completed",
    "terminated",
    "canceled",
    "timed_out",
    "oldest_due",
    "next_due",
    "held_back",
    "paused",
)
CHANGES: Final = ("at", "id", "kind", "state", "attempt", "worker", "reason")


def instance_row(instance: Instance[Any]) -> Row:
    """What a list shows of an instance."""
    return {
        "id": instance.id,
        "kind": instance.kind,
        "state": instance.state,
        "attempt": instance.attempt,
        "created": instance.created_at,
        "due": instance.due_at,
        "started": instance.started_at,
        "ended": instance.ended_at,
        "error": None if instance.error is None else str(instance.error),
    }


def detail(instance: Instance[Any], jobs: Iterable[KindInfo] = ()) -> Row:
    """All that is known of one. Its job, when it is among `jobs`, gives positional arguments their names."""
    parameters = next((job.parameters for job in jobs if job.kind == instance.kind), ())
    names = {str(position): parameter.name for position, parameter in enumerate(parameters)}
    return {
        **instance_row(instance),
        "arguments": {names.get(name, name): value for name, value in instance.arguments.items()},
        "result": instance.outcome() if instance.state.value == "completed" else None,
        "progress": instance.progress,
        "schedule": instance.schedule,
        "slot": instance.slot,
        "unique_key": instance.unique_key,
        "retry_of": instance.retry_of,
        "traceback": None if instance.error is None else instance.error.traceback or None,
    }


def job_row(job: KindInfo) -> Row:
    """A published job."""
    return {
        "kind": job.kind,
        "parameters": [_parameter(one) for one in job.parameters],
        "returns": job.returns,
        "executor": job.executor,
        "priority": job.priority,
        "timeout_s": None if job.timeout is None else job.timeout.total_seconds(),
        "max_retries": job.max_retries,
        "max_crashes": job.max_crashes,
        "unique_key": job.unique_key,
        "limits": [str(limit) for limit in job.limits],
        "summary": job.summary,
    }


def _parameter(parameter: ParameterRecord) -> str:
    annotation = f": {parameter.annotation}" if parameter.annotation else ""
    return f"{parameter.name}{annotation}{'' if parameter.required else f' = {parameter.default}'}"


def schedule_row(schedule: Schedule) -> Row:
    """A recurring rule."""
    return {
        "name": schedule.name,
        "kind": schedule.kind,
        "trigger": str(schedule.trigger),
        "owner": schedule.owner,
        "paused": schedule.paused,
        "last_slot": schedule.last_slot,
        "next_slot": schedule.next_slot,
        "next_slots": schedule.next_slots(),
        "misfire": schedule.misfire,
        "overlap": schedule.overlap,
    }


def worker_row(worker: WorkerInfo) -> Row:
    """A live worker."""
    return {
        "name": worker.name,
        "concurrency": worker.concurrency,
        "running": worker.running,
        "last_beat": worker.last_beat,
        "kinds": sorted(worker.kinds),
    }


def transition_row(transition: Transition) -> Row:
    """An entry of a history."""
    return {
        "at": transition.at,
        "state": transition.state,
        "attempt": transition.attempt,
        "worker": transition.worker,
        "reason": transition.reason,
        "error": None if transition.error is None else str(transition.error),
    }


def line_row(line: LogLine) -> Row:
    """A line of a log."""
    import logging

    return {
        "at": line.at,
        "level": logging.getLevelName(line.level).lower(),
        "attempt": line.attempt,
        "message": line.message,
    }


def stats_row(stats: KindStats) -> Row:
    """A kind in numbers: every state is a column."""
    from rota.model.state import State

    return {
        "kind": stats.kind,
        **{state.value: stats.counts.get(state, 0) for state in State},
        "oldest_due": stats.oldest_due,
        "next_due": stats.next_due,
        "held_back": stats.held_back,
        "paused": stats.paused,
    }


def change_row(change: Change) -> Row:
    """A state change of an instance."""
    return {
        "id": change.instance_id,
        "kind": change.kind,
        **transition_row(change.transition),
        "cursor": change.cursor,
    }
