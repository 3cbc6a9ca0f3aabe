"""A city will do for a time zone wherever one is given; what is stored is its IANA name."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.domain.errors import InvalidError
from jobs.services.calendars import parse_calendar
from jobs.services.channels import Quiet
from jobs.services.check_ins import CheckInDefinition
from jobs.services.definitions import ScheduleDefinition, parse_definition
from jobs.services.operation_requests import Operations
from jobs.services.preferences import PreferenceRequest
from jobs.services.problems import parsed
from jobs.web.draft_schedules import new_schedule, schedule_data


def _stored(zone: str) -> list[str | None]:
    """Return what each face keeps of one typed zone."""
    cron = {"kind": "cron", "expression": "0 9 * * 1-5", "timezone": zone}
    job = parse_definition(
        {"name": "a", "type": "command", "spec": {"command": "true"}, "schedules": [cron]}
    )
    quiet: dict[str, Any] = {"from": "22:00", "to": "06:00", "timezone": zone}
    return [
        job.schedules[0].timezone,
        parse_calendar({"name": "c", "timezone": zone}).timezone,
        parsed(CheckInDefinition, {"name": "n", "period_seconds": 60, "timezone": zone}).timezone,
        parsed(Quiet, quiet).timezone,
        parsed(PreferenceRequest, {"time_zone": zone}).time_zone,
        parsed(Operations, {"timezone": zone}).timezone,
    ]


@pytest.mark.parametrize("typed", ["Paris", "europe/paris", "Europe/Paris"])
def test_every_face_keeps_the_zone_that_is_meant(typed: str) -> None:
    assert set(_stored(typed)) == {"Europe/Paris"}


@pytest.mark.parametrize(
    "model", [ScheduleDefinition, CheckInDefinition, Quiet, PreferenceRequest, Operations]
)
def test_an_ambiguous_name_is_refused_with_the_zones_it_may_be(model: Any) -> None:
    fields: dict[Any, dict[str, Any]] = {
        ScheduleDefinition: {"kind": "cron", "expression": "* * * * *", "timezone": "pacific"},
        CheckInDefinition: {"name": "n", "period_seconds": 60, "timezone": "pacific"},
        Quiet: {"from": "22:00", "to": "06:00", "timezone": "pacific"},
        PreferenceRequest: {"time_zone": "pacific"},
        Operations: {"timezone": "pacific"},
    }

    with pytest.raises(InvalidError, match="Canada/Pacific, US/Pacific") as caught:
        parsed(model, fields[model])

    assert any(name.endswith(("timezone", "time_zone")) for name in caught.value.fields or {})


def test_a_moment_of_the_form_is_in_the_zone_that_is_meant() -> None:
    row = {**new_schedule("paris"), "kind": "once", "at": "2030-07-01T09:00"}

    assert schedule_data(row)["at"] == "2030-07-01T07:00:00+00:00"
