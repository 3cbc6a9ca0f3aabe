"""Check-ins: a job that runs elsewhere reports here, and silence is noticed.

Pure: what a report moves, by when the next one is awaited, and in which state that leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.domain.schedule import Schedule
from jobs.domain.states import ScheduleKind


class CheckInState(StrEnum):
    """How a check-in stands, worst first."""

    DOWN = "down"  # the job said that it failed
    LATE = "late"  # nothing came by its time and the grace period
    UP = "up"
    NEW = "new"  # nothing has come yet: nothing is awaited
    PAUSED = "paused"


class Signal(StrEnum):
    """What a report says."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"
    LOG = "log"  # text alone: it moves nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """When reports are awaited: by a cron expression in its zone, or each period after the last."""

    expression: str = ""
    timezone: str = "UTC"
    period: timedelta | None = None
    grace: timedelta = timedelta(minutes=5)

    def due_after(self, moment: datetime) -> datetime | None:
        """Return by when the next report is due; None when the expression names no more times."""
        if self.period is not None:
            return moment + self.period
        rule = Schedule(kind=ScheduleKind.CRON, expression=self.expression, timezone=self.timezone)
        return rule.next_after(moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a check-in; ``late_at`` is when silence becomes an alert."""

    failed: bool = False
    reported: bool = False  # it has succeeded or failed at least once
    paused: bool = False
    started_at: datetime | None = None  # of a run that has not ended
    due_at: datetime | None = None
    late_at: datetime | None = None

    def state(self, now: datetime) -> CheckInState:
        """Return the state at ``now``."""
        if self.paused:
            return CheckInState.PAUSED
        if self.failed:
            return CheckInState.DOWN
        if self.late_at is not None and self.late_at <= now:
            return CheckInState.LATE
        return CheckInState.UP if self.reported else CheckInState.NEW

    def after(self, signal: Signal, what: Expectation, now: datetime) -> Standing:
        """Return the standing after a report.

        A start must be followed by its end within the grace period, as Healthchecks has it.
        """
        if signal == Signal.LOG:
            return self
        if signal == Signal.START:
            end_by = now + what.grace
            late_at = end_by if self.late_at is None else min(self.late_at, end_by)
            # A run that begins answers the wait for it, if it was late.
            late_at = end_by if late_at <= now else late_at
            return replace(self, started_at=now, late_at=late_at)
        ended = replace(self, failed=signal == Signal.FAIL, reported=True, started_at=None)
        return ended.awaiting(what, now)

    def awaiting(self, what: Expectation, since: datetime) -> Standing:
        """Return the standing with what is awaited counted from ``since``; nothing before the first."""
        due_at = what.due_after(since) if self.reported else None
        return replace(self, due_at=due_at, late_at=None if due_at is None else due_at + what.grace)


def signal_of(word: str) -> tuple[Signal, int | None] | None:
    """Return what the last part of an address says, with its exit code; None for no such thing."""
    if word.isascii() and word.isdecimal() and len(word) <= 3 and int(word) <= 255:
        code = int(word)
        return (Signal.FAIL if code else Signal.SUCCESS), code
    known = {"": Signal.SUCCESS, "start": Signal.START, "fail": Signal.FAIL, "log": Signal.LOG}
    return None if word not in known else (known[word], None)
