"""Queues and workers on pages: tables, limits, pauses, drains, and what a run waits for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.permissions import SYSTEM
from jobs.models import Execution, Queue, Worker
from jobs.services import queues
from tests.factories import every, make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db


def html_of(client: Client, path: str) -> str:
    return " ".join(client.get(path).content.decode().split())


def test_both_tables_tell_what_there_is(viewer_client: Client) -> None:
    make_worker(name="alpha", queues=["default"], labels=["region=eu"], busy=3)
    queues.update("default", {"limit": 5, "description": "<all>"}, actor=SYSTEM)
    make_execution(state="running")
    make_execution(state="retrying")
    make_execution(queue="gpu", requires="cuda")

    html = html_of(viewer_client, reverse("queues"))
    lost = html_of(viewer_client, f"{reverse('p_queues')}?state=unserved")

    assert "&lt;all&gt;" in html
    assert "1 of at most 5, 1 between attempts" in html
    assert "No worker serves queue gpu with cuda" in html
    assert "alpha" in html
    assert "3 of 4" in html
    assert "with region=eu" in html
    assert 'id="queue-gpu"' in lost
    assert 'id="queue-default"' not in lost
    assert "No queue is in this state" in html_of(viewer_client, "/queues/?state=paused")
    assert "queue_pause" not in html
    assert reverse("queue_pause", args=["gpu"]) not in html  # a viewer only looks


def test_nothing_there_is_said(viewer_client: Client) -> None:
    html = html_of(viewer_client, reverse("queues"))

    assert "No queue yet" in html
    assert "No worker is running" in html


def test_an_operator_pauses_resumes_and_drains(operator_client: Client) -> None:
    worker = make_worker(name="alpha", queues=["default"], busy=0)

    operator_client.post(reverse("queue_pause", args=["default"]), {"reason": "disk"})
    paused = html_of(operator_client, "/queues/?state=paused")
    answer = operator_client.post(reverse("queue_resume", args=["default"]))
    operator_client.post(reverse("worker_drain", args=[worker.pk]))
    drained = html_of(operator_client, "/queues/")
    operator_client.post(reverse("worker_undrain", args=[worker.pk]))

    assert "Paused by otto" in paused
    assert ": disk" in paused
    assert (answer.status_code, answer["Location"]) == (303, "/queues/")
    assert "Drained by otto" in drained
    assert "Drained</span>" in drained
    assert 'name="reason"' in drained  # asked for at the button, and not once it is paused
    assert 'name="reason"' not in paused
    assert Worker.objects.get().drain_requested_at is None
    assert operator_client.get(reverse("queue_edit", args=["default"])).status_code == 403


def test_an_editor_sets_a_limit_and_reads_what_is_wrong(editor_client: Client) -> None:
    path = reverse("queue_edit", args=["gpu"])

    saved = editor_client.post(
        path, {"limit": "3", "starts_per_minute": "7", "description": "cards"}
    )
    wrong = editor_client.post(path, {"limit": "0", "description": "cards"})

    assert saved["Location"] == "/queues/"
    assert (Queue.objects.get().concurrency, Queue.objects.get().description) == (3, "cards")
    assert Queue.objects.get().starts_per_minute == 7
    assert wrong.status_code == 400
    assert 'class="err"' in wrong.content.decode()
    assert 'value="3"' in html_of(editor_client, path)
    assert 'value="7"' in html_of(editor_client, path)
    editor_client.post(path, {"limit": "", "description": ""})
    assert Queue.objects.get().concurrency is None
    assert Queue.objects.get().starts_per_minute is None


def test_no_worker_for_a_queue_needs_attention(viewer_client: Client) -> None:
    row = make_execution(queue="gpu", requires="cuda")
    Execution.objects.filter(pk=row.pk).update(queued_at=timezone.now() - timedelta(minutes=2))

    html = html_of(viewer_client, reverse("p_attention"))

    assert "1 critical" in html
    assert "No worker serves queue" in html
    assert "with cuda" in html
    make_worker(queues=["gpu"], labels=["cuda", "x"])
    assert "Nothing needs attention" in html_of(viewer_client, reverse("p_attention"))


def test_a_run_and_its_explanation_say_what_it_waits_for(viewer_client: Client) -> None:
    job = make_job(mutex="db", schedules=[every(3600)])
    make_worker(queues=["default"])
    holder = make_execution(state="running", mutex="db")
    due = job.created_at + timedelta(hours=1)
    row = make_execution(job, mutex="db", trigger="schedule", due_at=due, queued_at=due)

    page = html_of(viewer_client, reverse("execution", args=[row.pk]))
    why = html_of(
        viewer_client, f"{reverse('explain', args=[job.pk])}?at={due:%Y-%m-%dT%H:%M:%S.%fZ}"
    )

    text = f"aits: mutex db is held by #{holder.pk} of {holder.job.name}"
    assert text in page
    assert reverse("execution", args=[holder.pk]) in page
    assert f"It w{text}" in why


def test_the_form_takes_mutex_and_labels(editor_client: Client) -> None:
    job = make_job(mutex="db", requires=["gpu", "region=eu"])

    html = html_of(editor_client, reverse("job_edit", args=[job.pk]))

    assert 'value="gpu, region=eu"' in html
    assert 'value="db"' in html
