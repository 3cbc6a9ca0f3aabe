"""Links in messages: they act once, on a POST, without a login, in the name of their channel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from jobs.domain.alerts import Condition, Rule, Severity
from jobs.domain.permissions import SYSTEM
from jobs.models import Alert, AuditEntry, Channel, Delivery, Execution, Job, UsedLink
from jobs.services import alert_links, alerting, messages
from jobs.services import jobs as job_services
from tests.factories import every, make_channel, make_job

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def told(channel: Channel, *jobs: Job, key: str = "late") -> Delivery:
    """Return the message of a new alert about jobs."""
    one = Condition(
        key=key,
        rule=Rule.OVERDUE,
        severity=Severity.WARNING,
        title="Late <b>",
        jobs=tuple(job.pk for job in jobs),
    )
    row = alerting.open_alert(one, severity=Severity.WARNING, now=timezone.now())
    assert row is not None
    return Delivery.objects.select_related("alert", "channel").get(alert=row, channel=channel)


def links_of(row: Delivery) -> dict[str, str]:
    """Return the links of a message, as paths."""
    found = alert_links.offered(row)
    assert all(one.startswith("https://jobs.example.com/") for one in found.values())
    return {name: url.removeprefix("https://jobs.example.com") for name, url in found.items()}


@pytest.fixture(autouse=True)
def named(settings: Any) -> None:
    """Say what this installation is called."""
    settings.PUBLIC_URL = "https://jobs.example.com"


def test_a_link_asks_first_acts_once_and_makes_no_session(client: Client) -> None:
    """Issue 7: signed, single use, acting only after a POST; written down as the channel."""
    channel, job = make_channel(name="ops", links=True), make_job(schedules=[every(3600)])
    row = told(channel, job)
    links = links_of(row)
    assert list(links) == ["acknowledge", "run", "pause"]
    text = messages.message_of(row.alert, "opened", token=row.token, links=links).text
    assert f"Run again: {links['run']}" in text

    strict = Client(enforce_csrf_checks=True)
    for _ in range(2):  # a mail program that looks ahead does nothing
        asked = client.get(links["acknowledge"])
        assert asked.status_code == 200
        assert b"Acknowledge this alert?" in asked.content
        assert b"Late &lt;b&gt;" in asked.content
    assert strict.post(links["acknowledge"]).status_code == 403
    assert not UsedLink.objects.exists()
    assert b"Done" in client.post(links["acknowledge"]).content
    assert client.post(links["run"]).status_code == 200

    assert "sessionid" not in client.cookies
    alert = Alert.objects.get()
    assert alert.acknowledged_by == "channel: ops"
    assert Execution.objects.filter(job=job).count() == 1
    assert set(
        AuditEntry.objects.filter(actor="channel: ops").values_list("action", flat=True)
    ) >= {"alert.acknowledge"}
    for one in ("acknowledge", "run"):
        again = client.post(links[one])
        assert again.status_code == 404
        assert b"This link does nothing" in again.content
    assert Execution.objects.filter(job=job).count() == 1


def test_a_link_pauses_for_an_hour_and_no_longer(client: Client) -> None:
    """Issue 7: pause for 1 h; what somebody changed since stays as they want it."""
    channel = make_channel(name="ops", links=True)
    job, other = make_job(schedules=[every(3600)]), make_job(schedules=[every(3600)])
    for number, one in enumerate((job, other)):
        assert (
            client.post(links_of(told(channel, one, key=f"k{number}"))["pause"]).status_code == 200
        )
    job.refresh_from_db()
    assert (job.state, job.state_changed_by) == ("paused", "channel: ops")
    job_services.resume(other.pk, actor=SYSTEM)
    job_services.pause(other.pk, actor=SYSTEM)

    now = timezone.now()
    assert alert_links.resume_due(now + timedelta(minutes=59)) == 0
    with pytest.MonkeyPatch.context() as patch:  # the database goes away between the two writes

        def gone(*_args: object, **_more: object) -> None:
            raise OperationalError("server closed the connection unexpectedly")

        patch.setattr(job_services, "resume", gone)
        with pytest.raises(OperationalError):
            alert_links.resume_due(now + timedelta(minutes=61))
    assert alert_links.resume_due(now + timedelta(minutes=61)) == 1
    assert alert_links.resume_due(now + timedelta(minutes=61)) == 0

    assert list(Job.objects.order_by("pk").values_list("state", flat=True)) == ["active", "paused"]
    late = links_of(told(channel, other, key="again"))
    refused = client.post(late["pause"])
    assert refused.status_code == 409
    assert b"there is nothing to pause" in refused.content
    assert not UsedLink.objects.filter(alert__key="again").exists()


def test_the_later_of_two_pauses_of_one_channel_decides(client: Client) -> None:
    channel, job = make_channel(name="ops", links=True), make_job(schedules=[every(3600)])
    for number in range(2):
        assert (
            client.post(links_of(told(channel, job, key=f"k{number}"))["pause"]).status_code == 200
        )
        if not number:
            job_services.resume(job.pk, actor=SYSTEM)
    now = timezone.now()
    first = UsedLink.objects.earliest("pk")
    UsedLink.objects.filter(pk=first.pk).update(resume_at=now + timedelta(minutes=30))

    assert alert_links.resume_due(now + timedelta(minutes=31)) == 0
    job.refresh_from_db()
    assert job.state == "paused"
    assert alert_links.resume_due(now + timedelta(minutes=61)) == 1


def test_forged_old_and_withdrawn_links_do_nothing(client: Client) -> None:
    """Issue 7: expiring; and only where the channel offers links at all."""
    channel = make_channel(links=True)
    job = make_job()
    with time_machine.travel(NOW, tick=False):
        link = links_of(told(channel, job))["acknowledge"]
        assert client.get(link).status_code == 200
        assert client.get(link.replace("link/", "link/x")).status_code == 404
    with time_machine.travel(NOW + timedelta(hours=25), tick=False):
        assert client.post(link).status_code == 404
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        Channel.objects.update(links=False)
        assert client.post(link).status_code == 404
        Channel.objects.update(links=True)
        alerting.resolve(Alert.objects.get(), now=NOW)
        assert client.post(link).status_code == 409
    assert client.put(link).status_code == 405
    assert not UsedLink.objects.exists()

    assert links_of(told(make_channel(), job, key="b")) == {}
    assert list(links_of(told(channel, job, make_job(), key="c"))) == ["acknowledge"]
