"""A trivial command that is sent through the real engine: what a person waits for, measured."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from jobs import conf
from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.said import said, said_word
from jobs.domain.selfcheck import Finding, Part, Verdict
from jobs.domain.states import TERMINAL, ExecutionState
from jobs.models import Execution, Job
from jobs.services import cancelling, jobs, triggers
from jobs.services.definitions import parse_definition

NAME = "selfcheck-canary"
# A free worker takes what waits within a fraction of a second.
SLOW_SECONDS = 5.0
PATIENCE_SECONDS = 30.0
TIMEOUT_SECONDS = 20.0
_MILLISECOND = timedelta(milliseconds=1)


def start(*, actor: Actor) -> Execution:
    """Queue the command. Its job is made when needed, and put right when somebody changed it."""
    require(actor, Permission.ADMINISTER)
    job = find()
    wanted = {
        "name": NAME,
        "type": "command",
        "spec": {"command": "echo chirp"},
        "description": "Runs when somebody asks for a check of the engine",
        "tags": ["selfcheck"],
        "queue": conf.queues()[0],
        "timeout_seconds": TIMEOUT_SECONDS,
        "overlap": "allow",
        "max_parallel": 10,
    }
    if job is None:
        job = jobs.create(parse_definition(wanted), actor=actor)
    else:
        jobs.update(job.pk, wanted, actor=actor)
    return triggers.trigger(job.pk, actor=actor)


def find() -> Job | None:
    """Return the canary's job, if it was ever asked for."""
    return Job.objects.present().filter(name=NAME, workspace=None).first()


def get(execution_id: int) -> Execution:
    """Return a run of the canary; UnknownError for any other."""
    run = Execution.objects.filter(pk=execution_id, job__name=NAME, job__workspace=None).first()
    if run is None:
        raise UnknownError(said("Execution {id} is no run of the canary.", id=execution_id))
    return run


def judge(execution: Execution, now: datetime) -> Finding | None:
    """Return what a canary's run shows at ``now``; None while it is under way and in time."""
    if execution.state not in {state.value for state in TERMINAL}:
        waited = (now - execution.queued_at) / timedelta(seconds=1)
        if waited < PATIENCE_SECONDS:
            return None
        return Finding(
            part=Part.CANARY,
            verdict=Verdict.BAD,
            sentence=gettext_noop("Run #%(id)s has not ended after %(seconds)s s."),
            values={"id": execution.pk, "seconds": f"{waited:.0f}"},
            advice=gettext_noop("Look at dispatcher and workers above."),
        )
    if execution.state != ExecutionState.SUCCEEDED or execution.started_at is None:
        return Finding(
            part=Part.CANARY,
            verdict=Verdict.BAD,
            sentence=gettext_noop("Run #%(id)s %(state)s: %(message)s"),
            values={
                "id": execution.pk,
                "state": said_word(execution.state.replace("_", " ")),
                "message": execution.message or execution.error or "-",
            },
        )
    return _of_success(execution, execution.started_at)


def _of_success(execution: Execution, started_at: datetime) -> Finding:
    ended_at = execution.finished_at or started_at
    wait = started_at - execution.queued_at
    slow = wait > timedelta(seconds=SLOW_SECONDS)
    return Finding(
        part=Part.CANARY,
        verdict=Verdict.WARN if slow else Verdict.OK,
        sentence=gettext_noop(
            "Run #%(id)s waited %(wait)s ms for a worker, ran %(ran)s ms and succeeded."
        ),
        values={
            "id": execution.pk,
            "wait": f"{wait / _MILLISECOND:.0f}",
            "ran": f"{(ended_at - started_at) / _MILLISECOND:.0f}",
        },
        advice=gettext_noop("All workers are busy: raise WORKERS, or start another cluster.")
        if slow
        else "",
    )


def give_up(execution: Execution, *, actor: Actor) -> None:
    """Take back a run that nobody waits for any more, unless it has ended meanwhile."""
    if execution.state not in {state.value for state in TERMINAL}:
        cancelling.cancel(execution.pk, actor=actor)
