"""Start a job outside its schedules."""

from __future__ import annotations

from django.db import IntegrityError
from django.utils import timezone

from jobs import wake
from jobs.domain.errors import ConflictError, StateError
from jobs.domain.overlap import OverlapAction, decide_overlap
from jobs.domain.permissions import Actor, Permission
from jobs.domain.said import said
from jobs.domain.states import Overlap, Trigger
from jobs.models import Execution, Job
from jobs.models.execution import LIVE_VALUES
from jobs.queries.executions import get_execution
from jobs.services import access, audit, cancelling, parameter_definitions, revisions
from jobs.services.batch import behind, new_execution
from jobs.services.circuits import Gates, gates_of
from jobs.services.dispatch import settle_until
from jobs.services.handover import hand_over_on_commit
from jobs.services.jobs import locked
from jobs.services.writing import write_transaction


def trigger(
    job_id: int,
    *,
    actor: Actor,
    kind: Trigger = Trigger.MANUAL,
    idempotency_key: str = "",
    force: bool = False,
    parameters: object = None,
    following: int | None = None,
) -> Execution:
    """Queue one execution of a job now, also of a paused one, which stays paused.

    The job's overlap policy holds: StateError when it would run beside an execution in progress
    and may not. So does its circuit breaker, unless ``force`` starts it all the same. ``parameters``
    are names and values; InvalidError names each that the job does not take.

    ``following`` is the execution that this one repeats. A repeated ``idempotency_key`` answers the
    execution of the first request; ConflictError when that was given other parameters.
    """
    access.require_on_id(actor, Permission.EXECUTE, job_id)
    known = _known(job_id, idempotency_key, parameters)
    if known is not None:
        return known
    try:
        return _trigger(
            job_id,
            actor,
            kind,
            idempotency_key,
            force=force,
            parameters=parameters,
            following=following,
        )
    except IntegrityError:  # the same request at the same moment on another connection
        found = _known(job_id, idempotency_key, parameters)
        if found is None:
            raise
        return found


def again(execution_id: int, *, actor: Actor, idempotency_key: str = "") -> Execution:
    """Run the job of an execution again now: as it is defined now, with the same parameters."""
    before = get_execution(execution_id)
    return trigger(
        before.job_id,
        actor=actor,
        kind=Trigger.RETRY,
        idempotency_key=idempotency_key,
        parameters=parameter_definitions.opened(before.parameters),
        following=execution_id,
    )


def _known(job_id: int, idempotency_key: str, parameters: object) -> Execution | None:
    """Return the execution that an earlier request with the key has made."""
    if not idempotency_key:
        return None
    rows = Execution.objects.select_related("job")
    found = rows.filter(job_id=job_id, idempotency_key=idempotency_key).first()
    if found is not None and parameters:
        given = parameter_definitions.checked(found.job.parameters, parameters)
        if given != parameter_definitions.opened(found.parameters):
            raise ConflictError(
                said(
                    "The Idempotency-Key {key!r} was used for execution #{number}, which was "
                    "given other parameters. Use another key.",
                    key=idempotency_key[:80],
                    number=found.pk,
                )
            )
    return found


def _trigger(
    job_id: int,
    actor: Actor,
    kind: Trigger,
    idempotency_key: str,
    *,
    force: bool,
    parameters: object,
    following: int | None,
) -> Execution:
    now = timezone.now()
    with write_transaction():
        job = locked(job_id)
        # Again, now that an equal request of this very moment has written its own.
        known = _known(job_id, idempotency_key, parameters)
        if known is not None:
            return known
        values = parameter_definitions.checked(job.parameters, parameters)
        gates = gates_of(job, now)
        if not force:
            _refuse_open(job, gates)
        held = _must_wait(job)
        gates.take(job)
        execution = new_execution(
            job,
            due_at=now,
            trigger=kind,
            now=now,
            held=held,
            actor=actor.name[:200],
            idempotency_key=idempotency_key[:200],
            upstream=None if following is None else [following],
            parameters=parameter_definitions.sealed(job.parameters, values),
        )
        execution.save(force_insert=True)
        job.execution_count += 1
        job.save(update_fields=["execution_count"])
        if job.counts_from_end:
            # Nothing is due until this execution ends; its end names the next due time. One that is
            # due already and that no dispatcher has seen gets its verdict first.
            settle_until(job, now)
        audit.record(
            actor,
            "job.trigger",
            object_type="job",
            object_id=job.pk,
            object_name=job.name,
            note=f"Execution #{execution.pk}{', forced' if force else ''}",
        )
        revisions.bump("executions")
        wake.poke("queue")
        hand_over_on_commit([execution])
    return execution


def _refuse_open(job: Job, gates: Gates) -> None:
    """Raise StateError when its circuit breaker lets nothing begin."""
    refusal = gates.refusal(job)
    if refusal:
        raise StateError(
            said(
                "{name} was not started: {why}. Force it to start all the same.",
                name=job.name,
                why=refusal,
            )
        )


def _must_wait(job: Job) -> bool:
    """Say whether a new execution waits for the one in progress; StateError when it may not be."""
    if job.live_count == 0:
        return False
    found = job.executions.filter(state__in=LIVE_VALUES).order_by("pk")
    live = list(found.values_list("pk", "held"))
    if not live:
        # The job is locked, so what its counter says is wrong, and no end would ever lower it.
        return False
    held = sum(is_held for _, is_held in live)
    action = decide_overlap(
        Overlap(job.overlap),
        live=len(live),
        waiting=behind(held, len(live) - held),
        max_parallel=job.max_parallel,
    )
    if action == OverlapAction.OMIT:
        raise StateError(
            said(
                "{name} was not started: execution #{number} is still in progress and its "
                "overlap policy is {overlap}.",
                name=job.name,
                number=live[0][0],
                overlap=job.overlap,
            )
        )
    if action == OverlapAction.CANCEL_AND_QUEUE:
        return cancelling.make_room(job, by="its overlap policy", now=timezone.now())
    return action != OverlapAction.DISPATCH
