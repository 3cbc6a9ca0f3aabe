"""What was missed in an outage, over all jobs: look at it, run it, call it off.

Each job's part is a backfill of its own: it keeps the job's overlap policy, survives crashes, and can
be paused or cancelled alone. Jobs are taken in the order of their numbers and so many at a time; the
answer says where to go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from jobs.domain.errors import InvalidError, JobdeckError
from jobs.domain.permissions import Actor, Permission, can, require_somewhere
from jobs.domain.said import said
from jobs.domain.states import BackfillChoice, ExecutionState
from jobs.models import Backfill, Execution, Job, Omission
from jobs.queries.backfills import UNFINISHED
from jobs.queries.missed import REASONS, lost_without_due_time
from jobs.services import backfills
from jobs.services.backfill_due import Listing
from jobs.services.backfill_requests import BackfillRequest
from jobs.services.missed_due import Misses
from jobs.services.missed_requests import Each, MissedRequest

JOBS_AT_A_TIME = 50  # shown and started together: a page of 200 took four times as long
RUNS_AT_A_TIME = 20_000
# Of all that follow so many jobs start in one request, each in a transaction of its own.
JOBS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedOfJob:
    """What a job missed in the window, and what becomes of it."""

    job: Job
    runs: int
    first: datetime | None  # of what would run
    last: datetime | None
    made_up: int  # run since then, by a backfill
    in_progress: int
    elsewhere: dict[int, int]  # in an unfinished backfill, by its number
    older: int  # left out: only the latest is asked for
    barred: int = 0  # left out: the reader may not run the job
    without_due_time: int = 0  # lost runs that somebody, a program or another job had started
    refused: str = ""  # why the job is left out altogether

    @property
    def missed(self) -> int:
        """Return how many due times were missed, whatever became of them."""
        taken = sum(self.elsewhere.values())
        left_out = self.older + self.barred + self.made_up + self.in_progress
        return self.runs + left_out + taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One batch of jobs that missed due times in a window."""

    start: datetime
    end: datetime
    each: Each
    jobs: list[MissedOfJob]
    all_jobs: int  # of the whole window, beyond this batch
    next_after: int | None

    @property
    def runs(self) -> int:
        """Return how many runs the batch would start."""
        return sum(one.runs for one in self.jobs)

    @property
    def running(self) -> int:
        """Return how many due times unfinished backfills have already."""
        return sum(sum(one.elsewhere.values()) for one in self.jobs)

    @property
    def starting(self) -> list[MissedOfJob]:
        """Return the jobs of which something would run."""
        return [one for one in self.jobs if one.runs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What was started."""

    start: datetime
    end: datetime
    backfills: list[Backfill]
    runs: int
    refused: dict[str, str]  # why jobs were left out, by their names
    next_after: int | None


def preview(request: MissedRequest, *, actor: Actor, now: datetime | None = None) -> Missed:
    """Return what running would start, without making anything."""
    now = now or timezone.now()
    start, end = request.window(now)
    found = _jobs(start, end, actor)
    batch, runs, after = [], 0, None
    rows = _batch(found, request.cursor)
    misses = Misses(rows[:JOBS_AT_A_TIME], start, end)
    lost = lost_without_due_time([job.pk for job in rows], start, end)
    for place, job in enumerate(rows):
        one = _of_job(job, misses, request.each, actor)
        one = replace(one, without_due_time=lost.get(job.pk, 0))
        batch.append(one)
        runs += one.runs
        if place + 1 == JOBS_AT_A_TIME or runs >= RUNS_AT_A_TIME:
            after = job.pk if place + 1 < len(rows) else None
            break
    return Missed(
        start=start,
        end=end,
        each=request.each,
        jobs=batch,
        all_jobs=found.count(),
        next_after=after,
    )


def run(request: MissedRequest, *, actor: Actor) -> Rerun:
    """Start a backfill of each job of the batch; what another one has already is left out."""
    require_somewhere(actor, Permission.EXECUTE)
    found = preview(request, actor=actor)
    refused = {one.job.name: one.refused for one in found.jobs if one.refused}
    started: list[Backfill] = []
    runs = 0
    for one in found.starting:
        asked = BackfillRequest(start=found.start, end=found.end, only=BackfillChoice.MISSED)
        try:
            made = backfills.create(
                one.job.pk, asked, actor=actor, choose=_chooser(request.each)
            ).backfill
        except JobdeckError as error:  # deleted by now, too: the others are started all the same
            refused[one.job.name] = error.message
            continue
        started.append(made)
        runs += one.runs
    return Rerun(
        start=found.start,
        end=found.end,
        backfills=started,
        runs=runs,
        refused=refused,
        next_after=found.next_after,
    )


def run_all(request: MissedRequest, *, actor: Actor) -> Rerun:
    """Start batch after batch, up to a bound; the answer says where to go on."""
    made = run(request, actor=actor)
    jobs = JOBS_AT_A_TIME
    while made.next_after and jobs < JOBS_AT_ONCE and made.runs < RUNS_AT_A_TIME:
        window = {"start": made.start, "end": made.end, "cursor": made.next_after}
        then = run(request.model_copy(update=window), actor=actor)
        jobs += JOBS_AT_A_TIME
        made = replace(
            then,
            backfills=made.backfills + then.backfills,
            runs=made.runs + then.runs,
            refused=made.refused | then.refused,
        )
    return made


def cancel(start: datetime, end: datetime, *, actor: Actor) -> list[Backfill]:
    """Call off what was started for a window: what has not begun is given up, what runs goes on."""
    require_somewhere(actor, Permission.EXECUTE)
    rows = Backfill.objects.filter(
        starts_at=start, ends_at=end, choice=BackfillChoice.MISSED.value, state__in=UNFINISHED
    ).select_related("job")
    own = [row.pk for row in rows.order_by("pk") if can(actor, Permission.EXECUTE, row.job)]
    return [backfills.cancel(number, actor=actor) for number in own]


def _jobs(start: datetime, end: datetime, actor: Actor) -> QuerySet[Job]:
    """Return the jobs that missed due times in a window, or whose run of one was lost."""
    left_out = Omission.objects.filter(
        job=OuterRef("pk"),
        reason__in=[reason.value for reason in REASONS],
        last_due_at__gte=start,
        first_due_at__lte=end,
    )
    lost = Execution.objects.filter(
        job=OuterRef("pk"), state=ExecutionState.LOST.value, due_at__gte=start, due_at__lte=end
    )
    missed = Q(Exists(left_out)) | Q(Exists(lost))
    return Job.objects.present().visible_to(actor).filter(missed).order_by("pk")


def _batch(found: QuerySet[Job], after: int | None) -> Sequence[Job]:
    rows = found if after is None else found.filter(pk__gt=after)
    light = rows.defer("spec", "environment", "parameters", "description", "last_error", "recent")
    # By its tags a reader may run a job, or not.
    return list(light.prefetch_related("tag_rows")[: JOBS_AT_A_TIME + 1])


def _of_job(job: Job, misses: Misses, each: Each, actor: Actor) -> MissedOfJob:
    try:
        every = misses.listing(job)
    except InvalidError as error:
        return _left_out(job, error.message)
    listing = _cut(every, each)
    if not can(actor, Permission.EXECUTE, job):
        barred = _left_out(job, said("You may not run it."))
        return replace(barred, made_up=every.done, barred=len(every.items))
    due = [item.due_at for item in listing.items]
    return MissedOfJob(
        job=job,
        runs=len(due),
        first=min(due, default=None),
        last=max(due, default=None),
        made_up=listing.done,
        in_progress=listing.in_progress,
        elsewhere=listing.elsewhere,
        older=len(every.items) - len(due),
    )


def _left_out(job: Job, why: str) -> MissedOfJob:
    return MissedOfJob(
        job=job,
        runs=0,
        first=None,
        last=None,
        made_up=0,
        in_progress=0,
        elsewhere={},
        older=0,
        refused=why,
    )


def _cut(listing: Listing, each: Each) -> Listing:
    """Return the list with its newest due time alone, where that is asked for.

    A job that is being rerun, or was, needs no second run for what is older.
    """
    if each == Each.ALL:
        return listing
    taken = listing.elsewhere or listing.in_progress or listing.done
    return replace(listing, items=[] if taken else listing.items[-1:])


def _chooser(each: Each) -> backfills.Choose:
    def choose(job: Job, request: BackfillRequest, now: datetime) -> Listing:
        return _cut(Misses([job], request.start, request.end or now).listing(job), each)

    return choose
