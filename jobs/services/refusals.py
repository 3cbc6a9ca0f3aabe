"""Refusals in the audit log: who tried what without the right to, once a minute for each."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from jobs.domain.permissions import Actor
from jobs.services import audit

# A page that asks again every few seconds, or a script in a loop, must not fill the log.
EVERY = timedelta(minutes=1)
_MOST = 10_000
_seen: dict[tuple[str, str, str], float] = {}
_lock = threading.Lock()


def record(actor: Actor, *, method: str, path: str, reason: str) -> None:
    """Add an entry, unless the same refusal of the last minute is in the log already."""
    key = (actor.name, method, path)
    now = time.monotonic()
    with _lock:
        last = _seen.get(key)
        if last is not None and now - last < EVERY.total_seconds():
            return
        if len(_seen) >= _MOST:
            _seen.clear()
        _seen[key] = now
    audit.record(actor, "access.refused", note=f"{method} {path[:200]}: {reason}")


def forget() -> None:
    """Let every refusal count as new."""
    with _lock:
        _seen.clear()
