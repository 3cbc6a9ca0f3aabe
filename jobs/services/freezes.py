"""Freezes: hold back all due times of the product, or of the jobs with a tag, for a while.

A freeze that is committed before an instant holds back every due time from that instant on: the
dispatcher reads it in the transaction that decides. Each job's own state is untouched.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from jobs import wake
from jobs.domain.errors import ForbiddenError, InvalidError, StateError
from jobs.domain.permissions import Actor, Permission, require, require_somewhere
from jobs.domain.said import said
from jobs.domain.states import FreezeScope
from jobs.models import Freeze, Job
from jobs.queries import workspaces
from jobs.queries.freezes import get_freeze, waiting_under
from jobs.queries.sway import sway_of
from jobs.queries.workspaces import is_disabling
from jobs.services import audit, cancelling, revisions
from jobs.services.freeze_requests import LONGEST, FreezeChanges, FreezeRequest
from jobs.services.writing import write_transaction

# A moment that was now when somebody wrote it still means now.
_JUST_NOW = timedelta(minutes=1)


def freeze(request: FreezeRequest, *, actor: Actor) -> Freeze:
    """Hold back due times from now, or from a later moment, on.

    One that begins now also takes back what schedules queued and nobody started. What runs goes on.
    """
    require_somewhere(actor, Permission.PAUSE)
    _require_over(actor, request.scope.value, _target(request, actor))
    return hold(request, actor=actor)


def hold(request: FreezeRequest, *, actor: Actor) -> Freeze:
    """Make a freeze for whoever may: a workspace is disabled by those who edit it."""
    with write_transaction():
        now = timezone.now()  # of the moment in which nobody else writes, where there is only one
        made = draft(request, actor=actor, now=now)
        made.save()
        if made.starts_at == now:
            _take_back(made, f"Frozen by {actor.name} before it started: {made.reason}")
        _record(made, actor, "freeze.create")
    return made


def draft(request: FreezeRequest, *, actor: Actor, now: datetime) -> Freeze:
    """Return the freeze that a request would make, for its preview; InvalidError as on saving."""
    starts_at = _start(request.starts_at, now)
    return Freeze(
        scope=request.scope.value,
        target=_target(request, actor),
        reason=request.reason,
        starts_at=starts_at,
        ends_at=_checked_end(request.end_from(starts_at), starts_at, now),
        created_at=now,
        created_by=actor.name[:200],
    )


def changed(row: Freeze, changes: FreezeChanges, *, now: datetime) -> Freeze:
    """Return a freeze with these changes, not saved; InvalidError as on saving."""
    if changes.reason is not None:
        row.reason = changes.reason
    if changes.names_end:
        since = max(row.starts_at, now)
        row.ends_at = _checked_end(changes.end_from(since), since, now)
    return row


def lift(freeze_id: int, *, actor: Actor) -> Freeze:
    """End a freeze now; one that has not begun is called off and never holds anything back.

    Nothing is caught up: what was left out stays left out.
    """
    require_somewhere(actor, Permission.PAUSE)
    with write_transaction():
        row = _locked(freeze_id, actor)
        _refuse_disabling(row)
        return end(row, actor=actor)


def end(row: Freeze, *, actor: Actor) -> Freeze:
    """End a locked freeze for whoever may."""
    with write_transaction():
        now = timezone.now()
        _refuse_ended(row, now)
        begun = row.starts_at <= now
        row.ends_at = now if begun else row.starts_at
        row.lifted_at = now
        row.lifted_by = actor.name[:200]
        row.save(update_fields=["ends_at", "lifted_at", "lifted_by"])
        _record(row, actor, "freeze.lift" if begun else "freeze.cancel")
    return row


def extend(freeze_id: int, changes: FreezeChanges, *, actor: Actor) -> Freeze:
    """Change the reason or the end of a freeze that holds, or that has not begun."""
    require_somewhere(actor, Permission.PAUSE)
    with write_transaction():
        row = _locked(freeze_id, actor)
        _refuse_disabling(row)
        now = timezone.now()
        _refuse_ended(row, now)
        before = _facts(row)
        if _facts(changed(row, changes, now=now)) != before:
            row.save(update_fields=["reason", "ends_at"])
            _record(row, actor, "freeze.update", before=before)
    return row


def _start(wanted: datetime | None, now: datetime) -> datetime:
    """Return when a freeze begins; ``now`` itself for one that begins at once."""
    if wanted is None or now - _JUST_NOW <= wanted <= now:
        return now
    if wanted < now:
        sentence = said(
            "{moment} is over. Leave the start empty to begin now.", moment=wanted.isoformat()
        )
        raise InvalidError(sentence, fields={"starts_at": sentence})
    if wanted > now + LONGEST:
        sentence = said(
            "{moment} is too far. Begin within {days} days.",
            moment=wanted.isoformat(),
            days=LONGEST.days,
        )
        raise InvalidError(sentence, fields={"starts_at": sentence})
    return wanted


def _checked_end(end: datetime | None, start: datetime, now: datetime) -> datetime | None:
    """Return the end; InvalidError when nothing would be held back, or for too long."""
    if end is None:
        return None
    if end <= max(start, now):
        sentence = said(
            "{moment} is not after the start. Use a later moment.", moment=end.isoformat()
        )
        raise InvalidError(sentence, fields={"ends_at": sentence})
    if end > start + LONGEST:
        sentence = said(
            "{moment} is too far. A freeze lasts {days} days at most.",
            moment=end.isoformat(),
            days=LONGEST.days,
        )
        raise InvalidError(sentence, fields={"ends_at": sentence})
    return end


def _locked(freeze_id: int, actor: Actor) -> Freeze:
    """Return the freeze with its row locked, to who may change it."""
    row = get_freeze(freeze_id, seen_by=actor)
    _require_over(actor, row.scope, row.target)
    return Freeze.objects.select_for_update().get(pk=freeze_id)


def _require_over(actor: Actor, scope: str, target: str) -> None:
    """Refuse who may not hold back every job that the freeze is about."""
    if not actor.partial:
        require(actor, Permission.PAUSE)
    elif not sway_of(actor, Permission.PAUSE).over(scope, target):
        raise ForbiddenError(
            said(
                "You may freeze only what your role is for: one of your workspaces, or one of your "
                "tags (needs {permission} there).",
                permission=Permission.PAUSE,
            )
        )


def _target(request: FreezeRequest, actor: Actor) -> str:
    """Return what is held back; a workspace by its name as it is stored."""
    if request.scope != FreezeScope.WORKSPACE:
        return request.target
    row = workspaces.visible(actor).filter(name__iexact=request.target).first()
    if row is None:
        sentence = said("Workspace {name!r:.120} does not exist.", name=request.target)
        raise InvalidError(sentence, fields={"target": sentence})
    return row.name


def _refuse_disabling(row: Freeze) -> None:
    if is_disabling(row):
        raise StateError(
            said(
                "Freeze {id} stands for the disabled workspace {name}. Enable that instead.",
                id=row.pk,
                name=row.target,
            )
        )


def _refuse_ended(row: Freeze, now: datetime) -> None:
    if row.lifted_at is not None or (row.ends_at is not None and row.ends_at <= now):
        raise StateError(said("Freeze {id} has ended already. Make a new one.", id=row.pk))


def _take_back(made: Freeze, message: str) -> None:
    """Take back what waits of the jobs that a freeze holds back."""
    jobs = Job.objects.filter(pk__in=waiting_under(made).values("job"))
    # In one order, as everybody who locks several.
    cancelling.take_back(jobs.select_for_update(of=("self",)).order_by("pk"), message)


def _facts(row: Freeze) -> dict[str, str | None]:
    return {
        "scope": row.scope,
        "target": row.target,
        "reason": row.reason,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": None if row.ends_at is None else row.ends_at.isoformat(),
    }


def _record(
    row: Freeze, actor: Actor, action: str, *, before: dict[str, str | None] | None = None
) -> None:
    """Write down who did it, and let every page show it."""
    name = row.target or FreezeScope.EVERYTHING.value
    audit.record_on(row, name, actor, action, before=before, after=_facts(row), note=row.reason)
    revisions.bump("jobs")
    wake.poke(wake.JOBS)
