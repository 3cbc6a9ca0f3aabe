"""Freezes on pages: the banner, the mark beside a job, the form, and lifting with its consequences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from jobs.models import Freeze, WorkerKind
from jobs.queries.freezes import Phase, phase_of
from jobs.services import dispatch
from tests.factories import every, make_freeze, make_job, make_worker

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def html_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def banner_of(html: str) -> str:
    return html.split('<div id="freeze-banner">')[1].split('<header class="head"')[0]


@pytest.mark.parametrize("page", ["overview", "jobs", "executions", "calendars", "freezes"])
def test_every_page_says_what_is_frozen_and_why(page: str, viewer_client: Client) -> None:
    make_freeze(reason="moving <the> database")

    banner = banner_of(html_of(viewer_client, reverse(page)))

    assert "Frozen: everything" in banner
    assert "moving &lt;the&gt; database" in banner


def test_the_banner_counts_the_jobs_of_a_tag(viewer_client: Client) -> None:
    for _ in range(2):
        make_job(tags=["nightly"])
    make_freeze(scope="tag", target="nightly")

    banner = banner_of(html_of(viewer_client, reverse("jobs")))

    assert "tag nightly (2 jobs)" in " ".join(banner.split())


def test_a_freeze_that_has_not_begun_is_marked_by_its_start(viewer_client: Client) -> None:
    """The defect: "Frozen until" beside a job that runs today and is frozen tomorrow."""
    job = make_job(schedules=[every(24 * 3600)])
    due = job.next_fire_at
    assert due is not None
    freeze = make_freeze(reason="move", starts_at=due - HOUR, ends_at=due + HOUR)

    pages = [
        html_of(viewer_client, reverse(name, args=args))
        for name, args in (
            ("jobs", []),
            ("job", [job.pk]),
        )
    ]
    Freeze.objects.filter(pk=freeze.pk).update(starts_at=timezone.now() - HOUR)
    begun = html_of(viewer_client, reverse("job", args=[job.pk]))

    assert all("Frozen from <time" in page and "Frozen until <time" not in page for page in pages)
    assert "Frozen until <time" in begun


def test_the_banner_announces_the_next_hour_only(viewer_client: Client) -> None:
    now = datetime.now(UTC)
    make_freeze(reason="soon-one", starts_at=now + HOUR / 2)
    make_freeze(reason="later-one", starts_at=now + 2 * HOUR)

    banner = banner_of(html_of(viewer_client, reverse("jobs")))

    assert "Frozen soon:" in banner
    assert "soon-one" in banner
    assert "later-one" not in banner


def test_the_heartbeat_brings_the_banner(viewer_client: Client) -> None:
    make_freeze(reason="just now")

    answer = html_of(viewer_client, reverse("p_heartbeat"))

    assert 'hx-target="#freeze-banner"' in answer
    assert "just now" in answer


def test_without_a_freeze_there_is_no_word_of_it(viewer_client: Client) -> None:
    make_job(schedules=[every(60)])

    assert "Frozen" not in html_of(viewer_client, reverse("jobs"))


def test_a_job_whose_next_run_is_held_back_is_marked(viewer_client: Client) -> None:
    frozen = make_job(name="held", schedules=[every(60)], tags=["nightly"])
    free = make_job(name="free", schedules=[every(60)])
    late = make_job(name="late", schedules=[every(3 * 3600)], tags=["nightly"])
    make_freeze(scope="tag", target="nightly", reason="disk full", duration_seconds="1h")

    rows = html_of(viewer_client, reverse("jobs")).split('<tr id="job-')[1:]

    marked = {int(row.partition('"')[0]) for row in rows if "disk full" in row.split("</tr>")[0]}
    assert marked == {frozen.pk}
    assert {free.pk, late.pk} <= {int(row.partition('"')[0]) for row in rows}
    page = html_of(viewer_client, reverse("job", args=[frozen.pk]))
    assert "Its next run is left out: disk full" in page


def test_the_list_has_what_holds_and_what_is_planned(viewer_client: Client) -> None:
    make_freeze(reason="now-one")
    make_freeze(reason="planned-one", starts_at=datetime.now(UTC) + 5 * HOUR)

    table = html_of(viewer_client, reverse("p_freezes"))

    assert "now-one" in table
    assert "planned-one" in table
    assert "Lift…" not in table


def test_the_past_is_paged(operator_client: Client) -> None:
    now = datetime.now(UTC)
    Freeze.objects.bulk_create(
        Freeze(
            scope="everything",
            reason=f"reason-{number:02}.",
            starts_at=now - 2 * HOUR,
            ends_at=now - HOUR,
            created_at=now,
            created_by="anna",
        )
        for number in range(30)
    )

    first = html_of(operator_client, reverse("freezes") + "?show=past")
    older = first.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]
    second = html_of(operator_client, reverse("freezes") + older.replace("&amp;", "&"))

    assert "reason-29." in first
    assert "reason-04." not in first
    assert "reason-04." in second
    assert "reason-05." not in second


def test_a_freeze_is_made_by_the_form(operator_client: Client) -> None:
    answer = operator_client.post(
        reverse("freeze_new"),
        {"scope": "tag", "target": "nightly", "reason": "disk full", "duration_seconds": "2h"},
    )

    made = Freeze.objects.get()
    assert answer.status_code == 303
    assert (made.scope, made.target, made.reason) == ("tag", "nightly", "disk full")
    assert made.ends_at == made.starts_at + 2 * HOUR
    assert made.created_by == "otto"


def test_moments_of_the_form_are_in_the_reader_s_zone(operator_client: Client) -> None:
    operator_client.cookies["tz"] = "Asia/Jakarta"
    day = datetime.now(UTC).date() + timedelta(days=3)

    operator_client.post(
        reverse("freeze_new"),
        {
            "scope": "everything",
            "target": "left over",
            "reason": "x",
            "starts_at": f"{day}T09:00",
            "ends_at": f"{day}T10:30",
        },
    )

    made = Freeze.objects.get()
    assert made.starts_at == datetime(day.year, day.month, day.day, 2, 0, tzinfo=UTC)
    assert made.ends_at == made.starts_at + 1.5 * HOUR


def test_a_wrong_form_keeps_what_was_typed_and_says_why(operator_client: Client) -> None:
    answer = operator_client.post(
        reverse("freeze_new"), {"scope": "tag", "target": "ni", "duration_seconds": "soon"}
    )

    html = answer.content.decode()
    assert answer.status_code == 422
    assert "soon is not a duration" in html
    assert 'value="ni"' in html
    assert not Freeze.objects.exists()


def test_changing_the_reason_leaves_the_end_to_the_second(operator_client: Client) -> None:
    made = make_freeze(duration_seconds=3601)
    path = reverse("freeze_edit", args=[made.pk])
    form = html_of(operator_client, path)
    shown = form.split('name="ends_at" value="')[1].split('"')[0]

    operator_client.post(path, {"reason": "other", "ends_at": shown, "duration_seconds": ""})

    changed = Freeze.objects.get()
    assert (changed.reason, changed.ends_at) == ("other", made.ends_at)


def test_a_new_length_replaces_the_end_that_is_shown(operator_client: Client) -> None:
    made = make_freeze(duration_seconds=3600)
    path = reverse("freeze_edit", args=[made.pk])
    shown = html_of(operator_client, path).split('name="ends_at" value="')[1].split('"')[0]

    operator_client.post(path, {"reason": "deploy", "ends_at": shown, "duration_seconds": "5h"})

    changed = Freeze.objects.get()
    assert changed.ends_at is not None
    assert changed.ends_at > made.starts_at + 4 * HOUR


def test_an_emptied_end_is_none(operator_client: Client) -> None:
    made = make_freeze(duration_seconds=3600)

    operator_client.post(
        reverse("freeze_edit", args=[made.pk]),
        {"reason": "deploy", "ends_at": "", "duration_seconds": ""},
    )

    assert Freeze.objects.get().ends_at is None


def test_lifting_asks_with_what_will_happen(operator_client: Client) -> None:
    jobs = [make_job(schedules=[every(60)]) for _ in range(2)]
    made = make_freeze()
    for _ in range(3):
        for job in jobs:
            job.refresh_from_db()
            assert job.next_fire_at is not None
            dispatch.dispatch_due(job.next_fire_at)

    html = html_of(operator_client, reverse("freeze_lift", args=[made.pk]))

    assert "2 jobs fire again at their next due time." in html
    assert "The 6 due times that were left out are not made up for." in html
    assert phase_of(Freeze.objects.get(), datetime.now(UTC)) == Phase.HOLDING


def test_lifting_ends_it(operator_client: Client) -> None:
    made = make_freeze()

    answer = operator_client.post(reverse("freeze_lift", args=[made.pk]))

    lifted = Freeze.objects.get()
    assert answer.status_code == 303
    assert lifted.lifted_by == "otto"


def test_the_banner_costs_one_query(
    viewer_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_freeze()
    make_worker(kind=WorkerKind.DISPATCHER.value, tick_at=timezone.now())

    # Session, person with rights, what tells the copies of a heartbeat apart, processes, freezes.
    with django_assert_num_queries(5):
        viewer_client.get(reverse("p_heartbeat"))
