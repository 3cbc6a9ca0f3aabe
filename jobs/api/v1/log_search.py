"""Search what a job's executions printed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import Query, Router, Schema
from pydantic import BaseModel, BeforeValidator, Field

from jobs.api.requests import ApiRequest, Limit, Moment, Text
from jobs.domain.states import Stream
from jobs.domain.terminal import shown_text
from jobs.queries.listing import present_job
from jobs.queries.logsearch import JobMatch, JobSearchFilter, search_job

router = Router(tags=["jobs"])

_LONGEST_TEXT = 4000


class LogSearchQuery(Schema):
    """What to look for, and in which executions."""

    q: Annotated[Text, Field(min_length=1)] = Field(
        description="Plain text; upper and lower case are the same."
    )
    stream: Annotated[Stream | None, BeforeValidator(lambda value: value or None)] = Field(
        None, description="Only `stdout`, `stderr` or `system`; all by default."
    )
    since: Moment | None = Field(None, description="Due at or after this moment.")
    until: Moment | None = Field(None, description="Due before this moment.")
    cursor: Annotated[str, Field(pattern=r"^[0-9]{1,18}-[0-9]{1,18}$")] | None = Field(
        None, description="`next_cursor` of a page."
    )
    limit: Limit = 100


class LogLine(BaseModel):
    """A line that holds the text."""

    execution_id: int
    attempt: int
    line: int = Field(description="Its number in the whole log, from 1.")
    stream: str
    written_at: datetime
    text: str = Field(description="As it is shown, without colours; at most 4,000 characters.")


class LogSearchPage(BaseModel):
    """Lines, newest execution first; a page may be empty and still have a next one."""

    items: list[LogLine]
    searched_executions: int
    searched_until: datetime | None = Field(
        description="Due time of the last execution that was looked into."
    )
    next_cursor: str | None


@router.get("/{id:job_id}/log-search", response=LogSearchPage)
def log_search(request: ApiRequest, job_id: int, query: Query[LogSearchQuery]) -> LogSearchPage:
    """Find lines in what a job's executions printed, a bounded amount of output for each page."""
    present_job(job_id)
    page = search_job(
        JobSearchFilter(
            job_id=job_id,
            text=query.q,
            actor=request.auth,
            stream=query.stream.value if query.stream else "",
            since=query.since,
            until=query.until,
            after=_place(query.cursor),
            limit=query.limit,
        )
    )
    return LogSearchPage(
        items=[_line(match) for match in page.found],
        searched_executions=page.executions,
        searched_until=page.looked_until,
        next_cursor=None if page.following is None else "-".join(map(str, page.following)),
    )


def _place(cursor: str | None) -> tuple[int, int] | None:
    if cursor is None:
        return None
    execution, _sep, line = cursor.partition("-")
    return int(execution), int(line)


def _line(match: JobMatch) -> LogLine:
    line = match.line
    return LogLine(
        execution_id=match.execution.pk,
        attempt=line.attempt,
        line=line.number,
        stream=line.stream,
        written_at=line.written_at,
        text=shown_text(line.data)[:_LONGEST_TEXT],
    )
