"""Live regions: a 304 while nothing changed, the partial when something did, an end at the end."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, Stream
from jobs.executors import Chunk
from jobs.models import Execution, Job, WorkerKind
from jobs.services import jobs as services
from jobs.services import logs
from tests.factories import every, make_execution, make_job, make_worker

REGIONS = [
    ("overview", "totals"),
    ("overview", "attention"),
    ("overview", "recent"),
    ("jobs", "job-table"),
    ("executions", "exec-table"),
    ("job", "job-header"),
    ("job", "job-stats"),
    ("job", "next-runs"),
    ("job", "job-history"),
]


@pytest.fixture
def job(db: None) -> Job:
    return make_job(name="report", schedules=[every(3600)])


def region(html: str, element_id: str) -> tuple[str, str]:
    """Return the address and the tag that a region polls with."""
    tag = re.search(rf'<\w+ [^>]*id="{element_id}"[^>]*>', html)
    assert tag, element_id
    address = re.search(r'hx-get="([^"]+)"', tag[0])
    polled = re.search(r'hx-ptag="([^"]+)"', tag[0])
    assert address
    return address[1].replace("&amp;", "&"), polled[1] if polled else ""


def page_of(name: str, job: Job) -> str:
    return reverse(name, args=[job.pk]) if name == "job" else reverse(name)


@pytest.mark.parametrize(("page", "element_id"), REGIONS)
def test_an_idle_region_costs_a_304(
    page: str,
    element_id: str,
    job: Job,
    viewer_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    address, tag = region(viewer_client.get(page_of(page, job)).content.decode(), element_id)

    # Session, person, role, and one for the tag.
    with django_assert_num_queries(4):
        answer = viewer_client.get(address, headers={"HX-Request": "true", "HX-PTag": tag})

    assert answer.status_code == 304
    assert answer["HX-PTag"] == tag


@pytest.mark.parametrize(("page", "element_id"), REGIONS)
def test_a_change_is_answered_with_the_same_element(
    page: str, element_id: str, job: Job, viewer_client: Client
) -> None:
    address, tag = region(viewer_client.get(page_of(page, job)).content.decode(), element_id)
    services.pause(job.pk, actor=SYSTEM)
    services.resume(job.pk, actor=SYSTEM)
    make_execution(job, state=ExecutionState.QUEUED.value)
    services.delete(make_job(name="gone").pk, actor=SYSTEM)
    from jobs.services import triggers

    triggers.trigger(make_job(name="new").pk, actor=SYSTEM)

    answer = viewer_client.get(address, headers={"HX-Request": "true", "HX-PTag": tag})

    assert answer.status_code == 200
    assert region(answer.content.decode(), element_id) == (address, answer["HX-PTag"])


def test_the_heartbeat_says_when_the_scheduler_is_down(job: Job, viewer_client: Client) -> None:
    never = viewer_client.get(reverse("overview")).content.decode()
    make_worker(kind=WorkerKind.DISPATCHER.value, tick_at=timezone.now() - timedelta(seconds=130))
    late = viewer_client.get(reverse("jobs")).content.decode()

    assert "The scheduler has never ticked" in never
    assert "The scheduler has not ticked for" in late
    assert "Scheduler is not ticking" in late


def test_the_heartbeat_says_when_nobody_works(job: Job, viewer_client: Client) -> None:
    make_worker(kind=WorkerKind.DISPATCHER.value, tick_at=timezone.now())

    html = viewer_client.get(reverse("p_heartbeat")).content.decode()

    assert html.count("No worker is running") == 2
    assert 'hx-target="#scheduler-down"' in html


def test_a_healthy_product_is_quiet(job: Job, viewer_client: Client) -> None:
    make_worker(kind=WorkerKind.DISPATCHER.value, tick_at=timezone.now(), lag_seconds=0.1)
    make_worker(slots=4, busy=1)

    html = viewer_client.get(reverse("overview")).content.decode()

    assert "Scheduler is ticking" in html
    assert "1 cluster, 1 of 4 busy" in html
    assert "has not ticked" not in html


def running(job: Job) -> Execution:
    return make_execution(job, state=ExecutionState.RUNNING.value, started_at=timezone.now())


def write(execution: Execution, data: bytes, stream: Stream = Stream.STDOUT) -> None:
    logs.write(execution.pk, 1, [Chunk(stream, data)])


def test_a_running_execution_polls_and_a_finished_one_does_not(
    job: Job, viewer_client: Client
) -> None:
    execution = running(job)
    page = reverse("execution", args=[execution.pk])

    while_running = viewer_client.get(page).content.decode()
    Execution.objects.filter(pk=execution.pk).update(
        state=ExecutionState.SUCCEEDED.value, finished_at=timezone.now()
    )
    afterwards = viewer_client.get(page).content.decode()
    address, tag = region(while_running, "execution-facts")
    last = viewer_client.get(address, headers={"HX-Request": "true", "HX-PTag": tag})

    assert "every 1s" in while_running
    assert "every 1s" not in afterwards
    assert "every 1s" not in last.content.decode()
    assert "Succeeded" in last.content.decode()


def test_the_log_s_tail_goes_on_where_it_stopped(job: Job, viewer_client: Client) -> None:
    execution = running(job)
    write(execution, b"one\n\x1b[31mtwo")
    page = viewer_client.get(reverse("execution", args=[execution.pk])).content.decode()
    address, _tag = region(page, "log-tail")

    write(execution, b" and a half\nthree\n")
    answer = viewer_client.get(address, headers={"HX-Request": "true"}).content.decode()

    assert ">one<" in page
    assert '<span class="a-31">two</span>' in page
    assert '<span class="a-31">two and a half</span>' in answer
    assert '<span class="a-31">three</span>' in answer
    assert ">one<" not in answer
    assert '<span class="no">2</span>' in answer


def test_a_tail_without_news_answers_nothing(job: Job, viewer_client: Client) -> None:
    execution = running(job)
    write(execution, b"one\nhalf a li")
    page = viewer_client.get(reverse("execution", args=[execution.pk])).content.decode()
    address, _tag = region(page, "log-tail")
    first = viewer_client.get(address, headers={"HX-Request": "true"})
    again, _tag = region(first.content.decode(), "log-tail")

    assert viewer_client.get(again, headers={"HX-Request": "true"}).status_code == 204
    write(execution, b"ne")
    assert b"half a line" in viewer_client.get(again, headers={"HX-Request": "true"}).content


def test_a_tail_ends_with_its_execution(job: Job, viewer_client: Client) -> None:
    execution = running(job)
    page = viewer_client.get(reverse("execution", args=[execution.pk])).content.decode()
    address, _tag = region(page, "log-tail")
    write(execution, b"the end")
    Execution.objects.filter(pk=execution.pk).update(state=ExecutionState.SUCCEEDED.value)

    html = viewer_client.get(address, headers={"HX-Request": "true"}).content.decode()

    assert "the end" in html
    assert "hx-trigger" not in html
