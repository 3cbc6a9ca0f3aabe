"""Dependencies: what a job waits for and what waits for it, as a tree."""

from __future__ import annotations

from datetime import datetime

from ninja import Router
from pydantic import BaseModel, Field

from jobs.api.requests import ApiRequest
from jobs.queries.dependencies import Node, tree_of
from jobs.queries.listing import present_job

router = Router(tags=["jobs"])


class DependencyNode(BaseModel):
    """A job of the tree."""

    id: int
    name: str
    on: str = Field(
        description="The ending that is waited for, of the upper of the two jobs: `success`, "
        "`failure` or `done`."
    )
    met_by: int | None = Field(
        description="The execution that has brought it already; null while it is waited for."
    )
    met_at: datetime | None
    state: str
    next_fire_at: datetime | None
    last_execution_id: int | None
    last_state: str
    last_finished_at: datetime | None
    repeated: bool = Field(description="What follows it stands elsewhere in the tree.")
    cut: bool = Field(description="More follows than is told here.")
    children: list[DependencyNode]


class DependencyTree(BaseModel):
    """A job with everything before and after it."""

    job_id: int
    job: str
    waits_for: list[str] = Field(description="The jobs whose endings it still lacks.")
    upstream: list[DependencyNode] = Field(description="What it waits for, and what those do.")
    downstream: list[DependencyNode] = Field(description="What waits for it, and for those.")


@router.get("/jobs/{id:job_id}/dependencies", response=DependencyTree)
def tree(request: ApiRequest, job_id: int) -> DependencyTree:
    """Tell what a job waits for, and what waits for it, all the way up and down."""
    job = present_job(job_id)
    found = tree_of(job, seen_by=request.auth)
    return DependencyTree(
        job_id=job.pk,
        job=job.name,
        waits_for=[node.job.name for node in found.waits_for],
        upstream=[_document(node) for node in found.upstream],
        downstream=[_document(node) for node in found.downstream],
    )


def _document(node: Node) -> DependencyNode:
    job = node.job
    return DependencyNode(
        id=job.pk,
        name=job.name,
        on=node.on.value,
        met_by=node.met_by,
        met_at=node.met_at,
        state=job.state,
        next_fire_at=job.next_fire_at,
        last_execution_id=job.last_execution_id,
        last_state=job.last_state,
        last_finished_at=job.last_finished_at,
        repeated=node.repeated,
        cut=node.cut,
        children=[_document(child) for child in node.children],
    )
