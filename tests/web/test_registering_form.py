"""A job that registers cloud resources on pages: what the form advises, what the list finds."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain import tumblebug
from jobs.domain.states import ExecutionState
from jobs.models import Job
from tests.factories import every, make_channel, make_execution, make_job
from tests.web.test_job_form import HTMX, filled, schedule
from tests.web.test_jobs_page import names

TYPE = "registerCspResources"


def typed(interval: str, **spec: str) -> dict[str, str]:
    """Return the form of such a job as a browser sends it."""
    return filled(
        type=TYPE,
        spec=json.dumps({"ns_id": "default", **spec}),
        **schedule(0, kind="interval", seconds=interval, expression=""),
    )


def advised(client: Client, interval: str, **spec: str) -> str:
    """Return what the preview advises while somebody types."""
    html = client.post(
        reverse("p_job_preview"), typed(interval, **spec), headers=HTMX
    ).content.decode()
    note = re.search(r'id="preview-advice">(.*?)</div></div>', html, re.DOTALL)
    return note[1] if note else ""


def text_of(html: str) -> str:
    """Return the words of a page, apart by single blanks."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def registering(name: str, ns_id: str, **fields: Any) -> Job:
    spec = {"ns_id": ns_id, "mci_name_prefix": name}
    return make_job(name=name, type=TYPE, spec=spec, **fields)


def test_the_form_advises_and_accepts(
    editor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S0-140, S0-141, S0-143: it warns of what overloads the server, and makes the job."""
    assert "Server overload" in advised(editor_client, "10s")
    assert "Server overload" in advised(editor_client, "60s")
    assert "at least 30 minutes" in advised(editor_client, "20m")
    assert "at least 10 minutes" in advised(editor_client, "9m", connection_name="aws")
    assert "In production" in advised(
        editor_client, "20m", connection_name="aws", mci_name_prefix="aws-kr-prod"
    )
    assert advised(editor_client, "10m", connection_name="aws") == ""
    assert advised(editor_client, "30m") == ""
    monkeypatch.setattr(tumblebug, "MOST_JOBS_OF_A_NAMESPACE", 2)
    for number in range(2):
        registering(f"one-{number}", "default")
    assert "100 such jobs" in advised(editor_client, "1h")
    assert advised(editor_client, "1h", ns_id="other") == ""

    asked = {"connection_name": "aws-ap-northeast-2", "option": "vNet, sshKey", "mci_flag": "n"}
    answer = editor_client.post(reverse("job_new"), {**typed("10s", **asked), "name": "one-more"})

    assert answer.status_code == 303
    made = Job.objects.get(name="one-more")
    assert made.spec.items() >= {**asked, "ns_id": "default", "option": "vNet,sshKey"}.items()
    assert [row.seconds for row in made.schedules.all()] == [10]


def test_the_form_tells_fields_and_offers_intervals(editor_client: Client) -> None:
    """S0-95, S0-142, S0-157, S0-179: meanings of the fields, presets of the interval."""
    new = editor_client.get(reverse("job_new")).content.decode()
    shown = editor_client.post(reverse("p_job_preview"), typed("1h"), headers=HTMX).content.decode()
    page = unescape(
        editor_client.post(reverse("job_new"), {**typed("1h"), "do": "preview"}).content.decode()
    )

    presets = dict(re.findall(r'<option value="(\w+)" label="\w+, (\w+)">', new))
    assert presets["10s"] == presets["1m"] == "development"
    assert presets["5m"] == presets["30m"] == "monitoring"
    assert presets["1h"] == presets["6h"] == "production"
    assert presets["12h"] == presets["1d"] == "daily"
    assert 'list="intervals"' in new
    assert "mci_flag" not in new, "another kind is chosen"
    for html in (unescape(shown), page):
        assert "y (recommended)" in html
        assert "not for large environments" in html
        assert "{csp}-{region}-{purpose}" in html


def test_the_list_goes_by_namespace_and_finds_what_is_idle(viewer_client: Client) -> None:
    """S0-161, S0-174, S0-180: filters by namespace, by failing, and by not run for 30 days."""
    now = timezone.now()
    for name, ns_id, started in (
        ("aws-one", "aws-ns", timedelta(days=31)),
        ("aws-two", "aws-ns", timedelta(days=29)),
        ("gcp-one", "gcp-ns", None),
    ):
        job = registering(name, ns_id, schedules=[every(3600)])
        Job.objects.filter(pk=job.pk).update(
            last_started_at=started and now - started,
            consecutive_failures=int(name == "aws-two"),
        )
    make_job(name="other", spec={"command": "true"})

    page = viewer_client.get(reverse("jobs"), {"type": TYPE}).content.decode()

    assert re.findall(r'<option value="(\S+-ns)">\S+ \((\d)\)', page) == [
        ("aws-ns", "2"),
        ("gcp-ns", "1"),
    ]
    assert "f-ns" not in viewer_client.get(reverse("jobs")).content.decode()
    assert sorted(names(viewer_client, "?namespace=aws-ns")) == ["aws-one", "aws-two"]
    assert names(viewer_client, "?namespace=aws-ns&state=failing") == ["aws-two"]
    assert names(viewer_client, "?namespace=nowhere") == []
    assert names(viewer_client, "?state=idle") == ["aws-one"]


def test_a_job_s_page_shows_what_its_sheet_has(viewer_client: Client) -> None:
    """S0-127, S0-128, S0-129, S0-130, S0-177: its figures, its owner and its target."""
    make_channel(name="slack-infra")
    job = registering(
        "aws-kr-prod",
        "production",
        owner="infra-team",
        description="Registers what production has",
        schedules=[every(3600)],
        alert_channel="slack-infra",
    )
    new = viewer_client.get(reverse("job", args=[job.pk])).content.decode()
    now = timezone.now()
    make_execution(
        job,
        state=ExecutionState.FAILED.value,
        started_at=now - timedelta(minutes=7),
        finished_at=now,
        message="CSP API error: RequestLimitExceeded",
    )
    Job.objects.filter(pk=job.pk).update(
        execution_count=101,  # one of them goes on
        success_count=95,
        failure_count=5,
        consecutive_failures=3,
        state="auto_disabled",
    )

    page = unescape(viewer_client.get(reverse("job", args=[job.pk])).content.decode())
    text = text_of(page)

    for words in (
        "infra-team",
        "Registers what production has",
        "production",
        "Alert channel slack-infra",
        "Every hour",
        "Runs 101",
        "Succeeded 95 95.0 %",
        "Failed 5",
        "Failures in a row 3",
        "CSP API error: RequestLimitExceeded",
        "Auto-disabled",
    ):
        assert words.lower() in text.lower(), words
    assert "Succeeded 0 \u2014" in text_of(unescape(new))
    # When it ran last and what came of it; of one that is on, when it runs next.
    last = job.executions.get()
    assert f'href="{reverse("execution", args=[last.pk])}"' in page
    job.refresh_from_db()
    assert job.next_fire_at is not None
    assert f'datetime="{job.next_fire_at:%Y-%m-%dT%H:%M:%S}' in new
    Job.objects.filter(pk=job.pk).update(execution_count=11, success_count=10, failure_count=0)
    job.refresh_from_db()
    assert job.success_rate == 1.0, "what still runs does not lower the rate"
