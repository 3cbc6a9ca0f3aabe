"""Reminders of open alerts: each at its time, however many are open, by a few queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.domain.permissions import SYSTEM
from jobs.models import Alert, Channel, Delivery
from jobs.services import alerts, channels, reminders

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def ops() -> Channel:
    """Return a channel that reminds every four hours."""
    settings = {"url": "https://hooks.example.com/jobdeck"}
    given = {"name": "ops", "kind": "webhook", "settings": settings, "remind_seconds": 14_400}
    return channels.create(given, actor=SYSTEM)


def opened(count: int, channel: Channel, *, at: datetime = NOW, **fields: Any) -> list[Alert]:
    """Return alerts that were opened ``at``, and told then."""
    moments = {"opened_at": at, "seen_at": at, "changed_at": at, "remind_at": at}
    first = Alert.objects.count()
    shown = {"rule": "overdue", "severity": "critical", "title": "Overdue", **moments, **fields}
    rows = Alert.objects.bulk_create(
        [Alert(key=f"overdue:{first + number}", **shown) for number in range(count)]
    )
    Delivery.objects.bulk_create(
        [
            Delivery(
                alert=row,
                channel=channel,
                event="opened",
                token=f"{row.pk:032x}",
                created_at=at,
                delivered_at=at,
            )
            for row in rows
        ]
    )
    return rows


def all_due(now: datetime) -> int:
    """Write all that is due; return how many queries that took."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        while reminders.remind(now):
            pass
    return len(asked)


def reminded() -> list[int]:
    found = Delivery.objects.filter(event="reminder").order_by("alert")
    return list(found.values_list("alert", flat=True))


@pytest.mark.long
def test_all_open_alerts_are_reminded_of_and_those_that_are_not_due_cost_nothing(
    ops: Channel,
) -> None:
    many = opened(620, ops)
    all_due(NOW + HOUR)
    assert (reminded(), all_due(NOW + 2 * HOUR)) == ([], 1)

    all_due(NOW + 4 * HOUR)

    assert reminded() == [row.pk for row in many]
    assert Alert.objects.filter(reminded_at=NOW + 4 * HOUR).count() == 620
    # Nothing is due again before four more hours, and asking costs one query, however many are open.
    assert all_due(NOW + 7 * HOUR) == 1
    Delivery.objects.filter(event="reminder").update(next_try_at=None)
    opened(2, ops, at=NOW + 6 * HOUR)
    of_two = all_due(NOW + 7 * HOUR)
    opened(50, ops, at=NOW + 6 * HOUR)
    assert all_due(NOW + 7 * HOUR) == of_two
    assert len(reminded()) == 620


def test_the_next_reminder_follows_acknowledging_mutes_and_changed_channels(ops: Channel) -> None:
    known, quiet, plain = opened(3, ops)
    Alert.objects.filter(pk=known.pk).update(acknowledged_at=NOW)
    Alert.objects.filter(pk=quiet.pk).update(muted_until=NOW + 9 * HOUR)
    all_due(NOW + HOUR)

    all_due(NOW + 4 * HOUR)
    assert reminded() == [plain.pk]
    all_due(NOW + 9 * HOUR)
    assert reminded() == [quiet.pk, plain.pk], "what still waits is not told twice"

    Delivery.objects.all().update(next_try_at=None)
    changed = {"settings": ops.settings, "kind": ops.kind, "name": "ops", "remind_seconds": 600}
    with time_machine.travel(NOW + 9 * HOUR, tick=False):
        channels.update(ops.pk, changed, actor=SYSTEM)
    all_due(NOW + 9 * HOUR + timedelta(minutes=10))
    assert reminded() == [quiet.pk, quiet.pk, plain.pk, plain.pk]

    Alert.objects.filter(pk=plain.pk).update(muted_until=NOW + 999 * HOUR)
    Delivery.objects.all().update(next_try_at=None)
    all_due(NOW + 10 * HOUR)
    with time_machine.travel(NOW + 10 * HOUR, tick=False):
        alerts.mute(plain.pk, seconds=0, actor=SYSTEM)
    all_due(NOW + 11 * HOUR)
    assert reminded().count(plain.pk) == 3


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by its own figures")
def test_what_is_due_is_found_by_its_index() -> None:
    plan = reminders._due(NOW).explain()

    assert "alert_remind (resolved_at=? AND acknowledged_at=? AND remind_at<?)" in plan
