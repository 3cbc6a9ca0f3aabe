"""Search over jobs, executions and pages."""

from __future__ import annotations

from typing import Annotated

from ninja import Query, Router, Schema
from pydantic import AfterValidator, BaseModel, Field

from jobs.api.requests import ApiRequest, Text
from jobs.queries.search import Kind, search
from jobs.services.wording import refuse

router = Router(tags=["overview"])


def _some(value: str) -> str:
    if not value.strip():
        raise refuse("There is nothing to look for. Use a letter or more.")
    return value


class SearchQuery(Schema):
    """What to look for."""

    q: Annotated[Text, AfterValidator(_some)] = Field(
        description="Part of a job's name, description, owner or tag; a number; part of a title."
    )
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class FoundDocument(BaseModel):
    """One result."""

    kind: Kind
    id: int | None = Field(description="Of the job or the execution.")
    title: str
    detail: str
    url: str = Field(description="The page that shows it.")


class FoundList(BaseModel):
    """The results, the closest first."""

    items: list[FoundDocument]


@router.get("/search", response=FoundList)
def find(request: ApiRequest, query: Query[SearchQuery]) -> FoundList:
    """Find jobs, executions and pages by a few letters or a number."""
    found = search(query.q, actor=request.auth, limit=query.limit)
    return FoundList(
        items=[
            FoundDocument(
                kind=one.kind, id=one.number, title=one.title, detail=one.detail, url=one.url
            )
            for one in found
        ]
    )
