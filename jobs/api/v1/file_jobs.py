"""A job and the file that defines it: what people changed beside it, and giving that up."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Router
from pydantic import BaseModel, Field

from jobs.api.documents import JobDocument, job_document
from jobs.api.requests import ApiRequest
from jobs.queries.files import file_of
from jobs.queries.listing import present_job
from jobs.services import files

router = Router(tags=["files"])


class JobFileDocument(BaseModel):
    """Which file defines a job."""

    path: str | None = Field(description="Below the configuration directory; null: no file does.")
    fault: str = Field(description="What is wrong with it; what it said before still holds.")
    overrides: list[str] = Field(description="The fields that people changed since.")


@router.get("/jobs/{id:job_id}/file", response=JobFileDocument)
def read(request: ApiRequest, job_id: int) -> JobFileDocument:
    """Return which file defines a job, and the fields in which the job differs from it."""
    job = present_job(job_id)
    file = file_of(job)
    return JobFileDocument(
        path=None if file is None else file.path,
        fault="" if file is None else file.fault,
        overrides=files.overrides_of(job),
    )


@router.post("/jobs/{id:job_id}/give-back", response=JobDocument)
def give_back(request: ApiRequest, response: HttpResponse, job_id: int) -> JobDocument:
    """Give a job back to its file: what people changed is as the file says again."""
    files.give_back(job_id, actor=request.auth)
    job = present_job(job_id)
    response["ETag"] = f'"{job.version}"'
    return job_document(job, actor=request.auth)
