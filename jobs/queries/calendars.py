"""Calendars by the names that jobs give them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db.models import Count, Q

from jobs.domain.calendars import Calendar as CalendarRule
from jobs.domain.errors import InvalidError, UnknownError
from jobs.domain.instants import to_instant, to_moment
from jobs.domain.said import said, told
from jobs.models import Calendar, Job
from jobs.queries.listing import Page


def calendars_named(names: Iterable[str]) -> list[Calendar]:
    """Return the calendars with these names; InvalidError on ``calendars`` for one unknown."""
    wanted = list(names)
    if not wanted:
        return []
    known = {calendar.name.lower(): calendar for calendar in Calendar.objects.all()}
    for name in wanted:
        if name.lower() not in known:
            present = ", ".join(sorted(one.name for one in known.values()))
            allowed = said("Use {names}.", names=present) if present else said("There is none yet.")
            sentence = told((said("Calendar {name} does not exist.", name=name), allowed))
            raise InvalidError(sentence, fields={"calendars": sentence})
    return [known[name.lower()] for name in wanted]


def get_calendar(calendar_id: int) -> Calendar:
    """Return a calendar; UnknownError when there is none."""
    found = Calendar.objects.filter(pk=calendar_id).first()
    if found is None:
        raise UnknownError(said("Calendar {number} does not exist.", number=calendar_id))
    return found


def list_calendars(
    *, search: str = "", name: str = "", after: int | None = None, limit: int = 100
) -> Page[Calendar]:
    """Return a page of calendars in the order of their ids."""
    rows = Calendar.objects.order_by("pk")
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(description__icontains=search))
    if name:
        rows = rows.filter(name__iexact=name)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)


def jobs_naming(calendars: Iterable[Calendar]) -> dict[int, int]:
    """Return how many present jobs name each calendar, by its id."""
    wanted = [calendar.pk for calendar in calendars]
    links = Job.calendars.through.objects.filter(
        calendar__in=wanted, job__deleted_at=None
    ).values_list("calendar")
    return dict.fromkeys(wanted, 0) | dict(links.annotate(jobs=Count("pk")))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSpan:
    """A stretch in which a calendar holds due times back.

    ``start`` is None where it began before the range, ``end`` where it goes on beyond.
    """

    start: datetime | None
    end: datetime | None
    reason: str


def held_spans(rule: CalendarRule, start: datetime, end: datetime, limit: int) -> list[HeldSpan]:
    """Return the first stretches of ``[start, end)`` in which due times are held back."""
    first, last = to_instant(start), to_instant(end) - 1
    return [
        HeldSpan(
            start=to_moment(low) if low > first else None,
            end=to_moment(high) if high <= last else None,
            reason=reason,
        )
        for low, high, reason in islice(rule.held(first - 1, last), limit)
    ]
