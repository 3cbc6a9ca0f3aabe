"""The timeline: one page of jobs, each a lane with its past and what is planned.

The cost follows from the lanes of the page, not from the history: each lane reads a bounded piece of
the job's own index, and nothing counts executions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q, QuerySet

from jobs.domain.permissions import Actor
from jobs.models import Execution, Job, Omission
from jobs.queries.holds import holds_of as stored_holds
from jobs.queries.id_bounds import as_moment, first_id_from
from jobs.queries.jobs import JobFilter, filtered, live_of
from jobs.queries.pieces import pieces
from jobs.queries.planning import HoldsOf, RulesOf, due_sets, usual_length
from jobs.queries.standing import Standing, by_trouble, standing
from jobs.queries.timeline_marks import (
    Axis,
    Mark,
    Run,
    omission_marks,
    open_stretch,
    plan_marks,
    run_marks,
)

SORTS = ("trouble", "next", "name")
LANES_A_PAGE = 20
RUNS_A_LANE = 700  # a run every five minutes for two days and a third: the past of a week's axis
OMISSIONS_A_LANE = 60
MOST_RANGES = 100  # ranges of ids that the filter takes
_CLOCKS_APART = timedelta(seconds=5)

_RUNS = (
    "SELECT id, job_id, state, due_at, started_at, finished_at FROM jobs_execution "
    "WHERE job_id = {key} AND id >= %s AND id < %s ORDER BY id DESC LIMIT %s"
)
_OMISSIONS = (
    "SELECT id FROM jobs_omission WHERE job_id = {key} AND first_due_at < %s "
    "ORDER BY first_due_at DESC LIMIT %s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineFilter:
    """Which jobs get a lane; ``ids`` are ranges of job ids, both ends included."""

    q: str = ""
    state: str = ""
    tag: str = ""
    queue: str = ""
    workspace: str = ""
    ids: tuple[tuple[int, int], ...] = ()
    sort: str = "trouble"
    page: int = 1
    seen_by: Actor | None = None

    @property
    def active(self) -> bool:
        """Say whether anything is filtered out."""
        chosen = (self.q, self.state, self.tag, self.queue, self.workspace, self.ids)
        return any(chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One job on the axis. ``cut_before``: older runs of the range are too many to be read."""

    job: Job
    standing: Standing
    marks: list[Mark]
    usual_seconds: float | None
    cut_before: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePage:
    """One page of lanes."""

    lanes: list[Lane]
    matching: int
    first: int  # 1-based number of the first lane
    page: int
    more: bool


def lane_page(
    chosen: TimelineFilter, axis: Axis, *, rules_of: RulesOf, holds_of: HoldsOf = stored_holds
) -> LanePage:
    """Return one page of lanes."""
    jobs = _matching(chosen, axis.now)
    matching = jobs.count()
    page = min(chosen.page, max(-(-matching // LANES_A_PAGE), 1))
    start = (page - 1) * LANES_A_PAGE
    # Numbers alone are sorted: whole rows of ten thousand jobs would take ten times as long.
    ids = _sorted(jobs, chosen.sort, axis.now)[start : start + LANES_A_PAGE].values("pk")
    shown = _sorted(Job.objects.filter(pk__in=ids), chosen.sort, axis.now)
    light = shown.defer("spec", "environment", "last_error")
    found = list(light.prefetch_related("schedules", "dependencies__upstream"))
    return LanePage(
        lanes=_lanes(found, axis, rules_of, holds_of),
        matching=matching,
        first=start + 1,
        page=page,
        more=start + len(found) < matching,
    )


def _matching(chosen: TimelineFilter, now: datetime) -> QuerySet[Job]:
    wide = JobFilter(
        q=chosen.q,
        state=chosen.state,
        tag=chosen.tag,
        workspace=chosen.workspace,
        seen_by=chosen.seen_by,
    )
    jobs = filtered(wide, now)
    if chosen.queue:
        jobs = jobs.filter(queue=chosen.queue)
    if chosen.ids:
        ids = Q()
        for first, last in chosen.ids[:MOST_RANGES]:
            ids |= Q(pk__range=(first, last))
        jobs = jobs.filter(ids)
    return jobs


def _sorted(jobs: QuerySet[Job], sort: str, now: datetime) -> QuerySet[Job]:
    if sort == "next":
        return jobs.order_by(F("next_fire_at").asc(nulls_last=True), "name")
    return jobs.order_by("name") if sort == "name" else by_trouble(jobs, now)


def _lanes(jobs: Sequence[Job], axis: Axis, rules_of: RulesOf, holds_of: HoldsOf) -> list[Lane]:
    usual = {job.pk: usual_length(job) for job in jobs}
    live = live_of([job.pk for job in jobs])
    runs = _runs(jobs, live, axis, max([0, *(length or 0 for length in usual.values())]))
    omissions = _omissions(jobs, axis)
    holds = holds_of(jobs, axis.ahead, axis.end) if axis.end > axis.now else {}
    found = []
    for job in jobs:
        running = next((run for run in live.get(job.pk, []) if run.started_at), None)
        sets = due_sets(
            job,
            list(job.schedules.all()),
            rules_of=rules_of,
            now=axis.now,
            started_at=running.started_at if running else None,
        )
        mine, cut_before = runs.get(job.pk, ([], None))
        marks = [
            *run_marks(mine, axis),
            *omission_marks(omissions.get(job.pk, [])),
            *open_stretch(job, sets, axis),
            *plan_marks(job, sets, holds.get(job.pk, ()), axis, usual[job.pk]),
        ]
        length = usual[job.pk]
        found.append(
            Lane(
                job=job,
                standing=standing(job, axis.now),
                marks=sorted(marks, key=lambda mark: mark.start),
                usual_seconds=None if length is None else length / 1_000_000,
                cut_before=cut_before,
            )
        )
    return found


def _runs(
    jobs: Sequence[Job], live: dict[int, list[Execution]], axis: Axis, longest: int
) -> dict[int, tuple[list[Run], datetime | None]]:
    """Return each job's runs that touch the axis, oldest first, and from when on they are complete.

    A bounded piece for each job along the history index. The ids of the range are looked up first,
    so that a job that ran long before or after it costs nothing.
    """
    if not jobs or axis.start > axis.now:
        return {}
    # What began before the axis may reach into it.
    back = min(timedelta(microseconds=longest) * 2, axis.end - axis.start) + _CLOCKS_APART
    low = first_id_from(axis.start - back)
    high = first_id_from(axis.end) if axis.end < axis.now else 2**63 - 1
    by_job: dict[int, dict[int, Run]] = {job.pk: {} for job in jobs}
    for run in map(_run, pieces(_RUNS, by_job, (low, high, RUNS_A_LANE))):
        by_job[run.job_id][run.pk] = run
    cut = {pk: _cut(found, axis) for pk, found in by_job.items()}
    for pk, started in live.items():
        for one in started:
            run = Run(one.pk, pk, one.state, one.due_at, one.started_at, None)
            by_job[pk].setdefault(one.pk, run)
    return {pk: (_touching(found, axis), cut[pk]) for pk, found in by_job.items()}


def _run(row: Sequence[object]) -> Run:
    pk, job_id, state, *moments = row
    due_at, started_at, finished_at = (as_moment(moment) for moment in moments)  # type: ignore[arg-type]  # columns of moments
    return Run(pk, job_id, state, due_at, started_at, finished_at)  # type: ignore[arg-type]  # as selected


def _cut(found: dict[int, Run], axis: Axis) -> datetime | None:
    """Return from when on the runs are complete; None when nothing of the axis is missing."""
    if len(found) < RUNS_A_LANE:
        return None
    oldest = min(run.begin for run in found.values())
    return oldest if oldest > axis.start else None


def _touching(found: dict[int, Run], axis: Axis) -> list[Run]:
    runs = (run for run in found.values() if run.begin < axis.end)
    return sorted(
        (run for run in runs if run.end(axis.now) >= axis.start),
        key=lambda run: (run.begin, run.pk),
    )


def _omissions(jobs: Sequence[Job], axis: Axis) -> dict[int, list[Omission]]:
    """Return what was left out and touches the axis, the latest stretches of each job."""
    until = connection.ops.adapt_datetimefield_value(axis.end)
    ids = [pk for (pk,) in pieces(_OMISSIONS, (job.pk for job in jobs), (until, OMISSIONS_A_LANE))]
    found: dict[int, list[Omission]] = {}
    rows = Omission.objects.filter(pk__in=ids, last_due_at__gte=axis.start)
    for row in rows.order_by("first_due_at"):
        found.setdefault(row.job_id, []).append(row)
    return found
