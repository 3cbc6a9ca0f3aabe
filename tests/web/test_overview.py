"""The overview: tiles, what needs attention, the time axis, the latest executions."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.models import Job, Stat
from jobs.services import jobs as services
from tests.factories import every, make_execution, make_job


def changed(job: Job, **fields: Any) -> Job:
    Job.objects.filter(pk=job.pk).update(**fields)
    job.refresh_from_db()
    return job


def overview(client: Client) -> str:
    return client.get(reverse("overview")).content.decode()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_an_empty_product_says_so(viewer_client: Client) -> None:
    regions = ("p_attention", "p_recent", "p_timeline")  # the page itself shows the welcome
    html = "".join(viewer_client.get(reverse(name)).content.decode() for name in regions)

    assert "Nothing needs attention" in html
    assert "Nothing has run yet" in html
    assert "No jobs yet" in html


def test_what_needs_attention_stands_before_the_totals(viewer_client: Client) -> None:
    make_execution(make_job())

    html = overview(viewer_client)

    assert html.index('id="attention"') < html.index('id="totals"')


def test_the_tiles_count_jobs_by_state(viewer_client: Client) -> None:
    services.pause(make_job().pk, actor=SYSTEM)
    changed(make_job(), state="auto_disabled")
    running = make_job()
    make_execution(running, state=ExecutionState.RUNNING.value, started_at=timezone.now())
    make_execution(make_job())

    tiles = re.findall(
        r'class="k">.*?([\w ]+)</span><span class="v[^"]*">(\d+)<', overview(viewer_client)
    )

    assert dict(tiles) == {
        "Total jobs": "4",
        "Running jobs": "2",
        "Paused jobs": "1",
        "Failed jobs": "1",
        "Waiting for a worker": "1",
    }


def test_the_tile_of_stopped_jobs_names_those_that_fail_and_go_on(viewer_client: Client) -> None:
    make_execution(make_job())
    calm = overview(viewer_client)
    changed(make_job(), consecutive_failures=1)
    failing = overview(viewer_client)
    changed(make_job(), state="auto_disabled", consecutive_failures=5)
    changed(make_job(), last_failure_at=timezone.now() - timedelta(hours=23))
    both = overview(viewer_client)
    chips = viewer_client.get(reverse("jobs")).content.decode()

    assert "disabled after failures" in calm
    assert 'href="/jobs/?state=failing"><span class="k">' in failing
    assert "disabled, 1 failing" in failing
    assert 'href="/jobs/?state=auto_disabled"><span class="k">' in both
    assert "disabled, 2 failing" in both
    assert re.search(r"Failing[^0-9]*2\b", chips), "the filter counts others"


def test_rates_come_from_the_hourly_sums(viewer_client: Client) -> None:
    make_job()
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    for hours, good, bad in ((1, 90, 5), (2, 90, 15), (48, 800, 0)):
        for shard in (0, 1):
            Stat.objects.create(
                hour=now - timedelta(hours=hours),
                queue="default",
                shard=shard,
                succeeded=good // 2,
                failed=bad - bad // 2 if shard else bad // 2,
                wait_seconds=good,
            )

    text = text_of(overview(viewer_client))

    assert "90.0 %" in text
    assert "20 of 200 failed, 98.0 % over 7 d" in text
    assert "mean wait 1.8 s" in text


def test_attention_is_ranked(viewer_client: Client) -> None:
    now = timezone.now()
    changed(
        make_job(name="overdue", schedules=[every(60)]), next_fire_at=now - timedelta(minutes=5)
    )
    changed(
        make_job(name="thrice", auto_disable_after=5),
        consecutive_failures=3,
        last_failure_at=now,
        last_error="Traceback\n  File\nValueError: bad day",
        last_execution_id=1,
    )
    changed(make_job(name="five"), consecutive_failures=6, last_failure_at=now, last_execution_id=1)
    changed(make_job(name="stopped"), state="auto_disabled", state_changed_at=now)
    make_execution(
        make_job(name="endless", timeout_seconds=7200),
        state=ExecutionState.RUNNING.value,
        started_at=now - timedelta(minutes=41),
    )

    html = overview(viewer_client)

    panel = html.split('id="attention"')[1].split("</section>")[0]
    items = [text_of(item) for item in panel.split("<li")[1:]]
    assert [
        next(n for n in ("stopped", "five", "endless", "thrice", "overdue") if n in item)
        for item in items
    ] == [
        "stopped",
        "five",
        "endless",
        "thrice",
        "overdue",
    ]
    assert "3 critical" in panel
    assert "2 warnings" in panel
    assert "2 failures from auto-disable." in items[3]
    assert "ValueError: bad day" in items[3]
    assert "41 min" in items[2]
    assert "<title>(3) Overview" in html


def test_more_trouble_than_fits_is_counted(viewer_client: Client) -> None:
    for _place in range(11):
        changed(make_job(), state="auto_disabled", consecutive_failures=5)

    html = overview(viewer_client)

    assert html.count('<li class="crit"') == 8
    assert "3 more" in html


def test_the_axis_shows_past_and_future(viewer_client: Client) -> None:
    job = make_job(name="hourly", schedules=[every(3600)])
    now = timezone.now()
    make_execution(
        job,
        state=ExecutionState.FAILED.value,
        started_at=now - timedelta(minutes=30),
        finished_at=now - timedelta(minutes=29),
    )
    make_execution(
        job,
        state=ExecutionState.SUCCEEDED.value,
        started_at=now - timedelta(hours=3),
        finished_at=now - timedelta(hours=3),
    )

    html = overview(viewer_client)

    lane = re.search(r'<svg role="img" aria-label="(hourly[^"]*)">(.*?)</svg>', html)
    assert lane
    assert lane[1].startswith("hourly: 1 failed, next at ")
    assert lane[2].count('class="bad"') == 1
    assert lane[2].count('class="plan"') in (4, 5)


def test_a_stopped_job_s_plan_is_drawn_as_off(viewer_client: Client) -> None:
    job = make_job(name="resting", schedules=[every(3600)])
    services.pause(job.pk, actor=SYSTEM)

    html = overview(viewer_client)

    lane = re.search(r'<svg role="img" aria-label="resting[^"]*">(.*?)</svg>', html)
    assert lane
    assert 'class="plan"' not in lane[1]
    assert 'class="off"' in lane[1]


def test_the_cost_does_not_grow_with_history(
    viewer_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _place in range(14):
        job = make_job(schedules=[every(300)])
        for _run in range(3):
            make_execution(job, state=ExecutionState.SUCCEEDED.value, started_at=timezone.now())

    with django_assert_max_num_queries(23):
        overview(viewer_client)


def test_what_runs_now_is_pinned_with_progress_and_stop(
    operator_client: Client, viewer_client: Client
) -> None:
    job = make_job(name="import")
    run = make_execution(
        job, state="running", started_at=timezone.now() - timedelta(minutes=7), progress=40
    )
    make_execution(job, state="succeeded", started_at=timezone.now())
    url = reverse("p_running")

    html = overview(operator_client)
    panel = html.split('id="running"')[1].split("</section>")[0]
    first = operator_client.get(url)
    idle = operator_client.get(url, headers={"HX-PTag": first["HX-PTag"]})
    run.progress = 60
    run.save(update_fields=["progress"])
    moved = operator_client.get(url, headers={"HX-PTag": first["HX-PTag"]})
    seen = viewer_client.get(url).content.decode()

    assert panel.count('<tr id="live-') == 1
    assert panel.count(f'href="{reverse("execution", args=[run.pk])}"') == 2  # number and name
    assert "7 m 0" in text_of(panel)
    assert "40 % done" in panel
    assert reverse("execution_kill", args=[run.pk]) in panel
    assert reverse("execution_kill", args=[run.pk]) not in seen
    assert idle.status_code == 304
    assert "60 % done" in moved.content.decode()


def test_what_runs_is_told_beside_how_long_the_last_run_took(viewer_client: Client) -> None:
    """Whether a run is a runaway: an hour is long for what takes a second."""
    job = changed(make_job(name="endless"), last_duration_seconds=1.4)
    make_execution(job, state="running", started_at=timezone.now() - timedelta(hours=1))
    make_execution(make_job(), state="running", started_at=timezone.now())

    panel = overview(viewer_client).split('id="running"')[1].split("</section>")[0]

    assert panel.count("the last run took") == 1
    assert "the last run took 1.4 s" in panel
