"""A window in which due times were missed, judged with the same words on every face."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jobs.domain.errors import InvalidError
from jobs.domain.said import said, told
from jobs.services.backfill_requests import Moment
from jobs.services.problems import invalid_from
from jobs.services.storable import check_storable
from jobs.services.wording import choice, refuse

WINDOW = timedelta(days=1)  # what is looked at where nobody names a window
BIGGEST = 2**62


class Each(StrEnum):
    """How many of a job's missed due times are run."""

    ALL = "all"
    LATEST = "latest"  # one run of each job, for its newest missed due time


class MissedRequest(BaseModel):
    """A window of the past over all jobs, and which of its missed due times to run."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: Annotated[
        Moment | None,
        Field(alias="from", description="First due time, inclusive; a day before `to` by default."),
    ] = None
    end: Annotated[
        Moment | None, Field(alias="to", description="Last due time, inclusive; now by default.")
    ] = None
    each: Annotated[Each, choice(Each)] = Each.ALL
    cursor: Annotated[
        int | None,
        Field(ge=0, le=BIGGEST, description="Go on after this job: `next_cursor` of the answer."),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse a window that ends before it begins."""
        if self.start is not None and self.end is not None and self.end < self.start:
            raise refuse(
                said(
                    "from {start} is later than to {end}. Swap the two.",
                    start=self.start.isoformat(),
                    end=self.end.isoformat(),
                )
            )
        return self

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """Return both ends; InvalidError for one that has not passed yet."""
        end = self.end or now
        start = self.start or end - WINDOW
        for name, moment in (("to", end), ("from", start)):
            if moment > now:
                sentence = said(
                    "{moment} has not passed yet. Use a moment up to {now}.",
                    moment=moment.isoformat(),
                    now=now.isoformat(),
                )
                raise InvalidError(told((f"{name}:", sentence)), fields={name: sentence})
        return start, end


def parse_missed(data: Mapping[str, Any]) -> MissedRequest:
    """Return the request that ``data`` holds; InvalidError names each wrong field and value."""
    check_storable(dict(data))
    try:
        return MissedRequest.model_validate(data)
    except ValidationError as error:
        raise invalid_from(error, MissedRequest) from error
