"""Create, update, pause, resume and delete jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from jobs import wake
from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor, Permission, require_somewhere
from jobs.domain.said import said
from jobs.domain.states import Anchor, JobState, Overlap, ScheduleKind
from jobs.models import Job, JobTag, JobVersion, Schedule
from jobs.queries.calendars import calendars_named
from jobs.services import (
    access,
    audit,
    breakers,
    cancelling,
    dependency_edits,
    events,
    feeding,
    journal,
    judging,
    provenance,
    revisions,
    same_registration,
    signals,
    stale,
)
from jobs.services.definitions import JobDefinition
from jobs.services.dispatch import settle_until
from jobs.services.firing import refresh_next_fire, rules_of
from jobs.services.releasing import release
from jobs.services.stored_definitions import definition_of
from jobs.services.versions import facts_of
from jobs.services.writing import write_transaction

_STATE_FIELDS = ["state", "state_changed_at", "state_changed_by", "state_reason"]
_WHERE_IT_FIRES = (
    "kind",
    "expression",
    "day_match",
    "seconds_position",
    "gap",
    "fold",
    "seconds",
    "anchor",
    "at",
    "event",
    "timezone",
)
_TIME_FIELDS = ["next_fire_at", "decided_until", "execution_count", "open_omission"]


def create(definition: JobDefinition, *, actor: Actor, paused: bool = False) -> Job:
    """Create a job; its schedules count from now."""
    require_somewhere(actor, Permission.EDIT)
    now = timezone.now()
    job = Job(created_at=now, created_by=actor.name, decided_until=now, version=1)
    if paused:
        _mark(job, JobState.PAUSED, actor, now, "created paused")
    with write_transaction():
        same_registration.check(definition.type, definition.spec)
        dependency_edits.lock_for(None, definition.model_dump())
        job.workspace = judging.place(definition, actor, job)
        take_over(job, definition, now)
        breakers.attach(job, definition.breaker, actor=actor, now=now)
        _save(job, force_insert=True)
        _replace_schedules(job, definition, now)
        stored = _finish_edit(job, definition, actor, now)
        if definition.run_on_create and not paused:
            events.first_run(job, actor=actor, now=now)
        audit.record(
            actor,
            "job.create",
            object_type="job",
            object_id=job.pk,
            object_name=job.name,
            after=stored,
        )
        journal.made(job)
    return job


def check_new(definition: JobDefinition, *, actor: Actor) -> None:
    """Raise what `create` would raise now; names become as they are stored, nothing is saved."""
    require_somewhere(actor, Permission.EDIT)
    judging.place(definition, actor, Job())
    same_registration.check(definition.type, definition.spec)


def update(
    job_id: int,
    changes: Mapping[str, Any],
    *,
    actor: Actor,
    expected_version: int | None = None,
    note: str = "",
) -> Job:
    """Change the named fields of a job; each due time uses exactly one version.

    Due times up to this moment get their verdict from the version before. StaleError when
    somebody else saved after ``expected_version``. ``note`` goes into the audit log.
    """
    require_somewhere(actor, Permission.EDIT)
    now = timezone.now()
    with write_transaction():
        if "spec" in changes or "type" in changes:
            same_registration.take_turns()
        dependency_edits.lock_for(job_id, changes)
        job = locked(job_id)
        access.require_on(actor, Permission.EDIT, job)
        if expected_version is not None and expected_version != job.version:
            raise stale.refusal(job, expected_version, changes)
        before = definition_of(job)
        definition = judging.parse_with(
            _merged(before, changes), actor=actor, job=job, before=before
        )
        room = judging.place(definition, actor, job, before)
        after = definition.model_dump(mode="json")
        if after == before:
            return job
        if (after["type"], after["spec"]) != (before["type"], before["spec"]):
            same_registration.check(definition.type, after["spec"], apart_from=job_id)
        events.settle(job, now)
        settle_until(job, now, for_good=True)
        job.refresh_from_db()  # what waited may have ended for a newer due time, and counts
        job.workspace = room
        take_over(job, definition, now)
        breaker_before = job.breaker_id
        breakers.attach(job, definition.breaker, actor=actor, now=now)
        job.version += 1
        job.decided_until = max(job.decided_until, now)
        if after["schedules"] != before["schedules"]:
            _replace_schedules(job, definition, now)
            # What it covers follows from the schedules of its time: later ones begin another.
            job.open_omission = None
        if definition.overlap == Overlap.ALLOW and before["overlap"] != Overlap.ALLOW:
            # Several may run now: nothing waits behind another any more.
            release(job.pk, Overlap.ALLOW.value, now)
        _finish_edit(job, definition, actor, now)
        signals.note_change(job.pk, before, after, at=now)
        if job.breaker_id != breaker_before:
            breakers.drop_unused(breaker_before)
        audit.record(
            actor,
            "job.update",
            object_type="job",
            object_id=job.pk,
            object_name=job.name,
            before={k: v for k, v in before.items() if after[k] != v},
            after={k: v for k, v in after.items() if before[k] != v},
            note=note,
        )
    return job


def pause(job_id: int, *, actor: Actor, reason: str = "") -> Job:
    """Stop a job's schedules; what is queued by them and not yet started is skipped.

    A running execution goes on. Pausing a paused job changes nothing.
    """
    require_somewhere(actor, Permission.PAUSE)
    now = timezone.now()
    with write_transaction():
        job = locked(job_id)
        access.require_on(actor, Permission.PAUSE, job)
        if job.state == JobState.PAUSED:
            return job
        if job.state == JobState.AUTO_DISABLED:
            settle_until(job, now)
        _mark(job, JobState.PAUSED, actor, now, reason)
        job.next_fire_at = None
        job.save(update_fields=[*_STATE_FIELDS, *_TIME_FIELDS])
        cancelling.skip_waiting(job, f"Paused by {actor.name} before it started.")
        _announce(job, actor, "job.pause", reason)
    job.refresh_from_db()
    return job


def resume(job_id: int, *, actor: Actor) -> Job:
    """Let a paused or auto-disabled job's schedules fire again, from now on.

    The due times of the stop become one omission each stretch; nothing is caught up.
    """
    require_somewhere(actor, Permission.PAUSE)
    now = timezone.now()
    with write_transaction():
        job = locked(job_id)
        access.require_on(actor, Permission.PAUSE, job)
        if job.state == JobState.ACTIVE:
            return job
        settle_until(job, now, for_good=True)
        _mark(job, JobState.ACTIVE, actor, now, "")
        job.decided_until = max(job.decided_until, now)
        refresh_next_fire(job, rules_of(job.schedules.all()))
        job.save(update_fields=[*_STATE_FIELDS, *_TIME_FIELDS])
        _announce(job, actor, "job.resume", "")
    return job


def delete(job_id: int, *, actor: Actor) -> Job:
    """Delete a job: end what runs, free its name, keep its history readable."""
    require_somewhere(actor, Permission.DELETE)
    now = timezone.now()
    with write_transaction():
        dependency_edits.lock_with_neighbours(job_id)
        job = locked(job_id)
        access.require_on(actor, Permission.DELETE, job)
        events.settle(job, now)
        settle_until(job, now, for_good=True)
        feeding.end_of_job(job, by=actor.name, now=now)
        cancelling.cancel_live(job, by=actor.name, now=now)
        job.refresh_from_db()
        job.variables.all().delete()  # its secrets go with it
        job.deleted_at = now
        job.next_fire_at = None
        job.save(update_fields=["deleted_at", "next_fire_at"])
        audit.record(
            actor,
            "job.delete",
            object_type="job",
            object_id=job.pk,
            object_name=job.name,
            before=definition_of(job),
            note=journal.stopped(job),
        )
        breakers.detach(job)
        dependency_edits.detach(job, actor=actor)
        revisions.bump("jobs")
        wake.poke("cancel")
    return job


def locked(job_id: int) -> Job:
    """Return the present job with its row locked; UnknownError when there is none."""
    job = Job.objects.present().select_for_update(of=("self",)).filter(pk=job_id).first()
    if job is None:
        raise UnknownError(said("Job {number} does not exist.", number=job_id))
    return job


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay ``changes`` over a definition; retry settings may be named one by one."""
    merged = {**before, **changes}
    if isinstance(changes.get("retry"), Mapping):
        merged["retry"] = {**before["retry"], **changes["retry"]}
    return merged


def take_over(job: Job, definition: JobDefinition, now: datetime) -> None:
    """Set the job's own columns from the definition; schedules and tags are rows of their own."""
    apart = {"schedules", "tags", "retry", "breaker", "calendars", "depends_on", "workspace"}
    values = definition.model_dump(mode="json", exclude=apart)
    for name, value in values.items():
        setattr(job, name, value)
    for name, value in definition.retry.model_dump(mode="json").items():
        setattr(job, f"retry_{name}", value)
    job.updated_at = now
    job.counts_from_end = any(
        schedule.rule(anchor_at=now).counts_from_end for schedule in definition.schedules
    )


def _save(job: Job, *, force_insert: bool = False) -> None:
    try:
        with write_transaction():
            job.save(force_insert=force_insert)
    except IntegrityError as error:  # another request took the name at the same moment
        raise judging.name_taken(job.name, job.workspace) from error


def _replace_schedules(job: Job, definition: JobDefinition, now: datetime) -> None:
    """Write the definition's schedules; one that stays the same keeps its grid and its count."""
    known = list(job.schedules.order_by("position"))
    job.schedules.all().delete()
    rows = schedule_rows(job, definition)
    pairs = _matched(rows, known)
    for row in rows:
        before = pairs.get(row.position)
        row.anchor_at = origin_of(row, known, now) if before is None else before.anchor_at
        if before is not None and row.max_executions is not None:
            row.fired_count = before.fired_count
            used_up = row.fired_count >= row.max_executions
            row.exhausted_at = (before.exhausted_at or now) if used_up else None
    Schedule.objects.bulk_create(rows)


def origin_of(row: Schedule, left: Iterable[Schedule], now: datetime) -> datetime | None:
    """Return where a new schedule's grid begins, in place of those ``left``.

    A changed interval that counts from the end of a run goes on counting from that end.
    """
    changed = (one.anchor_at for one in left if _counts_from_end(one))
    return next(changed, now) if _counts_from_end(row) else now


def _counts_from_end(row: Schedule) -> bool:
    return (row.kind, row.anchor) == (ScheduleKind.INTERVAL, Anchor.COMPLETION)


def _matched(rows: list[Schedule], known: list[Schedule]) -> dict[int, Schedule]:
    """Return, by position, the row that each new one goes on from; each serves once.

    Those of the same period find each other first: two that differ in nothing else have counts of
    their own.
    """
    pairs: dict[int, Schedule] = {}
    for exactly in (True, False):
        for row in rows:
            if row.position in pairs:
                continue
            found = next((one for one in known if _goes_on(one, row, exactly=exactly)), None)
            if found is not None:
                pairs[row.position] = found
                known.remove(found)
    return pairs


def _goes_on(before: Schedule, row: Schedule, *, exactly: bool) -> bool:
    same_period = (before.starts_at, before.ends_at) == (row.starts_at, row.ends_at)
    return rule_key(before) == rule_key(row) and (same_period or not exactly)


def schedule_rows(job: Job, definition: JobDefinition) -> list[Schedule]:
    """Return the definition's schedules as unsaved rows, without the origin of their grid."""
    return [
        Schedule(
            job=job,
            position=position,
            **{name: _plain(value) for name, value in schedule.model_dump().items()},
        )
        for position, schedule in enumerate(definition.schedules)
    ]


def rule_key(row: Schedule) -> tuple[object, ...]:
    """Return what makes two schedules the same: where they fire, not from when to when."""
    return tuple(getattr(row, name) for name in _WHERE_IT_FIRES)


def _plain(value: object) -> object:
    return value.value if hasattr(value, "value") else value


def _finish_edit(
    job: Job, definition: JobDefinition, actor: Actor, now: datetime
) -> dict[str, Any]:
    """Set tags and the next fire time, tell everybody who waits; return the version's snapshot."""
    if definition.tags != job.tags:
        job.tag_rows.all().delete()
        JobTag.objects.bulk_create([JobTag(job=job, tag=tag) for tag in definition.tags])
    calendars = calendars_named(definition.calendars)
    job.uses_calendars = bool(calendars)
    job.calendars.set(calendars)
    dependency_edits.attach(job, definition, now)
    rows = list(job.schedules.order_by("position"))
    refresh_next_fire(job, rules_of(rows))
    _save(job)
    stored = definition_of(job)
    JobVersion.objects.create(
        job=job,
        version=job.version,
        definition=stored,
        schedule_facts=facts_of(rows),
        created_at=now,
        created_by=actor.name[:200],
        commit=provenance.commit_now(),
    )
    revisions.bump("jobs")
    wake.poke("jobs")
    return stored


def _mark(job: Job, state: JobState, actor: Actor, now: datetime, reason: str) -> None:
    job.state = state.value
    job.state_changed_at = now
    job.state_changed_by = actor.name[:200]
    job.state_reason = reason[:500]


def _announce(job: Job, actor: Actor, action: str, reason: str) -> None:
    audit.record(
        actor, action, object_type="job", object_id=job.pk, object_name=job.name, note=reason
    )
    revisions.bump("jobs")
    wake.poke("jobs")
