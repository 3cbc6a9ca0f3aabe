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
    key: str = "",
) -> Sequence[Outcome]:
    """Do it to each job once, in order; ForbiddenError for who may do it to no job at all.

    ``key`` makes the same request, sent again, start nothing new.
    """
    require_somewhere(actor, _NEEDS[deed])
    how = _How(actor=actor, reason=reason, kind=kind, key=key)
    return [_one(deed, job_id, how) for job_id in dict.fromkeys(job_ids)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    actor: Actor
    reason: str
    kind: Trigger
    key: str


def _one(deed: Deed, job_id: int, how: _How) -> Outcome:
    try:
        return Outcome(job_id=job_id, execution_id=_do(deed, job_id, how))
    except JobdeckError as error:
        return Outcome(job_id=job_id, error=error)


def _do(deed: Deed, job_id: int, how: _How) -> int | None:
    actor = how.actor
    if deed == Deed.TRIGGER:
        row = triggers.trigger(job_id, actor=actor, kind=how.kind, idempotency_key=how.key)
        return row.pk
    if deed == Deed.PAUSE:
        jobs.pause(job_id, actor=actor, reason=how.reason)
    elif deed == Deed.RESUME:
        jobs.resume(job_id, actor=actor)
    else:
        jobs.delete(job_id, actor=actor)
    return None
