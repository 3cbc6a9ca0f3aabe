"""People, tokens and audit entries, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet, Value
from django.db.models.functions import Upper

from jobs.domain.permissions import Role
from jobs.models import AuditEntry, Token
from jobs.queries.listing import Page

EXPORT_BATCH = 500
_Stored = TypeVar("_Stored", bound=Model)


def list_people(
    *, search: str = "", role: str = "", active: bool | None = None, after: int | None, limit: int
) -> Page[User]:
    """Return one page of people, oldest first, with their groups."""
    rows = User.objects.prefetch_related("groups").order_by("pk")
    if search:
        rows = rows.filter(Q(username__icontains=search) | Q(email__icontains=search))
    if role == Role.ADMINISTRATOR:
        rows = rows.filter(
            Q(is_superuser=True) | Q(pk__in=User.objects.filter(groups__name=role).values("pk"))
        )
    elif role:
        rows = rows.filter(groups__name=role, is_superuser=False)
    if active is not None:
        rows = rows.filter(is_active=active)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return _page(list(rows[: limit + 1]), limit)


def list_tokens(
    rows: QuerySet[Token],
    *,
    user: str = "",
    live: bool | None = None,
    now: datetime,
    after: int | None,
    limit: int,
) -> Page[Token]:
    """Return one page of the tokens that may be seen, newest first."""
    rows = rows.order_by("-pk")
    if user:
        rows = rows.filter(user__username=user)
    if live is not None:
        over = Q(revoked_at__isnull=False) | Q(expires_at__lte=now)
        rows = rows.exclude(over) if live else rows.filter(over)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    return _page(list(rows[: limit + 1]), limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries; ``since`` is inclusive, ``until`` exclusive. Empty means all."""

    actor: str = ""
    action: str = ""  # whole, or the part before the dot
    object_type: str = ""
    object_id: int | None = None
    object_name: str = ""
    since: datetime | None = None
    until: datetime | None = None
    after: int | None = None


def list_audit(chosen: AuditFilter, *, limit: int) -> Page[AuditEntry]:
    """Return one page of entries, newest first."""
    return _page(list(_entries(chosen)[: limit + 1]), limit)


def every_entry(chosen: AuditFilter) -> Iterator[AuditEntry]:
    """Yield all entries, newest first, some hundred at a time."""
    while True:
        page = list_audit(chosen, limit=EXPORT_BATCH)
        yield from page.rows
        if page.next_after is None:
            return
        chosen = replace(chosen, after=page.next_after)


def _entries(chosen: AuditFilter) -> QuerySet[AuditEntry]:
    asked: list[tuple[object, Q]] = [
        # As the index `audit_actor` has it; `iexact` is a scan on SQLite.
        (chosen.actor, Q(name=Upper(Value(chosen.actor)))),
        (chosen.object_type, Q(object_type=chosen.object_type)),
        (chosen.object_id, Q(object_id=chosen.object_id)),
        (chosen.object_name, Q(object_name__icontains=chosen.object_name)),
        (chosen.since, Q(at__gte=chosen.since)),
        (chosen.until, Q(at__lt=chosen.until)),
        (chosen.after, Q(pk__lt=chosen.after)),
    ]
    given = Q()
    for value, condition in asked:
        if value not in (None, ""):
            given &= condition
    if chosen.action:
        whole = "." in chosen.action
        given &= Q(action=chosen.action) if whole else Q(action__startswith=f"{chosen.action}.")
    rows = AuditEntry.objects.alias(name=Upper("actor")) if chosen.actor else AuditEntry.objects
    return rows.filter(given).order_by("-pk")


def _page(rows: list[_Stored], limit: int) -> Page[_Stored]:
    return Page(rows=rows[:limit], next_after=rows[limit - 1].pk if len(rows) > limit else None)
