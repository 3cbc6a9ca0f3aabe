"""The rules of a cleanup: how long, and how many of all jobs together, is kept.

It goes in small steps, each with a transaction of its own, so that it may be killed half-way. What
stays of each job whatever the rules say is `retention`'s to decide.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.states import FAILURES, TERMINAL
from jobs.models import Execution, Job, LogChunk
from jobs.services import audit, revisions, statistics
from jobs.services.retention import KEPT_OF_EACH_JOB, ended_before, remove_batch
from jobs.services.writing import write_transaction

_STEP = 500
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
    metrics: timedelta = timedelta(days=90)


@dataclass(slots=True, kw_only=True)
class Cleaned:
    """How much was removed; ``complete`` unless the time was over before the work."""

    completed: int = 0
    failed: int = 0
    logs: int = 0
    metrics: int = 0
    complete: bool = True

    def counts(self) -> dict[str, int]:
        """Return the numbers by what they count."""
        names = ("completed", "failed", "logs", "metrics")
        return {name: getattr(self, name) for name in names}


def clean(
    *, actor: Actor, now: datetime, keep: Keep | None = None, seconds: float | None = None
) -> Cleaned:
    """Remove what is not to be kept, for so many seconds at most."""
    require(actor, Permission.DELETE)
    deadline = None if seconds is None else time.monotonic() + seconds
    done = Cleaned()
    for _ in _steps(keep or Keep(), done, now):
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


def _steps(rules: Keep, done: Cleaned, now: datetime) -> Iterator[None]:
    """Do one step each time the caller comes back."""
    over = _over(_COMPLETED, rules.completed_count, now - rules.completed)
    over |= _over(_FAILED, rules.failed_count, now - rules.failed)
    many = Job.objects.filter(execution_count__gt=KEPT_OF_EACH_JOB).order_by("pk")
    for job_id in list(many.values_list("pk", flat=True)):
        while removed := remove_batch(job_id, over):
            failed = sum(removed[state] for state in _FAILED)
            done.failed += failed
            done.completed += removed.total() - failed
            yield
    last, more = 0, True
    while more:
        last, more = _forget_logs(last, now - rules.logs, done)
        yield
    while forgotten := statistics.forget_batch(now - rules.metrics):
        done.metrics += forgotten
        yield


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


def _forget_logs(last: int, before: datetime, done: Cleaned) -> tuple[int, bool]:
    """Remove the output of old executions that stay; return how far it got, and if there is more."""
    old = Execution.objects.filter(pk__gt=last, log_bytes__gt=0, finished_at__lt=before)
    ids = list(old.order_by("pk").values_list("pk", flat=True)[:_STEP])
    if ids:
        with write_transaction():
            LogChunk.objects.filter(execution__in=ids).delete()
            Execution.objects.filter(pk__in=ids).update(log_bytes=0)
        done.logs += len(ids)
    return (ids[-1] if ids else last), len(ids) == _STEP
