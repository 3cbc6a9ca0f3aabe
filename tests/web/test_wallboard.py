"""The wallboard: large figures, dark, polled with 304, behind a session only."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from jobs.domain.permissions import SYSTEM, Role
from jobs.models import Job, Stat, WorkerKind
from jobs.services import access, tokens
from tests.conftest import signed_in
from tests.factories import cron, make_execution, make_job, make_user, make_worker

pytestmark = pytest.mark.django_db


def text_of(content: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content.decode()))


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def _life() -> None:
    """Make figures of every kind."""
    make_worker(kind=WorkerKind.DISPATCHER.value, slots=0, tick_at=now())
    make_worker(busy=1)
    make_execution(make_job(), state="running", started_at=now())
    make_execution(make_job())
    changes: list[dict[str, Any]] = [
        {"consecutive_failures": 2},
        {"consecutive_failures": 9, "state": "auto_disabled"},
        {"next_fire_at": now() - timedelta(minutes=5)},
    ]
    for number, change in enumerate(changes):
        job = make_job(name=f"trouble-{number}", schedules=[cron("0 * * * *")])
        Job.objects.filter(pk=job.pk).update(**change)
    hour = now().replace(minute=0, second=0, microsecond=0)
    Stat.objects.create(hour=hour, queue="default", shard=0, succeeded=97, failed=3)


@pytest.mark.usefixtures("_life")
def test_a_viewer_sees_the_figures(viewer_client: Client) -> None:
    answer = viewer_client.get("/tv/")

    text = text_of(answer.content)
    assert "Broken now 2 trouble-1, trouble-0" in text
    assert "Running 1 1 of 4 places busy" in text
    assert "Late 1" in text
    assert re.search(r"Success, 24 h 97(\.0)? ?% 3 of 100 failed", text.replace("\u202f", " "))
    assert "Waiting 1 runs in all queues" in text
    assert "Next trouble-2" in text
    page = answer.content.decode()
    assert '<html lang="en" data-theme="dark">' in page
    assert re.findall(r"<(?:button|input|form|a)\b", page) == [], "there are no controls"
    assert b'data-theme="light"' in viewer_client.get("/tv/?theme=light").content
    assert b'data-theme="dark"' in viewer_client.get("/tv/?theme=pink").content


@pytest.mark.usefixtures("_life")
def test_an_idle_wallboard_is_answered_with_304(viewer_client: Client) -> None:
    tag = viewer_client.get("/p/tv/").headers["HX-PTag"]
    headers = {"HX-PTag": tag, "HX-Request": "true"}
    assert viewer_client.get("/p/tv/", headers=headers).status_code == 304

    Job.objects.filter(name="trouble-0").update(next_fire_at=now() - timedelta(hours=1))

    late = viewer_client.get("/p/tv/", headers=headers)
    assert late.status_code == 200, "a job becomes late without any write that is counted"
    assert "Late 2" in text_of(late.content)


def test_silence_is_shouted(viewer_client: Client) -> None:
    assert "The scheduler has never ticked" in text_of(viewer_client.get("/tv/").content)

    make_worker(kind=WorkerKind.DISPATCHER.value, slots=0, tick_at=now())

    assert "No worker is running" in text_of(viewer_client.get("/tv/").content)


def test_only_a_session_opens_it(client: Client) -> None:
    _, value = tokens.create(make_user("vera", Role.VIEWER), "wall")

    for path in ("/tv/", f"/tv/?token={value}", f"/tv/?key={value}"):
        assert client.get(path).status_code == 302
    bearer = {"Authorization": f"Bearer {value}"}
    assert client.get("/tv/", headers=bearer).status_code == 302


def test_a_role_for_some_jobs_shows_those(client: Client) -> None:
    user = make_user("tara")
    access.grant(user, Role.VIEWER, tag="mine", actor=SYSTEM)
    for name, tags in (("my-job", ["mine"]), ("their-job", [])):
        job = make_job(name=name, tags=tags)
        Job.objects.filter(pk=job.pk).update(consecutive_failures=1)

    text = text_of(signed_in(user).get("/tv/").content)

    assert "Broken now 1 my-job" in text
    assert "their-job" not in text
