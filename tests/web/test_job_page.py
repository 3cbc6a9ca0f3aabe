"""A job's page: why it fails and what runs, without looking for the run."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from tests.factories import every, make_execution, make_job


def head_of(client: Client, job: Job) -> str:
    return client.get(reverse("p_job_header", args=[job.pk])).content.decode()


def failing(**last: object) -> Job:
    job = make_job(name="dump", schedules=[every(3600)], description="The shop's database")
    run = make_execution(job, state="failed", finished_at=timezone.now())
    fields = {"last_state": "failed", "last_execution_id": run.pk, "consecutive_failures": 1}
    error = "Traceback\n  File\nKeyError: '<vat>'\n"
    Job.objects.filter(pk=job.pk).update(**{"last_error": error, **fields, **last})
    job.refresh_from_db()
    return job


def test_a_failing_job_says_why_and_leads_to_the_run(viewer_client: Client) -> None:
    job = failing()

    head = head_of(viewer_client, job)

    url = reverse("execution", args=[job.last_execution_id])
    link = f'<a href="{url}">Run #{job.last_execution_id}</a>'
    assert f'{link}: <span class="bad-t">KeyError: &#x27;&lt;vat&gt;' in head
    assert "Traceback" not in head
    assert "The shop&#x27;s database" in head


def test_a_run_that_was_killed_since_then_has_no_reason(viewer_client: Client) -> None:
    job = failing(last_state="cancelled")

    assert "KeyError" not in head_of(viewer_client, job)


def test_what_runs_can_be_opened_and_killed_from_the_job(
    operator_client: Client, viewer_client: Client
) -> None:
    job = make_job(name="endless")
    run = make_execution(job, state="running", started_at=timezone.now())
    kill = reverse("execution_kill", args=[run.pk])

    seen, may = head_of(viewer_client, job), head_of(operator_client, job)

    assert f'href="{reverse("execution", args=[run.pk])}"' in seen
    assert kill not in seen
    assert f'href="{kill}"' in may
    assert f'hx-get="{reverse("p_execution_kill", args=[run.pk])}"' in may
    assert f"Kill endless, run #{run.pk}" in may
