"""The configuration directory: its files, what each defines, and the checkout that it may be."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import Query, Router, Schema
from pydantic import BaseModel, Field

from jobs import conf
from jobs.api.requests import ApiRequest, Cursor, Limit, Text
from jobs.models import ConfigPull
from jobs.queries.files import FileRow, FileState, list_files
from jobs.services import checkouts, files
from jobs.services.wording import choice

router = Router(tags=["files"])


class FileDocument(BaseModel):
    """A file of the configuration directory."""

    path: str
    state: str = Field(description="`applied`, `broken` or `gone`.")
    fault: str = Field(description="What is wrong with it; what it said before still holds.")
    line: int | None
    warnings: list[str]
    commit: str = Field(description="Of the checkout; with `+` where it was changed by hand since.")
    applied_at: datetime | None
    looked_at: datetime
    workspace: str | None
    jobs: list[str]


class PullDocument(BaseModel):
    """What became of the last pull on a host."""

    place: str = Field(description="Host and directory.")
    branch: str
    commit: str
    pulled_at: datetime | None = Field(description="The last pull that did not fail.")
    looked_at: datetime
    fault: str = Field(description="Why the last failed; nothing was changed then.")
    failing_since: datetime | None


class FileQuery(Schema):
    """Which files to list."""

    state: Annotated[FileState, choice(FileState)] | None = None
    search: Text = Field("", description="Part of a path.")
    cursor: Cursor | None = None
    limit: Limit = 100


class FilePage(BaseModel):
    """Files, in the order in which they were found."""

    directory: str | None
    items: list[FileDocument]
    next_cursor: str | None
    pulls: list[PullDocument] = Field(description="Of each host, where it is a checkout.")


class PullOutcome(BaseModel):
    """What a pull has brought."""

    pull: PullDocument
    applied: list[str]
    unchanged: int
    broken: dict[str, str] = Field(description="Path -> place and reason.")
    gone: list[str]


@router.get("/files", response=FilePage)
def list_(request: ApiRequest, query: Query[FileQuery]) -> FilePage:
    """List the files that define jobs and workspaces."""
    after = None if query.cursor is None else int(query.cursor)
    rows, next_after = list_files(
        state=query.state, search=query.search, after=after, limit=query.limit
    )
    root = conf.config_dir()
    return FilePage(
        directory=None if root is None else str(root),
        items=[_document(one) for one in rows],
        next_cursor=None if next_after is None else str(next_after),
        pulls=[_pull(one) for one in checkouts.pulls()],
    )


@router.post("/files/pull", response=PullOutcome)
def pull(request: ApiRequest) -> PullOutcome:
    """Pull the checkout of the configuration directory forward, and apply what that changed.

    422 says why it could not be pulled; nothing is changed then.
    """
    row, outcome = files.pull(actor=request.auth)
    return PullOutcome(
        pull=_pull(row),
        applied=outcome.applied,
        unchanged=outcome.unchanged,
        broken=outcome.broken,
        gone=outcome.gone,
    )


def _document(row: FileRow) -> FileDocument:
    one = row.file
    return FileDocument(
        path=one.path,
        state=row.state.value,
        fault=one.fault,
        line=one.line,
        warnings=one.warnings,
        commit=one.commit,
        applied_at=one.applied_at,
        looked_at=one.looked_at,
        workspace=None if row.workspace is None else row.workspace.name,
        jobs=[job.name for job in row.jobs],
    )


def _pull(row: ConfigPull) -> PullDocument:
    return PullDocument(
        place=row.place,
        branch=row.branch,
        commit=row.commit,
        pulled_at=row.pulled_at,
        looked_at=row.looked_at,
        fault=row.fault,
        failing_since=row.failing_since,
    )
