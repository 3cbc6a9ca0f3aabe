"""Alerts and channels on pages: look, acknowledge, mute, end, rules, and the test button."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.addresses import parse_allowed
from jobs.domain.alerts import Condition, Rule, Severity
from jobs.models import Alert, AlertRule, Channel, Delivery, JobStat, Worker, WorkerKind
from jobs.notify import SENDERS
from jobs.services import alerting
from jobs.web import channel_forms
from tests.factories import make_channel, make_execution, make_job
from tests.receiver import receiver

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
# What the form of a channel sends besides.
KNOWN = {"severity": "warning", "remind_seconds": "0"}


def make_alert(key: str = "disk:data", **fields: Any) -> Alert:
    """Return an open alert."""
    values = {"rule": Rule.DISK, "severity": Severity.WARNING, "title": "The disk is <low>"}
    condition = Condition(**{"key": key, **values, **fields})
    row = alerting.open_alert(condition, severity=condition.severity, now=timezone.now())
    assert row is not None
    return row


def html_of(client: Client, url: str) -> str:
    """Return a page."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_the_list_shows_what_is_open_and_filters(viewer_client: Client) -> None:
    """S0-137: alerts are shown, with filters, pages and an empty state."""
    assert "No alert is open" in html_of(viewer_client, reverse("alerts"))
    row = make_alert()
    ended = make_alert("disk:old", title="It was full")
    alerting.resolve(ended, now=timezone.now())

    html = html_of(viewer_client, reverse("alerts"))

    assert "The disk is &lt;low&gt;" in html
    assert "It was full" not in html
    assert reverse("alert_acknowledge", args=[row.pk]) not in html
    assert "It was full" in html_of(viewer_client, f"{reverse('p_alerts')}?phase=resolved")
    assert "No alert matches" in html_of(viewer_client, f"{reverse('alerts')}?severity=critical")
    assert "No alert matches" in html_of(viewer_client, f"{reverse('alerts')}?q=nothing")
    for number in range(51):
        make_alert(f"disk:{number}")
    second = html_of(viewer_client, f"{reverse('alerts')}?after={row.pk + 3}")
    assert "Newest" in second


def test_one_alert_shows_its_evidence_jobs_and_runs(viewer_client: Client) -> None:
    """S0-138: what holds, since when, which jobs and runs, and who was told."""
    job = make_job(name="report")
    run = make_execution(job)
    row = make_alert(
        "long_run:1",
        rule=Rule.LONG_RUN,
        jobs=(job.pk,),
        execution=run.pk,
        evidence={"running_seconds": 1900, "issues": ["slow <b>", "late"]},
    )

    html = html_of(viewer_client, reverse("alert", args=[row.pk]))

    assert reverse("job", args=[job.pk]) in html
    assert reverse("execution", args=[run.pk]) in html
    assert "slow &lt;b&gt;; late" in html
    assert "Nobody was told" in html
    tab = html_of(viewer_client, reverse("job_alerts", args=[job.pk]))
    assert row.title.replace("<", "&lt;").replace(">", "&gt;") in tab
    assert "This job was in no alert" in html_of(
        viewer_client, reverse("job_alerts", args=[make_job().pk])
    )
    assert viewer_client.get(reverse("alert", args=[4711])).status_code == 404


def test_an_operator_acknowledges_mutes_and_ends(
    operator_client: Client, viewer_client: Client
) -> None:
    """S4-57: one by one and several at once; a viewer may not."""
    rows = [make_alert(f"disk:{number}") for number in range(4)]
    first, second, third, fourth = rows
    url = reverse("alert_acknowledge", args=[first.pk])
    assert viewer_client.post(url, headers=HTMX).status_code == 403

    assert operator_client.post(url, {"note": "on it"}).status_code == 303
    operator_client.post(reverse("alert_mute", args=[second.pk]), {"seconds": "3600"})
    operator_client.post(reverse("alert_resolve", args=[third.pk]))
    picked = {"id": [fourth.pk, first.pk], "action": "acknowledge"}
    answer = operator_client.post(reverse("alerts_bulk"), picked, headers=HTMX)

    for row in rows:
        row.refresh_from_db()
    assert (first.acknowledged_by, first.note) == ("otto", "on it")
    assert second.muted_until is not None
    assert second.muted_until > timezone.now() + timedelta(minutes=59)
    assert third.resolved_by == "otto"
    assert fourth.acknowledged_by == "otto"
    assert "Changed 1 alert." in answer.content.decode()
    assert operator_client.post(reverse("alerts_bulk"), {}).status_code == 303
    picked = {"id": [second.pk], "action": "mute", "seconds": "0"}
    operator_client.post(reverse("alerts_bulk"), picked)
    second.refresh_from_db()
    assert second.muted_until is None


def test_an_acknowledgement_can_be_undone(operator_client: Client, viewer_client: Client) -> None:
    one, two, other = (make_alert(f"disk:{number}") for number in range(3))

    def undo_of(answer: Any) -> str:
        address = re.search(r'action="([^"]*undo[^"]*)"', answer.content.decode())
        assert address is not None
        return unescape(address[1])

    def acknowledged() -> list[bool]:
        for row in (one, two, other):
            row.refresh_from_db()
        return [bool(row.acknowledged_by) for row in (one, two, other)]

    url = reverse("alert_acknowledge", args=[one.pk])
    undo = undo_of(operator_client.post(url, headers=HTMX))
    assert acknowledged() == [True, False, False]
    assert viewer_client.post(undo, headers=HTMX).status_code == 403
    assert operator_client.post(undo).status_code == 303
    assert acknowledged() == [False, False, False]

    picked = {"id": [one.pk, two.pk], "action": "acknowledge"}
    undo = undo_of(operator_client.post(reverse("alerts_bulk"), picked, headers=HTMX))
    operator_client.post(reverse("alert_acknowledge", args=[other.pk]))
    answer = operator_client.post(undo, headers=HTMX)
    assert "Changed 2 alerts." in answer.content.decode()
    assert "undo" not in answer.content.decode()
    assert acknowledged() == [False, False, True]


def test_the_frame_counts_what_waits_for_somebody(viewer_client: Client) -> None:
    """S0-137: the badge beside the heartbeat."""
    now = timezone.now()
    Worker.objects.create(
        kind=WorkerKind.DISPATCHER.value,
        name="d",
        host="h",
        pid=1,
        started_at=now,
        beat_at=now,
        tick_at=now,
    )
    assert "open alert" not in html_of(viewer_client, reverse("overview"))
    make_alert()

    assert "1 open alert" in html_of(viewer_client, reverse("p_heartbeat"))
    make_alert("failures:x", rule=Rule.FAILURES, title="Seen at its job")
    shown = html_of(viewer_client, reverse("p_attention"))
    assert "The disk is &lt;low&gt;" in shown
    assert "Seen at its job" in shown
    assert "2 warnings" in shown


def told(client: Client, url: str, given: dict[str, str]) -> str:
    """Return what a refused change says."""
    answer = client.post(url, given)
    assert answer.status_code in {303, 400, 422}
    return (
        html_of(client, reverse("alert_rules"))
        if answer.status_code == 303
        else answer.content.decode()
    )


def test_rules_are_shown_to_all_and_changed_by_administrators(
    admin_client: Client, operator_client: Client
) -> None:
    """S0-139: limits are configurable on a page."""
    url = reverse("alert_rule", args=["long_run"])

    assert "Unusually long run" in html_of(operator_client, reverse("alert_rules"))
    assert operator_client.post(url, {"enabled": "on"}, headers=HTMX).status_code == 403
    admin_client.post(url, {"enabled": "on", "severity": "warning", "long_seconds": "1m"})

    row = AlertRule.objects.get(name="long_run")
    assert (row.enabled, row.severity, row.settings) == (True, "warning", {"long_seconds": 60})
    assert 'name="long_seconds" value="1m"' in html_of(admin_client, reverse("alert_rules"))
    assert "soon is not a duration" in told(admin_client, url, {"long_seconds": "soon"})
    assert "is not a number" in told(admin_client, url, {"burst_jobs": "some"})
    row.refresh_from_db()
    assert row.enabled


def test_a_rule_is_tried_made_changed_and_deleted_on_pages(
    admin_client: Client, operator_client: Client
) -> None:
    """S4-108: the form says what the rule would have opened before it holds."""
    new = reverse("own_rule_new")
    job = make_job(name="report")
    end = timezone.now().replace(minute=0, second=0, microsecond=0)
    for back in (5, 6):
        hour = end - timedelta(hours=back)
        JobStat.objects.create(job=job, hour=hour, failed=3)
    filled = {
        "name": "noisy",
        "metric": "failures",
        "comparison": "above",
        "threshold": "2",
        "count": "2",
        "severity": "critical",
        "escalate_minutes": "30",
        "enabled": "on",
    }
    assert operator_client.get(new).status_code == 403

    tried = html = admin_client.post(new, {**filled, "action": "try"}).content.decode()
    assert "It would have opened 1 alert." in tried
    assert reverse("job", args=[job.pk]) in html
    assert not AlertRule.objects.exists()
    assert admin_client.post(new, {**filled, "count": "x"}).status_code == 422
    assert admin_client.post(new, filled).status_code == 303
    row = AlertRule.objects.get()
    url = reverse("own_rule", args=[row.pk])
    assert 'value="noisy"' in html_of(admin_client, url)
    assert 'name="escalate_minutes" value="30m"' in html_of(admin_client, url)
    later = admin_client.post(url, {**filled, "escalate_minutes": "90s"})
    assert "90s is not allowed. Use whole minutes." in later.content.decode()
    night = {"mute_from": "22:00", "mute_to": "07:00", "escalate_minutes": "1h30m"}
    assert admin_client.post(url, {**filled, **night}).status_code == 303
    row.refresh_from_db()
    assert row.settings["mute"]["timezone"] == "UTC"
    assert row.settings["escalate_minutes"] == 90
    assert 'value="22:00"' in html_of(admin_client, url)
    assert "2 hours in a row" in html_of(operator_client, reverse("alert_rules"))
    gone = reverse("own_rule_delete", args=[row.pk])
    assert "Delete noisy?" in html_of(admin_client, gone)
    assert admin_client.post(gone).status_code == 303
    assert not AlertRule.objects.exists()


def test_the_form_of_a_new_channel_has_the_fields_of_the_chosen_kind(admin_client: Client) -> None:
    new = reverse("channel_new")

    def fields(html: str) -> set[str]:
        every = ("to", "url", "secret", "command", "address")
        return {name for name in every if f'name="{name}"' in html}

    for kind, names in {
        **channel_forms.SETTINGS,
        "pigeon": ("url", "secret"),
        "": ("url", "secret"),
    }.items():
        html = html_of(admin_client, f"{new}?kind={kind}")
        assert fields(html) == set(names), kind
        chosen = kind if kind in SENDERS else "webhook"
        assert f'name="kind" value="{chosen}"' in html
        assert f'href="?kind={chosen}" aria-current="true"' in html
        assert html.count('href="?kind=') == len(SENDERS)

    wrong = admin_client.post(
        new, {"name": "mail", "kind": "email", "to": "", "remind_seconds": "soon"}
    )
    html = wrong.content.decode()
    assert (wrong.status_code, fields(html)) == (422, {"to"})
    assert "soon is not a duration" in html
    assert admin_client.post(new, {"name": "x", "kind": "pigeon"}).status_code == 422
    for kind in channel_forms.SETTINGS:
        empty = admin_client.post(new, {"kind": kind}).content.decode()
        assert "This field is required." in empty, kind
        assert "String should" not in empty, kind
        assert 'id="id_name_error"' in empty, kind


def test_channels_are_made_tested_and_deleted_on_pages(
    admin_client: Client, editor_client: Client, settings: Any
) -> None:
    """S0-137: form, test button, deletion; the address is never shown again."""
    settings.JOBDECK = {**settings.JOBDECK, "HTTP_ALLOWED": parse_allowed(["127.0.0.1"])}
    job = make_job(name="report")
    assert "No channel yet" in html_of(editor_client, reverse("channels"))
    assert editor_client.get(reverse("channel_new")).status_code == 403
    with receiver() as kept:
        filled = {
            "name": "pager",
            "kind": "webhook",
            "url": kept.url,
            "secret": "s",
            "severity": "critical",
            "remind_seconds": "1h30m",
            "tags": "a, b",
            "jobs": "report",
            "workspaces": "",
            "quiet_from": "22:00",
            "quiet_to": "07:00",
            "quiet_timezone": "Europe/Berlin",
            "enabled": "on",
        }
        wrong = admin_client.post(reverse("channel_new"), {**filled, "url": "x"})
        assert wrong.status_code == 422
        assert admin_client.post(reverse("channel_new"), filled).status_code == 303
        row = Channel.objects.get()
        assert (row.routes, row.remind_seconds) == ({"tags": ["a", "b"], "jobs": [job.pk]}, 5400)
        assert row.quiet == {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}
        which = html_of(admin_client, reverse("channels"))
        assert "<div>tags a, b</div><div>1 job</div>" in which
        late = admin_client.post(reverse("channel", args=[row.pk]), {**filled, "quiet_to": "7"})
        assert "no time of day" in late.content.decode()
        lost = admin_client.post(reverse("channel", args=[row.pk]), {**filled, "jobs": "nobody"})
        assert "Job nobody does not exist." in lost.content.decode()
        page = html_of(admin_client, reverse("channel", args=[row.pk]))
        assert kept.url not in page + html_of(admin_client, reverse("channels"))
        assert 'value="1h30m"' in page
        changed = {**filled, "url": "", "secret": "", "name": "pager 2"}
        admin_client.post(reverse("channel", args=[row.pk]), changed)
        told = admin_client.post(reverse("channel_test", args=[row.pk]), headers=HTMX)
        kept.status = 500
        failed = admin_client.post(reverse("channel_test", args=[row.pk]), headers=HTMX)

    assert "Told pager 2." in told.content.decode()
    assert "The server answered 500" in failed.content.decode()
    assert kept.came[0].headers["jobdeck-event"] == "test"
    assert "jobdeck-signature" in kept.came[0].headers
    assert "Delete pager 2?" in html_of(admin_client, reverse("p_channel_delete", args=[row.pk]))
    admin_client.post(reverse("channel_delete", args=[row.pk]))
    assert not Channel.objects.exists()


def test_a_channel_whose_last_message_was_given_up_is_not_shown_as_on(
    admin_client: Client,
) -> None:
    gone, slow, well = (make_channel(name=name) for name in ("gone", "slow", "well"))
    make_alert()
    later = timezone.now() + timedelta(minutes=5)
    of_gone = Delivery.objects.filter(channel=gone)
    of_gone.update(failed_at=later, next_try_at=None, tries=1, error="The server answered 404")
    Delivery.objects.filter(channel=slow).update(
        next_try_at=later, tries=1, error="The server answered 500"
    )
    Delivery.objects.filter(channel=well).update(delivered_at=later, next_try_at=None, tries=1)

    html = html_of(admin_client, reverse("channels"))

    rows = html.split("data-row")[1:]
    assert ["Not reached" in row for row in rows] == [True, True, False]
    assert "The server answered 404" in rows[0]
    assert "The last message was given up at" in rows[0]
    assert "It is tried again at" in rows[1]

    Channel.objects.filter(pk=gone.pk).update(updated_at=later + timedelta(minutes=1))
    mended = html_of(admin_client, reverse("channels")).split("data-row")[1]
    assert "Not reached" not in mended


def test_a_refused_channel_says_that_its_secrets_have_to_be_typed_again(
    admin_client: Client,
) -> None:
    typed = {"name": "hook", "kind": "webhook", "url": "https://example.org/T0KEN", "secret": "s3c"}

    answer = admin_client.post(reverse("channel_new"), {**typed, "remind_seconds": "soon"})

    html = answer.content.decode()
    assert answer.status_code == 422
    assert "T0KEN" not in html
    assert "s3c" not in html
    for name in ("url", "secret"):
        message = html[html.index(f'id="id_{name}_error"') :]
        assert "It was not kept, since it is secret. Type it again." in message[:400]


def test_an_address_that_is_none_is_refused_before_the_first_alert(admin_client: Client) -> None:
    for kind in ("webhook", "slack"):
        asked = {"name": kind, **KNOWN, "kind": kind, "url": "hooks.example.org/x"}

        answer = admin_client.post(reverse("channel_new"), asked)

        assert answer.status_code == 422
        assert "url must begin with http:// or https://" in answer.content.decode()
        assert "It was not kept" not in answer.content.decode()


def test_what_a_channel_refuses_is_told_without_pydantics_words(admin_client: Client) -> None:
    asked = {"name": "mail", **KNOWN, "kind": "email", "to": "nobody"}

    html = unescape(admin_client.post(reverse("channel_new"), asked).content.decode())

    assert ">'nobody' is not an e-mail address. Use one such as ops@example.com.</a>" in html
    assert "Value error" not in html
