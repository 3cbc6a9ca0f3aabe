"""Jobs written in Python: what a project's `scheduled_jobs.py` imports.

Nothing here knows the database or how a job is run; `jobs.executors.python` does.
"""

from __future__ import annotations

from jobs.registry.base import BaseScheduledJob, scheduled_job
from jobs.registry.context import Cancelled, JobContext
from jobs.registry.entry import RegisteredJob
from jobs.registry.store import REGISTRY, Registry

__all__ = [
    "REGISTRY",
    "BaseScheduledJob",
    "Cancelled",
    "JobContext",
    "RegisteredJob",
    "Registry",
    "scheduled_job",
]
