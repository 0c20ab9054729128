"""rota: job scheduling and execution.

Register any function as a job, schedule it now, later or on a cron, run it on as many workers and
machines as needed, watch every state change and log line, in the store of your choice.
"""

from rota.client.flows import chain, chord, group
from rota.engine.cron import Cron
from rota.engine.every import Every
from rota.jobs.call import Call
from rota.jobs.client import Client
from rota.jobs.context import Context
from rota.jobs.instance import Instance
from rota.jobs.job import Job
from rota.jobs.jobs import Jobs
from rota.jobs.views import Change, KindInfo, KindStats, LogLine, Page, Schedule, Transition, WorkerInfo
from rota.manager.connect import connect
from rota.manager.manager import Manager
from rota.manager.worker import Worker
from rota.model.errors import (
    ArgumentError,
    ConfigError,
    JobCanceled,
    JobCrashed,
    JobError,
    JobFailed,
    JobTimedOut,
    KindExists,
    NotBound,
    PluginError,
    QueryError,
    RotaError,
    StoreError,
    UnknownKind,
)
from rota.model.policy import ExecutorOptions, Exponential, Keep, Limit, ProcessOptions, Resolved, Retry
from rota.model.query import Query
from rota.model.state import State

__all__ = [
    "ArgumentError",
    "Call",
    "Change",
    "Client",
    "ConfigError",
    "Context",
    "Cron",
    "Every",
    "ExecutorOptions",
    "Exponential",
    "Instance",
    "Job",
    "JobCanceled",
    "JobCrashed",
    "JobError",
    "JobFailed",
    "JobTimedOut",
    "Jobs",
    "Keep",
    "KindExists",
    "KindInfo",
    "KindStats",
    "Limit",
    "LogLine",
    "Manager",
    "NotBound",
    "Page",
    "PluginError",
    "ProcessOptions",
    "Query",
    "QueryError",
    "Resolved",
    "Retry",
    "RotaError",
    "Schedule",
    "State",
    "StoreError",
    "Transition",
    "UnknownKind",
    "Worker",
    "WorkerInfo",
    "chain",
    "chord",
    "connect",
    "group",
]
