"""The page that explains why a job did, did not, will or will not run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM
from jobs.models import Execution, Job, Preference
from jobs.services import explained_future, explained_past, explaining
from jobs.services import jobs as job_services
from jobs.services.dispatch import dispatch_due
from jobs.web.views.explain import TITLES
from tests.factories import cron, make_job

START = datetime(2026, 3, 1, 10, 0, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as moved:
        yield moved


@pytest.fixture
def job(db: None, clock: Any) -> Job:
    return make_job(name="report", schedules=[cron("*/5 * * * *", "Europe/Paris")])


def page(client: Client, job: Job, at: str = "", status: int = 200) -> str:
    answer = client.get(reverse("explain", args=[job.pk]), {"at": at} if at else {})
    assert answer.status_code == status
    return answer.content.decode()


def test_the_chain_is_told_with_links(viewer_client: Client, job: Job, clock: Any) -> None:
    clock.move_to(START.replace(minute=5, second=0))
    dispatch_due(datetime.now(UTC))
    Execution.objects.update(state="running", started_at=datetime.now(UTC))
    clock.shift(timedelta(minutes=5))
    dispatch_due(datetime.now(UTC))

    html = page(viewer_client, job, "2026-03-01T10:10:00Z")

    assert "It did not run" in html
    assert "due 11:05, was in the way: it had been running for 5 min." in html
    number = Execution.objects.get().pk
    assert f'<a href="/executions/{number}/">Open #{number}</a>' in html
    assert '<span class="sr">: Stopped here</span>' in html


def test_a_time_is_typed_on_the_reader_s_clock(viewer_client: Client, job: Job) -> None:
    viewer_client.cookies["tz"] = "Asia/Jakarta"

    html = page(viewer_client, job, "2026-03-01T17:05")

    assert "It will run" in html
    assert 'value="2026-03-01T17:05"' in html
    assert "names 2026-03-01 11:05 Europe/Paris" in html


def test_an_offset_counts_before_the_reader_s_clock(viewer_client: Client, job: Job) -> None:
    assert "It will run" in page(viewer_client, job, "2026-03-01T11:05:00+01:00")


def test_a_minute_that_nothing_names_leads_to_the_nearest(
    viewer_client: Client, job: Job, clock: Any
) -> None:
    clock.shift(timedelta(hours=1))

    html = page(viewer_client, job, "2026-03-01T10:33")

    assert "No schedule names 11:33. The nearest: 11:30 and 11:35." in html
    assert 'href="?at=2026-03-01T10:30:00Z"' in html
    assert 'href="?at=2026-03-01T10:35:00Z"' in html


def test_a_paused_job_will_not_run(viewer_client: Client, job: Job) -> None:
    job_services.pause(job.pk, actor=SYSTEM, reason="<i>lunch</i>")

    html = page(viewer_client, job, "2026-03-01T10:30")

    assert "It will not run" in html
    assert "&lt;i&gt;lunch&lt;/i&gt;" in html


@pytest.mark.parametrize("text", ["soon", "2026-13-01T00:00", "0001-01-01T00:00", "x\0y"])
def test_what_is_no_moment_is_refused_at_its_field(
    text: str, viewer_client: Client, job: Job
) -> None:
    html = page(viewer_client, job, text, status=400)

    assert "is no moment. Use a date and a time" in html
    assert 'aria-describedby="at-error"' in html


def test_the_answer_is_told_in_indonesian_too(
    viewer: User, viewer_client: Client, job: Job, clock: Any
) -> None:
    """The whole chain, the schedule in words and the lengths of time; the API tells it in English."""
    clock.move_to(START.replace(minute=5, second=0))
    dispatch_due(datetime.now(UTC))
    Execution.objects.update(state="running", started_at=datetime.now(UTC))
    clock.shift(timedelta(minutes=5))
    dispatch_due(datetime.now(UTC))
    job_services.pause(job.pk, actor=SYSTEM, reason="lunch")
    number = Execution.objects.get().pk
    Preference.objects.create(user=viewer, language="id")

    past = page(viewer_client, job, "2026-03-01T10:10:00Z")
    future = page(viewer_client, job, "2026-03-01T10:30:00Z")
    nothing = page(viewer_client, job, "2026-03-01T10:33:00Z")
    program = viewer_client.get(
        f"/api/v1/jobs/{job.pk}/explain", {"at": "2026-03-01T10:10:00Z"}
    ).json()

    assert (
        f"Eksekusi #{number}, jatuh tempo 11:05, menghalanginya: sudah berjalan selama 5 mnt."
        in past
    )
    assert "Jadwalnya, “Setiap 5 menit”, menyebut 2026-03-01 11:10 Europe/Paris." in past
    assert "Tidak akan berjalan. Tugas ini dijeda oleh system sejak" in future
    assert ": lunch. Tidak akan berjalan kecuali dilanjutkan sebelum itu." in future
    assert "Tidak ada jadwal yang menyebut 11:33. Yang terdekat: 11:30 dan 11:35." in nothing
    assert "had been running for 5 min." in program["summary"]


def test_every_step_has_its_word_in_the_readers_language() -> None:
    """A title that the page does not know would be shown in English."""
    sources = (explaining, explained_past, explained_future)
    texts = [inspect.getsource(one) for one in sources]
    titles = {
        title
        for text in texts
        for line in re.findall(r"title(?:s.get)?\b.*|titles = .*", text)
        for title in re.findall(r'"([A-Z][a-z ]+)"', line)
    }

    assert {"Calendar", "Circuit breaker", "In time", "Beside", "Start"} <= titles
    assert titles <= TITLES.keys()


def test_without_a_question_some_are_suggested(viewer_client: Client, job: Job) -> None:
    html = page(viewer_client, job)

    assert "The next due time" in html
    assert 'href="?at=2026-03-01T10:05:00Z"' in html


def test_a_minute_with_several_due_times_names_them_all(
    viewer_client: Client, clock: Any, db: None
) -> None:
    job = make_job(schedules=[cron("* * * * * */20")])

    html = page(viewer_client, job, "2026-03-01T10:01")

    assert "2 more due times in this minute" in html
    assert 'href="?at=2026-03-01T10:01:20Z">10:01:20</a>' in html


def test_the_ledger_around_it_is_linked(viewer_client: Client, job: Job) -> None:
    html = page(viewer_client, job, "2026-03-01T10:30")

    link = (
        f"{reverse('ledger', args=[job.pk])}?from=2026-03-01T10:00:00Z&amp;to=2026-03-01T11:00:00Z"
    )
    assert link in html
