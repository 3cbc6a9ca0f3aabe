"""The timeline page: past and planned runs, what is left out and why, the load and its hot spots."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, OmissionReason
from jobs.models import Freeze, Job, Omission
from jobs.queries.timeline_page import LANES_A_PAGE
from jobs.services import jobs as services
from jobs.services import workspaces
from tests.factories import cron, every, make_execution, make_freeze, make_job, make_worker

NOW = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fixed_clock() -> Any:
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


def page(client: Client, **asked: str) -> str:
    return client.get(reverse("timeline"), asked).content.decode()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def lane(html: str, name: str) -> str:
    """Return the drawing of a lane."""
    found = re.search(rf'<svg role="img" aria-label="{name}:.*?</svg>', html, re.DOTALL)
    assert found, html
    return found[0]


def titles(html: str, name: str) -> list[str]:
    return re.findall(r"<title>(.*?)</title>", lane(html, name))


def ran(job: Job, minutes_ago: float, seconds: float = 60, state: str = "succeeded") -> None:
    started = NOW - timedelta(minutes=minutes_ago)
    make_execution(
        job,
        state=state,
        due_at=started,
        queued_at=started,
        started_at=started,
        finished_at=started + timedelta(seconds=seconds),
    )


def usually(job: Job, seconds: float) -> None:
    Job.objects.filter(pk=job.pk).update(
        recent=[[number, "succeeded", round(seconds * 1000)] for number in range(3)]
    )


def test_an_empty_product_says_so(viewer_client: Client) -> None:
    html = page(viewer_client, load="1")

    assert "No jobs yet" in html
    assert "No hot spot" in html


def test_a_lane_joins_past_and_future(viewer_client: Client) -> None:
    job = make_job(name="report", schedules=[cron("*/15 * * * *")])
    usually(job, 150)
    ran(job, 10, 90)
    ran(job, 5, 30, ExecutionState.FAILED.value)

    found = titles(page(viewer_client, range="hour"), "report")

    assert found == [
        "11:50:30 succeeded, 1 m 30 s",
        "11:55:30 failed, 30.0 s",
        "12:15 planned, about 2 m 30 s",
        "12:30 planned, about 2 m 30 s",
    ]


def test_a_job_that_never_ran_is_planned_as_a_point(viewer_client: Client) -> None:
    make_job(name="fresh", schedules=[cron("30 12 * * *")])

    html = page(viewer_client, range="hour")

    assert titles(html, "fresh") == ["12:30 planned"]
    assert 'class="plan"' in lane(html, "fresh")
    assert 'width="4" height="4"' in lane(html, "fresh")


def test_many_runs_become_bands_with_their_outcomes(viewer_client: Client) -> None:
    job = make_job(name="busy")
    for number in range(70):
        ran(job, 600 - number * 5, 1, "failed" if number % 10 == 0 else "succeeded")

    found = titles(page(viewer_client, range="week"), "busy")

    assert 1 < len(found) < 7
    assert sum(int(n) for text in found for n in re.findall(r"(\d+) succeeded", text)) == 63
    assert sum(int(n) for text in found for n in re.findall(r"(\d+) failed", text)) == 7


def test_what_was_left_out_is_a_mark_of_its_own_with_the_reason(viewer_client: Client) -> None:
    job = make_job(name="gappy", schedules=[cron("0 0 1 1 *")])
    Omission.objects.create(
        job=job,
        reason=OmissionReason.OVERLAP.value,
        detail="An earlier execution was still going on.",
        first_due_at=NOW - timedelta(minutes=15),
        last_due_at=NOW - timedelta(minutes=5),
        count=3,
        decided_at=NOW,
    )

    html = page(viewer_client, range="hour")

    [title] = titles(html, "gappy")
    assert title.startswith("11:45:30 to 11:55:30 3 left out: Previous run still executing, ")
    assert title.endswith("An earlier execution was still going on.")
    assert 'class="left"' in lane(html, "gappy")


def test_a_stopped_job_says_so_and_is_drawn_as_off(viewer_client: Client) -> None:
    job = make_job(name="resting", schedules=[cron("*/10 * * * *")])
    services.pause(job.pk, actor=SYSTEM, reason="disk full")

    html = page(viewer_client, range="hour")

    assert "Paused by" in text_of(html)
    assert "disk full" in text_of(html)
    assert all("will not run: Job paused, disk full" in one for one in titles(html, "resting"))
    assert 'class="plan"' not in lane(html, "resting")


def test_what_a_freeze_will_hold_back_is_shown_as_held(viewer_client: Client) -> None:
    make_job(name="frozen", schedules=[cron("*/10 * * * *")])
    Freeze.objects.create(
        scope="everything",
        reason="Release day",
        starts_at=NOW + timedelta(minutes=15),
        ends_at=NOW + timedelta(minutes=25),
        created_at=NOW,
        created_by="ada",
    )

    found = titles(page(viewer_client, range="hour"), "frozen")

    assert found == [
        "12:10 planned",
        "12:20 will be held back: Frozen, Release day",
        "12:30 planned",
        "12:40 planned",
    ]


def test_an_every_second_job_over_a_week_is_counted_not_drawn_one_by_one(
    viewer_client: Client,
) -> None:
    make_job(name="dense", schedules=[every(1)])

    html = page(viewer_client, range="week", load="1")

    [planned] = titles(html, "dense")
    assert re.search(r"388\W770 planned", planned)
    assert "1 job is due too often to be followed run by run" in html


def test_a_hot_spot_is_named(viewer_client: Client) -> None:
    make_worker(queues=["default"], slots=4)
    for letter in "abcdefghijklmn":
        usually(make_job(name=f"nightly-{letter}", schedules=[cron("20 12 * * *")]), 60)

    html = page(viewer_client, range="hour", load="1")

    assert (
        "12:20 to 12:23: 14 jobs want 14 slots, 4 are there: nightly-a, nightly-b and 12 more; "
        "the last waits about 3 min." in text_of(html)
    )
    link = re.search(r'href="/timeline/\?([^"]*jobs=[^"]*)">Show these jobs', html)
    assert link
    shown = viewer_client.get(reverse("timeline") + "?" + link[1].replace("&amp;", "&"))
    assert shown.content.decode().count('aria-label="nightly-') == 14


def test_a_hot_spot_within_a_second_has_one_time(viewer_client: Client) -> None:
    make_worker(queues=["default"], slots=4)
    for letter in "abcdefghijklmn":
        usually(make_job(name=f"nightly-{letter}", schedules=[cron("20 12 * * *")]), 0.2)

    text = text_of(page(viewer_client, range="hour", load="1"))

    assert "more slots wanted than there are 12:20: 14 jobs want 14 slots" in text


def test_without_a_worker_a_crowded_minute_is_named(viewer_client: Client) -> None:
    for _number in range(12):
        make_job(schedules=[cron("20 12 * * *")])

    text = text_of(page(viewer_client, range="hour", load="1"))

    assert "12 runs begin within this minute" in text
    assert "no live worker serves this queue" in text


def test_the_load_comes_by_itself_and_is_kept(viewer_client: Client) -> None:
    make_job(schedules=[cron("20 12 * * *")])

    first = page(viewer_client)
    region = viewer_client.get(reverse("p_timeline_load"))
    again = page(viewer_client)

    assert 'hx-trigger="load, every 60s' in first
    assert "Show it" in first
    assert "1 at once, no live worker" in region.content.decode()
    assert "1 at once, no live worker" in again


def test_a_past_window_has_no_load_and_does_not_poll(viewer_client: Client) -> None:
    job = make_job(name="old")
    ran(job, 60 * 24 * 3 + 60)

    html = page(viewer_client, range="day", at=(NOW - timedelta(days=4)).isoformat())

    assert "This window is past" in html
    assert "every 30s" not in html
    assert titles(html, "old") == ["Fri 29 May 11:00 succeeded, 1 m 00 s"]


def test_the_window_moves_and_comes_back(viewer_client: Client) -> None:
    html = page(viewer_client, range="hour", at="2026-06-01T08:00:00Z", q="x")

    assert "?range=hour&amp;at=2026-06-01T07%3A00%3A00Z&amp;q=x" in html
    assert "?range=hour&amp;at=2026-06-01T09%3A00%3A00Z&amp;q=x" in html
    assert 'href="?range=hour&amp;q=x">Now</a>' in html


@pytest.mark.parametrize("at", ["nonsense", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "\0"])
def test_a_moment_that_makes_no_sense_counts_as_none(viewer_client: Client, at: str) -> None:
    assert 'aria-current="true">Now</a>' in page(viewer_client, at=at)


def test_an_hour_of_the_axis_leads_to_what_begins_there(viewer_client: Client) -> None:
    make_job(name="report", schedules=[cron("30 21 * * *")])

    html = page(viewer_client, range="day", at="2026-07-02T00:00:00Z", q="rep")
    [link] = re.findall(r'<a href="\?([^"]+)" tabindex="-1"><text[^>]*>21:00', html)
    nearer = parse_qs(unescape(link))

    assert nearer == {"range": ["6h"], "at": ["2026-07-02T21:00:00Z"], "q": ["rep"]}
    assert "21:00 to Fri 3 Jul, 03:00" in page(
        viewer_client, **{name: value[0] for name, value in nearer.items()}
    )
    assert 'tabindex="-1"><text' not in page(viewer_client, range="hour")


def test_the_axis_is_in_the_reader_s_zone_and_names_both(viewer_client: Client) -> None:
    make_job()
    viewer_client.cookies["tz"] = "Asia/Jakarta"

    text = text_of(page(viewer_client, range="hour", at="2026-06-01T12:00:00Z"))

    assert "Mon 1 Jun, 19:00 to 20:00 (UTC: Mon 1 Jun, 12:00 to 13:00)" in text
    assert "Times are in your zone, Asia/Jakarta." in text
    assert "19:20" in text


def test_filters_choose_the_lanes(viewer_client: Client) -> None:
    make_job(name="one", queue="slow", tags=["x"])
    make_job(name="two")

    assert "two:" not in page(viewer_client, queue="slow")
    assert "two:" not in page(viewer_client, tag="x")
    assert "two:" not in page(viewer_client, q="one")
    assert "one:" not in page(viewer_client, q="two")
    assert "No job matches" in page(viewer_client, state="paused")


def test_a_workspace_chooses_the_lanes_and_stays_in_the_links(viewer_client: Client) -> None:
    workspaces.create(workspaces.parse_workspace({"name": "data"}), actor=SYSTEM)
    make_job(name="inside", workspace="data")
    make_job(name="outside")

    body = page(viewer_client, workspace="data")

    assert "inside:" in body
    assert "outside:" not in body
    assert "<option selected>data</option>" in body
    assert "range=week&amp;workspace=data" in body
    assert "Clear filters" in body
    assert "No job matches" in page(viewer_client, workspace="shop")


def test_lanes_are_paged(viewer_client: Client) -> None:
    for _number in range(LANES_A_PAGE + 3):
        make_job()

    first, second = page(viewer_client), page(viewer_client, page="2")

    assert first.count('<svg role="img"') == LANES_A_PAGE
    assert second.count('<svg role="img"') == 3
    assert f"{LANES_A_PAGE + 1} to {LANES_A_PAGE + 3} of {LANES_A_PAGE + 3}" in second


def test_the_table_says_what_the_drawing_shows(viewer_client: Client) -> None:
    job = make_job(name="report", schedules=[cron("30 12 * * *")])
    ran(job, 10, 90)
    as_table = {"range": "hour", "as": "table", "load": "1"}

    html = page(viewer_client, **as_table)

    assert '<svg role="img"' not in html
    text = text_of(html)
    assert re.search(r"11:50:30 succeeded 1 m 30 s", text)
    assert "12:30 planned" in text
    assert reverse("execution", args=[job.executions.get().pk]) in html
    assert "12:30 to 12:31: 1 begin, at most 1 at once" in text


def test_a_window_to_come_begins_with_what_is_due_at_its_start(viewer_client: Client) -> None:
    make_job(name="report", schedules=[cron("30 10 * * *")])
    as_table = {"range": "hour", "as": "table", "at": "2026-06-02T10:30:00Z"}

    text = text_of(page(viewer_client, **as_table))

    assert "10:30 planned" in text


def test_names_are_escaped(viewer_client: Client) -> None:
    job = make_job(name="plain", schedules=[cron("30 12 * * *")])
    services.pause(job.pk, actor=SYSTEM, reason='"><script>alert(1)</script>')

    html = page(viewer_client, range="hour", load="1")

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_an_unchanged_region_is_answered_with_304(viewer_client: Client) -> None:
    make_job(schedules=[cron("30 12 * * *")])
    for name in ("p_timeline_lanes", "p_timeline_load"):
        first = viewer_client.get(reverse(name))

        again = viewer_client.get(reverse(name), headers={"HX-PTag": first["HX-PTag"]})

        assert again.status_code == 304


def test_the_cost_does_not_grow_with_history_or_jobs(
    viewer_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _place in range(LANES_A_PAGE + 2):
        job = make_job(schedules=[every(300), cron("*/7 * * * *")])
        for number in range(3):
            ran(job, 10 + number)

    with django_assert_max_num_queries(34):
        page(viewer_client, load="1")


def test_windows_begin_at_even_times_of_the_reader_s_clock(viewer_client: Client) -> None:
    make_job()
    viewer_client.cookies["tz"] = "Asia/Kolkata"  # 17:30:30 there; half an hour off

    windows = {name: text_of(page(viewer_client, range=name)) for name in ("hour", "day", "week")}

    assert "Mon 1 Jun, 17:10 to 18:10 (UTC:" in windows["hour"]
    assert "Mon 1 Jun, 09:00 to Tue 2 Jun, 09:00 (UTC:" in windows["day"]
    assert "Sat 30 May, 00:00 to Sat 6 Jun, 00:00 (UTC:" in windows["week"]


def test_a_typed_moment_is_by_the_reader_s_clock_and_stays_in_the_address(
    viewer_client: Client,
) -> None:
    make_job(schedules=[cron("0 5 * * *", "Europe/Paris")], name="early")
    viewer_client.cookies["tz"] = "Europe/Paris"

    html = page(viewer_client, range="6h", at="2026-10-25T00:30")  # clocks go back that night

    assert "Sun 25 Oct, 00:00 to 05:00 (UTC: Sat 24 Oct, 22:00 to Sun 25 Oct, 04:00)" in text_of(
        html
    )
    assert 'name="at" type="datetime-local" value="2026-10-25T00:30"' in html
    assert "at=2026-10-25T04%3A00%3A00Z" in html, "later begins where this one ends"
    day = text_of(page(viewer_client, range="day", at="2026-10-25T00:00"))
    assert "Sun 25 Oct, 00:00 to Mon 26 Oct, 00:00 (UTC:" in day, "a day of 25 hours"


def test_what_will_not_run_again_and_again_is_one_row_of_the_list(viewer_client: Client) -> None:
    """The defect: a paused hourly job had most of the rows of what runs tomorrow."""
    make_job(name="asleep", paused=True, schedules=[cron("0 * * * *")])
    make_job(name="awake", schedules=[cron("30 */6 * * *")])

    html = page(viewer_client, range="day", at="2026-06-02T00:00:00Z")
    rows = text_of(html.split('class="tl-table"')[1])

    assert "Tue 2 Jun 00:00 to Wed 3 Jun 00:00 asleep 25 will not run: Job paused" in rows
    assert rows.count("asleep") == 1
    assert rows.count("awake planned") == 4


def test_what_runs_in_the_next_maintenance_is_two_clicks_away(viewer_client: Client) -> None:
    make_job(name="mailer", tags=["mail"], schedules=[cron("15 9 * * *")])
    make_job(name="other", schedules=[cron("30 9 * * *")])
    starts_at = NOW.replace(hour=9, minute=0, second=0) + timedelta(days=1)
    make_freeze(
        scope="tag", target="mail", reason="New disks", starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
    )  # fmt: skip

    first = page(viewer_client)  # 1: Timeline, in the bar of every page
    link = re.search(r'href="\?([^"]*)" title="tag mail: New disks"', first)
    assert link
    html = viewer_client.get(f"{reverse('timeline')}?{unescape(link[1])}").content.decode()
    rows = text_of(html.split('class="tl-table"')[1])

    assert "09:15 mailer will be held back: Frozen, tag mail: New disks" in rows
    assert "09:30 other planned" in rows
    note = text_of(html.split('class="note info"')[1].split("</p>")[0])
    assert all(part in note for part in ("Tue 2 Jun 09:00", "Tue 2 Jun 11:00", "New disks"))
    assert "note info" not in first
    only = page(viewer_client, range="6h", at="2026-06-02T09:00:00Z", show="held")
    assert "other planned" not in text_of(only.split('class="tl-table"')[1])
    assert 'value="held" selected' in only
    row = viewer_client.get(reverse("freezes")).content.decode()
    assert link[1] in row, "and from the freeze it is one"


def test_tomorrow_is_a_whole_day_of_the_reader(viewer_client: Client) -> None:
    viewer_client.cookies["tz"] = "Asia/Jakarta"

    html = page(viewer_client, range="hour")

    assert 'href="?range=day&amp;at=2026-06-01T17%3A00%3A00Z">Tomorrow</a>' in html
    assert 'href="?range=day&amp;at=2026-05-31T17%3A00%3A00Z">Today</a>' in html
