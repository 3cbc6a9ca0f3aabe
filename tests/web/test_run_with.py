"""Run now with parameters: the form, its errors, and what the run's page then shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM
from jobs.models import Artifact, Execution, Job
from jobs.services.triggers import trigger
from tests.factories import make_execution, make_job

pytestmark = pytest.mark.django_db

PARAMETERS: list[dict[str, Any]] = [
    {"name": "day", "type": "date", "required": True, "title": "Day to report"},
    {"name": "limit", "type": "integer", "default": 10, "maximum": 20},
    {"name": "dry", "type": "boolean", "default": False},
    {"name": "region", "type": "choice", "choices": ["paris", "<b>"]},
    {"name": "key", "secret": True},
]


@pytest.fixture
def job() -> Job:
    return make_job(name="report", parameters=PARAMETERS)


def url(job: Job) -> str:
    return reverse("job_run_with", args=[job.pk])


def test_run_now_leads_to_a_field_for_each_parameter(job: Job, operator_client: Client) -> None:
    for page in (reverse("job", args=[job.pk]), reverse("jobs")):
        assert url(job) in operator_client.get(page).content.decode()

    html = operator_client.get(url(job)).content.decode()

    assert "Day to report" in html
    assert 'type="date"' in html
    assert 'name="parameter-limit" value="10"' in html
    assert 'type="password"' in html
    assert "&lt;b&gt;" in html
    assert "><b><" not in html


def test_what_was_typed_starts_the_job_and_stands_on_the_run(
    job: Job, operator_client: Client
) -> None:
    typed = {
        "parameter-day": "2026-01-31",
        "parameter-limit": "5",
        "parameter-dry": "true",
        "parameter-region": "",
        "parameter-key": "correct horse",
        "key": "once",
    }

    answer = operator_client.post(url(job), typed)
    operator_client.post(url(job), typed)  # pressed twice

    execution = Execution.objects.get(job=job)
    assert answer["Location"] == reverse("execution", args=[execution.pk])
    html = operator_client.get(answer["Location"]).content.decode()
    assert "2026-01-31" in html
    assert "***" in html
    assert "correct horse" not in html


def test_a_wrong_value_is_told_at_its_field_and_nothing_is_lost(
    job: Job, operator_client: Client
) -> None:
    """S1-115."""
    typed = {"parameter-day": "", "parameter-limit": "21", "parameter-key": "correct horse"}

    answer = operator_client.post(url(job), typed)

    html = answer.content.decode()
    assert answer.status_code == 422
    assert "day: A value is required." in html
    assert "limit: 21 is too large. Use 20 or less." in html.replace("&#x27;", "").replace("'", "")
    assert 'value="21"' in html
    assert "correct horse" not in html
    assert not Execution.objects.filter(job=job).exists()


def test_who_may_not_run_jobs_gets_no_form(job: Job, viewer_client: Client) -> None:
    assert viewer_client.get(url(job)).status_code == 403
    assert url(job) not in viewer_client.get(reverse("jobs")).content.decode()


def test_run_again_uses_the_same_values(job: Job, operator_client: Client) -> None:
    values = {"day": "2026-01-31", "key": "correct horse"}
    first = trigger(job.pk, actor=SYSTEM, parameters=values)
    Job.objects.filter(pk=job.pk).update(overlap="allow", max_parallel=5)

    operator_client.post(reverse("execution_rerun", args=[first.pk]))

    again = Execution.objects.exclude(pk=first.pk).get(job=job)
    assert again.parameters is not None
    assert (again.parameters["day"], again.parameters["limit"]) == ("2026-01-31", 10)
    assert "correct" not in str(again.parameters)


def test_the_form_of_a_job_keeps_its_declarations(job: Job, editor_client: Client) -> None:
    page = editor_client.get(reverse("job_edit", args=[job.pk]))

    html = page.content.decode()
    assert "&quot;name&quot;: &quot;day&quot;" in html
    assert "&quot;pattern&quot;" not in html  # what is not used is not shown


def test_what_a_run_reported_stands_on_its_page(viewer_client: Client) -> None:
    execution = make_execution(
        make_job(name="loader"),
        state="succeeded",
        started_at=datetime.now(UTC),
        finished_at=datetime.now(UTC),
        metrics={"rows": 12000.0, "share": 0.25},
        warnings={"count": 2, "lines": ["disk <nearly> full", "slow"]},
        result={"tables": [{"name": "<i>a</i>"}], "ok": True},
    )
    artifact = Artifact.objects.create(
        execution=execution,
        name="out/report.csv",
        size_bytes=1500,
        sha256="0" * 64,
        created_at=datetime.now(UTC),
    )

    html = viewer_client.get(reverse("execution", args=[execution.pk])).content.decode()
    listed = viewer_client.get(reverse("executions")).content.decode()

    assert "disk &lt;nearly&gt; full" in html
    assert "12\N{THIN SPACE}000" in html or "12\N{NARROW NO-BREAK SPACE}000" in html
    assert "0.25" in html
    assert "<details open><summary><span" in html
    assert "&lt;i&gt;a&lt;/i&gt;" in html
    assert reverse("execution_artifact", args=[execution.pk, artifact.pk]) in html
    assert "with 2 warnings" in html
    assert "with 2 warnings" in listed
