"""What a person asks a backfill for, judged with the same words on every face."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from jobs.domain.backfill import Basis
from jobs.domain.durations import parse_duration
from jobs.domain.said import said
from jobs.domain.states import BackfillChoice, BackfillOrder
from jobs.services.problems import invalid_from, named
from jobs.services.storable import check_storable
from jobs.services.wording import choice, refuse

MOST_PARALLEL = 100
LONGEST_PACE = 86_400  # a day: with a longer one, ten thousand due times take decades


def _utc(value: datetime) -> datetime:
    """Return the moment in UTC; one without an offset is taken as UTC."""
    try:
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise refuse(
            said("{value} is out of range. Use years 1970 to 9990.", value=value)
        ) from None
    if 1970 <= moment.year <= 9990:
        return moment
    raise refuse(said("{value} is out of range. Use years 1970 to 9990.", value=value))


def _seconds(value: object) -> object:
    """Turn ``"5m"`` into 300.0; leave the rest to the model."""
    if not isinstance(value, str):
        return value
    with named():
        return parse_duration(value).total_seconds()


Moment = Annotated[datetime, AfterValidator(_utc)]


class BackfillRequest(BaseModel):
    """A window of the past, which of its due times to run, and how."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: Annotated[Moment, Field(alias="from", description="First due time, inclusive.")]
    end: Annotated[
        Moment | None, Field(alias="to", description="Last due time, inclusive; now by default.")
    ] = None
    only: Annotated[BackfillChoice, choice(BackfillChoice)] = BackfillChoice.MISSED
    order: Annotated[BackfillOrder, choice(BackfillOrder)] = BackfillOrder.OLDEST_FIRST
    schedule: Annotated[
        Basis,
        choice(Basis),
        Field(
            description="Whose due times: `history`, the schedules of each time (before the job was "
            "created, the present ones), or `present`, the present schedules for the whole window."
        ),
    ] = Basis.HISTORY
    pace_seconds: Annotated[
        float,
        BeforeValidator(_seconds),
        Field(ge=0, le=LONGEST_PACE, allow_inf_nan=False, description="Least time between starts."),
    ] = 0
    max_parallel: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_PARALLEL,
            description="At most so many at a time; more than 1 needs the overlap policy `allow`.",
        ),
    ] = 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse a window that ends before it begins."""
        if self.end is not None and self.end < self.start:
            raise refuse(
                said(
                    "from {start} is later than to {end}. Swap the two.",
                    start=self.start.isoformat(),
                    end=self.end.isoformat(),
                )
            )
        return self


def parse_request(data: Mapping[str, Any]) -> BackfillRequest:
    """Return the request that ``data`` holds; InvalidError names each wrong field and value."""
    check_storable(dict(data))
    try:
        return BackfillRequest.model_validate(data)
    except ValidationError as error:
        raise invalid_from(error, BackfillRequest) from error
