"""Idempotency keys: a request that is sent twice is answered twice and done once.

Key, deed and answer are one transaction. A second request of the same moment waits for the first:
on SQLite for its turn to write, on PostgreSQL at the unique index; then it reads the first's answer.
A deed that is refused leaves no key, so the mended request may use it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError
from django.utils import timezone

from jobs.domain.errors import ConflictError, InvalidError
from jobs.models import RequestKey
from jobs.services.writing import write_transaction

KEPT = timedelta(hours=24)
DROPPED_AT_ONCE = 100  # old keys that a new one takes along: more are dropped than made
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequest:
    """One caller's request: the key stands for exactly this one."""

    actor: str
    key: str
    method: str
    path: str
    content: bytes

    @property
    def digest(self) -> str:
        """Return what tells this request from another with the same key."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request was answered."""

    status: int
    content: str
    headers: Mapping[str, str] = field(default_factory=dict)


def once(
    request: KeyedRequest, act: Callable[[], Answer], *, kept: Callable[[Answer], Answer]
) -> tuple[Answer, bool]:
    """Do what ``act`` does, or return the answer of the first time; say whether it is a repetition.

    ``kept`` turns the answer into what may be stored. ConflictError for a key of another request.
    """
    if not 0 < len(request.key) <= LONGEST_KEY:
        raise InvalidError(f"Idempotency-Key is too long. Use 1 to {LONGEST_KEY} characters.")
    now = timezone.now()
    with write_transaction():
        drop_old(now)
        row, known = _claimed(request, now)
        if known:
            return _stored(row, request), True
        answer = act()
        stored = kept(answer)
        row.status = stored.status
        row.body = {"content": stored.content, "headers": dict(stored.headers)}
        row.save(update_fields=["status", "body"])
    return answer, False


def drop_old(now: datetime) -> int:
    """Drop a batch of keys that nobody will repeat any more; return how many."""
    old = RequestKey.objects.filter(created_at__lt=now - KEPT).order_by("created_at", "pk")
    # What another request of the moment drops is not waited for: it ends with that request's deed.
    old = old.select_for_update(skip_locked=True)
    numbers = list(old.values_list("pk", flat=True)[:DROPPED_AT_ONCE])
    if numbers:
        RequestKey.objects.filter(pk__in=numbers).delete()
    return len(numbers)


def _claimed(request: KeyedRequest, now: datetime) -> tuple[RequestKey, bool]:
    """Return the key's row, and whether an earlier request has made it."""
    same = RequestKey.objects.filter(actor=request.actor[:200], key=request.key)
    same.filter(created_at__lt=now - KEPT).delete()
    row = RequestKey(
        actor=request.actor[:200],
        key=request.key,
        method=request.method,
        path=request.path[:500],
        digest=request.digest,
        status=0,
        created_at=now,
    )
    try:
        with write_transaction():
            row.save(force_insert=True)
    except IntegrityError:
        return same.get(), True
    return row, False


def _stored(row: RequestKey, request: KeyedRequest) -> Answer:
    if (row.method, row.path, row.digest) != (request.method, request.path[:500], request.digest):
        raise ConflictError(
            f"The Idempotency-Key {request.key[:80]!r} was used for another request, "
            f"{row.method} {row.path[:100]}. Use another key."
        )
    body = row.body or {}
    return Answer(status=row.status, content=body["content"], headers=body["headers"])
