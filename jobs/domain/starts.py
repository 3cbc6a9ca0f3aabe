"""How many more runs may start in a minute that slides with the clock.

A start counts for sixty seconds. When so many count as may start in a minute, the next may start the
moment the oldest of them ceases to count. A clock that is set back leaves starts that are yet to come:
those of the next minute count until theirs is over, later ones count no more. Whatever the clock does,
nothing so waits for more than two minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
# How long a claim may take to become a start, and is kept beyond the minute for that.
STARTING = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What the last minute leaves to the next moment."""

    free: int  # how many may start now
    opens_at: datetime | None  # when the next may; None where one may now

    def opens_in(self, now: datetime) -> float | None:
        """Return the seconds until the next may start; None where one may now."""
        return None if self.opens_at is None else max((self.opens_at - now).total_seconds(), 0.0)


def minute_of(starts: Iterable[datetime], per_minute: int, now: datetime) -> Minute:
    """Return what is left of ``per_minute`` starts after those that were."""
    counted = sorted(at for at in starts if now - MINUTE < at <= now + MINUTE)
    free = per_minute - len(counted)
    if free > 0:
        return Minute(free=free, opens_at=None)
    return Minute(free=0, opens_at=counted[-per_minute] + MINUTE)
