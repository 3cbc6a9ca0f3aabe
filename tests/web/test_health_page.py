"""The page of queue health: score, parts, findings, advice, trend, and what it shows of nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.models import Preference, Stat
from tests.factories import make_execution, make_job

pytestmark = pytest.mark.django_db


def ended(queue: str, ago: int = 0, **sums: float) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=ago)
    Stat.objects.create(hour=hour, queue=queue, shard=0, **sums)


def text_of(client: Client, query: str = "", path: str = "/health/") -> str:
    answer = client.get(path + query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_s4_23_an_empty_install_is_healthy(viewer_client: Client) -> None:
    text = text_of(viewer_client)

    assert "Score of default" in text
    assert "1.00 Good System healthy" in text
    assert "Nothing slows the queues down" in text
    assert "no immediate action" in text
    assert "Stable against the period before" in text


def test_s4_100_101_102_trouble_is_shown_with_its_evidence(viewer_client: Client) -> None:
    ended("reports", succeeded=6, failed=4, run_seconds=100)
    ended("quiet", succeeded=5)
    job = make_job(queue="quiet")
    make_execution(job, queue="quiet")

    text = text_of(viewer_client)

    assert "Score of reports" in text, "the worst one"
    assert "Unhealthy System: critical" in text
    assert "4 of 10 failed, alerts above 10" in text
    assert "10.0 s on average, alerts above 30 s" in text
    assert "Costs 0.88" in text
    assert "Critical 4 of 10 runs of queue reports failed (40.0%) high_failure_rate" in text
    assert "Check external API availability" in text
    assert "Failed runs" in text
    quiet = text_of(viewer_client, "?queue=quiet&period=7d")
    assert "Score of quiet" in quiet
    assert "1 waiting, alerts above 100" in quiet
    assert "high_failure_rate" not in quiet
    assert "No queue is called <nope>" not in text_of(viewer_client, "?queue=nope")
    assert "No queue is called nope. Shown is the worst one." in text_of(
        viewer_client, "?queue=nope"
    )


def test_advice_and_its_evidence_are_told_in_indonesian(
    viewer: User, viewer_client: Client
) -> None:
    Preference.objects.create(user=viewer, language="id")
    calm = text_of(viewer_client)
    make_execution(make_job(queue="night"), state="queued", queue="night")

    text = text_of(viewer_client, "?queue=night")

    assert "0 menunggu, 0,0% dari 0 gagal" in calm
    assert "1 eksekusi menunggu di antrean night, dan tidak ada worker yang mengambilnya" in text


def test_s4_32_the_trend_is_against_the_period_before(viewer_client: Client) -> None:
    ended("default", ago=30, succeeded=100, run_seconds=10)
    ended("default", ago=1, failed=100)

    assert "Degrading: down 0.8" in text_of(viewer_client)


def test_the_region_is_the_page_s_and_is_asked_for_again_only_after_a_change(
    viewer_client: Client,
) -> None:
    first = viewer_client.get("/p/health/?queue=default")
    assert b'id="health-panels"' in first.content

    headers: dict[str, Any] = {"HX-PTag": first["HX-PTag"]}
    again = viewer_client.get("/p/health/?queue=default", headers=headers)

    assert again.status_code in {304, 200}  # fifteen seconds may just have passed
    assert again.status_code == 304 or again["HX-PTag"] != first["HX-PTag"]


def test_without_a_role_there_is_nothing_to_see(client: Client) -> None:
    assert client.get("/health/").status_code == 302
