"""Schedules before they are saved: read as on saving, and compared with those of the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from pydantic import ValidationError

from jobs.domain.errors import InvalidError
from jobs.domain.forecast import FireDiff, changed_fires
from jobs.domain.planned import Planned, planned
from jobs.domain.schedule import Schedule
from jobs.models import Job
from jobs.models import Schedule as ScheduleRow
from jobs.services.definitions import ScheduleDefinition
from jobs.services.firing import rule_of
from jobs.services.jobs import rule_key
from jobs.services.problems import invalid_from

DIFF_DAYS = 30
# Executions that a limit leaves, walked to find the last one; a larger limit ends nothing soon.
_MOST_LEFT = 50_000
Stored = Mapping[tuple[object, ...], ScheduleRow]


def stored_of(job: Job | None) -> Stored:
    """Return a job's schedules by what makes them the same: an unchanged one keeps its grid."""
    return {rule_key(row): row for row in job.schedules.all()} if job else {}


def drafted(
    data: Mapping[str, Any], *, now: datetime, stored: Stored, usual: timedelta = timedelta()
) -> Schedule | InvalidError:
    """Return the rule of one schedule as it would be saved now, or what is wrong with it."""
    try:
        parsed = ScheduleDefinition.model_validate(data)
    except ValidationError as error:
        return invalid_from(error)
    row = ScheduleRow(anchor_at=now, **parsed.model_dump())
    before = stored.get(rule_key(row))
    if before is not None:
        row.anchor_at, row.fired_count = before.anchor_at, before.fired_count
    return _limited(row, now, usual)


def _limited(row: ScheduleRow, now: datetime, usual: timedelta) -> Schedule:
    """Return the row's rule, ended after the last execution that it may still make."""
    row.exhausted_at = None
    rule = rule_of(row)
    if row.max_executions is None:
        return rule
    left = row.max_executions - row.fired_count
    if left <= 0:
        return replace(rule, starts_at=None, ends_at=now)
    if left > _MOST_LEFT:
        return rule
    runs = planned([rule], now=now, limit=left, usual=usual)
    end = runs[-1].at + timedelta(microseconds=1) if len(runs) == left else rule.ends_at
    return replace(rule, ends_at=end)


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
        usual=usual_of(job),
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
        usual=usual_of(job),
    )


def stored_rules(job: Job, *, now: datetime) -> list[Schedule]:
    """Return the schedules that the job has now."""
    return [_limited(row, now, usual_of(job)) for row in job.schedules.all()]


def usual_of(job: Job | None) -> timedelta:
    """Return how long a run takes, as far as the last one tells."""
    return timedelta(seconds=(job.last_duration_seconds or 0) if job else 0)
