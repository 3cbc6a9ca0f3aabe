"""Live regions: a 304 while nothing changed, the partial when something did, an end at the end."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, Stream
from jobs.executors import Chunk
from jobs.models import Execution, Job, Worker, WorkerKind
from jobs.queries.pulse import _GLANCE
from jobs.queries.room import LOW_BYTES
from jobs.services import jobs as services
from jobs.services import logs
from tests.factories import every, make_execution, make_freeze, make_job, make_worker

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

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

    # Session, person with rights, and one for the tag.
    with django_assert_num_queries(3):
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


def test_a_heartbeat_that_only_ticked_on_costs_one_statement(
    job: Job, viewer_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with time_machine.travel(timezone.now().replace(second=1), tick=False) as clock:
        make_worker(kind=WorkerKind.DISPATCHER.value, tick_at=timezone.now(), lag_seconds=0.1)
        make_worker()
        drawn = viewer_client.get(reverse("p_heartbeat"))
        tag = region(drawn.content.decode(), "heartbeat")[1]
        clock.shift(30)
        ticked = timezone.now()
        Worker.objects.update(beat_at=ticked, tick_at=ticked, lag_seconds=0.1004)
        # Session, person with rights, and one for everything that is shown.
        with django_assert_num_queries(3):
            same = viewer_client.get(reverse("p_heartbeat"), headers={"HX-PTag": tag})
        clock.shift(31)
        later = viewer_client.get(reverse("p_heartbeat"), headers={"HX-PTag": tag})

    assert tag == drawn["HX-PTag"] == same["HX-PTag"]
    assert (same.status_code, same["X-Tick"]) == (304, ticked.isoformat())
    assert later.status_code == 200
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {_GLANCE}", [LONG_AGO] * 4)
            plan = [row[3] for row in cursor.fetchall()]
        assert not [step for step in plan if step.startswith("SCAN")], plan


def test_an_open_page_is_told_that_the_disk_is_full_and_that_there_is_room_again(
    viewer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_worker(kind=WorkerKind.DISPATCHER.value, tick_at=timezone.now())
    make_worker()

    def polled(free: int, tag: str = "") -> tuple[bool, str]:
        usage = SimpleNamespace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
        answer = viewer_client.get(reverse("p_heartbeat"), headers={"HX-PTag": tag})
        assert answer.status_code == 200
        return b"The disk of the data directory is full" in answer.content, answer["HX-PTag"]

    with time_machine.travel(timezone.now().replace(second=1), tick=False):
        before, tag = polled(LOW_BYTES)
        full, tag = polled(0, tag)
        after, tag = polled(LOW_BYTES, tag)

    assert [before, full, after] == [False, True, False]


def test_what_a_heartbeat_shows_is_drawn_when_it_changes(job: Job, viewer_client: Client) -> None:
    make_worker(kind=WorkerKind.DISPATCHER.value, tick_at=timezone.now(), slots=0)
    make_worker()
    cluster = Worker.objects.filter(kind=WorkerKind.CLUSTER.value)
    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: cluster.update(busy=3), "3 of 4 busy"),
        (lambda: cluster.update(slots=0), "No worker is running"),
        (lambda: cluster.update(slots=6), "3 of 6 busy"),
        (lambda: cluster.update(beat_at=LONG_AGO), "0 clusters"),
        (lambda: Worker.objects.update(lag_seconds=7), "lag 7.0"),
        (make_freeze, "deploy"),
        (lambda: Worker.objects.update(tick_at=LONG_AGO), "Scheduler is not ticking"),
        (lambda: Worker.objects.update(state="gone"), "Scheduler is not ticking"),
    ]
    drawn = viewer_client.get(reverse("p_heartbeat"))

    for happens, said in changes:
        happens()
        tag = drawn["HX-PTag"]
        drawn = viewer_client.get(reverse("p_heartbeat"), headers={"HX-PTag": tag})
        assert (drawn.status_code, said in drawn.content.decode()) == (200, True), said


def test_a_silent_dispatcher_and_the_edges_of_a_freeze_need_no_write_to_be_seen(
    job: Job, viewer_client: Client
) -> None:
    found, down = [], ""
    with time_machine.travel(timezone.now().replace(second=1), tick=False) as clock:
        begins = timezone.now() + timedelta(hours=1, seconds=20)
        make_worker(
            kind=WorkerKind.DISPATCHER.value, tick_at=timezone.now() - timedelta(seconds=35)
        )
        make_worker()
        make_freeze(starts_at=begins.isoformat(), ends_at=(begins + timedelta(hours=1)).isoformat())
        tag = viewer_client.get(reverse("p_heartbeat"))["HX-PTag"]
        for seconds in (19, 2, 2, 5):
            clock.shift(seconds)
            answer = viewer_client.get(reverse("p_heartbeat"), headers={"HX-PTag": tag})
            found.append((answer.status_code, "Frozen soon" in answer.content.decode()))
            tag, down = answer["HX-PTag"], answer.content.decode()

    assert found == [(304, False), (200, True), (304, False), (200, True)]
    assert "The scheduler has not ticked for" in down


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
