"""What will happen, told beforehand: of a job as it is, and of one as it would be saved now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from pydantic import ValidationError

from jobs.domain.errors import InvalidError
from jobs.domain.forecast import FireDiff, changed_fires, expected
from jobs.domain.holds import Outside
from jobs.domain.instants import SECOND, to_instant, to_moment
from jobs.domain.planned import Plan, counted_in, end_of
from jobs.domain.schedule import Schedule
from jobs.models import Calendar, Job
from jobs.models import Schedule as ScheduleRow
from jobs.queries.calendars import calendars_named
from jobs.queries.crowding import Crowd, most_crowded
from jobs.queries.planning import HeldBack, left_of, look_ahead, telling, usual_length
from jobs.services.definitions import ScheduleDefinition
from jobs.services.firing import rule_of
from jobs.services.jobs import origin_of, rule_key
from jobs.services.problems import invalid_from

DIFF_DAYS = 30
LOAD_DAYS = 7
Stored = Mapping[tuple[object, ...], ScheduleRow]


@dataclass(frozen=True, slots=True)
class Entry:
    """The rule of one schedule, and how many executions it may still make; None for any number."""

    rule: Schedule
    left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """All that decides when a job runs; ``usual``: how long it takes, zero when nobody knows."""

    entries: Sequence[Entry]
    held_back: HeldBack
    last_finished_at: datetime | None = None
    usual: timedelta = timedelta()

    @property
    def rules(self) -> list[Schedule]:
        """Return the rules in order."""
        return [entry.rule for entry in self.entries]

    @property
    def zone(self) -> str:
        """Return the zone in which the times are told: that of the first schedule."""
        return next((rule.timezone for rule in self.rules), settings.TIME_ZONE)

    def ended(self, now: datetime, until: datetime) -> list[Schedule]:
        """Return the rules, each ended after the last execution that it may still make."""
        if all(entry.left is None for entry in self.entries):
            return self.rules
        holds = self.held_back.between(now, until)
        found = []
        for rule, left in ((entry.rule, entry.left) for entry in self.entries):
            times = expected(rule, now, self.last_finished_at, self.usual)
            end = end_of(times, left, to_instant(now), holds)
            found.append(rule if end is None else _ended(rule, to_moment(end)))
        return found


def _ended(rule: Schedule, end: datetime) -> Schedule:
    """Return the rule with an earlier end; one that ends before it starts names nothing."""
    started = rule.starts_at is not None and rule.starts_at < end
    ends_at = end if rule.ends_at is None else min(end, rule.ends_at)
    return replace(rule, starts_at=rule.starts_at if started else None, ends_at=ends_at)


def stored_of(job: Job | None) -> Stored:
    """Return a job's schedules by what makes them the same: an unchanged one keeps its grid."""
    return {rule_key(row): row for row in job.schedules.all()} if job else {}


def drafted(data: Mapping[str, Any], *, now: datetime, stored: Stored) -> Entry | InvalidError:
    """Return one schedule as it would be saved now, or what is wrong with it."""
    try:
        parsed = ScheduleDefinition.model_validate(data)
    except ValidationError as error:
        return invalid_from(error, ScheduleDefinition)
    row = ScheduleRow(anchor_at=now, **parsed.model_dump())
    before = stored.get(rule_key(row))
    if before is not None:
        row.anchor_at, row.fired_count = before.anchor_at, before.fired_count
    else:
        row.anchor_at = origin_of(row, stored.values(), now)
    return Entry(rule_of(row), left_of(row))


def known_calendars(names: Iterable[str]) -> tuple[list[Calendar], InvalidError | None]:
    """Return the calendars that a draft names, and what is wrong with a name among them."""
    wanted = list(names)
    try:
        return calendars_named(wanted), None
    except InvalidError as error:
        lowered = {name.lower() for name in wanted}
        return [one for one in Calendar.objects.all() if one.name.lower() in lowered], error


def timetable_of(entries: Sequence[Entry], held_back: HeldBack, *, job: Job | None) -> Timetable:
    """Return schedules with what ``job`` knows: when it ended last, and how long it takes."""
    return Timetable(
        entries=entries,
        held_back=held_back,
        last_finished_at=job.last_finished_at if job else None,
        usual=usual_of(job),
    )


def stored_timetable(job: Job) -> Timetable:
    """Return what decides when the job runs now."""
    entries = [Entry(rule_of(row), left_of(row)) for row in job.schedules.all()]
    return timetable_of(entries, HeldBack.of_job(job), job=job)


def ahead(table: Timetable, *, now: datetime, count: int, first: datetime | None = None) -> Plan:
    """Return the next ``count`` runs, and what is held back before them."""
    return look_ahead(
        table.rules,
        now=now,
        count=count,
        held_back=table.held_back,
        left=[entry.left for entry in table.entries],
        last_finished_at=table.last_finished_at,
        usual=table.usual,
        first=first,
    )


def next_runs(job: Job, *, now: datetime, count: int) -> Plan:
    """Return what the dispatcher will look at next after ``now``, and what follows it."""
    if job.next_fire_at is None:
        return Plan()
    first = job.next_fire_at if job.next_fire_at >= now else None
    return ahead(stored_timetable(job), now=now, count=count, first=first)


def edit_diff(before: Timetable, after: Timetable, *, now: datetime) -> FireDiff:
    """Compare the due times of the next 30 days, without what is held back on either side."""
    until = now + timedelta(days=DIFF_DAYS)
    return changed_fires(
        before.ended(now, until),
        after.ended(now, until),
        now,
        until,
        zone_name=(after if after.entries else before).zone,
        last_finished_at=after.last_finished_at,
        usual=after.usual,
        holds=(before.held_back.between(now, until), after.held_back.between(now, until)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a timetable asks of the machine; ``runs`` of the next week, None for too many to count.

    ``seconds`` is the median of the last ``measured`` runs, or how long the last one took; None
    when no run has told it yet. ``crowd`` is the fullest minute of its next runs.
    """

    runs: int | None
    seconds: float | None
    measured: int
    crowd: Crowd | None


def load_of(table: Timetable, plan: Plan, *, job: Job | None, now: datetime) -> Load:
    """Return how often a job will run, how long it takes, and who is due with it."""
    until = now + timedelta(days=LOAD_DAYS)
    rules = table.ended(now, until)
    sets = [expected(rule, now, table.last_finished_at, table.usual) for rule in rules]
    holds = table.held_back.between(now, until)
    free = [Outside(times, tuple(holds)) for times in sets] if holds else sets
    length = usual_length(job) if job else None
    return Load(
        runs=counted_in(free, to_instant(now), to_instant(until)),
        seconds=None if length is None else length / SECOND,
        measured=len(telling(job)) if job else 0,
        crowd=most_crowded([run.at for run in plan.runs], but=job.pk if job else None),
    )


def usual_of(job: Job | None) -> timedelta:
    """Return how long a run usually takes; zero as long as none has told it."""
    return timedelta(microseconds=(usual_length(job) or 0) if job else 0)
