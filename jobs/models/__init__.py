"""The tables."""

from jobs.models.access import Access
from jobs.models.alert import (
    Alert,
    AlertJob,
    AlertRule,
    AlertSignal,
    Channel,
    Delivery,
    Lease,
    UsedLink,
)
from jobs.models.artifact import Artifact
from jobs.models.audit import AuditEntry
from jobs.models.backfill import Backfill, BackfillItem
from jobs.models.breaker import Breaker
from jobs.models.calendar import Calendar
from jobs.models.check_in import CheckIn, CheckInReport
from jobs.models.dependency import Dependency
from jobs.models.event import Occurrence
from jobs.models.execution import Attempt, Execution
from jobs.models.file import ConfigFile, ConfigPull, FileJob, FileWorkspace
from jobs.models.freeze import Freeze
from jobs.models.job import Job, JobTag, JobVersion
from jobs.models.log import LogChunk
from jobs.models.omission import Omission
from jobs.models.preference import Preference, SavedFilter
from jobs.models.queue import Queue, QueueStart
from jobs.models.request_key import RequestKey
from jobs.models.schedule import Schedule
from jobs.models.stat import EngineStat, JobStat, Stat
from jobs.models.template import Template, WorkspaceJob
from jobs.models.token import Token
from jobs.models.variable import Variable
from jobs.models.worker import Revision, Worker, WorkerKind, WorkerState
from jobs.models.workspace import Workspace

__all__ = [
    "Access",
    "Alert",
    "AlertJob",
    "AlertRule",
    "AlertSignal",
    "Artifact",
    "Attempt",
    "AuditEntry",
    "Backfill",
    "BackfillItem",
    "Breaker",
    "Calendar",
    "Channel",
    "CheckIn",
    "CheckInReport",
    "ConfigFile",
    "ConfigPull",
    "Delivery",
    "Dependency",
    "EngineStat",
    "Execution",
    "FileJob",
    "FileWorkspace",
    "Freeze",
    "Job",
    "JobStat",
    "JobTag",
    "JobVersion",
    "Lease",
    "LogChunk",
    "Occurrence",
    "Omission",
    "Preference",
    "Queue",
    "QueueStart",
    "RequestKey",
    "Revision",
    "SavedFilter",
    "Schedule",
    "Stat",
    "Template",
    "Token",
    "UsedLink",
    "Variable",
    "Worker",
    "WorkerKind",
    "WorkerState",
    "Workspace",
    "WorkspaceJob",
]
