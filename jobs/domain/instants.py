"""Due times as numbers: what each kind of schedule names, searched, listed and counted.

An instant here is whole microseconds since 1 January 1970 UTC: exact, and fast to compare and merge.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from jobs.domain.cron_clock import CronClock

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Where Python's calendar ends, less the widest offset.
LAST_INSTANT = (datetime(9990, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


def to_instant(moment: datetime) -> int:
    """Return an aware datetime as an instant."""
    return (moment - _EPOCH) // _MICROSECOND


def to_moment(instant: int) -> datetime:
    """Return an instant as an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=instant)


class DueTimes(Protocol):
    """A set of instants. Every range is ``(after, until]``."""

    def next_after(self, instant: int) -> int | None:
        """Return the first one after ``instant``; None when there is none."""

    def last_until(self, instant: int) -> int | None:
        """Return the last one at or before ``instant``; None when there is none."""

    def count(self, after: int, until: int) -> int:
        """Return how many lie in the range."""

    def between(self, after: int, until: int) -> list[int]:
        """Return those of the range, in order."""


@dataclass(frozen=True, slots=True)
class CronTimes:
    """The due times of a cron expression; they fall on whole seconds."""

    clock: CronClock

    def next_after(self, instant: int) -> int | None:
        """Return the first one after ``instant``."""
        found = self.clock.next_after(instant // SECOND)
        return None if found is None else found * SECOND

    def last_until(self, instant: int) -> int | None:
        """Return the last one at or before ``instant``."""
        found = self.clock.last_until(instant // SECOND)
        return None if found is None else found * SECOND

    def count(self, after: int, until: int) -> int:
        """Return how many lie in the range."""
        return self.clock.count(after // SECOND, until // SECOND)

    def between(self, after: int, until: int) -> list[int]:
        """Return those of the range, in order."""
        return [found * SECOND for found in self.clock.between(after // SECOND, until // SECOND)]


@dataclass(frozen=True, slots=True)
class Grid:
    """``origin``, ``origin + period``, ``origin + 2 * period``...: no drift, however long it runs."""

    origin: int
    period: int

    def next_after(self, instant: int) -> int | None:
        """Return the first one after ``instant``."""
        return self.origin + self._steps(instant) * self.period

    def last_until(self, instant: int) -> int | None:
        """Return the last one at or before ``instant``."""
        steps = self._steps(instant)
        return self.origin + (steps - 1) * self.period if steps else None

    def count(self, after: int, until: int) -> int:
        """Return how many lie in the range."""
        return max(self._steps(until) - self._steps(after), 0)

    def between(self, after: int, until: int) -> list[int]:
        """Return those of the range, in order."""
        steps = range(self._steps(after), self._steps(until))
        return [self.origin + step * self.period for step in steps]

    def _steps(self, instant: int) -> int:
        """Return how many lie at or before ``instant``."""
        return max((instant - self.origin) // self.period + 1, 0)


@dataclass(frozen=True, slots=True)
class Single:
    """One instant, or none."""

    instant: int | None = None

    def next_after(self, instant: int) -> int | None:
        """Return it when it lies after ``instant``."""
        return self.instant if self.count(instant, LAST_INSTANT) else None

    def last_until(self, instant: int) -> int | None:
        """Return it when it lies at or before ``instant``."""
        return self.instant if self.instant is not None and self.instant <= instant else None

    def count(self, after: int, until: int) -> int:
        """Return 1 when it lies in the range, otherwise 0."""
        return int(self.instant is not None and after < self.instant <= until)

    def between(self, after: int, until: int) -> list[int]:
        """Return it when it lies in the range."""
        return [self.instant] if self.instant is not None and self.count(after, until) else []


@dataclass(frozen=True, slots=True)
class Window:
    """The due times of another set from ``start`` (inclusive) to ``end`` (exclusive)."""

    inner: DueTimes
    start: int
    end: int

    def next_after(self, instant: int) -> int | None:
        """Return the first one after ``instant``."""
        found = self.inner.next_after(max(instant, self.start - 1))
        return found if found is not None and found < self.end else None

    def last_until(self, instant: int) -> int | None:
        """Return the last one at or before ``instant``."""
        found = self.inner.last_until(min(instant, self.end - 1))
        return found if found is not None and found >= self.start else None

    def count(self, after: int, until: int) -> int:
        """Return how many lie in the range."""
        after, until = max(after, self.start - 1), min(until, self.end - 1)
        return self.inner.count(after, until) if after < until else 0

    def between(self, after: int, until: int) -> list[int]:
        """Return those of the range, in order."""
        after, until = max(after, self.start - 1), min(until, self.end - 1)
        return self.inner.between(after, until) if after < until else []
