"""What requests to import jobs hold: the text, what it is, and what its jobs are called here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from django.conf import settings
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobs.domain import schedule as rules
from jobs.domain.said import said
from jobs.importers.candidates import MAX_TEXT, Kind
from jobs.services.problems import named, parsed
from jobs.services.wording import check_tag, choice

MOST = 200  # jobs of one import: they are made in one transaction, while other writers wait


def _zone(value: str) -> str:
    if not value.strip():
        return str(settings.TIME_ZONE)
    with named():
        return rules.zone(value.strip()).key


def _tag(value: str) -> str:
    return check_tag(value) if value.strip() else ""


def _size(value: str) -> str:
    size = len(value.encode())
    if size > MAX_TEXT:
        raise ValueError(
            said("The text has {size} bytes. Use {most} or fewer.", size=size, most=MAX_TEXT)
        )
    return value


class ImportRequest(BaseModel):
    """A text that holds jobs."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, AfterValidator(_size)] = Field(min_length=1)
    kind: Annotated[Kind, choice(Kind)] | None = Field(
        None, description="What it is; null: recognised."
    )
    source: str = Field("", max_length=200, description="The file's name; it may name a job.")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "", description="Of times that name none; empty: the server's.", validate_default=True
    )
    home: str = Field(
        "", max_length=1000, description="Where the commands of a crontab run, unless it sets HOME."
    )
    prefix: str = Field("", max_length=60, description="What the names begin with.")
    workspace: str = Field("", max_length=100, description="Of jobs that name none.")
    tag: Annotated[str, AfterValidator(_tag)] = Field("", description="Each job gets it, too.")


class ImportApply(ImportRequest):
    """A text whose jobs are to be made."""

    chosen: list[Annotated[int, Field(ge=1, le=MOST, strict=True)]] | None = Field(
        None,
        min_length=1,
        max_length=MOST,
        description="Numbers of the preview; null: all that are new.",
    )


def parse_import(data: Mapping[str, Any]) -> ImportRequest:
    """Return a text to look at; InvalidError names each wrong field."""
    return parsed(ImportRequest, data)


def parse_apply(data: Mapping[str, Any]) -> ImportApply:
    """Return a text whose jobs are to be made; InvalidError names each wrong field."""
    return parsed(ImportApply, data)
