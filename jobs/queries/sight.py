"""What a caller may do with the object that an address names; what he may not see does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor, Permission
from jobs.domain.said import said
from jobs.models import Backfill, Execution, Job, Variable
from jobs.models.variable import workspace_of

# The part of an address that names a job, or something of a job; the first that is there counts.
# The sentences are those of what asks for a number that nothing has, where they are marked.
_OWNERS = {
    "job_id": ("Job {number} does not exist.", Job, "pk"),
    "execution_id": ("Execution {number} does not exist.", Execution, "job"),
    "backfill_id": ("Backfill {number} does not exist.", Backfill, "job"),
    "variable_id": ("Variable {number} does not exist.", Variable, "job"),
}


def names_object(parts: Mapping[str, Any]) -> bool:
    """Say whether the parts of an address name a job, or something of a job."""
    return not _OWNERS.keys().isdisjoint(parts)


def before(actor: Actor, parts: Mapping[str, Any]) -> Actor:
    """Return the actor with what he may do to the object of an address.

    UnknownError, as for a number that nothing has, for what he may not see. Asks nothing for who has
    the same rights everywhere.
    """
    if not actor.partial or not names_object(parts):
        return actor
    part, (sentence, model, path) = next(one for one in _OWNERS.items() if one[0] in parts)
    number = parts[part]
    if not isinstance(number, int):
        return actor  # a name of another interface, which asks for the role for everything
    job = Job.objects.filter(
        pk__in=model._default_manager.filter(pk=number).values(path)  # noqa: SLF001
    ).first()
    allowed = (
        frozenset[Permission]() if job is None else actor.permissions_on(job.workspace_id, job.tags)
    )
    if job is None and model is Variable:
        return _before_variable(actor, number)
    if Permission.READ not in allowed:
        raise UnknownError(said(sentence, number=number))
    return replace(actor, here=allowed)


def _before_variable(actor: Actor, number: int) -> Actor:
    """Return the actor before a variable of a workspace, or of all jobs."""
    scopes = Variable.objects.filter(pk=number).values_list("scope", flat=True)
    room = workspace_of(scopes.first() or "")
    if room is None and actor.sees_all:
        return actor
    allowed = frozenset[Permission]() if room is None else actor.permissions_on(room, ())
    if Permission.READ not in allowed:
        raise UnknownError(said("Variable {number} does not exist.", number=number))
    return replace(actor, here=allowed)
