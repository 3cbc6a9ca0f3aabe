"""Lines of the log about jobs that register cloud resources, worded as CB-Tumblebug's own.

Scripts look for them. Its level WARN is ours too for this logger, see `scheduler_site.logs`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Protocol

from django.db import DatabaseError, transaction

from jobs.domain.states import FAILURES, ExecutionState
from jobs.executors.base import ExecutionResult
from jobs.models import Job

log = logging.getLogger("Scheduler")

TYPE = "registerCspResources"


class Called(Protocol):
    """A job, as far as its names go."""

    @property
    def external_id(self) -> str:
        """Return the id that another interface knows it by; empty without one."""

    @property
    def name(self) -> str:
        """Return its name."""


def public_id(job: Called) -> str:
    """Return how a job is called outside: by its own id, or its name where it was made on a page."""
    return job.external_id or job.name


def made(job: Job) -> None:
    """Note a new job, as soon as it is stored."""
    if job.type == TYPE:
        transaction.on_commit(partial(log.info, "Created scheduled job: %s", public_id(job)))


def started(job_type: str, job_id: int) -> bool:
    """Note the start of a run; say whether its kind of job has words of its own for it."""
    if job_type != TYPE:
        return False
    log.info("Starting job execution: %s", _name_of(job_id))
    return True


def ended(
    job_type: str, job_id: int, result: ExecutionResult, *, facts: Mapping[str, object]
) -> bool:
    """Note the end of a run; say whether its kind of job has words of its own for it."""
    if job_type != TYPE:
        return False
    if result.state == ExecutionState.SUCCEEDED:
        log.info("Job completed successfully: %s", _name_of(job_id), extra=facts)
    elif result.state in FAILURES:
        error = " ".join(result.message.split())
        log.error("Job execution failed: %s, error: %s", _name_of(job_id), error, extra=facts)
    else:
        return False
    return True


def auto_disabled(job: Job, failures: int) -> None:
    """Note that a job was stopped."""
    if job.type == TYPE:
        log.warning("Job auto-disabled after %d consecutive failures: %s", failures, public_id(job))


def stopped(job: Job) -> str:
    """Note that a job is deleted; return the note for the audit log, empty for other kinds of jobs."""
    if job.type != TYPE:
        return ""
    transaction.on_commit(partial(log.info, "Stopped scheduled job: %s", public_id(job)))
    return f"{public_id(job)}: Stopped"


def _name_of(job_id: int) -> str:
    """Return the job's id; its number where the database does not tell: a line is no reason to fail."""
    try:
        job = Job.objects.only("external_id", "name").get(pk=job_id)
    except (DatabaseError, Job.DoesNotExist):
        return str(job_id)
    return public_id(job)
