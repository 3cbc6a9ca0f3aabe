"""What an operator does about the jobs of an alert from its page: run again what failed, pause for a while."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.domain.errors import JobdeckError, StateError
from jobs.domain.permissions import Actor, Permission, require, require_somewhere
from jobs.domain.said import said
from jobs.domain.states import FAILURES, ExecutionState, JobState
from jobs.models import Alert, Execution, Job, UsedLink
from jobs.queries.alerts import get_alert
from jobs.services import jobs as job_services
from jobs.services import triggers
from jobs.services.alert_links import PAUSES, Action
from jobs.services.writing import write_transaction

MOST = 50  # runs that one press starts
# And that it tries: those that are refused each time, as for want of a permission, block no others.
MOST_TRIED = 500
# Begins the mark of a pause that a person made on a page: it is ended like that of a link.
PAGE = "page:"


@dataclass(frozen=True, slots=True, kw_only=True)
class RanAgain:
    """What was started, and why other jobs were not."""

    started: list[Execution]
    refused: list[str]
    left: int  # jobs beyond those of one press


def failed_runs(row: Alert) -> list[Execution]:
    """Return the last failed run of each present job of an alert that has ended and can run again."""
    numbers = row.members.filter(
        left_at=None, job__deleted_at=None, last_execution_id__isnull=False
    ).order_by("pk")
    found = Execution.objects.select_related("job").in_bulk(
        numbers.values_list("last_execution_id", flat=True)
    )
    return [run for _, run in sorted(found.items()) if ExecutionState(run.state) in FAILURES]


def run_again(alert_id: int, *, actor: Actor) -> RanAgain:
    """Run again what failed last of each job of an alert; a second press starts nothing twice."""
    require_somewhere(actor, Permission.EXECUTE)
    row = get_alert(alert_id)
    runs = failed_runs(row)
    if not runs:
        raise StateError(said("Alert {id} has no failed run to start again.", id=row.pk))
    runs = _not_repeated(row, runs)
    if not runs:
        raise StateError(said("What failed in alert {id} was started again already.", id=row.pk))
    started: list[Execution] = []
    refused: list[str] = []
    for run in runs[:MOST_TRIED]:
        if len(started) == MOST:
            break
        try:
            started.append(triggers.again(run.pk, actor=actor, idempotency_key=_key_of(row, run)))
        except JobdeckError as error:
            refused.append(error.message)
    left = len(runs) - len(started) - len(refused)
    return RanAgain(started=started, refused=refused, left=left)


def _not_repeated(row: Alert, runs: Sequence[Execution]) -> list[Execution]:
    """Return the failed runs that no earlier press has started again."""
    keys = [_key_of(row, run) for run in runs]
    jobs = [run.job_id for run in runs]
    found = Execution.objects.filter(job__in=jobs, idempotency_key__in=keys)
    known = set(found.values_list("idempotency_key", flat=True))
    return [run for run in runs if _key_of(row, run) not in known]


def _key_of(row: Alert, run: Execution) -> str:
    return f"alert {row.pk} {run.pk}"


def pause_for_an_hour(alert_id: int, *, actor: Actor, now: datetime) -> Job:
    """Pause the one job of an alert; it goes on by itself after an hour."""
    require(actor, Permission.PAUSE)
    with write_transaction():
        row = get_alert(alert_id)
        members = list(row.members.filter(left_at=None).select_related("job")[:2])
        if len(members) != 1:
            raise StateError(
                said("Alert {id} is about no single job. Pause its jobs on their pages.", id=row.pk)
            )
        job = members[0].job
        if job.state != JobState.ACTIVE or job.deleted_at is not None:
            raise StateError(
                said("Job {name} is not active: there is nothing to pause.", name=job.name)
            )
        job = job_services.pause(job.pk, actor=actor, reason=f"for 1 hour, alert {row.pk}")
        # By this moment it is told from a pause that follows, also of the same person.
        paused_at = job.state_changed_at or now
        UsedLink.objects.create(
            mark=f"{PAGE}{secrets.token_hex(16)}",
            alert=row,
            channel_name=actor.name[:100],
            action=Action.PAUSE.value,
            used_at=paused_at,
            job=job,
            resume_at=paused_at + PAUSES,
        )
    return job
