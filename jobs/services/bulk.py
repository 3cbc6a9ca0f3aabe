"""Create many jobs at once: the same definitions, checks and rows as one by one, few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Value
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone

from jobs import wake
from jobs.domain.permissions import Actor, Permission, require_everywhere
from jobs.models import AuditEntry, Job, JobTag, JobVersion, Schedule
from jobs.queries.calendars import calendars_named
from jobs.services import breakers, dependency_edits, journal, provenance, revisions, workspaces
from jobs.services.definitions import JobDefinition
from jobs.services.firing import refresh_next_fire, rules_of
from jobs.services.jobs import schedule_rows, take_over
from jobs.services.judging import name_taken
from jobs.services.versions import Facts, facts_of
from jobs.services.writing import write_transaction

BATCH = 500  # jobs of one transaction: other writers wait some tenths of a second at most


def create_many(
    definitions: Sequence[JobDefinition],
    *,
    actor: Actor,
    anchors: Sequence[datetime] | None = None,
    created_at: datetime | None = None,
) -> list[Job]:
    """Create a job for each definition, in order; DuplicateError before anything is written.

    ``anchors`` holds the origin of each job's interval grids, by default now. ``created_at``
    backdates the jobs, for demonstrations with a history; due times before now count as decided
    all the same.
    """
    require_everywhere(actor, Permission.EDIT)
    _check_names(definitions)
    now = timezone.now()
    made: list[Job] = []
    for start in range(0, len(definitions), BATCH):
        batch = definitions[start : start + BATCH]
        with write_transaction():
            named = [asked.job for one in batch for asked in one.depends_on]
            dependency_edits.lock_for(None, {dependency_edits.FIELD: named})
            jobs = [_job(one, actor, created_at or now, now) for one in batch]
            origins = [now] * len(batch) if anchors is None else anchors[start : start + BATCH]
            _write(jobs, batch, actor, origins)
        made += jobs
    return made


def _check_names(definitions: Sequence[JobDefinition]) -> None:
    """Refuse the first name that is used twice in a workspace, here or in the database."""
    present = Job.objects.present().annotate(
        room=Lower(Coalesce("workspace__name", Value(""))), lowered=Lower("name")
    )
    taken = set(present.values_list("room", "lowered"))
    for one in definitions:
        key = ((one.workspace or "").lower(), one.name.lower())
        if key in taken:
            raise name_taken(one.name)
        taken.add(key)


def _job(definition: JobDefinition, actor: Actor, created_at: datetime, now: datetime) -> Job:
    job = Job(created_at=created_at, created_by=actor.name[:200], decided_until=now, version=1)
    job.workspace = workspaces.resolve(definition, actor)
    breakers.resolve(definition)
    take_over(job, definition, now)
    breakers.attach(job, definition.breaker, actor=actor, now=now)
    return job


def _write(
    jobs: list[Job],
    definitions: Sequence[JobDefinition],
    actor: Actor,
    origins: Sequence[datetime],
) -> None:
    schedules: list[Schedule] = []
    for job, definition, anchor_at in zip(jobs, definitions, origins, strict=True):
        rows = schedule_rows(job, definition)
        for row in rows:
            row.anchor_at = anchor_at
        refresh_next_fire(job, rules_of(rows))
        schedules += rows
    named = [calendars_named(one.calendars) for one in definitions]
    for job, calendars in zip(jobs, named, strict=True):
        job.uses_calendars = bool(calendars)
    Job.objects.bulk_create(jobs)
    Job.calendars.through.objects.bulk_create(
        Job.calendars.through(job=job, calendar=calendar)
        for job, calendars in zip(jobs, named, strict=True)
        for calendar in calendars
    )
    Schedule.objects.bulk_create(schedules)
    JobTag.objects.bulk_create(
        JobTag(job=job, tag=tag)
        for job, definition in zip(jobs, definitions, strict=True)
        for tag in definition.tags
    )
    asked = [asked.job for one in definitions for asked in one.depends_on]
    waited = {one.lower().rpartition("/")[2] for one in asked}
    for job, definition in zip(jobs, definitions, strict=True):
        if definition.depends_on:
            job.is_upstream = job.name.lower() in waited  # then a circle is looked for
            dependency_edits.attach(job, definition, timezone.now())
    snapshots = [definition.model_dump(mode="json") for definition in definitions]
    pairs = list(zip(jobs, snapshots, strict=True))
    facts: dict[int, list[Schedule]] = defaultdict(list)
    for row in schedules:
        facts[row.job_id].append(row)
    JobVersion.objects.bulk_create(
        _first_version(job, one, facts_of(facts[job.pk])) for job, one in pairs
    )
    AuditEntry.objects.bulk_create(_entry(job, one, actor) for job, one in pairs)
    revisions.bump("jobs")
    wake.poke("jobs")
    for job in jobs:
        journal.made(job)


def _first_version(job: Job, snapshot: dict[str, Any], facts: Facts) -> JobVersion:
    return JobVersion(
        job=job,
        version=1,
        definition=snapshot,
        schedule_facts=facts,
        created_at=job.created_at,
        created_by=job.created_by,
        commit=provenance.commit_now(),
    )


def _entry(job: Job, snapshot: dict[str, Any], actor: Actor) -> AuditEntry:
    return AuditEntry(
        at=job.created_at,
        actor=job.created_by,
        action="job.create",
        object_type="job",
        object_id=job.pk,
        object_name=job.name,
        address=actor.address[:64],
        after=snapshot,
        note=provenance.noted("created with others at once"),
    )
