"""S4-99: who is refused again and again is told of, until it stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from jobs.domain.permissions import SYSTEM
from jobs.models import Alert
from jobs.services import alerting, alerts, channels, turned_away
from jobs.services.turned_away import REFUSALS, Refusals
from scheduler_site.settings import MIDDLEWARE
from tests.factories import make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def counted(settings: Any) -> None:
    """Let the product count refusals as it does outside of tests."""
    settings.MIDDLEWARE = MIDDLEWARE
    REFUSALS.clear()


def present() -> dict[str, Alert]:
    return {row.key: row for row in Alert.objects.filter(resolved_at=None)}


def test_s4_99_refusals_of_one_address_and_account_are_an_alert_that_ends(
    viewer: User, viewer_client: Client
) -> None:
    channels.create(
        {"name": "ops", "kind": "command", "settings": {"command": "true"}}, actor=SYSTEM
    )
    stranger = Client(headers={"Authorization": "Bearer wrong"}, REMOTE_ADDR="203.0.113.9")
    with time_machine.travel(NOW, tick=False):
        for _ in range(19):
            assert stranger.get("/api/v1/jobs").status_code == 401
            assert viewer_client.get("/people/").status_code == 403
        assert present() == {}
        stranger.get("/api/v1/jobs")
        viewer_client.get("/people/")

    found = present()
    assert set(found) == {
        "refused:address:203.0.113.9",
        "refused:account:vera",
        "refused:address:127.0.0.1",
    }
    row = found["refused:account:vera"]
    assert (row.severity, row.title) == (
        "warning",
        "Requests of account vera are refused: 20 or more within 5 min",
    )
    assert row.evidence["last_address"] == "127.0.0.1"
    assert row.deliveries.get().event == "opened"

    given = alerting.rule_settings()
    turned_away.settle(given, NOW + timedelta(minutes=10))
    assert len(present()) == 3
    turned_away.settle(given, NOW + timedelta(minutes=12))
    assert present() == {}


def test_s4_99_wrong_passwords_count_for_the_account_that_exists(settings: Any) -> None:
    settings.AXES_ENABLED = False
    make_user("vera")
    alerts.set_rule("refused", actor=SYSTEM, limits={"refused_requests": 3}, severity="critical")
    for name in ("vera", "no one"):
        for number in range(3):
            form = {"username": name, "password": "wrong"}
            Client().post("/login/", form, REMOTE_ADDR=f"203.0.113.{number}")

    assert {key: row.severity for key, row in present().items()} == {
        "refused:account:vera": "critical"
    }


def test_only_so_much_is_kept_written_and_opened(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(turned_away, "MOST_KEPT", 50)
    many = Refusals()
    for number in range(200):
        many.note(address=f"203.0.113.{number}", now=0.0)
    assert (len(many._seen), present()) == (50, {})

    for number in range(15):
        for _ in range(40):
            many.note(address=f"198.51.100.{number}", now=1.0)
    assert len(present()) == turned_away.MOST_OPEN + 1
    assert present()["refused::others"].title.startswith("Requests from many addresses")
    with django_assert_num_queries(0):
        many.note(address="198.51.100.1", now=30.0)

    # Spread over more than the period they are nobody's trouble.
    Alert.objects.all().delete()
    slow = Refusals()
    for number in range(60):
        slow.note(address="192.0.2.1", now=number * 16.0)
    assert present() == {}
    for number in range(25):
        slow.note(address="192.0.2.1", now=1000.0 + number)
    assert set(present()) == {"refused:address:192.0.2.1"}

    alerts.set_rule("refused", actor=SYSTEM, enabled=False)
    turned_away.settle(alerting.rule_settings(), NOW)
    assert present() == {}
