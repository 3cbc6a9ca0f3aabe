"""JSON Schemas of the files that define jobs and workspaces, for editors."""

from __future__ import annotations

from typing import Any

from ninja import Router

from jobs.api.requests import ApiRequest
from jobs.services.file_schema import job_schema, workspace_schema

router = Router(tags=["files"])


@router.get("/job.json", response=dict[str, Any])
def job(request: ApiRequest) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of files of jobs, in either vocabulary."""
    return job_schema()


@router.get("/workspace.json", response=dict[str, Any])
def workspace(request: ApiRequest) -> dict[str, Any]:
    """Return the JSON Schema of a workspace's `config.json`, which holds its jobs."""
    return workspace_schema()
