"""The verdicts of one job's period, as streams in the order of time, for the proof of its ledger."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from jobs.domain.ledger import OmissionRange
from jobs.domain.states import Event, JobState, OmissionReason
from jobs.models import AuditEntry, Job, Occurrence, Omission
from jobs.models.event import AFTER

CHUNK = 10_000  # rows held at a time

# The triggers stand in the text: with parameters neither database would use the partial index.
_SCHEDULED = (
    "SELECT due_at FROM jobs_execution WHERE job_id = %s AND due_at > %s AND due_at <= %s "
    "AND trigger IN ('schedule', 'misfire') ORDER BY due_at LIMIT %s"
)
_BY_EVENT = (
    "SELECT due_at FROM jobs_execution WHERE job_id = %s AND due_at > %s AND due_at <= %s "
    "AND NOT (trigger IN ('schedule', 'misfire')) AND trigger IN ('event', 'dependency') "
    "ORDER BY due_at LIMIT %s"
)
_STATE_CHANGES = ("job.pause", "job.resume", "job.auto_disable")
# How a host's first report of itself reads: nobody waits for that one.
_FIRST_START = "first start on "


def dispatched(
    job_id: int, after: datetime, until: datetime, decided_until: datetime, *, by_event: bool
) -> Iterator[datetime]:
    """Yield the due times of executions: of schedules up to ``decided_until``, of events to the end.

    The ends of other jobs count as events. Only where ``by_event`` says that there may be any: most
    jobs wait for the clock alone.
    """
    scheduled = _due_times(_SCHEDULED, job_id, after, min(until, decided_until))
    if not by_event:
        return scheduled
    return heapq.merge(scheduled, _due_times(_BY_EVENT, job_id, after, until))


def _due_times(statement: str, job_id: int, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield piece by piece: no transaction stays open, and no memory grows with the period."""
    low, high = _stored(after), _stored(until)
    if connection.vendor == "sqlite":
        # As text: the driver's own way from a column to a moment takes several times as long.
        statement = statement.replace("SELECT due_at", "SELECT due_at || ''", 1)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, [job_id, low, high, CHUNK])
            rows = cursor.fetchall()
        yield from _moments(rows)
        if len(rows) < CHUNK:
            return
        low = rows[-1][0]


def _moments(rows: list[tuple[Any, ...]]) -> Iterator[datetime]:
    """Return the moments of a statement; those of SQLite are text, in UTC."""
    if rows and isinstance(rows[0][0], str):
        return map(datetime.fromisoformat, [f"{row[0]}+00:00" for row in rows])
    return (row[0] for row in rows)


def _stored(moment: datetime) -> str | datetime:
    """Return a moment as the database keeps it."""
    stored = connection.ops.adapt_datetimefield_value(moment)
    return moment if stored is None else stored


def omitted(job_id: int, after: datetime, until: datetime) -> Iterator[OmissionRange]:
    """Yield the stretches that touch ``(after, until]``, by their first due times."""
    reaching = reaching_into(job_id, after)
    if reaching is not None:
        yield _range(reaching)
    rows = Omission.objects.filter(job=job_id, first_due_at__gt=after, first_due_at__lte=until)
    yield from map(_range, rows.order_by("first_due_at").iterator(chunk_size=CHUNK))


def reaching_into(job_id: int, after: datetime) -> Omission | None:
    """Return the stretch that began at or before ``after`` and ends later, if there is one.

    Stretches do not overlap, so it is the newest one: but for events, which happen beside them.
    """
    names = [*Event, f"{AFTER}{job_id}"]
    event = Occurrence.objects.filter(at=OuterRef("first_due_at"), event__in=names)
    newest = (
        Omission.objects.filter(job=job_id, first_due_at__lte=after)
        .exclude(Exists(event))
        .order_by("-first_due_at")
        .first()
    )
    return newest if newest is not None and newest.last_due_at > after else None


def _range(row: Omission) -> OmissionRange:
    return OmissionRange(
        first_due_at=row.first_due_at,
        last_due_at=row.last_due_at,
        count=row.count,
        reason=OmissionReason(row.reason),
        detail=row.detail,
    )


def starts_after_others(job_id: int, after: datetime, until: datetime) -> QuerySet[Occurrence]:
    """Return the moments of ``(after, until]`` at which all that the job waited for had come."""
    rows = Occurrence.objects.filter(event=f"{AFTER}{job_id}", at__gt=after, at__lte=until)
    return rows.order_by("at", "pk")


def heard_in(workspace_id: int | None) -> Q:
    """Return the condition for what a job hears of: jobs of a workspace only of their own.

    A job that stands alone hears of every workspace.
    """
    if workspace_id is None:
        return Q()
    return Q(workspace_number=None) | Q(workspace_number=workspace_id)


def events(
    names: set[str], after: datetime, until: datetime, *, workspace_id: int | None
) -> list[Occurrence]:
    """Return what happened in ``(after, until]`` of these events, in the order of time."""
    rows = Occurrence.objects.filter(
        heard_in(workspace_id), event__in=names, at__gt=after, at__lte=until
    )
    return list(
        rows.exclude(event=Event.REBOOT.value, detail__startswith=_FIRST_START).order_by("at", "pk")
    )


def served(occurrence: Occurrence, job_id: int) -> bool:
    """Say whether the dispatcher has given the job its verdict."""
    return occurrence.served_until is None or occurrence.served_until >= job_id


def created_active(job: Job) -> bool:
    """Say whether a job was made active: its first change of state was no resume."""
    first = state_changes(job).order_by("pk").values_list("action", flat=True).first()
    if first is None:
        return job.state == JobState.ACTIVE
    return first != "job.resume"


def state_changes(job: Job) -> QuerySet[AuditEntry]:
    """Return who paused, resumed or auto-disabled a job."""
    return AuditEntry.objects.filter(object_type="job", object_id=job.pk, action__in=_STATE_CHANGES)
