"""Alerts and channels as pages and programs look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import (
    Case,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from jobs.domain.alerts import OFF_AT_FIRST, Limits, Rule, Severity
from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.models import Alert, AlertJob, AlertRule, Channel, Delivery
from jobs.models.job import of_jobs_seen_by
from jobs.queries.listing import Page

PAGE_SIZE = 50


class Phase(StrEnum):
    """Where an alert stands; open is what nobody looks after yet.

    No alert stands at ``unresolved``: the word asks for the two that have not ended.
    """

    UNRESOLVED = "unresolved"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


_PHASES = {
    Phase.UNRESOLVED: Q(resolved_at__isnull=True),
    Phase.OPEN: Q(resolved_at__isnull=True, acknowledged_at__isnull=True),
    Phase.ACKNOWLEDGED: Q(resolved_at__isnull=True, acknowledged_at__isnull=False),
    Phase.RESOLVED: Q(resolved_at__isnull=False),
}


def phase_of(row: Alert) -> Phase:
    """Return where an alert stands."""
    if row.resolved_at is not None:
        return Phase.RESOLVED
    return Phase.OPEN if row.acknowledged_at is None else Phase.ACKNOWLEDGED


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertListing:
    """Which alerts, newest first; ``after`` is the number below which the page begins."""

    phase: Phase | None = None
    severity: Severity | None = None
    rule: Rule | None = None
    search: str = ""
    job_id: int | None = None
    seen_by: Actor | None = None
    after: int | None = None
    limit: int = PAGE_SIZE


def list_alerts(chosen: AlertListing) -> Page[Alert]:
    """Return a page of alerts, newest first."""
    rows = Alert.objects.order_by("-pk")
    if chosen.phase is not None:
        rows = rows.filter(_PHASES[chosen.phase])
    if chosen.severity is not None:
        rows = rows.filter(severity=chosen.severity.value)
    if chosen.rule is not None:
        rows = rows.filter(rule=chosen.rule.value)
    if chosen.search:
        rows = rows.filter(title__icontains=chosen.search)
    if chosen.job_id is not None:
        members = AlertJob.objects.filter(job=chosen.job_id)
        rows = rows.filter(pk__in=members.values("alert"))
    if chosen.seen_by is not None and not chosen.seen_by.sees_all:
        members = AlertJob.objects.filter(of_jobs_seen_by(chosen.seen_by))
        rows = rows.filter(pk__in=members.values("alert"))
    if chosen.after is not None:
        rows = rows.filter(pk__lt=chosen.after)
    found = list(rows[: chosen.limit + 1])
    more = len(found) > chosen.limit
    return Page(rows=found[: chosen.limit], next_after=found[chosen.limit - 1].pk if more else None)


def get_alert(alert_id: int) -> Alert:
    """Return an alert; UnknownError when there is none."""
    row = Alert.objects.filter(pk=alert_id).first()
    if row is None:
        raise UnknownError(said("Alert {number} does not exist.", number=alert_id))
    return row


def members_of(row: Alert, *, after: int | None = None, limit: int = PAGE_SIZE) -> Page[AlertJob]:
    """Return a page of the jobs of an alert, in the order in which they joined."""
    rows = row.members.select_related("job", "job__workspace").order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)


def first_names(rows: Sequence[Alert]) -> dict[int, str]:
    """Return the name of one job of each alert, by the alert's number; one query for a page."""
    members = AlertJob.objects.filter(alert__in=[row.pk for row in rows]).order_by("-pk")
    if not rows:
        return {}
    first = members.filter(
        pk__in=members.order_by().values("alert").annotate(first=Min("pk")).values("first")
    )
    return dict(first.values_list("alert", "job__name"))


def deliveries_of(row: Alert, *, limit: int = PAGE_SIZE) -> list[Delivery]:
    """Return what channels were told of an alert, the latest first."""
    return list(row.deliveries.select_related("channel").order_by("-pk")[:limit])


RANK = Case(
    When(severity=Severity.CRITICAL.value, then=Value(0)),
    default=Value(1),
    output_field=IntegerField(),
)


def unresolved(seen_by: Actor | None = None) -> QuerySet[Alert]:
    """Return the alerts that have not ended, acknowledged or not, as far as they may be seen.

    The one answer to "what is wrong now": the overview's list, the number beside the heartbeat, the
    mark of the tab and the list of alerts all begin here.
    """
    rows = Alert.objects.filter(_PHASES[Phase.UNRESOLVED])
    if seen_by is None or seen_by.sees_all:
        return rows
    members = AlertJob.objects.filter(of_jobs_seen_by(seen_by), left_at__isnull=True)
    return rows.filter(pk__in=members.values("alert"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStanding:
    """A built-in rule with what holds for it."""

    name: Rule
    enabled: bool
    severity: str  # empty: as the rule says
    limits: dict[str, float]
    muted_until: datetime | None


# The limits that each rule asks; the others have none of their own.
LIMITS: dict[Rule, Sequence[str]] = {
    Rule.FAILURES: (
        "critical_in_a_row",
        "warning_in_a_row",
        "failure_rate",
        "rate_failures",
        "burst_jobs",
        "burst_seconds",
    ),
    Rule.FAILURE_RATE: ("day_failure_rate", "day_failures"),
    Rule.LONG_RUN: ("long_seconds",),
    Rule.OVERDUE: ("overdue_seconds",),
    Rule.LATE_START: ("late_seconds",),
    Rule.DISPATCHER: ("lag_seconds", "silent_seconds"),
    Rule.REFUSED: ("refused_requests", "refused_seconds"),
}


def rules() -> list[RuleStanding]:
    """Return the built-in rules with their limits."""
    rows = {row.name: row for row in AlertRule.objects.filter(builtin=True)}
    return [_rule(name, rows.get(name)) for name in Rule if name != Rule.OWN]


def _rule(name: Rule, row: AlertRule | None) -> RuleStanding:
    limits = Limits().changed({} if row is None else row.settings)
    return RuleStanding(
        name=name,
        enabled=name not in OFF_AT_FIRST if row is None else row.enabled,
        severity="" if row is None else row.severity,
        limits={one: getattr(limits, one) for one in LIMITS.get(name, ())},
        muted_until=None if row is None else row.muted_until,
    )


def list_channels(*, after: int | None = None, limit: int = PAGE_SIZE) -> Page[Channel]:
    """Return a page of channels, in the order in which they were made."""
    rows = Channel.objects.order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)


def channel_names() -> list[str]:
    """Return the names of all channels, for lists to choose from."""
    return list(Channel.objects.order_by("name").values_list("name", flat=True)[:500])


def unreached(channels: Sequence[Channel]) -> dict[int, Delivery]:
    """Return for each channel that is not reached the message that says why.

    It is the oldest that waits, else the last one where it was given up since the channel was set.
    """
    ended = Delivery.objects.filter(channel=OuterRef("pk"), next_try_at__isnull=True)
    shown = Channel.objects.filter(pk__in=[channel.pk for channel in channels])
    last = shown.values_list(Subquery(ended.order_by("-pk").values("pk")[:1]), flat=True)
    given_up = Q(pk__in=last, failed_at__gt=F("channel__updated_at"))
    waiting = Q(channel__in=channels, next_try_at__isnull=False, tries__gt=0)
    rows = list(Delivery.objects.filter(waiting | given_up).order_by("-pk"))
    found = {row.channel_id: row for row in rows}
    return {**found, **{row.channel_id: row for row in rows if row.next_try_at is not None}}
