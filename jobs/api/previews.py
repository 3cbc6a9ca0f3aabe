"""Say what schedules will do before they are saved, with the functions that dispatch uses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jobs.api.requests import Moment
from jobs.domain import schedule as rules
from jobs.domain.errors import InvalidError
from jobs.services.definitions import ScheduleDefinition
from jobs.services.problems import invalid_from

_HORIZON = timedelta(days=366 * 50)


class PreviewRequest(BaseModel):
    """Schedules as a job has them, and how far to look."""

    model_config = ConfigDict(extra="forbid")

    schedules: Annotated[list[dict[str, Any]], Field(max_length=50)]
    count: Annotated[int, Field(ge=1, le=100)] = 5
    start: Annotated[Moment | None, Field(alias="from")] = None


class SchedulePreview(BaseModel):
    """What one schedule means."""

    words: str = Field(description="Empty when the schedule is wrong.")
    items: list[datetime]
    errors: dict[str, str] = Field(description="By field.")


class Preview(BaseModel):
    """What all schedules together mean."""

    items: list[datetime] = Field(description="The next due times of the right schedules together.")
    schedules: list[SchedulePreview]
    errors: dict[str, str] = Field(description="By field, such as `schedules.0.expression`.")


_request = TypeAdapter(PreviewRequest)


def preview_of(data: Mapping[str, Any]) -> Preview:
    """Return words, next due times and errors; only a request that is none at all is refused."""
    try:
        asked = _request.validate_python(data)
    except ValidationError as error:
        raise invalid_from(error) from error
    start = asked.start or timezone.now().astimezone(UTC)
    parsed = [_parsed(one, start) for one in asked.schedules]
    right = [one for one in parsed if isinstance(one, rules.Schedule)]
    previews = [_preview(one, start, asked.count) for one in parsed]
    return Preview(
        items=_times(right, start, asked.count),
        schedules=previews,
        errors={
            f"schedules.{place}.{field}": text
            for place, one in enumerate(previews)
            for field, text in one.errors.items()
        },
    )


def _parsed(data: Mapping[str, Any], start: datetime) -> rules.Schedule | InvalidError:
    try:
        return ScheduleDefinition.model_validate(data).rule(anchor_at=start)
    except ValidationError as error:
        return invalid_from(error)


def _preview(one: rules.Schedule | InvalidError, start: datetime, count: int) -> SchedulePreview:
    if isinstance(one, InvalidError):
        return SchedulePreview(words="", items=[], errors=one.fields)
    return SchedulePreview(words=rules.describe(one), items=_times([one], start, count), errors={})


def _times(chosen: list[rules.Schedule], start: datetime, count: int) -> list[datetime]:
    return list(rules.due_between(chosen, start, start + _HORIZON, count))
