"""The rules of a cleanup: how long, and how many of all jobs together, is kept.

It goes in small steps, each with a transaction of its own, so that it may be killed half-way. What
stays of each job whatever the rules say is `retention`'s to decide.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from jobs import conf
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.states import FAILURES, TERMINAL
from jobs.models import Execution, LogChunk
from jobs.services import audit, revisions, statistics
from jobs.services.retention import (
    beyond_floor,
    ended_before,
    removable_of,
    remove_batch,
    with_many,
)
from jobs.services.writing import write_transaction

_STEP = 500
# One answer comes at once, however much history there is: a page looks at so many of each kind.
LOOKED_AT = 5000
# What is left after so long is done at the next call.
ACT_SECONDS = 20.0
# In the text, since with a parameter no database would use the partial index over these.
_LOGGED = "jobs_execution.log_bytes > 0"
_FAILED = tuple(state.value for state in FAILURES)
_COMPLETED = tuple(state.value for state in TERMINAL if state not in FAILURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How much of everything is kept; what is older or beyond its number goes."""

    completed: timedelta = timedelta(days=7)
    completed_count: int = 1000
    failed: timedelta = timedelta(days=30)
    failed_count: int = 100
    logs: timedelta = timedelta(days=30)
    metrics: timedelta = timedelta(days=400)


@dataclass(slots=True, kw_only=True)
class Cleaned:
    """How much was removed, or would be; ``complete`` unless there may be more."""

    completed: int = 0
    failed: int = 0
    logs: int = 0
    metrics: int = 0
    complete: bool = True

    def counts(self) -> dict[str, int]:
        """Return the numbers by what they count."""
        names = ("completed", "failed", "logs", "metrics")
        return {name: getattr(self, name) for name in names}


def rules() -> Keep:
    """Return the rules that the settings name."""
    given = conf.keep()
    return Keep(
        completed=timedelta(days=given["completed_days"]),
        completed_count=given["completed_count"],
        failed=timedelta(days=given["failed_days"]),
        failed_count=given["failed_count"],
        logs=timedelta(days=given["log_days"]),
        metrics=timedelta(days=conf.statistics_days()),
    )


def preview(*, actor: Actor, now: datetime, most: int | None = None) -> Cleaned:
    """Count what a cleanup would remove now; with ``most``, as far as so many of each kind go."""
    require(actor, Permission.DELETE)
    keep, found = rules(), Cleaned()
    going = _count_executions(keep, now, found, most)
    if found.complete:
        logs = _logged_before(now - keep.logs)
        found.logs = (logs if most is None else logs[: going + most]).count() - going
    found.metrics = statistics.old(now - keep.metrics, most)
    if most is not None and most in (found.logs, found.metrics):
        found.complete = False
    return found


def _count_executions(keep: Keep, now: datetime, found: Cleaned, most: int | None) -> int:
    """Count executions that would go; return of how many output would go anyway."""
    over, old_logs = _both(keep, now), _old_logs(now - keep.logs)
    going = 0
    for jobs, number in _together(most or LOOKED_AT):
        rows = removable_of(jobs, over, most).order_by().values("state")
        counted = rows.annotate(count=Count("pk"), logged=Count("pk", filter=old_logs))
        for state, count, logged in counted.values_list("state", "count", "logged"):
            found.failed += count if state in _FAILED else 0
            found.completed += 0 if state in _FAILED else count
            going += logged
        if most is not None and number >= most:
            found.complete = False
            break
    return going


def _together(most: int) -> Iterator[tuple[list[int], int]]:
    """Yield jobs that have so many executions together that may go, and how many they have."""
    jobs: list[int] = []
    number = 0
    for job_id, beyond in beyond_floor():
        jobs.append(job_id)
        number += beyond
        if number >= most:
            yield jobs, number
            jobs, number = [], 0
    if jobs:
        yield jobs, number


def _old_logs(before: datetime) -> Q:
    return Q(log_bytes__gt=0, finished_at__lt=before)


def _logged_before(before: datetime) -> QuerySet[Execution]:
    """Return the executions of which old output is kept, along the index of those with output."""
    rows = Execution.objects.filter(finished_at__lt=before)
    return rows.extra(where=[_LOGGED])  # noqa: S610 - a constant


def clean(
    *, actor: Actor, now: datetime, keep: Keep | None = None, seconds: float | None = None
) -> Cleaned:
    """Remove what is not to be kept, for so many seconds at most."""
    require(actor, Permission.DELETE)
    deadline = None if seconds is None else time.monotonic() + seconds
    done = Cleaned()
    for _ in _steps(keep or rules(), done, now):
        if deadline is not None and time.monotonic() > deadline:
            done.complete = False
            break
    counts = done.counts()
    note = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    with write_transaction():
        audit.record(actor, "history.clean", after=counts, note=note or "Nothing was to go")
        if note:
            revisions.bump("executions")
    return done


def _steps(keep: Keep, done: Cleaned, now: datetime) -> Iterator[None]:
    """Do one step each time the caller comes back."""
    over = _both(keep, now)
    for job_id in with_many():
        while removed := remove_batch(job_id, over):
            failed = sum(removed[state] for state in _FAILED)
            done.failed += failed
            done.completed += removed.total() - failed
            yield
    while forgotten := _forget_logs(now - keep.logs):
        done.logs += forgotten
        yield
    while forgotten := statistics.forget_batch(now - keep.metrics):
        done.metrics += forgotten
        yield


def _both(keep: Keep, now: datetime) -> Q:
    """Return the condition for executions that are beyond the rules."""
    return _over(_COMPLETED, keep.completed_count, now - keep.completed) | _over(
        _FAILED, keep.failed_count, now - keep.failed
    )


def _over(states: tuple[str, ...], number: int, before: datetime) -> Q:
    """Return the condition for what is too old, or beyond the newest of all jobs together."""
    beyond = Q(pk__lte=_first_beyond(states, number))
    return Q(state__in=states) & (ended_before(before) | beyond)


def _first_beyond(states: tuple[str, ...], number: int) -> int:
    """Return the id of the newest one beyond the number; 0 when there are no more than that."""
    found: list[int] = []
    for state in states:  # each by its own index
        rows = Execution.objects.filter(state=state).order_by("-pk")
        found += rows.values_list("pk", flat=True)[: number + 1]
    found.sort(reverse=True)
    return found[number] if len(found) > number else 0


def _forget_logs(before: datetime) -> int:
    """Remove the output of some old executions that stay; 0 when there is no more."""
    ids = list(_logged_before(before).order_by("finished_at").values_list("pk", flat=True)[:_STEP])
    if ids:
        with write_transaction():
            LogChunk.objects.filter(execution__in=ids).delete()
            Execution.objects.filter(pk__in=ids).update(log_bytes=0)
    return len(ids)
