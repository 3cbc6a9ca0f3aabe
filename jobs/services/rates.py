"""How often one token or person may call: a bucket for each that fills evenly.

Kept in each web process's memory: counting in the database would cost every call a write. Several
web processes therefore let through that many times as much.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

_MINUTE = 60.0
_MOST_BUCKETS = 10_000  # a full bucket says nothing: those go first


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Rates:
    """Buckets of ``per_minute`` calls, by whatever calls."""

    def __init__(self) -> None:
        """Begin with full buckets."""
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def wait_for(self, caller: str, per_minute: int, *, now: float | None = None) -> float:
        """Count a call; return after how many seconds it may be made, 0 when it may be now."""
        if per_minute <= 0:
            return 0.0
        now = time.monotonic() if now is None else now
        per_second = per_minute / _MINUTE
        with self._lock:
            bucket = self._buckets.get(caller)
            if bucket is None:
                self._make_room(now, per_minute)
                bucket = self._buckets[caller] = _Bucket(float(per_minute), now)
            passed = max(0.0, now - bucket.at)
            bucket.level = min(float(per_minute), bucket.level + passed * per_second)
            bucket.at = now
            if bucket.level < 1:
                return (1 - bucket.level) / per_second
            bucket.level -= 1
            return 0.0

    def clear(self) -> None:
        """Fill every bucket."""
        with self._lock:
            self._buckets.clear()

    def _make_room(self, now: float, per_minute: int) -> None:
        """Forget the buckets that have filled again."""
        if len(self._buckets) >= _MOST_BUCKETS:
            full = [
                caller
                for caller, one in self._buckets.items()
                if one.level + (now - one.at) * per_minute / _MINUTE >= per_minute
            ]
            for caller in full:
                del self._buckets[caller]


RATES = Rates()
