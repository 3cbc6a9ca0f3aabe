"""Check-ins as pages, programs and the alerter look at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from jobs.domain.alerts import Condition, Rule, Severity
from jobs.domain.check_ins import CheckInState
from jobs.domain.errors import UnknownError
from jobs.domain.said import said
from jobs.models import CheckIn, CheckInReport
from jobs.queries.listing import Page

PAGE_SIZE = 50
TOLD_AT_MOST = 200  # alerts of silent jobs at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInListing:
    """Which check-ins, in the order in which they were made."""

    state: CheckInState | None = None
    search: str = ""
    after: int | None = None
    limit: int = PAGE_SIZE


def list_check_ins(chosen: CheckInListing, now: datetime) -> Page[CheckIn]:
    """Return a page of check-ins."""
    rows = CheckIn.objects.select_related("workspace").order_by("pk")
    if chosen.state is not None:
        rows = rows.in_state(chosen.state, now)
    if chosen.search:
        text = chosen.search
        rows = rows.filter(Q(name__icontains=text) | Q(description__icontains=text))
    if chosen.after is not None:
        rows = rows.filter(pk__gt=chosen.after)
    found = list(rows[: chosen.limit + 1])
    more = len(found) > chosen.limit
    return Page(rows=found[: chosen.limit], next_after=found[chosen.limit - 1].pk if more else None)


def get_check_in(check_in_id: int) -> CheckIn:
    """Return a check-in; UnknownError when there is none."""
    row = CheckIn.objects.select_related("workspace").filter(pk=check_in_id).first()
    if row is None:
        raise UnknownError(said("Check-in {number} does not exist.", number=check_in_id))
    return row


def reports_of(row: CheckIn, *, after: int | None = None, limit: int = 20) -> Page[CheckInReport]:
    """Return a page of the reports of a check-in, newest first."""
    rows = row.reports.order_by("-pk")
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)


def check_ins_in_trouble(now: datetime) -> list[Condition]:
    """Return a condition for each check-in that is late or down."""
    late = CheckIn.objects.in_state(CheckInState.LATE, now).order_by("late_at", "pk")
    down = CheckIn.objects.in_state(CheckInState.DOWN, now).order_by("pk")
    return [_condition(row, now) for row in (*down[:TOLD_AT_MOST], *late[:TOLD_AT_MOST])]


def _condition(row: CheckIn, now: datetime) -> Condition:
    state = row.standing.state(now)
    return Condition(
        key=f"{Rule.CHECK_IN}:{row.pk}",
        rule=Rule.CHECK_IN,
        severity=Severity.CRITICAL,
        title=_title(row, state),
        evidence={
            "check_in": row.name,
            "state": state.value,
            "expected_at": _iso(row.due_at),
            "last_success_at": _iso(row.last_success_at),
            "last_fail_at": _iso(row.last_fail_at),
            "started_at": _iso(row.started_at),
        },
    )


def _title(row: CheckIn, state: CheckInState) -> str:
    if state == CheckInState.DOWN:
        return f"{row.name} reported a failure"
    if row.started_at is not None:
        return f"{row.name} has started and not reported its end"
    return f"{row.name} has not reported in time"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
