"""Who may read what a run printed: the answer of an HTTP job is for operators only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobs.domain.disclosure import HTTP, sees_answers
from jobs.domain.errors import ForbiddenError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.models import Execution, JobVersion


class Ran(NamedTuple):
    """An execution, with the job's type of today."""

    id: int
    job_id: int
    version: int
    type: str


def hidden_answers(actor: Actor, executions: Sequence[Execution]) -> set[int]:
    """Return the ids of the executions whose output ``actor`` may not read; at most one query.

    What counts is the type that ran, whatever the job has become since.
    """
    if sees_answers(actor, HTTP):
        return set()
    return hidden_among(
        actor, [Ran(one.pk, one.job_id, one.version, one.job.type) for one in executions]
    )


def hidden_among(actor: Actor, executions: Sequence[Ran]) -> set[int]:
    """Return what `hidden_answers` does, without reading a job."""
    if sees_answers(actor, HTTP):
        return set()
    ran = JobVersion.objects.filter(
        job__in={one.job_id for one in executions}, version__in={one.version for one in executions}
    ).values_list("job_id", "version", "definition__type")
    kinds = {(job, version): kind for job, version, kind in ran}
    return {
        one.id
        for one in executions
        if not sees_answers(actor, kinds.get((one.job_id, one.version)) or one.type)
    }


def sees_answer(actor: Actor, execution: Execution) -> bool:
    """Say whether ``actor`` may read the output of one execution."""
    return not hidden_answers(actor, [execution])


def require_answer(actor: Actor, execution: Execution) -> None:
    """Raise ForbiddenError unless ``actor`` may read the output of an execution."""
    if not sees_answer(actor, execution):
        raise ForbiddenError(
            said(
                "Your role, {role}, may not read the answer of an HTTP job (needs operator).",
                role=actor.role,
            )
        )
