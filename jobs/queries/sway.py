"""Which freezes somebody with a role for some jobs sees, and for which places he may make one."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from jobs.domain.permissions import Actor, Permission
from jobs.domain.states import FreezeScope
from jobs.models import Job, JobTag
from jobs.queries import workspaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Sway:
    """Over which jobs together somebody may do something: all, or those of some places."""

    everything: bool = False
    tags: frozenset[str] = frozenset()
    workspaces: frozenset[str] = frozenset()  # names, as they are stored

    def over(self, scope: str, target: str) -> bool:
        """Say whether he may do it to all jobs of a place."""
        if self.everything:
            return True
        if scope == FreezeScope.TAG:
            return target in self.tags
        return scope == FreezeScope.WORKSPACE and target in self.workspaces


def sway_of(actor: Actor, permission: Permission) -> Sway:
    """Return over what ``actor`` has a permission; asks nothing of most."""
    if not actor.partial or actor.may(permission):
        return Sway(everything=actor.may(permission))
    tags = {grant.tag for grant in actor.grants if grant.tag}
    if actor.within is not None:
        tags |= actor.within.tags
    return Sway(
        tags=frozenset(tag for tag in tags if permission in actor.permissions_on(None, {tag})),
        workspaces=frozenset(
            row.name
            for row in workspaces.visible(actor)
            if permission in actor.permissions_on(row.pk, ())
        ),
    )


def freezes_seen_by(actor: Actor | None) -> Q:
    """Return the condition for freezes of everything, of own places, and of what own jobs are in."""
    if actor is None or actor.sees_all:
        return Q()
    mine = sway_of(actor, Permission.READ)
    jobs = Job.objects.visible_to(actor)
    tags = JobTag.objects.filter(job__in=jobs.values("pk")).values("tag")
    rooms = jobs.filter(workspace__isnull=False).values("workspace__name")
    tagged = Q(target__in=mine.tags) | Q(target__in=tags)
    inside = Q(target__in=mine.workspaces) | Q(target__in=rooms)
    return (
        Q(scope=FreezeScope.EVERYTHING.value)
        | Q(scope=FreezeScope.TAG.value) & tagged
        | Q(scope=FreezeScope.WORKSPACE.value) & inside
    )
