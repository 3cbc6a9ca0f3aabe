"""Why a job did, did not, will or will not run: the words of the single steps.

Times are told on the clock of the schedule's zone, with the zone's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial

from jobs.domain.describe import describe
from jobs.domain.instants import to_instant
from jobs.domain.said import Said, said, said_by, told
from jobs.domain.schedule import Schedule, due_between
from jobs.domain.states import Fold, Gap, ScheduleKind
from jobs.domain.zones import zone

_TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Outcome(StrEnum):
    """The answer in one word."""

    RAN = "ran"
    DID_NOT_RUN = "did_not_run"
    WILL_RUN = "will_run"
    WILL_NOT_RUN = "will_not_run"
    NOT_DUE = "not_due"
    PENDING = "pending"  # due, and not decided or not started yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One link of the chain: it let the run pass (True), stopped it (False), or only says something.

    ``about`` and ``key`` name what it speaks of: an execution, a freeze, a calendar, the job.
    """

    ok: bool | None
    title: str
    text: str
    about: str = ""
    key: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The stretch of time that is asked about: ``[start, end)``, a minute or a second."""

    start: datetime
    end: datetime

    @property
    def whole_minute(self) -> bool:
        """Say whether a minute was asked about."""
        return self.end - self.start > timedelta(seconds=1)


def asked_about(at: datetime) -> Asked:
    """Return the minute that begins at ``at``, or its second when it names one within a minute."""
    start = at.replace(microsecond=0)
    length = timedelta(minutes=1) if at.second == 0 and not at.microsecond else timedelta(seconds=1)
    return Asked(start=start, end=start + length)


def shown(moment: datetime, zone_name: str) -> str:
    """Return ``2026-03-29 03:00 Europe/Paris``; seconds only where there are."""
    local = moment.astimezone(zone(zone_name))
    return f"{local:%Y-%m-%d} {clock(moment, zone_name)} {zone_name}"


def clock(moment: datetime, zone_name: str) -> str:
    """Return the time of day in the zone."""
    local = moment.astimezone(zone(zone_name))
    if local.microsecond:
        return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def span(length: timedelta) -> str:
    """Return a length of time in words, roughly: ``0.4 s``, ``17 s``, ``4 min``, ``3 h``, ``2 days``."""
    seconds = max(length.total_seconds(), 0)
    if seconds < 10:
        return said("{n:g} s", n=round(seconds, 1))
    if seconds < 120:
        return said("{n} s", n=f"{seconds:.0f}")
    if seconds < 7200:
        return said("{n} min", n=f"{seconds / 60:.0f}")
    if seconds < 172_800:
        return said("{n} h", n=f"{seconds / 3600:.0f}")
    return said("{n} days", n=f"{seconds / 86_400:.0f}")


def by_whom(name: str) -> str:
    """Return who did it, to stand behind a verb; empty where nobody is named."""
    return said(" by {who}", who=name) if name else ""


def in_words(rule: Schedule) -> Said:
    """Return the schedule in words, in the language of who reads them."""
    return said_by(partial(describe, rule))


def named(rule: Schedule, moment: datetime) -> bool:
    """Say whether a fixed schedule names the moment."""
    return any(due_between([rule], moment - _TICK, moment, 1))


def schedule_text(rule: Schedule, number: int, of: int, due_at: datetime) -> str:
    """Return how a schedule names a due time, with what a change of the clock has to do with it."""
    one = (
        said("Schedule {number} of {of}", number=number, of=of) if of > 1 else said("The schedule")
    )
    text = said(
        "{which}, “{rule}”, names {at}.",
        which=one,
        rule=in_words(rule),
        at=shown(due_at, rule.timezone),
    )
    note = moved_by_clock(rule, due_at)
    return told([text, note]) if note else text


def moved_by_clock(rule: Schedule, due_at: datetime) -> str:
    """Say that the due time stands for a time that the clocks jump over; empty when it does not."""
    if rule.kind != ScheduleKind.CRON or named(replace(rule, gap=Gap.SKIP), due_at):
        return ""
    second = to_instant(due_at) // 1_000_000
    found = rule.clock.timeline.at(second)
    wall = rule.clock.rule.first_from(found.start + found.before)
    if wall is None:
        return ""
    missing = _EPOCH + timedelta(seconds=wall)
    return said(
        "{missing} does not exist in {zone} that day: the clocks go forward, and it fires at {at}.",
        missing=f"{missing:%H:%M}",
        zone=rule.timezone,
        at=clock(due_at, rule.timezone),
    )


def left_out_by_clock(rule: Schedule, asked: Asked) -> str:
    """Say that a schedule would name a moment if the clocks did not change; empty when not."""
    if rule.kind != ScheduleKind.CRON:
        return ""
    found = _first(replace(rule, fold=Fold.BOTH), asked)
    if found is not None:
        return said(
            "{at} comes twice in {zone} that day: the clocks go back, and “{rule}” fires the "
            "{which} time only.",
            at=clock(found, rule.timezone),
            zone=rule.timezone,
            rule=in_words(rule),
            which=said("second") if rule.fold == Fold.SECOND else said("first"),
        )
    found = _first(replace(rule, gap=Gap.FIRST_VALID), asked)
    if found is not None:
        return said(
            "The clocks in {zone} jump over a time of “{rule}” to {at}: its policy leaves that out.",
            at=clock(found, rule.timezone),
            zone=rule.timezone,
            rule=in_words(rule),
        )
    return ""


def _first(rule: Schedule, asked: Asked) -> datetime | None:
    """Return what a schedule names first in the time that is asked about."""
    return next(iter(due_between([rule], asked.start - _TICK, asked.end - _TICK, 1)), None)


def outside_limits(rule: Schedule, asked: Asked) -> str:
    """Say that a schedule had not begun, or was over; empty when that is not the reason."""
    free = replace(rule, starts_at=None, ends_at=None)
    found = _first(free, asked)
    if found is None or rule.counts_from_end:
        return ""
    if rule.starts_at is not None and found < rule.starts_at:
        begins = shown(rule.starts_at, rule.timezone)
        return said("“{rule}” begins only at {at}.", rule=in_words(free), at=begins)
    if rule.ends_at is not None and found >= rule.ends_at:
        return said(
            "“{rule}” was over at {at}: it had reached its end or its last execution.",
            rule=in_words(free),
            at=shown(rule.ends_at, rule.timezone),
        )
    return ""


def not_named(rules: Sequence[Schedule], asked: Asked) -> str:
    """Return why no schedule names a time that one seems to name; empty when none seems to."""
    texts = [outside_limits(rule, asked) or left_out_by_clock(rule, asked) for rule in rules]
    return told(text for text in texts if text)
