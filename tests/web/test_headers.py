"""What every answer carries, and what the reader's cookies change."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from jobs.web.middleware import CONTENT_SECURITY_POLICY
from tests.factories import make_execution


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
