"""Record who did what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from jobs.domain.disclosure import masked
from jobs.domain.permissions import Actor
from jobs.models import AuditEntry


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
        note=note[:500],
    )
