"""What is due next, over all jobs."""

from __future__ import annotations

from datetime import datetime

from ninja import Router
from pydantic import BaseModel, Field

from jobs.api.requests import ApiRequest, Limit
from jobs.queries.upcoming import next_jobs

router = Router(tags=["overview"])


class UpcomingDocument(BaseModel):
    """A job and its next due time."""

    job_id: int
    job: str = Field(description="The job's name.")
    workspace: str | None
    due_at: datetime


class UpcomingList(BaseModel):
    """The jobs that are due next, the soonest first."""

    items: list[UpcomingDocument]


@router.get("/upcoming", response=UpcomingList)
def list_(request: ApiRequest, limit: Limit = 10) -> UpcomingList:
    """List the jobs that are due next, each with its next due time."""
    return UpcomingList(
        items=[
            UpcomingDocument(
                job_id=job.pk,
                job=job.name,
                workspace=None if job.workspace is None else job.workspace.name,
                due_at=at,
            )
            for job in next_jobs(limit, seen_by=request.auth)
            if (at := job.next_fire_at) is not None
        ]
    )
