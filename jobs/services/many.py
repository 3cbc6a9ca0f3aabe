"""One deed on many jobs: each for itself, and what cannot be done stops no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import Actor, Permission, require_somewhere
from jobs.domain.states import Trigger
from jobs.services import jobs, triggers


class Deed(StrEnum):
    """What can be done with many jobs at once."""

    TRIGGER = "trigger"
    PAUSE = "pause"
    RESUME = "resume"
    DELETE = "delete"


_NEEDS = {
    Deed.TRIGGER: Permission.EXECUTE,
    Deed.PAUSE: Permission.PAUSE,
    Deed.RESUME: Permission.PAUSE,
    Deed.DELETE: Permission.DELETE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one job: done, with its new execution if there is one, or refused."""

    job_id: int
    error: JobdeckError | None = None
    execution_id: int | None = None


def apply(
    deed: Deed,
    job_ids: Iterable[int],
    *,
    actor: Actor,
    reason: str = "",
    kind: Trigger = Trigger.MANUAL,
) -> Sequence[Outcome]:
    """Do it to each job once, in order; ForbiddenError for who may do it to no job at all."""
    require_somewhere(actor, _NEEDS[deed])
    return [_one(deed, job_id, actor, reason, kind) for job_id in dict.fromkeys(job_ids)]


def _one(deed: Deed, job_id: int, actor: Actor, reason: str, kind: Trigger) -> Outcome:
    try:
        return Outcome(job_id=job_id, execution_id=_do(deed, job_id, actor, reason, kind))
    except JobdeckError as error:
        return Outcome(job_id=job_id, error=error)


def _do(deed: Deed, job_id: int, actor: Actor, reason: str, kind: Trigger) -> int | None:
    if deed == Deed.TRIGGER:
        return triggers.trigger(job_id, actor=actor, kind=kind).pk
    if deed == Deed.PAUSE:
        jobs.pause(job_id, actor=actor, reason=reason)
    elif deed == Deed.RESUME:
        jobs.resume(job_id, actor=actor)
    else:
        jobs.delete(job_id, actor=actor)
    return None
