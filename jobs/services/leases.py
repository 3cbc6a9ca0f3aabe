"""Leases: what only one process of many should do at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from jobs.models import Lease
from jobs.services.writing import write_transaction

_BEYOND = 4  # hosts differ a little, in their clocks and in what they ask for


def take(name: str, holder: str, *, lasting: timedelta, now: datetime) -> bool:
    """Take or keep a lease; False while another holds it.

    A lease orders, it does not fence: what is done under one must bear being done twice. One that
    ends later than anybody asks for was taken before the clock was set back: it counts as over.
    """
    over = Q(expires_at__lt=now) | Q(expires_at__gt=now + _BEYOND * lasting)
    free = Lease.objects.filter(Q(holder=holder) | over, name=name)
    # In turn with all other writers: at each look, and however much they write.
    with write_transaction():
        if free.update(holder=holder, expires_at=now + lasting):
            return True
        try:
            with transaction.atomic():
                Lease.objects.create(name=name, holder=holder, expires_at=now + lasting)
        except IntegrityError:
            return False
    return True


def give_back(name: str, holder: str, *, now: datetime) -> None:
    """Let another have it at once."""
    Lease.objects.filter(name=name, holder=holder).update(expires_at=now - timedelta(seconds=1))


def state_of(name: str) -> dict[str, Any]:
    """Return what the holder has noted."""
    found = Lease.objects.filter(name=name).values_list("state", flat=True).first()
    return dict(found or {})


def note(name: str, holder: str, state: Mapping[str, Any]) -> None:
    """Note what the next holder must know."""
    Lease.objects.filter(name=name, holder=holder).update(state=dict(state))
