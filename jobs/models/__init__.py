"""The tables."""

from jobs.models.audit import AuditEntry
from jobs.models.execution import Attempt, Execution
from jobs.models.job import Job, JobTag, JobVersion
from jobs.models.log import LogChunk
from jobs.models.omission import Omission
from jobs.models.schedule import Schedule
from jobs.models.stat import Stat
from jobs.models.token import Token
from jobs.models.worker import Revision, Worker, WorkerKind, WorkerState

__all__ = [
    "Attempt",
    "AuditEntry",
    "Execution",
    "Job",
    "JobTag",
    "JobVersion",
    "LogChunk",
    "Omission",
    "Revision",
    "Schedule",
    "Stat",
    "Token",
    "Worker",
    "WorkerKind",
    "WorkerState",
]
