"""A job's definition as it was: brought back as a new version."""

from __future__ import annotations

from typing import Any

from jobs.domain.permissions import Actor
from jobs.models import Job, JobVersion
from jobs.queries.listing import present_job
from jobs.queries.versions import get_version
from jobs.services import jobs
from jobs.services.definitions import JobDefinition, ScheduleDefinition


def restore(job_id: int, number: int, *, actor: Actor, expected_version: int | None = None) -> Job:
    """Bring back version ``number`` of a job, name and schedules included, as its newest version.

    Nothing is lost: what ran and what was decided stays, and the version before can be brought back
    alike. A definition that is as it was then stays as it is. StaleError when somebody else saved
    after ``expected_version``.
    """
    job = present_job(job_id)
    return jobs.update(
        job.pk,
        laid_over(get_version(job, number)),
        actor=actor,
        expected_version=expected_version,
        note=f"As in version {number}.",
    )


def laid_over(version: JobVersion) -> dict[str, Any]:
    """Return a version's fields without those that definitions do not have any more."""
    known, of_schedule = JobDefinition.model_fields, ScheduleDefinition.model_fields
    fields = {name: value for name, value in version.definition.items() if name in known}
    if "schedules" in fields:
        fields["schedules"] = [
            {name: value for name, value in one.items() if name in of_schedule}
            for one in fields["schedules"]
        ]
    return fields
