"""Retention: remove executions that are older than anybody asks for, with their logs and files.

What remains still adds up. A job keeps its newest executions whatever their age; its counters go on
counting what is gone, `Job.pruned` says how much of each state that is, and `Job.history_from` up to
when the ledger's proof has nothing to prove. Each batch is a transaction of its own, so a removal
that is killed half-way has simply done less.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone

from jobs import conf
from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.said import said
from jobs.domain.states import TERMINAL, BackfillState
from jobs.models import Dependency, Execution, Job, JobStat, Occurrence, Omission
from jobs.models.event import AFTER
from jobs.models.execution import UNASKED_TRIGGERS
from jobs.services import artifacts, audit, revisions
from jobs.services.rollups import hour_of
from jobs.services.writing import write_transaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import QuerySet

DEFAULT_DAYS = 30
MOST_DAYS = 36_500
# A batch holds SQLite's one writer: with logs of usual length a tenth of a second.
BATCH = 200
_ENDED = tuple(state.value for state in TERMINAL)
_UNFINISHED = (BackfillState.RUNNING.value, BackfillState.PAUSED.value)


@dataclass(slots=True)
class Pruned:
    """How much was removed, or would be: executions by state, and of how many jobs."""

    states: Counter[str] = field(default_factory=Counter)
    jobs: int = 0

    @property
    def executions(self) -> int:
        """Return how many executions that is."""
        return self.states.total()


def cleanup_old_logs(days: int = DEFAULT_DAYS, *, actor: Actor) -> int:
    """Remove executions that ended more than ``days`` days ago; return how many."""
    return prune(days, actor=actor).executions


def prune(days: int, *, actor: Actor, now: datetime | None = None, dry_run: bool = False) -> Pruned:
    """Remove executions that ended more than ``days`` days ago, job by job; a dry run only counts.

    Kept are the newest of each job, what an unfinished backfill tells of, and what a dependency
    still counts on.
    """
    require(actor, Permission.ADMINISTER)
    if not 1 <= days <= MOST_DAYS:
        raise InvalidError(
            said("{days} days make no sense. Use 1 to {most}.", days=days, most=MOST_DAYS)
        )
    before = (now or timezone.now()) - timedelta(days=days)
    done = Pruned()
    for job_id in with_many():
        found = _count(job_id, before) if dry_run else _prune_job(job_id, before)
        done.states += found
        done.jobs += bool(found)
    if done.executions and not dry_run:
        _tell(done, days, actor)
    return done


def with_many() -> list[int]:
    """Return the jobs that have more executions than stay of each, whatever their age."""
    return [job_id for job_id, _ in beyond_floor()]


def beyond_floor() -> Iterator[tuple[int, int]]:
    """Yield each job that has more executions than stay of it, and how many more.

    The counters know without a look at history. A monthly job keeps years of it.
    """
    kept = conf.keep_of_each_job()
    many = Job.objects.filter(execution_count__gt=kept).order_by("pk")
    for job_id, made, pruned in many.values_list("pk", "execution_count", "pruned"):
        beyond = made - sum((pruned or {}).values()) - kept
        if beyond > 0:
            yield job_id, beyond


def _prune_job(job_id: int, before: datetime) -> Counter[str]:
    """Remove what is too old of one job, batch by batch."""
    removed: Counter[str] = Counter()
    while batch := remove_batch(job_id, ended_before(before)):
        removed += batch
    return removed


def remove_batch(job_id: int, over: Q) -> Counter[str]:
    """Remove some executions of a job that are ``over`` and may go; none when there are no more."""
    with write_transaction():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            return Counter()
        rows = removable(job_id, over).order_by("pk")
        found = list(rows.values_list("pk", "state", "trigger", "due_at", "finished_at")[:BATCH])
        if not found:
            return Counter()
        ids = [row[0] for row in found]
        artifacts.remove_of(ids)
        Execution.objects.filter(pk__in=ids).delete()
        _open_hours(job_id, {row[4] for row in found if row[4] is not None})
        states = Counter(state for _, state, *_ in found)
        decided = [due_at for _, _, trigger, due_at, _ in found if trigger in UNASKED_TRIGGERS]
        job.pruned = dict(Counter(job.pruned or {}) + states)
        known = [job.history_from] if job.history_from is not None else []
        job.history_from = max([*known, *decided], default=None)
        job.save(update_fields=["pruned", "history_from"])
        _forget_starts(job)
    return states


def _forget_starts(job: Job) -> None:
    """Remove the moments at which all that a job waited for had come, where its history is gone.

    Of one that has an omission the moment stays: it tells the omission from a stretch of the clock.
    """
    if job.history_from is None:
        return
    told = Omission.objects.filter(job=job, first_due_at=OuterRef("at"))
    starts = Occurrence.objects.filter(event=f"{AFTER}{job.pk}", at__lte=job.history_from)
    starts.filter(~Exists(told), served_until=None).delete()


def _open_hours(job_id: int, ended_at: set[datetime]) -> None:
    """Mark the hours whose sums history cannot prove any more; the sums stay."""
    hours = {hour_of(moment) for moment in ended_at}
    JobStat.objects.bulk_create(
        (JobStat(job_id=job_id, hour=hour, partial=True) for hour in sorted(hours)),
        update_conflicts=True,
        unique_fields=["job", "hour"],
        update_fields=["partial"],
    )


def _count(job_id: int, before: datetime) -> Counter[str]:
    return Counter(removable(job_id, ended_before(before)).values_list("state", flat=True))


def ended_before(moment: datetime) -> Q:
    """Return the condition for executions that ended before ``moment``."""
    return Q(finished_at__lt=moment) | Q(finished_at=None, queued_at__lt=moment)


def removable(job_id: int, over: Q) -> QuerySet[Execution]:
    """Return the executions of a job that are ``over`` and may go."""
    newest = Execution.objects.filter(job=job_id).order_by("-pk").values_list("pk", flat=True)
    kept = conf.keep_of_each_job()
    floor = next(iter(newest[kept - 1 : kept]), 0)
    return _may_go([job_id], over).filter(job=job_id, pk__lt=floor)


def removable_of(jobs: Sequence[int], over: Q, most: int | None) -> QuerySet[Execution]:
    """Return the same of several jobs at once; looks at ``most`` executions, the oldest of each."""
    kept = conf.keep_of_each_job()
    newest = Execution.objects.filter(job=OuterRef("pk")).order_by("-pk").values("pk")
    # From the jobs, so that the floor of each is found once and not again for each execution.
    floors = Job.objects.filter(pk__in=jobs).alias(floor=Subquery(newest[kept - 1 : kept]))
    below = floors.filter(executions__pk__lt=F("floor")).values_list("executions__pk")
    if most is None:
        return _may_go(jobs, over).filter(pk__in=below.order_by())
    oldest = below.order_by("pk", "executions__pk")[:most]
    # As a list: given the question itself, PostgreSQL reads the whole table beside its answer.
    return _may_go(jobs, over).filter(pk__in=[pk for (pk,) in oldest])


def _may_go(jobs: Sequence[int], over: Q) -> QuerySet[Execution]:
    """Return what is ``over``, and nobody counts on; of more jobs than these where asked no more."""
    counted_on = Dependency.objects.filter(upstream__in=jobs).exclude(met_by_execution_id=None)
    last = Job.objects.filter(pk__in=jobs).exclude(last_execution_id=None)
    return (
        Execution.objects.filter(over, state__in=_ENDED)
        .exclude(backfill_item__backfill__state__in=_UNFINISHED)
        .exclude(pk__in=counted_on.values("met_by_execution_id"))
        .exclude(pk__in=last.values("last_execution_id"))
    )


def _tell(done: Pruned, days: int, actor: Actor) -> None:
    """Note the removal in the audit log, and let pages look again."""
    with write_transaction():
        audit.record(
            actor,
            "history.prune",
            after={"days": days, "jobs": done.jobs, **done.states},
            note=f"{done.executions} executions that ended more than {days} days ago",
        )
        revisions.bump("executions")
