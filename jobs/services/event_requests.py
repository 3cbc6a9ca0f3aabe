"""The report of an event as a program sends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.services.problems import invalid_from
from jobs.services.storable import check_storable


class EventReport(BaseModel):
    """What happened; a repeated ``key`` is the same event."""

    model_config = ConfigDict(extra="forbid")

    event: Annotated[str, Field(max_length=40)]
    detail: Annotated[str, Field(max_length=500)] = ""
    key: Annotated[str, Field(max_length=200)] = ""


def parse_event(data: Mapping[str, Any]) -> EventReport:
    """Return the report that ``data`` holds; InvalidError names each wrong field and value."""
    check_storable(dict(data))
    try:
        return EventReport.model_validate(dict(data))
    except ValidationError as error:
        raise invalid_from(error, EventReport) from error
