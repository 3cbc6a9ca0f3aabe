"""What the caller sets for the own pages, and the filters that the caller keeps."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from django.http import HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest
from jobs.domain.preferences import FilterPage
from jobs.models import Preference, SavedFilter
from jobs.services import people, preferences
from jobs.services.wording import choice

router = Router(tags=["preferences"])


class PreferenceDocument(BaseModel):
    """A person's settings; null follows the browser, the system or the installation."""

    language: str | None
    time_zone: str = Field(description="Empty: that of the browser.")
    theme: str | None = Field(description="`light` or `dark`.")
    density: str = Field(description="`comfortable` or `compact`.")
    single_keys: bool = Field(description="Whether single keys act on pages.")
    job_columns: list[str] | None = Field(description="Shown in the list of jobs; null: all.")
    execution_columns: list[str] | None = Field(description="The same of executions.")


class FilterDocument(BaseModel):
    """A filter that a person keeps under a name."""

    id: int
    page: str = Field(description="`jobs`, `executions`, `alerts` or `audit`.")
    name: str
    query: str = Field(description="As in the page's address: `state=failed&tag=nightly`.")


class FilterQuery(Schema):
    """Which kept filters to list."""

    page: Annotated[FilterPage, choice(FilterPage)] | None = None


class FilterList(BaseModel):
    """The caller's filters by page and name: 30 of a page at most, so they are no pages."""

    items: list[FilterDocument]


@router.get("/preferences", response=PreferenceDocument)
def read(request: ApiRequest) -> PreferenceDocument:
    """Return the caller's settings; a token's are its owner's."""
    return _document(preferences.preference_of(people.person_of(request.auth)))


@router.patch(
    "/preferences", response=PreferenceDocument, openapi_extra=body_of("PreferenceChanges")
)
def update(request: ApiRequest) -> PreferenceDocument:
    """Change the caller's settings that are named; they hold in every browser."""
    person = people.person_of(request.auth)
    before = _document(preferences.preference_of(person)).model_dump()
    asked = preferences.parse_preferences({**before, **json_object(request)})
    return _document(preferences.save(person, asked))


@router.get("/filters", response=FilterList)
def filters(request: ApiRequest, query: Query[FilterQuery]) -> FilterList:
    """List the filters that the caller keeps."""
    person = people.person_of(request.auth)
    pages = list(FilterPage) if query.page is None else [query.page]
    rows = [row for page in pages for row in preferences.filters_of(person, page)]
    return FilterList(items=[_filter(row) for row in rows])


@router.post("/filters", response={201: FilterDocument}, openapi_extra=body_of("FilterRequest"))
@keyed()
def keep(request: ApiRequest, response: HttpResponse) -> Status[FilterDocument]:
    """Keep a filter of a list under a name, for the caller alone."""
    asked = preferences.parse_filter(json_object(request))
    row = preferences.keep_filter(people.person_of(request.auth), asked)
    response["Location"] = f"{request.path.rstrip('/')}/{row.pk}"
    return Status(HTTPStatus.CREATED, _filter(row))


@router.delete("/filters/{id:filter_id}", response={204: None})
def drop(request: ApiRequest, filter_id: int) -> Status[None]:
    """Remove a filter that the caller keeps."""
    preferences.drop_filter(people.person_of(request.auth), filter_id)
    return Status(HTTPStatus.NO_CONTENT, None)


def _document(row: Preference) -> PreferenceDocument:
    return PreferenceDocument(
        language=row.language or None,
        time_zone=row.time_zone,
        theme=row.theme or None,
        density=row.density or "comfortable",
        single_keys=row.single_keys,
        job_columns=row.job_columns,
        execution_columns=row.execution_columns,
    )


def _filter(row: SavedFilter) -> FilterDocument:
    return FilterDocument(id=row.pk, page=row.page, name=row.name, query=row.query)
