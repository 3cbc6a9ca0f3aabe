"""Which jobs a job waits for: named, checked and written with its definition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from jobs.domain.dependencies import circle
from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.models import Dependency, Job
from jobs.services import audit, same_registration, sql
from jobs.services.stored_definitions import reference

if TYPE_CHECKING:
    from jobs.services.definitions import JobDefinition

FIELD = "depends_on"
_GRAPH_LOCK = 0x6A6F6267  # any number that no other lock has: "jobg"


def lock_for(job_id: int | None, changes: Mapping[str, Any]) -> None:
    """Let one edit of dependencies go at a time, and lock the jobs that it is about.

    Two edits that do not see each other could close a circle. Call it before any job is locked: the
    locks are taken in the order of the jobs' numbers, as everybody does who takes several.
    """
    if FIELD not in changes or connection.vendor != "postgresql":
        return  # SQLite has one writer
    names = [name.lower() for name in _names(changes[FIELD])]
    if job_id is None and not names:
        return
    sql.row("SELECT 1 FROM (SELECT pg_advisory_xact_lock(%s)) AS locked", [_GRAPH_LOCK])
    named = Job.objects.present().alias(lowered=Lower("name")).filter(lowered__in=names)
    _lock_all({*named.values_list("pk", flat=True), *_neighbours(job_id)})


def lock_with_neighbours(job_id: int) -> None:
    """Lock a job that is to be deleted, with those before and after it."""
    if connection.vendor == "postgresql":
        sql.row("SELECT 1 FROM (SELECT pg_advisory_xact_lock(%s)) AS locked", [_GRAPH_LOCK])
        _lock_all(_neighbours(job_id))


def lock_many(jobs: QuerySet[Job]) -> None:
    """Lock jobs that one transaction is to edit, all at once and in the order of single edits.

    Taken one by one they would be in the order of the edits, and with a lock of a job held: whoever
    takes turns first and that job then would wait for this transaction, and it for them.
    """
    if connection.vendor != "postgresql":
        return  # SQLite has one writer
    same_registration.take_turns()
    sql.row("SELECT 1 FROM (SELECT pg_advisory_xact_lock(%s)) AS locked", [_GRAPH_LOCK])
    ids = set(jobs.values_list("pk", flat=True))
    pairs = Dependency.objects.filter(Q(job__in=ids) | Q(upstream__in=ids))
    _lock_all({*ids, *(pk for pair in pairs.values_list("job", "upstream") for pk in pair)})


def asked_names(value: object) -> set[str]:
    """Return the names, in lower case, that a definition's dependencies may mean."""
    return {name.lower() for name in _names(value)}


def _names(value: object) -> list[str]:
    """Return the names in what may be anything yet."""
    entries = value if isinstance(value, (list, tuple)) else []
    found = [one.get("job") if isinstance(one, Mapping) else one for one in entries]
    return [one.rpartition("/")[2] for one in found if isinstance(one, str)]


def _neighbours(job_id: int | None) -> set[int]:
    if job_id is None:
        return set()
    rows = Dependency.objects.filter(Q(job=job_id) | Q(upstream=job_id))
    return {job_id, *(pk for pair in rows.values_list("job", "upstream") for pk in pair)}


def _lock_all(ids: Iterable[int]) -> None:
    list(Job.objects.select_for_update().filter(pk__in=set(ids)).order_by("pk").values_list("pk"))


def resolve(definition: JobDefinition, job_id: int | None = None) -> list[Job]:
    """Return the jobs that a definition waits for; each entry takes over the name as it is written.

    A bare name means a job of the same workspace, else one that stands alone. InvalidError for a
    name that no job has, for a job that is named twice, and for the job itself.
    """
    if not definition.depends_on:
        return []
    home = (definition.workspace or "").lower()
    names = [_split(one.job)[1] for one in definition.depends_on]
    rows = Job.objects.present().alias(lowered=Lower("name")).filter(lowered__in=names)
    found = {
        ((job.workspace.name.lower() if job.workspace else ""), job.name.lower()): job
        for job in rows.select_related("workspace")
    }
    named: dict[int, Job] = {}
    for entry in definition.depends_on:
        room, name = _split(entry.job)
        places = [home, ""] if room is None else [room]
        job = next((found[place, name] for place in places if (place, name) in found), None)
        if (room in (None, home) and name == definition.name.lower()) or (job and job.pk == job_id):
            raise _refused(said("{name} cannot wait for itself. Name other jobs.", name=entry.job))
        if job is None:
            raise unknown_job(entry.job)
        if job.pk in named:
            raise _refused(said("Job {name} is named twice. Keep one of them.", name=entry.job))
        named[job.pk] = job
        entry.job = reference(job, definition.workspace)
    pairs = sorted(
        zip(definition.depends_on, named.values(), strict=True),
        key=lambda pair: pair[0].job.lower(),
    )
    definition.depends_on = [entry for entry, _job in pairs]
    return [job for _entry, job in pairs]


def _split(text: str) -> tuple[str | None, str]:
    """Return the workspace of a reference, empty for none and None where it says nothing, and the name."""
    room, slash, name = text.lower().rpartition("/")
    return (room if slash else None), name


def unknown_job(name: str) -> InvalidError:
    """Return the refusal of a name that no job has, or none that may be seen."""
    return _refused(said("Job {name} does not exist. Name jobs that do.", name=name))


def attach(job: Job, definition: JobDefinition, now: datetime) -> None:
    """Write what a saved and locked job waits for; a wait that stays keeps what it has met.

    InvalidError when jobs would wait for each other in a circle.
    """
    upstreams = resolve(definition, job.pk)
    known = {row.upstream_id: row for row in Dependency.objects.filter(job=job)}
    if not upstreams and not known:
        return
    _refuse_circle(job, upstreams)
    outcomes = {
        one.pk: entry.on.value for one, entry in zip(upstreams, definition.depends_on, strict=True)
    }
    kept = {pk for pk, row in known.items() if outcomes.get(pk) == row.outcome}
    gone = known.keys() - kept
    Dependency.objects.filter(job=job, upstream__in=gone).delete()
    Dependency.objects.bulk_create(
        Dependency(job=job, upstream_id=pk, outcome=outcome, met_at=now)
        for pk, outcome in outcomes.items()
        if pk not in kept
    )
    Job.objects.filter(pk__in=outcomes, is_upstream=False).update(is_upstream=True)
    _unmark(gone - outcomes.keys())


def _refuse_circle(job: Job, upstreams: Sequence[Job]) -> None:
    if not job.is_upstream:
        return  # nobody waits for it, so no circle can close
    upstreams_of: dict[int, list[int]] = defaultdict(list)
    for below, above in Dependency.objects.exclude(job=job).values_list("job", "upstream"):
        upstreams_of[below].append(above)
    path = circle(upstreams_of, job.pk, [one.pk for one in upstreams])
    if path:
        names = {
            **dict(Job.objects.filter(pk__in=path).values_list("pk", "name")),
            job.pk: job.name,
        }
        way = " -> ".join(names[pk] for pk in path)
        raise _refused(
            said("The jobs would wait for each other: {way}. Take one of them out.", way=way)
        )


def detach(job: Job, *, actor: Actor) -> list[Job]:
    """Remove a deleted job from what others wait for, and what it waited for; return those others."""
    above = set(Dependency.objects.filter(job=job).values_list("upstream", flat=True))
    waited = list(Dependency.objects.filter(upstream=job).select_related("job").order_by("job_id"))
    Dependency.objects.filter(Q(job=job) | Q(upstream=job)).delete()
    _unmark(above)
    for row in waited:
        audit.record(
            actor,
            "job.update",
            object_type="job",
            object_id=row.job_id,
            object_name=row.job.name,
            before={FIELD: [{"job": job.name, "on": row.outcome}]},
            note=f"{job.name} was deleted",
        )
    return [row.job for row in waited]


def _unmark(upstreams: Iterable[int]) -> None:
    """Let endings of jobs that nobody waits for any more look no further."""
    rest = set(upstreams)
    waited = Dependency.objects.filter(upstream__in=rest).values_list("upstream", flat=True)
    Job.objects.filter(pk__in=rest - set(waited)).update(is_upstream=False)


def _refused(sentence: str) -> InvalidError:
    return InvalidError(sentence, fields={FIELD: sentence})
