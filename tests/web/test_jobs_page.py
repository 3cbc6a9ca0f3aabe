"""The list of jobs: filters, order, what a row says, and what it costs."""

from __future__ import annotations

import gzip
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.models import Job, WorkerKind
from jobs.services import jobs as services
from tests.factories import cron, every, make_execution, make_job, make_worker


def names(client: Client, query: str = "") -> list[str]:
    """Return the names in the list, in order."""
    html = client.get(reverse("jobs") + query).content.decode()
    return re.findall(r'<a class="name" href="[^"]+">([^<]+)</a>', html)


def changed(job: Job, **fields: Any) -> Job:
    """Return the job with stored fields that only the engine writes."""
    Job.objects.filter(pk=job.pk).update(**fields)
    job.refresh_from_db()
    return job


@pytest.fixture
def some(db: None) -> dict[str, Job]:
    """Make one job of each standing."""
    now = timezone.now()
    paused = make_job(name="e-paused", schedules=[every(60)])
    services.pause(paused.pk, actor=SYSTEM)
    running = make_job(name="d-running", schedules=[every(7200)])
    make_execution(running, state=ExecutionState.RUNNING.value, started_at=now)
    return {
        "scheduled": make_job(name="a-scheduled", schedules=[every(3600)], tags=["data"]),
        "failing": changed(
            make_job(name="b-failing", schedules=[every(60)]),
            consecutive_failures=2,
            last_failure_at=now,
        ),
        "overdue": changed(
            make_job(name="c-overdue", schedules=[every(60)]),
            next_fire_at=now - timedelta(hours=1),
        ),
        "running": running,
        "paused": paused,
        "disabled": changed(make_job(name="f-disabled"), state="auto_disabled"),
        "by_hand": make_job(name="g-by-hand"),
    }


def test_trouble_comes_first(some: dict[str, Job], viewer_client: Client) -> None:
    assert names(viewer_client) == [
        "f-disabled",
        "b-failing",
        "c-overdue",
        "d-running",
        "a-scheduled",
        "g-by-hand",
        "e-paused",
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?state=failing", ["b-failing"]),
        ("?state=overdue", ["c-overdue"]),
        ("?state=executing", ["d-running"]),
        ("?state=paused", ["e-paused"]),
        ("?state=auto_disabled", ["f-disabled"]),
        ("?q=SCHED", ["a-scheduled"]),
        ("?q=data", ["a-scheduled"]),
        ("?tag=data", ["a-scheduled"]),
        ("?tag=nothing", []),
        ("?type=script", []),
        ("?type=command&q=g-by", ["g-by-hand"]),
        ("?q=%25", []),
        ("?q=a-&state=paused", []),
    ],
)
def test_filters_live_in_the_address(
    query: str, found: list[str], some: dict[str, Job], viewer_client: Client
) -> None:
    assert names(viewer_client, query) == found


@pytest.mark.parametrize("query", ["?state=nonsense&page=x&sort=;drop", "?page=0&type=none"])
def test_nonsense_in_the_address_is_left_out(
    query: str, some: dict[str, Job], viewer_client: Client
) -> None:
    assert len(names(viewer_client, query)) == 7


def test_a_page_beyond_the_end_shows_the_last(some: dict[str, Job], viewer_client: Client) -> None:
    assert len(names(viewer_client, "?page=99")) == 7


@pytest.mark.parametrize("sort", ["name", "next", "last", "success"])
def test_every_order_answers(sort: str, some: dict[str, Job], viewer_client: Client) -> None:
    assert len(names(viewer_client, f"?sort={sort}")) == 7


def test_a_failure_of_today_counts_as_failing(db: None, viewer_client: Client) -> None:
    changed(make_job(name="healed"), last_failure_at=timezone.now() - timedelta(hours=3))
    changed(make_job(name="long-ago"), last_failure_at=timezone.now() - timedelta(days=3))

    assert names(viewer_client, "?state=failing") == ["healed"]


def test_chips_count_within_the_other_filters(some: dict[str, Job], viewer_client: Client) -> None:
    html = viewer_client.get(reverse("jobs") + "?q=a-&state=paused").content.decode()

    chips = re.findall(r'<a href="/jobs/\?[^"]*"[^>]*>([\w -]+) <span class="c">(\d+)', html)
    assert dict(chips)["All"] == "1"
    assert dict(chips)["Paused"] == "0"


def test_a_filtered_empty_list_repeats_the_filter(
    some: dict[str, Job], viewer_client: Client
) -> None:
    html = viewer_client.get(reverse("jobs") + "?state=paused&q=nix").content.decode()

    assert "No job matches" in html
    assert "Paused, “nix”" in html
    assert "Clear filters" in html


def test_an_empty_list_says_what_next(editor_client: Client) -> None:
    html = editor_client.get(reverse("jobs")).content.decode()

    assert "No jobs yet" in html
    assert f'class="btn primary" href="{reverse("job_new")}"' in html


def test_a_row_says_when_in_words_and_as_written(db: None, viewer_client: Client) -> None:
    make_job(name="two", schedules=[cron("0 */6 * * *", "Europe/Paris"), cron("30 2 * * *")])

    html = viewer_client.get(reverse("jobs")).content.decode()

    assert "Every 6 h, and daily at 02:30" in html
    assert "0 */6 * * * · 30 2 * * * · Europe/Paris · UTC" in html


def test_a_row_shows_the_live_attempt(db: None, viewer_client: Client) -> None:
    job = make_job(name="retrying", retry={"max_attempts": 3})
    make_execution(job, state=ExecutionState.RUNNING.value, attempt=2, started_at=timezone.now())

    html = viewer_client.get(reverse("jobs")).content.decode()

    assert "Attempt 2 of 3" in html
    assert "1 in progress" in html


def test_a_job_that_counts_from_its_end_waits_for_it(db: None, viewer_client: Client) -> None:
    job = make_job(name="chained", schedules=[every(60, "completion")])
    changed(job, next_fire_at=None)
    make_execution(job, state=ExecutionState.RUNNING.value, started_at=timezone.now())

    assert "after this run" in viewer_client.get(reverse("jobs")).content.decode()


def test_the_page_costs_fifteen_queries(
    db: None, operator_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for place in range(60):
        job = make_job(name=f"job-{place}", schedules=[every(60)], tags=["data"])
        make_execution(job)
    # Where nothing ticks, two more say since when, and how many alerts there are.
    make_worker(kind=WorkerKind.DISPATCHER.value, tick_at=timezone.now())

    # Three of them: freezes for the banner and the rows, workspaces to choose from, dependencies.
    with django_assert_max_num_queries(15):
        html = operator_client.get(reverse("jobs")).content

    assert html.count(b"data-row>") == 50
    assert len(gzip.compress(html)) <= 25_000


def test_the_next_page_goes_on(db: None, viewer_client: Client) -> None:
    for place in range(55):
        make_job(name=f"job-{place:02}")

    first, second = names(viewer_client, "?sort=name"), names(viewer_client, "?sort=name&page=2")

    assert len(first) == 50
    assert second == [f"job-{place}" for place in range(50, 55)]


def test_typing_into_the_filter_moves_the_address(
    some: dict[str, Job], viewer_client: Client
) -> None:
    typed = {"HX-Request": "true", "HX-Source": "form"}

    answer = viewer_client.get(reverse("p_jobs") + "?q=paused&type=", headers=typed)

    assert answer["HX-Replace-Url"] == "/jobs/?q=paused"
    assert "e-paused" in answer.content.decode()
    assert f'hx-get="{reverse("p_jobs")}?q=paused"' in answer.content.decode()


def test_a_poll_moves_no_address(some: dict[str, Job], viewer_client: Client) -> None:
    polled = {"HX-Request": "true", "HX-Source": "section#job-table"}

    assert "HX-Replace-Url" not in viewer_client.get(reverse("p_jobs"), headers=polled)
