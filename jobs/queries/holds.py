"""What holds back due times: freezes of the product or a tag, and the calendars that jobs name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from jobs.domain.calendars import Calendar as CalendarRule
from jobs.domain.calendars import parse_windows
from jobs.domain.errors import JobdeckError
from jobs.domain.holds import Hold, flatten
from jobs.domain.instants import LAST_INSTANT, to_instant
from jobs.domain.said import said, told
from jobs.domain.states import CalendarMode, FreezeScope, OmissionReason
from jobs.models import Breaker, Calendar, Freeze, Job, JobTag
from jobs.queries.breakers import holds_among, open_holds

_DETAIL = 500  # the column's width
HoldsByJob = dict[int, Sequence[Hold]]


def holds_of(
    jobs: Sequence[Job],
    after: datetime,
    until: datetime,
    *,
    faults: dict[int, JobdeckError] | None = None,
    breakers: Iterable[Breaker] | None = None,
    draft: Freeze | None = None,
) -> HoldsByJob:
    """Return what holds back each job in ``(after, until]``, in order and without overlap.

    A job that nothing holds back is left out. Costs one small query while there is no freeze and no
    job names a calendar or a circuit breaker. ``faults`` takes, by job, why a calendar of it cannot
    be read (its zone is gone); who only shows what is planned leaves such a calendar out.
    ``breakers`` are the jobs' circuit breakers, from who has read them already. ``draft`` is a
    freeze as it is about to be saved, in the place of the stored one of its number.
    """
    freezes = list(holding_freezes(after, until))
    if draft is not None:
        freezes = [*(one for one in freezes if one.pk != draft.pk), draft]
    marks = _marks_among(jobs, freezes)
    calendars = _calendars_of(jobs)
    if breakers is None:
        broken = open_holds(list(filter(None, map(_breaker_of, jobs))), after, until)
    else:
        broken = holds_among(breakers, after, until)
    if not freezes and not calendars and not broken:
        return {}
    spans, unreadable = _spans(calendars.values(), after, until)
    if faults is not None:
        faults.update(
            {
                job_id: unreadable[row.pk]
                for job_id, rows in calendars.items()
                for row in rows
                if row.pk in unreadable
            }
        )
    known: dict[tuple[frozenset[int], frozenset[int], Hold | None], list[Hold]] = {}
    found: HoldsByJob = {}
    for job in jobs:
        frozen = [one for one in freezes if applies(one, marks.get(job.pk, ()))]
        named = calendars.get(job.pk, [])
        open_one = broken.get(_breaker_of(job) or 0)
        key = (frozenset(one.pk for one in frozen), frozenset(row.pk for row in named), open_one)
        if key not in known:
            parts = [hold_of(one) for one in frozen]
            parts += [open_one] if open_one else []
            known[key] = flatten([*parts, *(hold for row in named for hold in spans[row.pk])])
        if known[key]:
            found[job.pk] = known[key]
    return found


def _spans(
    named: Iterable[Sequence[Calendar]], after: datetime, until: datetime
) -> tuple[dict[int, list[Hold]], dict[int, JobdeckError]]:
    """Return what each calendar holds back, and why one cannot be read."""
    spans: dict[int, list[Hold]] = {}
    unreadable: dict[int, JobdeckError] = {}
    for row in {row.pk: row for rows in named for row in rows}.values():
        try:
            spans[row.pk] = _held(row, after, until)
        except JobdeckError as error:
            spans[row.pk] = []
            unreadable[row.pk] = error
    return spans, unreadable


def _breaker_of(job: Job) -> int | None:
    """Return the number of a job's breaker; forecasts hand over light rows that know of none."""
    return getattr(job, "breaker_id", None)


def holds_for(
    marks: Iterable[str], calendars: Iterable[Calendar], after: datetime, until: datetime
) -> list[Hold]:
    """Return what `holds_of` would for a job with these marks and calendars, before it is saved."""
    carried = set(marks)
    parts = [hold_of(one) for one in holding_freezes(after, until) if applies(one, carried)]
    return flatten([*parts, *(hold for row in calendars for hold in _held(row, after, until))])


def holding_freezes(after: datetime, until: datetime) -> Iterable[Freeze]:
    """Return the freezes that hold at any instant of ``(after, until]``."""
    return Freeze.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=after), starts_at__lte=until
    ).order_by("starts_at", "pk")


def applies(freeze: Freeze, marks: Container[str]) -> bool:
    """Say whether a freeze holds back a job with these marks (see `marks_of`)."""
    if freeze.scope == FreezeScope.EVERYTHING:
        return True
    if freeze.scope == FreezeScope.WORKSPACE:
        return workspace_mark(freeze.target) in marks
    return freeze.target in marks


def workspace_mark(name: str) -> str:
    """Return what stands for a workspace among the tags of its jobs; no tag holds a line's end."""
    return f"workspace\n{name.lower()}"


def marks_of(job: Job) -> set[str]:
    """Return all by which a freeze may mean a job: its tags, and its workspace."""
    room = job.workspace
    return {*job.tags, *([workspace_mark(room.name)] if room else [])}


def _marks_among(jobs: Sequence[Job], freezes: Iterable[Freeze]) -> dict[int, set[str]]:
    """Return the marks by which one of the freezes may mean a job; asks for these alone."""
    scopes = {one.scope for one in freezes}
    marks: dict[int, set[str]] = defaultdict(set)
    if FreezeScope.TAG.value in scopes:
        for job_id, tag in JobTag.objects.filter(job__in=jobs).values_list("job", "tag"):
            marks[job_id].add(tag)
    if FreezeScope.WORKSPACE.value in scopes:
        rooms = Job.objects.filter(pk__in=[job.pk for job in jobs], workspace__isnull=False)
        for job_id, name in rooms.values_list("pk", "workspace__name"):
            marks[job_id].add(workspace_mark(name))
    return marks


def hold_of(freeze: Freeze) -> Hold:
    """Return the stretch that a freeze holds back."""
    words = freeze.reason
    if freeze.scope == FreezeScope.TAG:
        words = said("tag {name}: {reason}", name=freeze.target, reason=words)
    if freeze.scope == FreezeScope.WORKSPACE:
        words = said("workspace {name}: {reason}", name=freeze.target, reason=words)
    return Hold(
        to_instant(freeze.starts_at),
        LAST_INSTANT if freeze.ends_at is None else to_instant(freeze.ends_at),
        OmissionReason.FROZEN,
        _fitting(words),
    )


def rule_of(row: Calendar) -> CalendarRule:
    """Return the domain's value for a stored calendar."""

    return CalendarRule(
        name=row.name,
        mode=CalendarMode(row.mode),
        timezone=row.timezone,
        windows=parse_windows(row.windows),
    )


def _held(row: Calendar, after: datetime, until: datetime) -> list[Hold]:
    details: dict[str, str] = {}  # a calendar has a few reasons for thousands of stretches
    found = []
    for start, end, words in rule_of(row).held(to_instant(after), to_instant(until)):
        if words not in details:
            details[words] = _fitting(told([f"{row.name}:", words]))
        found.append(Hold(start, end, OmissionReason.CALENDAR, details[words]))
    return found


def _fitting(text: str) -> str:
    """Return a text as an omission can keep it; one that is cut stays as it is in any language."""
    return text if len(text) <= _DETAIL else text[:_DETAIL]


def _calendars_of(jobs: Sequence[Job]) -> dict[int, list[Calendar]]:
    """Return the calendars of the jobs that name any."""
    users = [job.pk for job in jobs if job.uses_calendars]
    if not users:
        return {}
    links = Job.calendars.through.objects.filter(job__in=users).values_list("job", "calendar")
    pairs = list(links)
    rows = Calendar.objects.in_bulk({calendar for _, calendar in pairs})
    named: dict[int, list[Calendar]] = defaultdict(list)
    for job_id, calendar_id in pairs:
        named[job_id].append(rows[calendar_id])
    return named
