"""The page of an alert at three in the night: what, since when, which runs, last words, what to do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.domain.alerts import Condition, Kind, Rule, Severity
from jobs.domain.errors import StateError
from jobs.domain.states import ExecutionState
from jobs.models import Alert, AlertJob, Execution, Job, LogChunk
from jobs.services import alert_acts, alert_links, alerting, triggers
from jobs.services import jobs as job_services
from jobs.services.people import actor_of
from tests.factories import make_alert, make_execution, make_job

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
HTMX = {"HX-Request": "true"}


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def failing(name: str) -> tuple[Job, Execution, Execution]:
    """Return a job with a success of an hour ago and a failure of a minute ago."""
    job = make_job(name=name)
    hour, minute = NOW - timedelta(hours=1), NOW - timedelta(minutes=1)
    good = make_execution(job, state="succeeded", started_at=hour, finished_at=hour)
    bad = make_execution(
        job, state=ExecutionState.FAILED.value, started_at=minute, finished_at=NOW, exit_code=3
    )
    Job.objects.filter(pk=job.pk).update(success_count=1, failure_count=1)
    return job, good, bad


def printed(run: Execution, *lines: str) -> None:
    text = "".join(f"{line}\n" for line in lines).encode()
    LogChunk.objects.create(
        execution=run, seq=0, offset=0, data=text, stream="stderr", attempt=1, written_at=NOW
    )


def alert_of(*failed: tuple[Job, Execution, Execution]) -> Alert:
    condition = Condition(
        key="failures:x",
        rule=Rule.FAILURES,
        severity=Severity.CRITICAL,
        title="It failed",
        cause="exit code 3",
        jobs=tuple(job.pk for job, _, _ in failed),
        evidence={
            "last_tick_at": "2026-11-22T03:00:00+00:00",
            "running_seconds": 1900,
            "free_bytes": "4200000",
            "jobs": 2,
        },
    )
    row = alerting.open_alert(condition, severity=condition.severity, now=NOW)
    assert row is not None
    for job, _, bad in failed:
        AlertJob.objects.filter(job=job).update(
            last_execution_id=bad.pk, kind=Kind.IN_A_ROW.value, why="5 failures in a row"
        )
    return row


def test_the_page_says_what_an_operator_needs_first(
    operator_client: Client, viewer_client: Client
) -> None:
    one = failing("nightly")
    job, good, bad = one
    printed(bad, *(f"line {number}" for number in range(20)), "no space left <on> device")
    row = alert_of(one)
    url = reverse("alert", args=[row.pk])

    html = operator_client.get(url).content.decode()
    seen = viewer_client.get(url).content.decode()
    text = text_of(html)

    assert "no space left &lt;on&gt; device" in html
    assert "line 19" in text
    assert "line 5 " not in text  # the end of the log only
    assert f'{reverse("execution", args=[good.pk])}">#{good.pk}' in html
    assert "Probable cause exit code 3" in text
    assert "Exit code 3" in text
    # Moments on the reader's clock, lengths and sizes in words.
    assert 'datetime="2026-11-22T03:00:00.000+00:00"' in html
    assert ">2026-11-22T03:00:00+00:00<" not in html
    assert "31 m 40 s" in text
    assert "4.2 MB" in text
    for name in ("alert_acknowledge", "alert_run_again", "alert_pause_job", "alert_mute"):
        assert reverse(name, args=[row.pk]) in html
        assert reverse(name, args=[row.pk]) not in seen
    assert len(re.findall(r">Acknowledge</button>", html)) == 1
    assert len(re.findall(r">Acknowledge with the note</button>", html)) == 1

    paused = operator_client.post(reverse("alert_pause_job", args=[row.pk]), headers=HTMX)
    job.refresh_from_db()
    assert "Paused nightly for 1 hour." in paused.content.decode()
    assert job.state == "paused"
    assert alert_links.resume_due(datetime.now(UTC) + timedelta(minutes=50)) == 0
    assert alert_links.resume_due(datetime.now(UTC) + timedelta(minutes=61)) == 1
    job.refresh_from_db()
    assert job.state == "active"


def test_a_later_pause_of_the_same_person_stays(operator: User) -> None:
    one = failing("nightly")
    job, row, actor = one[0], alert_of(one), actor_of(operator)
    alert_acts.pause_for_an_hour(row.pk, actor=actor, now=NOW)
    job_services.resume(job.pk, actor=actor)
    job_services.pause(job.pk, actor=actor, reason="for good")

    assert alert_links.resume_due(datetime.now(UTC) + timedelta(minutes=61)) == 0

    job.refresh_from_db()
    assert job.state == "paused"


def test_what_failed_is_run_again_once(operator_client: Client, viewer_client: Client) -> None:
    row = alert_of(failing("first"), failing("second"))
    url = reverse("alert_run_again", args=[row.pk])
    assert viewer_client.post(url, headers=HTMX).status_code == 403
    assert (
        "Pause first" not in operator_client.get(reverse("alert", args=[row.pk])).content.decode()
    )

    done = operator_client.post(url, headers=HTMX).content.decode()
    twice = operator_client.post(url, headers=HTMX).content.decode()

    assert "Started 2 runs again." in done
    assert "was started again already" in twice
    assert Execution.objects.filter(trigger="retry").count() == 2
    refused = operator_client.post(reverse("alert_pause_job", args=[row.pk]), headers=HTMX)
    assert "is about no single job" in refused.content.decode()
    nothing = operator_client.post(reverse("alert_run_again", args=[make_alert().pk]), headers=HTMX)
    assert "no failed run" in nothing.content.decode()


def test_those_that_one_press_leaves_are_started_by_the_next(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, first, second = failing("gone"), failing("first"), failing("second")
    row = alert_of(gone, first, second)
    monkeypatch.setattr(alert_acts, "MOST", 1)
    again = triggers.again

    def refusing(number: int, **more: Any) -> Execution:
        if number == gone[2].pk:
            raise StateError("It is not for you.")
        return again(number, **more)

    monkeypatch.setattr(triggers, "again", refusing)

    one, two = (alert_acts.run_again(row.pk, actor=actor_of(operator)) for _ in range(2))

    assert [run.job_id for run in [*one.started, *two.started]] == [first[0].pk, second[0].pk]
    assert (one.left, two.left) == (1, 0)
    assert one.refused == two.refused == ["It is not for you."]


def test_an_alert_about_no_run_has_its_page(viewer_client: Client) -> None:
    row = make_alert()

    html = viewer_client.get(reverse("alert", args=[row.pk])).content.decode()

    assert "The disk is nearly full" in html
    assert "Last good run" not in html
