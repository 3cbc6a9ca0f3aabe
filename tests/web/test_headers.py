"""What every answer carries, and what the reader's cookies change."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from jobs.web.middleware import CONTENT_SECURITY_POLICY
from tests.factories import every, make_execution, make_job


def test_every_page_carries_the_policy(viewer_client: Client) -> None:
    answer = viewer_client.get("/jobs/")

    assert answer["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cache-Control"] == "no-store"


def test_pages_travel_compressed_and_of_no_constant_length(viewer_client: Client) -> None:
    execution = make_execution()
    address = reverse("job", args=[execution.job_id])

    answers = [viewer_client.get(address, HTTP_ACCEPT_ENCODING="gzip, br") for _ in range(8)]
    plain = viewer_client.get(address)
    region = viewer_client.get(reverse("p_jobs"), HTTP_ACCEPT_ENCODING="gzip")
    log = viewer_client.get(
        reverse("execution_log", args=[execution.pk]), HTTP_ACCEPT_ENCODING="gzip"
    )

    assert {answer["Content-Encoding"] for answer in answers} == {"gzip"}
    assert "Accept-Encoding" in answers[0]["Vary"]
    assert b"</html>" in gzip.decompress(answers[0].content)
    assert len(answers[0].content) < len(plain.content) / 3
    # The same page again: who counts bytes learns nothing of what stands in it.
    assert len({len(answer.content) for answer in answers}) > 1
    assert "Content-Encoding" not in plain
    assert region["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in log


def test_a_first_load_is_about_forty_kilobytes(viewer_client: Client) -> None:
    for number in range(20):
        make_execution(make_job(name=f"job-{number}", schedules=[every(3600)]))

    answers = {
        name: viewer_client.get(reverse(name), HTTP_ACCEPT_ENCODING="gzip")
        for name in ("overview", "jobs", "executions")
    }

    for name, answer in answers.items():
        html = gzip.decompress(answer.content).decode()
        files = set(re.findall(r'/static/([^"#]+)', html))
        # Names bear a hash where the files were collected.
        found = [finders.find(re.sub(r"\.[0-9a-f]{12}\.", ".", file)) for file in files]
        loaded = sum(len(gzip.compress(Path(str(file)).read_bytes())) for file in found)
        assert len(files) >= 8, name
        assert loaded + len(answer.content) < 47_000, name


@pytest.mark.parametrize(
    ("cookie", "zone"),
    [
        ("Asia/Jakarta", "Asia/Jakarta"),
        ("", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("localtime", "UTC"),
    ],
)
def test_times_are_in_the_reader_s_zone(cookie: str, zone: str, viewer_client: Client) -> None:
    viewer_client.cookies["tz"] = cookie

    html = viewer_client.get("/").content.decode()

    assert f"Times are in your zone, {zone}." in html


def test_one_reader_s_zone_is_not_the_next_one_s(
    viewer_client: Client, operator_client: Client
) -> None:
    make_execution()
    viewer_client.cookies["tz"] = "Asia/Kathmandu"

    first = viewer_client.get(reverse("executions")).content.decode()
    second = operator_client.get(reverse("executions")).content.decode()

    assert "+05:45 Asia/Kathmandu" in first
    assert "+00:00 UTC" in second


@pytest.mark.parametrize(
    ("cookie", "attribute"),
    [
        ("dark", ' data-theme="dark"'),
        ("light", ' data-theme="light"'),
        ("system", ""),
        ('"><b>', ""),
    ],
)
def test_the_theme_is_drawn_by_the_server(
    cookie: str, attribute: str, viewer_client: Client
) -> None:
    viewer_client.cookies["theme"] = cookie

    html = viewer_client.get("/").content.decode()

    assert f'<html lang="en"{attribute}>' in html


def test_a_paused_page_stays_paused(viewer_client: Client) -> None:
    viewer_client.cookies["live"] = "off"

    html = viewer_client.get("/").content.decode()

    assert "data-paused" in html
    assert "Resume live updates" in html


def test_the_role_is_named(viewer_client: Client) -> None:
    assert "vera, viewer" in strip_tags(viewer_client.get("/").content.decode())
