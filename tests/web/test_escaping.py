"""Nothing that a stranger wrote becomes markup, on any page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.states import ExecutionState, Stream
from jobs.executors import Chunk
from jobs.models import Attempt, Execution, Job, JobTag, Omission, Worker
from jobs.services import logs
from tests.factories import cron, make_job, make_worker

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"


@pytest.fixture
def evil(db: None) -> Execution:
    """Put the payload wherever a page shows text, past the checks of the services."""
    job = make_job(name="x", schedules=[cron("* * * * *")])
    now = timezone.now()
    worker: Worker = make_worker(name=EVIL, host=EVIL)
    execution = Execution.objects.create(
        job=job,
        version=1,
        due_at=now,
        queued_at=now,
        started_at=now - timedelta(hours=1),
        trigger="manual",
        state=ExecutionState.RUNNING.value,
        attempt=2,
        actor=EVIL,
        message=EVIL,
        error=EVIL,
        result={"a": EVIL},
        worker=worker,
        cancel_requested_at=now,
        cancel_requested_by=EVIL,
    )
    Attempt.objects.create(
        execution=execution, number=1, state="failed", finished_at=now, message=EVIL
    )
    Omission.objects.create(
        job=job,
        reason="paused",
        detail=EVIL,
        first_due_at=now,
        last_due_at=now,
        count=1,
        decided_at=now,
    )
    logs.write(execution.pk, 2, [Chunk(Stream.STDERR, EVIL.encode())])
    JobTag.objects.create(job=job, tag=EVIL[:60])
    Job.objects.filter(pk=job.pk).update(
        name=EVIL,
        description=EVIL,
        owner=EVIL,
        spec={"command": EVIL},
        environment={"A": EVIL},
        state="auto_disabled",
        state_changed_by=EVIL,
        state_reason=EVIL,
        last_error=EVIL,
        last_execution_id=execution.pk,
        consecutive_failures=5,
        execution_count=1,
    )
    return execution


def test_a_payload_stays_text_on_every_page(evil: Execution, admin_client: Client) -> None:
    job = evil.job_id
    query = f"?q={EVIL}&tag={EVIL}&state={EVIL}&next={EVIL}&stream={EVIL}&style={EVIL}"
    pages = [
        reverse("overview"),
        reverse("jobs"),
        reverse("jobs") + query,
        reverse("job", args=[job]),
        reverse("job_edit", args=[job]),
        reverse("job_delete", args=[job]),
        reverse("job_new") + f"?copy={job}",
        reverse("ledger", args=[job]),
        reverse("ledger", args=[job]) + f"{query}&verdict={EVIL}&from={EVIL}&before={EVIL}",
        reverse("explain", args=[job]) + "?at=2026-03-01T10:00",
        reverse("executions"),
        reverse("execution", args=[evil.pk]),
        reverse("execution", args=[evil.pk]) + query,
        reverse("execution_kill", args=[evil.pk]),
        reverse("p_execution_log", args=[evil.pk]) + query,
    ]

    for page in pages:
        answer = admin_client.get(page, follow=True)
        html = answer.content.decode()
        assert answer.status_code == 200, page
        assert not re.search(r"<script(?! src=\"/static/)", html), page
        assert "<img" not in html, page
        assert not re.search(r"<[^>]*\sonerror=", re.sub(r'"[^"]*"', '""', html)), page
        assert "49" not in re.findall(r"alert\(1\)&gt;(\d+)", html), page


def test_a_payload_stays_text_on_the_login_page(client: Client, db: None) -> None:
    html = client.get(f"/login/?next={EVIL}").content.decode()

    assert "<script>" not in html
    assert "<img" not in html


def test_a_payload_stays_text_in_what_an_action_says(evil: Execution, admin_client: Client) -> None:
    answer = admin_client.post(
        reverse("job_pause", args=[evil.job_id]), headers={"HX-Request": "true"}
    )

    assert "<script" not in answer.content.decode()
    assert "&lt;script" in answer.content.decode()


def test_the_raw_log_is_never_a_page(evil: Execution, admin_client: Client) -> None:
    answer = admin_client.get(reverse("execution_log", args=[evil.pk]))

    assert answer["Content-Type"].startswith("text/plain")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "\n" not in answer["Content-Disposition"]
