"""What is to come, for a page: the next runs, what is held back, and clock changes in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jobs.domain.clock_changes import clock_changes, transitions
from jobs.domain.clock_words import effects, heading
from jobs.domain.holds import Hold
from jobs.domain.planned import SHOWN, Plan, Planned
from jobs.domain.said import spoken
from jobs.domain.schedule import Schedule
from jobs.domain.states import OmissionReason, ScheduleKind

__all__ = [
    "MANY",
    "SHOWN",
    "ClockNote",
    "ShownPlan",
    "clock_notes",
    "held_words",
    "shown",
    "steady_zones",
]

MANY = 50
_MOST_NOTES = 6  # three zones
_REASONS = 3  # of what holds everything back


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEntry:
    """One run to come, or due times in a row that are held back, with the reason in words."""

    at: datetime
    about: bool
    held: str
    last: datetime | None
    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPlan:
    """What is to come; ``until``: it was looked no further, because so much is held back."""

    entries: Sequence[ShownEntry]
    runs: int
    until: datetime | None
    reasons: str


def shown(plan: Plan) -> ShownPlan:
    """Return a plan as pages show it."""
    entries = [_shown(one) for one in plan.entries]
    reasons = list(dict.fromkeys(one.held for one in entries if one.held))
    named = "; ".join(reasons[:_REASONS])
    return ShownPlan(
        entries=entries,
        runs=len(plan.runs),
        until=plan.until,
        reasons=_("%s and others") % named if len(reasons) > _REASONS else named,
    )


def _shown(one: Planned) -> ShownEntry:
    return ShownEntry(
        at=one.at,
        about=one.about,
        held=held_words(one.held) if one.held else "",
        last=one.last if one.last != one.at else None,
        count=one.count,
    )


def held_words(hold: Hold) -> str:
    """Return what holds back due times: ``calendar holidays: Christmas`` or ``freeze: deploy``."""
    if hold.reason == OmissionReason.BREAKER:
        return spoken(hold.detail)
    words = _("freeze") if hold.reason == OmissionReason.FROZEN else _("calendar")
    joint = ": " if hold.reason == OmissionReason.FROZEN else " "
    return f"{words}{joint}{spoken(hold.detail)}" if hold.detail else words


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockNote:
    """A change of the clock: what it is, and what becomes of the schedules."""

    zone: str
    at: datetime
    forward: bool
    touched: bool
    heading: str
    effects: Sequence[str]


def clock_notes(
    rules: Sequence[Schedule], now: datetime, *, numbers: Sequence[int]
) -> list[ClockNote]:
    """Return the next two changes of each zone; ``numbers`` are those of the form's rows."""
    language = get_language() or "en"
    return [
        ClockNote(
            zone=change.zone,
            at=change.at,
            forward=change.forward,
            touched=change.touched,
            heading=heading(change, language),
            effects=effects(change, language, numbers=numbers),
        )
        for change in clock_changes(rules, now)[:_MOST_NOTES]
    ]


def steady_zones(rules: Sequence[Schedule], now: datetime) -> list[str]:
    """Return the zones of cron schedules whose clocks do not change for two years."""
    zones = {rule.timezone for rule in rules if rule.kind == ScheduleKind.CRON} - {"UTC"}
    return sorted(name for name in zones if not transitions(name, now))
