"""Remind of open alerts that nobody has acknowledged, and pass on what waits for too long.

Each alert says when its reminders are due next, so a look reads what is due and nothing else, however
many are open. What moves that moment: an opening, a message to a channel with a shorter interval, the
end of a mute, and a change of a channel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from jobs import conf
from jobs.domain.alerts import Rule
from jobs.models import Alert, AlertRule, Channel, Delivery
from jobs.services import outbox
from jobs.services.writing import write_transaction

# One look reads so many alerts; more are left to the next one, which follows at once.
BATCH = 100
# With no channel that reminds of it, an alert is looked at again after so long.
IDLE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Told:
    """When a channel was last told of an alert, and whether something still waits for it."""

    at: datetime
    waiting: bool


def remind(now: datetime) -> bool:
    """Write the reminders that are due, each channel's at its interval; True when more are due."""
    if not conf.cron_feature("alert_notifications"):
        return False
    rows = list(_due(now)[:BATCH])
    if not rows:
        return False
    channels = list(Channel.objects.filter(enabled=True, remind_seconds__gt=0).order_by("pk"))
    told, mutes = _told(rows, channels), _mutes(now)
    later: dict[tuple[datetime, bool], list[int]] = defaultdict(list)
    with write_transaction():
        for row in rows:
            answer = _remind(row, channels, told, _muted(row, mutes, now), now)
            later[answer].append(row.pk)
        for (at, reminded), numbers in later.items():
            changes = {"remind_at": at} | ({"reminded_at": now} if reminded else {})
            Alert.objects.filter(pk__in=numbers).update(**changes)
    return len(rows) == BATCH


def _due(now: datetime) -> QuerySet[Alert]:
    rows = Alert.objects.filter(
        remind_at__lte=now, resolved_at__isnull=True, acknowledged_at__isnull=True
    )
    return rows.order_by("remind_at", "pk")


def _told(rows: Sequence[Alert], channels: Sequence[Channel]) -> Mapping[tuple[int, int], _Told]:
    """Return what each channel was told of each alert last; one query."""
    if not channels:
        return {}
    found = (
        Delivery.objects.filter(alert__in=rows, channel__in=channels)
        .order_by()
        .values_list("alert", "channel")
        .annotate(Max("created_at"), Count("next_try_at"))
    )
    return {(alert, channel): _Told(at, bool(waits)) for alert, channel, at, waits in found}


def _mutes(now: datetime) -> Mapping[str, datetime]:
    """Return until when each muted rule is."""
    rows = AlertRule.objects.filter(muted_until__gt=now).values_list("name", "muted_until")
    return {name: until for name, until in rows if until is not None}


def _remind(
    row: Alert,
    channels: Sequence[Channel],
    told: Mapping[tuple[int, int], _Told],
    muted_until: datetime | None,
    now: datetime,
) -> tuple[datetime, bool]:
    """Remind the channels whose interval is over; return when to look again, and if one was told."""
    if muted_until is not None:
        return muted_until, False
    made, moments = 0, []
    for channel in channels:
        last = told.get((row.pk, channel.pk))
        if last is None:
            continue
        interval = timedelta(seconds=channel.remind_seconds)
        if now - last.at < interval:
            moments.append(last.at + interval)
            continue
        moments.append(now + interval)
        # What still waits tells of everything since.
        if not last.waiting and outbox.takes(channel, row, "reminder"):
            made += outbox.add(channel, row, "reminder", now)
    return min(moments, default=now + IDLE), bool(made)


def _muted(row: Alert, mutes: Mapping[str, datetime], now: datetime) -> datetime | None:
    """Return until when nobody is told of an alert."""
    until = max(filter(None, (row.muted_until, mutes.get(row.rule))), default=now)
    return until if until > now else None


def look_again(now: datetime, **only: object) -> None:
    """Let reminders of what is open be judged anew: a channel or a mute has changed."""
    rows = Alert.objects.filter(resolved_at__isnull=True, acknowledged_at__isnull=True, **only)
    rows.filter(remind_at__gt=now).update(remind_at=now)


def escalate(now: datetime) -> int:
    """Tell another channel of what nobody has acknowledged in time, where its rule says so; once."""
    if not conf.cron_feature("alert_notifications"):
        return 0
    rules = [
        rule for rule in AlertRule.objects.filter(builtin=False) if rule.settings.get("escalate_to")
    ]
    if not rules or AlertRule.objects.filter(name=Rule.OWN.value, muted_until__gt=now).exists():
        return 0
    return sum(_pass_on(rule, now) for rule in rules)


def _pass_on(rule: AlertRule, now: datetime) -> int:
    """Pass on what a rule opened long enough ago, some at a time; what was passed on is not read."""
    name = rule.settings["escalate_to"]
    channel = Channel.objects.filter(name=name, enabled=True).first()
    if channel is None:
        return 0
    done = Delivery.objects.filter(alert=OuterRef("pk"), channel=channel, event="passed_on")
    rows = Alert.objects.filter(
        ~Exists(done),
        Q(muted_until__isnull=True) | Q(muted_until__lte=now),
        rule=Rule.OWN.value,
        key__startswith=f"{Rule.OWN}:{rule.pk}:",
        resolved_at__isnull=True,
        acknowledged_at__isnull=True,
        opened_at__lte=now - timedelta(minutes=rule.settings["escalate_minutes"]),
    )
    return sum(outbox.add(channel, row, "passed_on", now) for row in rows.order_by("pk")[:BATCH])
