"""Check-ins on pages, by the API, and the addresses that jobs elsewhere call."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import CheckIn, CheckInReport, RequestKey
from jobs.web.views import pings
from tests.factories import make_check_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _full_buckets() -> None:
    pings.RATES.clear()


def html_of(client: Client, url: str) -> str:
    """Return a page."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_an_editor_makes_one_and_its_command_works(
    editor_client: Client, viewer_client: Client
) -> None:
    """S4-108: from the empty page to the first report, with the address that the page shows."""
    assert "No check-in yet" in html_of(viewer_client, reverse("check_ins"))
    fields = {"name": "<backup>", "period_seconds": "1d", "grace_seconds": "1h"}
    wrong = editor_client.post(reverse("check_in_new"), {**fields, "expression": "61 * * * *"})
    assert wrong.status_code == 422
    assert b"1d" in wrong.content
    made = editor_client.post(reverse("check_in_new"), fields)
    row = CheckIn.objects.get()
    assert made["Location"] == reverse("check_in", args=[row.pk])
    page = html_of(editor_client, made["Location"])
    address = re.search(r"http://testserver(/ping/[0-9a-f-]{36})\n", page)
    assert address is not None
    assert "&lt;backup&gt;" in page
    assert address[1] not in html_of(viewer_client, made["Location"])

    for end, method in (("/start", "HEAD"), ("", "GET"), ("/7", "POST")):
        answer = Client(enforce_csrf_checks=True).generic(method, address[1] + end, b"dis<k> full")
        assert answer.status_code == 200, end
        assert answer["Ping-Body-Limit"] == "10000"
        assert answer.content == (b"" if method == "HEAD" else b"OK")

    page = html_of(viewer_client, made["Location"])
    assert "exit code 7" in page
    assert "dis&lt;k&gt; full" in page
    assert "Failed" in html_of(viewer_client, f"{reverse('check_ins')}?state=down&q=backup")
    assert "No check-in matches" in html_of(viewer_client, f"{reverse('check_ins')}?state=up")
    assert CheckInReport.objects.count() == 3

    editor_client.post(reverse("check_in_rotate", args=[row.pk]))
    assert Client().get(address[1]).status_code == 404
    editor_client.post(reverse("check_in_pause", args=[row.pk]))
    assert "Paused" in html_of(viewer_client, reverse("check_ins"))
    editor_client.post(reverse("check_in_resume", args=[row.pk]))
    edited = editor_client.post(
        reverse("check_in_edit", args=[row.pk]), {**fields, "name": "other", "workspace": "no"}
    )
    assert edited.status_code == 422
    editor_client.post(reverse("check_in_edit", args=[row.pk]), {**fields, "name": "other"})
    editor_client.post(reverse("check_in_delete", args=[row.pk]))
    assert not CheckIn.objects.exists()


def test_wrong_keys_all_get_the_same_answer_and_are_slowed_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pings, "PER_MINUTE", 5)
    key, client = str(uuid.uuid4()), Client()
    make_check_in()

    answers = [client.get(f"/ping/{one}") for one in (key, key[:-1], "x", f"{key}/start")]

    assert {(one.status_code, one.content) for one in answers} == {(404, b"not found")}
    assert client.delete(f"/ping/{key}").status_code == 405
    assert client.get(f"/ping/{key}").status_code == 404
    slowed = client.get(f"/ping/{key}")
    assert slowed.status_code == 429
    assert int(slowed["Retry-After"]) >= 1


def test_a_job_may_not_report_without_end_nor_be_held_up_by_others(
    monkeypatch: pytest.MonkeyPatch, editor_client: Client
) -> None:
    monkeypatch.setattr(pings, "PER_MINUTE", 3)
    make_check_in()
    document = editor_client.get("/api/v1/check-ins").json()["items"][0]
    path = document["ping_url"].removeprefix("http://testserver")
    for _ in range(5):
        Client().get(f"/ping/{uuid.uuid4()}")

    run = str(uuid.uuid4())
    codes = [Client().get(f"{path}?rid={run}").status_code for _ in range(3)]

    assert codes == [200, 200, 200]
    assert Client().get(path).status_code == 429
    pings.RATES.clear()
    assert Client().get(f"{path}?rid=none").status_code == 400
    assert CheckInReport.objects.filter(run_id=run).count() == 3
    detail = f"/api/v1/check-ins/{document['id']}"
    assert editor_client.get(f"{detail}/reports?limit=2").json()["next_cursor"]
    assert editor_client.get("/api/v1/check-ins?state=up").json()["items"][0]["state"] == "up"
    assert editor_client.get("/api/v1/check-ins?state=no").status_code == 400


def test_the_api_shows_addresses_to_editors_alone(viewer_client: Client) -> None:
    make_check_in()

    assert viewer_client.get("/api/v1/check-ins").json()["items"][0]["ping_url"] is None


def test_the_key_of_a_check_in_lies_nowhere_in_the_open(editor_client: Client) -> None:
    """A repeated request is answered from what was kept, which holds no address."""
    made = [
        editor_client.post(
            "/api/v1/check-ins",
            {"name": "backup", "period_seconds": 3600},
            content_type="application/json",
            headers={"Idempotency-Key": "once"},
        )
        for _ in range(2)
    ]

    key = made[0].json()["ping_url"].rpartition("/")[2]
    assert Client().get(f"/ping/{key}").status_code == 200
    assert (made[1].status_code, made[1].json()["ping_url"]) == (201, None)
    assert key not in str(list(RequestKey.objects.values()))
    assert key not in str(list(CheckIn.objects.values()))
