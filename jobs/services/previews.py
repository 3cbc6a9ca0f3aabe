"""Schedules before they are saved: read as on saving, and compared with those of the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from pydantic import ValidationError

from jobs.domain.errors import InvalidError
from jobs.domain.forecast import FireDiff, changed_fires
from jobs.domain.planned import Planned, planned
from jobs.domain.schedule import Schedule
from jobs.models import Job
from jobs.services.definitions import ScheduleDefinition
from jobs.services.firing import rules_of
from jobs.services.problems import invalid_from

DIFF_DAYS = 30
Origins = Mapping[tuple[object, ...], datetime | None]


def origins_of(job: Job | None) -> Origins:
    """Return where the grids of a job's intervals begin: one that stays as it was keeps its own."""
    rows = job.schedules.all() if job else ()
    return {(row.kind, row.seconds, row.anchor, row.timezone): row.anchor_at for row in rows}


def drafted(data: Mapping[str, Any], *, now: datetime, origins: Origins) -> Schedule | InvalidError:
    """Return the rule of one schedule as it would be saved now, or what is wrong with it."""
    try:
        parsed = ScheduleDefinition.model_validate(data)
    except ValidationError as error:
        return invalid_from(error)
    key = (parsed.kind, parsed.seconds, parsed.anchor, parsed.timezone)
    return parsed.rule(anchor_at=origins.get(key, now))


def zone_of(rules: Sequence[Schedule]) -> str:
    """Return the zone in which a job's times are told: that of its first schedule."""
    return next((rule.timezone for rule in rules), settings.TIME_ZONE)


def runs_to_come(
    rules: Sequence[Schedule], *, job: Job | None, now: datetime, count: int
) -> list[Planned]:
    """Return the next ``count`` runs; ``job`` knows when it ended last and how long it takes."""
    return planned(
        rules,
        now=now,
        limit=count,
        last_finished_at=job.last_finished_at if job else None,
        usual=_usual(job),
    )


def edit_diff(
    before: Sequence[Schedule], after: Sequence[Schedule], *, job: Job | None, now: datetime
) -> FireDiff:
    """Compare the due times of the next 30 days."""
    return changed_fires(
        before,
        after,
        now,
        now + timedelta(days=DIFF_DAYS),
        zone_name=zone_of([*after, *before]),
        last_finished_at=job.last_finished_at if job else None,
        usual=_usual(job),
    )


def stored_rules(job: Job) -> list[Schedule]:
    """Return the schedules that the job has now."""
    return rules_of(job.schedules.all())


def _usual(job: Job | None) -> timedelta:
    return timedelta(seconds=(job.last_duration_seconds or 0) if job else 0)
