"""What a request for one deed on many jobs holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.services.many import Deed
from jobs.services.problems import invalid_from
from jobs.services.wording import choice

MOST = 500  # a page of the list: more would hold the web server's thread for too long


class BulkRequest(BaseModel):
    """One deed on many jobs."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[Deed, choice(Deed)]
    ids: list[Annotated[int, Field(ge=1, lt=2**63, strict=True)]] = Field(
        min_length=1, max_length=MOST, description="Jobs; one that is named twice counts once."
    )
    reason: str = Field("", max_length=500, description="Why they are paused.")


def parse_bulk(data: Mapping[str, Any]) -> BulkRequest:
    """Return the request that ``data`` holds; InvalidError names each wrong field."""
    try:
        return BulkRequest.model_validate(dict(data))
    except ValidationError as error:
        raise invalid_from(error, BulkRequest) from None
