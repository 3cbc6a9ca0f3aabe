"""The ledger's page: every due time of a period, its verdict, and the proof."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries

from jobs.domain.permissions import SYSTEM
from jobs.models import Execution, Job, Omission
from jobs.services import jobs as job_services
from jobs.services.dispatch import dispatch_due
from tests.factories import cron, make_execution, make_job

START = datetime(2026, 3, 1, 10, 0, 30, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as moved:
        yield moved


@pytest.fixture
def job(db: None, clock: Any) -> Job:
    """Return a job with 3 runs, 2 left out beside the last of them, and 4 of a pause."""
    made = make_job(name="report", schedules=[cron("* * * * *", "Europe/Paris")])
    for minute in range(5):
        clock.shift(timedelta(minutes=1))
        dispatch_due(now())
        if minute < 2:
            finish()
    finish()
    job_services.pause(made.pk, actor=SYSTEM, reason="lunch <b>")
    clock.shift(timedelta(minutes=4))
    job_services.resume(made.pk, actor=SYSTEM)
    return Job.objects.get(pk=made.pk)


def finish() -> None:
    Execution.objects.filter(state="queued").update(
        state="succeeded", started_at=now(), finished_at=now()
    )
    count = Execution.objects.filter(state="succeeded").count()
    Job.objects.update(success_count=count)


def page(client: Client, job: Job, query: str = "") -> str:
    answer = client.get(reverse("ledger", args=[job.pk]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def text_of(html: str) -> str:
    """Return what can be read, in one line."""
    return re.sub(r"\s+", " ", strip_tags(html))


def rows(html: str) -> list[str]:
    """Return the names of the entries, as they stand."""
    return re.findall(r'<tr id="([a-z]+)-', html)


def test_every_due_time_has_its_row_newest_first(viewer_client: Client, job: Job) -> None:
    html = page(viewer_client, job)

    assert rows(html) == ["omission", "omission", "run", "run", "run"]
    text = text_of(html)
    assert "4 due times" in text
    assert "Job paused: lunch &lt;b&gt;" in html
    in_the_way = Execution.objects.latest("pk").pk
    assert f'Previous run still executing (<a href="/executions/{in_the_way}/">#' in html


def test_the_proof_is_worked_out_on_the_spot(viewer_client: Client, job: Job) -> None:
    text = text_of(page(viewer_client, job))

    assert (
        "Balanced 9 due, 3 dispatched, 4 not run: job paused, "
        "2 not run: previous run still executing, 0 unexplained"
    ) in text


def test_a_ledger_that_does_not_balance_says_so_in_red(viewer_client: Client, job: Job) -> None:
    gone = Execution.objects.order_by("due_at")[1]
    gone.delete()

    html = page(viewer_client, job)

    assert "Not balanced" in html
    assert "1 unexplained" in html
    assert "The ledger does not balance." in html
    assert f'?at={gone.due_at.isoformat().replace("+00:00", "Z")}">' in html


def test_both_zones_are_named(viewer_client: Client, job: Job) -> None:
    viewer_client.cookies["tz"] = "Asia/Jakarta"

    html = page(viewer_client, job)

    assert "Times are in your zone, Asia/Jakarta, and below them in the job's, Europe/Paris." in (
        text_of(html).replace("&#x27;", "'")
    )
    assert "17:01:00" in html
    assert "11:01:00" in html


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("dispatched", ["run", "run", "run"]),
        ("succeeded", ["run", "run", "run"]),
        ("failed", []),
        ("omitted", ["omission", "omission"]),
        ("overlap", ["omission"]),
        ("paused", ["omission"]),
        ("frozen", []),
        ("by_hand", []),
        ("nonsense", ["omission", "omission", "run", "run", "run"]),
    ],
)
def test_verdicts_are_filtered(
    verdict: str, expected: list[str], viewer_client: Client, job: Job
) -> None:
    html = page(viewer_client, job, f"?verdict={verdict}")

    assert rows(html) == expected
    assert ("Nothing of the period matches" in html) is (not expected)


def test_starts_by_hand_and_backfills_stand_apart(viewer_client: Client, job: Job) -> None:
    make_execution(job, trigger="manual", actor="otto", due_at=START + timedelta(minutes=2))
    make_execution(job, trigger="backfill", due_at=START + timedelta(minutes=6, seconds=30))

    html = page(viewer_client, job, "?verdict=by_hand")

    assert rows(html) == ["run", "run"]
    assert "by hand, otto" in html
    assert "backfill" in html
    assert "9 due, 3 dispatched" in html


def test_a_period_is_chosen_by_its_ends(viewer_client: Client, job: Job) -> None:
    html = page(viewer_client, job, "?from=2026-03-01T10:02:00Z&to=2026-03-01T10:04:00Z")

    # The pause begins later, the stretch beside the run lies inside.
    assert rows(html) == ["omission", "run", "run"]
    assert "3 due, 2 dispatched" in html


def test_what_was_typed_counts_in_the_zone_that_the_form_named(
    viewer_client: Client, job: Job
) -> None:
    viewer_client.cookies["tz"] = "Asia/Jakarta"  # known since the form was drawn in UTC

    html = page(
        viewer_client, job, "?from=2026-03-01T10:02&to=2026-03-01T10:04&zone=UTC&verdict=overlap"
    )

    assert "3 due, 2 dispatched" in html
    assert 'value="2026-03-01T17:02"' in html


def test_a_stretch_that_reaches_into_the_period_is_there(viewer_client: Client, job: Job) -> None:
    html = page(viewer_client, job, "?from=2026-03-01T10:07:10Z&to=2026-03-01T10:08:20Z")

    assert rows(html) == ["omission"]
    assert "1 due, 0 dispatched, 1 not run: job paused, 0 unexplained" in html


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?from=soon", "&#x27;soon&#x27; is no moment."),
        ("?from=2026-03-02T00:00&to=2026-03-01T00:00", "is later than the last one."),
        ("?to=x%00y&from=2026-03-02T00:00", "is no moment."),
    ],
)
def test_a_wrong_period_says_so(query: str, sentence: str, viewer_client: Client, job: Job) -> None:
    html = page(viewer_client, job, query)

    assert sentence in html
    assert "Shown are the last 24 hours." in html
    assert len(rows(html)) == 5


@pytest.mark.parametrize(
    "query", ["?period=today", "?period=7d", "?period=30d", "?period=x", "?before=x"]
)
def test_presets_and_odd_words_are_answered(query: str, viewer_client: Client, job: Job) -> None:
    assert len(rows(page(viewer_client, job, query))) == 5


def test_pages_follow_each_other_without_gap_or_repetition(
    viewer_client: Client, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_execution(job, trigger="manual", due_at=Execution.objects.order_by("due_at")[1].due_at)
    monkeypatch.setattr("jobs.queries.ledger_page.ledger_page.__kwdefaults__", {"size": 2})
    query: str | None = ""
    found: list[str] = []
    pages = 0
    while query is not None:
        html = page(viewer_client, job, query)
        found += re.findall(r'<tr id="([a-z]+-\w+)"', html)
        pages += 1
        following = re.search(r'<a href="(\?[^"]+)" rel="next">', html)
        query = following[1].replace("&amp;", "&") if following else None

    assert pages == 3
    assert len(found) == len(set(found)) == 6


def test_a_stop_that_goes_on_is_there_as_far_as_it_came(
    viewer_client: Client, job: Job, clock: Any
) -> None:
    job_services.pause(job.pk, actor=SYSTEM, reason="tea")
    clock.shift(timedelta(minutes=3))

    html = page(viewer_client, job)

    assert '<tr id="omission-open">' in html
    assert "so far" in html
    assert "Job paused: tea" in html
    assert "12 due, 3 dispatched" in html


def test_each_due_time_of_a_stretch_is_shown_when_asked(viewer_client: Client, job: Job) -> None:
    html = page(viewer_client, job)
    ask = re.search(r'hx-get="(/p/[^"]+ledger/each[^"]+)"', html)
    assert ask

    part = viewer_client.get(ask[1].replace("&amp;", "&")).content.decode()

    assert [f"10:0{minute}:00" in part for minute in (6, 7, 8, 9)] == [True] * 4
    assert part.count("/explain/?at=") == 4


def test_without_script_the_page_itself_shows_each(viewer_client: Client, job: Job) -> None:
    stretch = Omission.objects.get(reason="paused")

    html = page(viewer_client, job, f"?each={stretch.pk}")

    assert html.count('<ul class="led-each">') == 1
    assert "10:08:00" in html


def test_a_long_stretch_is_shown_piece_by_piece(viewer_client: Client, job: Job) -> None:
    address = reverse("p_ledger_each", args=[job.pk])
    query = "?first=2026-03-01T10:06:00Z&last=2026-03-01T13:00:00Z"

    part = viewer_client.get(address + query).content.decode()
    more = re.search(r'hx-get="([^"]+)"', part)
    assert more
    rest = viewer_client.get(more[1].replace("&amp;", "&")).content.decode()

    assert (part.count("<li>"), rest.count("<li>")) == (100, 75)
    assert "Show more" not in rest


def test_the_export_of_the_period_is_linked(viewer_client: Client, job: Job) -> None:
    html = page(viewer_client, job, "?from=2026-03-01T10:02:00Z&to=2026-03-01T10:04:00Z")
    link = re.search(r'href="(/api/v1/ledger[^"]+format=csv)"', html)
    assert link

    answer: Any = viewer_client.get(link[1].replace("&amp;", "&"))

    assert answer.status_code == 200
    assert len(b"".join(answer.streaming_content).splitlines()) == 1 + 3


def test_a_long_period_is_proved_after_the_page_came(
    viewer_client: Client, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.web.views.ledger._AT_ONCE", 5)
    html = page(viewer_client, job)
    region = re.search(r'id="ledger-proof"[^>]*hx-get="([^"]+)"', html)
    assert region
    assert "9 due," not in html

    later = viewer_client.get(region[1].replace("&amp;", "&")).content.decode()
    at_once = page(viewer_client, job, "?check=1")

    assert "9 due, 3 dispatched" in later
    assert "hx-trigger" not in later
    assert "9 due, 3 dispatched" in at_once


def test_what_is_not_decided_yet_is_told(viewer_client: Client, job: Job, clock: Any) -> None:
    clock.shift(timedelta(minutes=7))

    html = page(viewer_client, job)

    assert "7 more were due and have no verdict yet." in text_of(html)
    assert "9 due" in html


def test_an_empty_period_says_so(viewer_client: Client, db: None) -> None:
    html = page(viewer_client, make_job(name="quiet"))

    assert "Nothing was due in this period" in html
    assert "0 due, 0 dispatched, 0 unexplained" in html


def test_the_page_costs_a_few_queries_whatever_it_shows(
    viewer_client: Client,
    job: Job,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    page(viewer_client, job)

    with django_assert_max_num_queries(34):
        page(viewer_client, job)


def test_the_job_s_page_leads_here(viewer_client: Client, job: Job) -> None:
    html = viewer_client.get(reverse("job", args=[job.pk])).content.decode()

    assert f'href="{reverse("ledger", args=[job.pk])}"' in html
    assert f'href="{reverse("explain", args=[job.pk])}"' in html


def test_a_missing_job_has_no_ledger(viewer_client: Client) -> None:
    assert viewer_client.get(reverse("ledger", args=[99])).status_code == 404
