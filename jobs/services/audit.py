"""Record who did what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from django.db.models import Model
from django.utils import timezone

from jobs.domain.disclosure import masked
from jobs.domain.permissions import Actor
from jobs.models import AuditEntry
from jobs.services import provenance


class Facts(TypedDict, total=False):
    """What an entry may say of the thing acted on."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    note: str


def record_on(row: Model, name: str, actor: Actor, action: str, **facts: Unpack[Facts]) -> None:
    """Add an entry about a row, which goes by ``name``; its table says what kind of thing it is."""
    record(
        actor,
        action,
        object_type=row._meta.model_name or "",  # noqa: SLF001  # its only public name
        object_id=row.pk,
        object_name=name,
        **facts,
    )


def record(
    actor: Actor,
    action: str,
    *,
    object_type: str = "",
    object_id: int | None = None,
    object_name: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    note: str = "",
) -> None:
    """Add one entry; call it inside the transaction of the act itself."""
    AuditEntry.objects.create(
        at=timezone.now(),
        actor=actor.name[:200],
        action=action,
        object_type=object_type,
        object_id=object_id,
        object_name=object_name[:200],
        address=actor.address[:64],
        # Entries stay for ever: a literal secret of a definition must not.
        before=None if before is None else masked(before),
        after=None if after is None else masked(after),
        note=provenance.noted(note)[:500],
    )
