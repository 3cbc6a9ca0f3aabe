"""Executions, newest first, page by page without counting: filters, history, one in detail."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from django.db import connection
from django.db.models import F, QuerySet

from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.domain.states import FAILURES, ExecutionState
from jobs.models import Artifact, Execution, Job, JobVersion, Omission
from jobs.models.execution import ENDED_VALUES, LIVE_VALUES, SCHEDULED_TRIGGERS
from jobs.models.job import of_jobs_seen_by
from jobs.queries.windows import Window, newest_in_window, runs_if_few

PAGE_SIZE = 50
SAMPLE = 90  # executions that the duration chart and the usual time are made from
_ENDED = f"jobs_execution.state IN {ENDED_VALUES}"
_BY_HAND = "NOT (jobs_execution.trigger IN ('schedule', 'misfire'))"
# Groups of states as the page offers them.
RESULTS: dict[str, tuple[str, ...]] = {
    "live": LIVE_VALUES,
    "succeeded": (ExecutionState.SUCCEEDED.value,),
    "failed": tuple(state.value for state in FAILURES),
    "killed": (ExecutionState.CANCELLED.value,),
    "skipped": (ExecutionState.SKIPPED.value,),
}
_ROW = (
    "id", "job_id", "state", "attempt", "trigger", "actor", "due_at", "queued_at", "started_at",
    "finished_at", "retry_at", "message", "error", "held", "progress", "warnings",
    "job__name", "job__retry_max_attempts", "job__deleted_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """What the page's query string asks for. ``before`` is the id at which the page begins."""

    job: int | None = None
    result: str = ""
    trigger: str = ""
    workspace: str = ""
    queue: str = ""
    since: datetime | None = None  # due then or later
    until: datetime | None = None  # due before
    before: int | None = None
    seen_by: Actor | None = None

    @property
    def active(self) -> bool:
        """Say whether anything is filtered out."""
        by_moment = self.since or self.until
        return bool(
            self.job or self.result or self.trigger or self.workspace or self.queue or by_moment
        )

    @property
    def by_queue(self) -> bool:
        """Say whether the queue leads to the executions; the others lead faster."""
        narrower = self.job or self.trigger or self.since or self.until
        return bool(self.queue and not narrower)


_AT_WORK = (
    ExecutionState.RUNNING.value,
    ExecutionState.CLAIMED.value,
    ExecutionState.RETRYING.value,
)


# Asked by every open overview: where nothing is at work nothing else is.
_ANY_AT_WORK = (
    "SELECT 1 FROM jobs_execution WHERE state IN ('running', 'claimed', 'retrying') LIMIT 1"
)


def at_work(limit: int, seen_by: Actor | None = None) -> list[Execution]:
    """Return what is being executed, or waits between two attempts; the longest at it first."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY_AT_WORK)
        if cursor.fetchone() is None:
            return []
    rows = Execution.objects.filter(of_jobs_seen_by(seen_by), state__in=_AT_WORK)
    rows = rows.select_related("job").only(
        *_ROW, "cancel_requested_at", "job__last_duration_seconds"
    )
    return list(rows.order_by(F("started_at").asc(nulls_last=True), "pk")[:limit])


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPage:
    """One page, newest first; ``older`` begins the next one."""

    rows: list[Execution]
    older: int | None


def executions(chosen: ExecutionFilter, *, size: int = PAGE_SIZE) -> ExecutionPage:
    """Return one page; a query for each state of the chosen result, each along an index."""
    rows = Execution.objects.select_related("job").only(*_ROW).order_by("-pk")
    rows = rows.filter(of_jobs_seen_by(chosen.seen_by))
    if chosen.workspace:
        rows = _of_jobs(rows, Job.objects.in_workspace(chosen.workspace))
    if chosen.job:
        rows = rows.filter(job=chosen.job)
    if chosen.trigger:
        rows = rows.filter(trigger=chosen.trigger)
        rows = rows if chosen.job else along_by_hand(rows, [chosen.trigger])
    if chosen.queue:
        rows = rows.filter(queue=chosen.queue)
    if chosen.before:
        rows = rows.filter(pk__lt=chosen.before)
    states = RESULTS.get(chosen.result, ())
    window = Window(since=chosen.since, until=chosen.until)
    if window and not chosen.job:
        rows = rows.filter(state__in=states) if states else rows
        found = list(rows.filter(pk__in=newest_in_window(rows, window, size + 1)))
    elif chosen.by_queue:
        found = list(rows.filter(pk__in=newest_in_queue(rows, states, size + 1)))
    else:
        rows = rows.filter(window.holds())
        found = _of_states(rows, states, size + 1, one_job=bool(chosen.job))
    return ExecutionPage(rows=found[:size], older=found[size - 1].pk if len(found) > size else None)


def _of_jobs(rows: QuerySet[Execution], jobs: QuerySet[Job]) -> QuerySet[Execution]:
    """Keep the executions of ``jobs``; where these hardly ran, no walk through all looks for them."""
    few = runs_if_few(jobs)
    return rows.filter(job__in=jobs.values("pk")) if few is None else rows.filter(pk__in=few)


def newest_in_queue(rows: QuerySet[Execution], states: Iterable[str], limit: int) -> list[int]:
    """Return the newest ids of a queue's ``rows`` in these states, all without one.

    Each state is read along the index of what has ended in a queue; few are live.
    """
    wanted = {str(state) for state in states or ExecutionState}
    numbers = [pk for state in wanted for pk in _in_state(rows, state)[:limit]]
    return sorted(numbers)[-limit:]


def _in_state(rows: QuerySet[Execution], state: str) -> QuerySet[Execution, int]:
    rows = rows.filter(state=state)
    if state in ENDED_VALUES:
        # The statement says the words of the index, without which SQLite would not take it.
        rows = rows.extra(where=[_ENDED])  # noqa: S610 - a constant
    return rows.values_list("pk", flat=True)


def along_by_hand(rows: QuerySet[Execution], triggers: Sequence[str]) -> QuerySet[Execution]:
    """Let the index of what no schedule started serve a question for ``triggers`` that it holds.

    SQLite takes a partial index only where the statement's text says the same; without it, five
    million executions are read to find the few by hand.
    """
    if set(triggers) & set(SCHEDULED_TRIGGERS):
        return rows
    return rows.extra(where=[_BY_HAND])  # noqa: S610 - a constant of ours


def _of_states(
    rows: QuerySet[Execution], states: Sequence[str], limit: int, *, one_job: bool
) -> list[Execution]:
    """Return the newest ``limit``; several states of all jobs are asked one by one.

    One question for all of them would sort every execution in these states.
    """
    if not states:
        return list(rows[:limit])
    if one_job:
        return list(rows.filter(state__in=states)[:limit])
    found = [row for state in states for row in rows.filter(state=state)[:limit]]
    return sorted(found, key=lambda row: -row.pk)[:limit]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A job's executions and, between them, the due times that made none."""

    entries: list[Execution | Omission]
    older: int | None


def history(job: Job, chosen: ExecutionFilter, *, size: int = PAGE_SIZE) -> History:
    """Return one page of a job's ledger, newest first."""
    page = executions(chosen, size=size)
    omissions = _omissions_between(job, chosen, page) if chosen.result in ("", "skipped") else []
    entries: list[Execution | Omission] = [*page.rows, *omissions]
    return History(entries=sorted(entries, key=_when, reverse=True), older=page.older)


def _when(entry: Execution | Omission) -> datetime:
    return entry.last_due_at if isinstance(entry, Omission) else entry.due_at


def _omissions_between(job: Job, chosen: ExecutionFilter, page: ExecutionPage) -> list[Omission]:
    """Return the omissions that belong among the executions of ``page``."""
    rows = Omission.objects.filter(job=job).order_by("-last_due_at")
    if chosen.before and page.rows:
        rows = rows.filter(last_due_at__lt=page.rows[0].due_at)
    elif chosen.before:
        return []
    if page.older:
        rows = rows.filter(last_due_at__gte=page.rows[-1].due_at)
    return list(rows[:PAGE_SIZE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The latest executions of a job that have run, oldest first, and what is usual among them."""

    rows: list[Execution]
    median_seconds: float | None
    p95_seconds: float | None
    median_wait_seconds: float | None


def sample(job_id: int) -> Sample:
    """Return the latest executions that started; one query of at most ``SAMPLE`` rows."""
    rows = Execution.objects.filter(job=job_id, started_at__isnull=False).order_by("-pk")
    fields = ("state", "due_at", "queued_at", "started_at", "finished_at", "attempt")
    found = list(rows.only(*fields)[:SAMPLE])[::-1]
    ran = sorted(
        row.duration.total_seconds()
        for row in found
        if row.duration is not None and row.state == ExecutionState.SUCCEEDED
    )
    waits = [(row.started_at - row.queued_at).total_seconds() for row in found if row.started_at]
    return Sample(
        rows=found,
        median_seconds=median(ran) if ran else None,
        p95_seconds=ran[min(int(len(ran) * 0.95), len(ran) - 1)] if ran else None,
        median_wait_seconds=median(waits) if waits else None,
    )


def get_execution(execution_id: int) -> Execution:
    """Return an execution with job, worker and attempts; UnknownError when there is none."""
    rows = Execution.objects.select_related("job", "worker").prefetch_related(
        "attempts", "artifacts"
    )
    execution = rows.filter(pk=execution_id).first()
    if execution is None:
        raise unknown_execution(execution_id)
    return execution


def unknown_execution(execution_id: int) -> UnknownError:
    """Return the refusal of a number that no execution has."""
    return UnknownError(said("Execution {number} does not exist.", number=execution_id))


def get_artifact(execution_id: int, artifact_id: int) -> Artifact:
    """Return a file that an execution left; UnknownError when there is none."""
    artifact = Artifact.objects.filter(execution=execution_id, pk=artifact_id).first()
    if artifact is None:
        raise UnknownError(
            said(
                "Execution {number} has no artifact {artifact}.",
                number=execution_id,
                artifact=artifact_id,
            )
        )
    return artifact


def ran_with(execution: Execution) -> JobVersion | None:
    """Return the definition that the execution ran."""
    return JobVersion.objects.filter(job=execution.job_id, version=execution.version).first()


def live_tag(execution: Execution) -> str:
    """Return what the page of one execution depends on, for its polls."""
    return "-".join(
        str(part)
        for part in (
            execution.state,
            execution.attempt,
            execution.progress,
            execution.cancel_requested_at is not None,
            # What it waits for changes elsewhere.
            execution.state == ExecutionState.QUEUED and int(time.time()) // 2,
            execution.soft_timeout_at is not None,
            execution.started_at and execution.started_at.timestamp(),
        )
    )
