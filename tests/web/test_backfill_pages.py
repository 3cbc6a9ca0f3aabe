"""The pages of backfills: form, list, start; progress, pause, resume, cancel; without script."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.permissions import SYSTEM
from jobs.models import Backfill, Execution, Job
from jobs.services import backfills, feeding
from jobs.services import jobs as job_services
from jobs.services.triggers import trigger
from tests.factories import cron, every, make_backfill, make_execution, make_freeze, make_job

WINDOW = {"from": "2026-01-01T00:00", "to": "2026-01-01T02:30"}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def job(db: None) -> Job:
    return make_job(name="report", schedules=[cron("0 * * * *")])


def html_of(client: Client, name: str, number: int, **query: str) -> str:
    return client.get(reverse(name, args=[number]), query).content.decode()


def hidden(html: str) -> dict[str, str]:
    """Return the hidden fields of the form that starts the backfill."""
    form = html.partition('id="backfill-preview"')[2].partition("</form>")[0]
    found = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', form))
    del found["csrfmiddlewaretoken"]
    return found


def feed() -> None:
    feeding.feed(timezone.now())


def test_the_empty_form_offers_the_last_day_and_lists_nothing(
    job: Job, operator_client: Client
) -> None:
    html = html_of(operator_client, "backfill_new", job.pk)

    assert re.search(r'name="from" value="\d{4}-\d\d-\d\dT\d\d:\d\d:00"', html)
    assert 'id="backfill-preview"' not in html
    assert not Backfill.objects.exists()


def test_the_list_shows_each_due_time_with_what_it_has_and_makes_nothing(
    job: Job, operator_client: Client
) -> None:
    due_at = datetime(2026, 1, 1, 1, tzinfo=UTC)
    failed = make_execution(job, due_at=due_at, trigger="schedule", state="failed")

    html = html_of(operator_client, "backfill_new", job.pk, **WINDOW, only="all")

    assert "3 due times would run" in html
    assert "Start 3 runs" in html
    assert html.count("No record") == 3  # twice in the list, once in the sums
    assert reverse("execution", args=[failed.pk]) in html
    assert "One at a time, and never beside another run of the job." in html
    assert not Backfill.objects.exists()


def test_the_window_is_meant_on_the_reader_s_clock(job: Job, operator_client: Client) -> None:
    operator_client.cookies["tz"] = "Asia/Jakarta"

    html = html_of(operator_client, "backfill_new", job.pk, **WINDOW)

    assert hidden(html)["from"] == "2025-12-31T17:00:00+00:00"
    assert 'value="2026-01-01T00:00:00"' in html
    assert "In your zone, Asia/Jakarta" in html


def test_starting_makes_what_the_list_showed_and_leads_to_its_page(
    job: Job, operator_client: Client
) -> None:
    html = html_of(operator_client, "backfill_new", job.pk, **WINDOW, order="newest_first")

    answer = operator_client.post(reverse("backfill_new", args=[job.pk]), hidden(html), follow=True)

    backfill = Backfill.objects.get()
    assert answer.redirect_chain == [(reverse("backfill", args=[backfill.pk]), 303)]
    assert f"Started backfill #{backfill.pk}." in answer.content.decode()
    assert (backfill.items.count(), backfill.order, backfill.created_by) == (
        3,
        "newest_first",
        "otto",
    )


def test_pressing_twice_leads_to_the_same_backfill(job: Job, operator_client: Client) -> None:
    fields = hidden(html_of(operator_client, "backfill_new", job.pk, **WINDOW))

    path = reverse("backfill_new", args=[job.pk])

    operator_client.post(path, fields)
    answer = operator_client.post(path, fields, follow=True)

    assert Backfill.objects.count() == 1
    assert "goes on already." in answer.content.decode()


def test_a_list_that_changed_meanwhile_is_shown_again(job: Job, operator_client: Client) -> None:
    fields = hidden(html_of(operator_client, "backfill_new", job.pk, **WINDOW))
    make_execution(
        job, due_at=datetime(2026, 1, 1, tzinfo=UTC), trigger="schedule", state="succeeded"
    )

    answer = operator_client.post(reverse("backfill_new", args=[job.pk]), fields)

    assert answer.status_code == 409
    assert "You saw 3 due times; there are 2 by now." in answer.content.decode()
    assert hidden(answer.content.decode())["expected"] == "2"
    assert not Backfill.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"from": "soon"}, "soon"),
        ({"from": ""}, "required"),
        ({"to": "2999-01-01T00:00"}, "has not passed yet"),
        ({"from": "2026-01-02T00:00"}, "is later than to"),
        ({"pace_seconds": "often"}, "often"),
        ({"max_parallel": "0"}, "1 or more"),
        ({"only": "some"}, "missed, failed or all"),
        ({"from": "9999-12-31T23:59"}, "9999"),
    ],
)
def test_a_wrong_field_says_what_is_allowed(
    job: Job, operator_client: Client, fields: dict[str, str], words: str
) -> None:
    query = {**WINDOW, **fields}

    shown = operator_client.get(reverse("backfill_new", args=[job.pk]), query)
    sent = operator_client.post(reverse("backfill_new", args=[job.pk]), query)

    for answer in (shown, sent):
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert not Backfill.objects.exists()


def test_an_empty_list_says_why(job: Job, operator_client: Client) -> None:
    html = html_of(operator_client, "backfill_new", job.pk, **WINDOW, only="failed")

    assert "Nothing to run" in html
    assert "Of 3 due times in this window none is to be run as failed." in html
    assert "Start" not in html.partition('id="backfill-preview"')[2].partition("</section>")[0]


def test_a_long_list_has_pages(operator_client: Client) -> None:
    job = make_job(schedules=[cron("* * * * *")])

    first = html_of(operator_client, "backfill_new", job.pk, **WINDOW)
    older = re.search(r'href="\?([^"]+)" rel="next"', first)
    assert older
    query = dict(parse_qsl(older[1].replace("&amp;", "&")))
    second = html_of(operator_client, "backfill_new", job.pk, **query)

    assert "1 to 50 of 151" in first
    assert "51 to 100 of 151" in second


def test_the_consequences_follow_the_job(operator_client: Client) -> None:
    job = make_job(schedules=[cron("0 * * * *")], overlap="cancel_running", auto_disable_after=3)
    make_freeze(reason="release")

    html = html_of(operator_client, "backfill_new", job.pk, **WINDOW)
    job_services.pause(job.pk, actor=SYSTEM)
    stopped = html_of(operator_client, "backfill_new", job.pk, **WINDOW)

    assert "goes by the rule of the job: Kill the running one." in html
    assert "A freeze holds the job (release)" in html
    assert "3 in a row disable the schedules" in html
    assert "The job is stopped and stays so." in stopped


def test_a_deleted_job_offers_no_backfill(job: Job, operator_client: Client) -> None:
    job_services.delete(job.pk, actor=SYSTEM)

    answer = operator_client.get(reverse("backfill_new", args=[job.pk]))

    assert (answer.status_code, answer["Location"]) == (303, reverse("job", args=[job.pk]))


def test_the_job_s_page_leads_there(
    job: Job, operator_client: Client, viewer_client: Client
) -> None:
    form = reverse("backfill_new", args=[job.pk])

    assert form in html_of(operator_client, "job", job.pk)
    assert form not in html_of(viewer_client, "job", job.pk)
    assert reverse("job_backfills", args=[job.pk]) in html_of(viewer_client, "job", job.pk)


def test_a_page_shows_how_far_it_is(job: Job, viewer_client: Client) -> None:
    backfill = make_backfill(job)
    feed()
    Execution.objects.update(state="failed", message="exit status 1")
    Job.objects.update(failure_count=1)
    feeding.feed(timezone.now())

    html = html_of(viewer_client, "backfill", backfill.pk)

    assert "1 of 3 done" in html
    assert "exit status 1" in html
    assert html.count("To come") >= 2
    assert "Cancel…" in html
    assert 'disabled title="Your role may not run or kill jobs"' in html


def test_it_says_what_it_waits_for(job: Job, viewer_client: Client) -> None:
    execution = trigger(job.pk, actor=SYSTEM)
    backfill = make_backfill(job)
    busy = html_of(viewer_client, "backfill", backfill.pk)
    make_freeze(reason="release")
    frozen = html_of(viewer_client, "backfill", backfill.pk)

    assert "Waits for another run of the job:" in busy
    assert reverse("execution", args=[execution.pk]) in busy
    assert "A freeze holds the job (release)" in frozen


def test_items_can_be_narrowed_and_paged(viewer_client: Client) -> None:
    job = make_job(schedules=[cron("* * * * *")])
    backfill = make_backfill(job)
    feed()

    everything = html_of(viewer_client, "backfill", backfill.pk)
    live = html_of(viewer_client, "backfill", backfill.pk, state="live")
    none = html_of(viewer_client, "backfill", backfill.pk, state="failed")
    after = re.search(r'href="\?after=(\d+)" rel="next"', everything)
    assert after
    later = html_of(viewer_client, "backfill", backfill.pk, after=after[1])

    assert everything.count('id="item-') == 50
    assert live.count('id="item-') == 1
    assert "No due time is in this state" in none
    assert set(re.findall('id="item-[0-9]+"', later)).isdisjoint(
        re.findall('id="item-[0-9]+"', everything)
    )


def test_pause_and_resume_work_without_script_and_with_htmx(
    job: Job, operator_client: Client
) -> None:
    backfill = make_backfill(job)

    plain = operator_client.post(reverse("backfill_pause", args=[backfill.pk]), follow=True)
    paused = Backfill.objects.get().state
    htmx = operator_client.post(reverse("backfill_resume", args=[backfill.pk]), headers=HTMX)

    assert plain.redirect_chain == [(reverse("backfill", args=[backfill.pk]), 303)]
    assert f"Paused backfill #{backfill.pk}." in plain.content.decode()
    assert paused == "paused"
    assert htmx["HX-Trigger"] == "changed"
    assert Backfill.objects.get().state == "running"


def test_cancel_asks_with_true_consequences_first(job: Job, operator_client: Client) -> None:
    backfill = make_backfill(job)
    feed()

    question = html_of(operator_client, "backfill_cancel", backfill.pk)
    still = Backfill.objects.get().state
    operator_client.post(reverse("backfill_cancel", args=[backfill.pk]))

    assert "2 due times that have not started are given up." in question
    assert "1 run is in progress; it goes on, unless you kill it, too." in question
    assert (still, Backfill.objects.get().state) == ("running", "cancelled")
    assert Execution.objects.get().state == "queued"


def test_cancel_and_kill_ends_what_runs(job: Job, operator_client: Client) -> None:
    backfill = make_backfill(job)
    feed()
    question = html_of(operator_client, "p_backfill_cancel", backfill.pk)
    button = re.search(r'formaction="([^"]+)"[^>]* name="([a-z]+)" value="([^"]+)"', question)
    assert button

    operator_client.post(button[1], {button[2]: button[3]})

    assert Backfill.objects.get().state == "cancelled"
    assert Execution.objects.get().state == "cancelled"


def test_what_is_over_is_not_asked_about_and_polls_no_more(
    job: Job, operator_client: Client
) -> None:
    backfill = make_backfill(job)
    live = html_of(operator_client, "backfill", backfill.pk)
    backfills.cancel(backfill.pk, actor=SYSTEM)

    asked = operator_client.get(reverse("backfill_cancel", args=[backfill.pk]))
    over = html_of(operator_client, "backfill", backfill.pk)

    assert asked.status_code == 303
    assert reverse("p_backfill", args=[backfill.pk]) in live
    assert reverse("p_backfill", args=[backfill.pk]) not in over
    assert reverse("backfill_cancel", args=[backfill.pk]) not in over


@pytest.mark.parametrize("name", ["p_backfill", "p_backfill_items"])
def test_a_region_is_drawn_anew_only_when_something_changed(
    name: str, job: Job, viewer_client: Client
) -> None:
    backfill = make_backfill(job)
    path = reverse(name, args=[backfill.pk])
    tag = viewer_client.get(path, headers=HTMX)["HX-PTag"]

    idle = viewer_client.get(path, headers={**HTMX, "HX-PTag": tag})
    feed()
    changed = viewer_client.get(path, headers={**HTMX, "HX-PTag": tag})

    assert (idle.status_code, changed.status_code) == (304, 200)
    assert "<html" not in changed.content.decode()


def test_a_job_lists_its_backfills(job: Job, viewer_client: Client) -> None:
    empty = html_of(viewer_client, "job_backfills", job.pk)
    backfill = make_backfill(job)
    full = html_of(viewer_client, "job_backfills", job.pk)
    paused = html_of(viewer_client, "job_backfills", job.pk, state="paused")

    assert "No backfill yet" in empty
    assert reverse("backfill", args=[backfill.pk]) in full
    assert "0 of 3" in full
    assert "No backfill matches" in paused


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("get", "backfill_new"),
        ("post", "backfill_new"),
        ("post", "backfill_pause"),
        ("post", "backfill_resume"),
        ("get", "backfill_cancel"),
        ("post", "backfill_cancel"),
        ("post", "p_backfill_cancel"),
    ],
)
def test_a_viewer_may_look_and_not_act(
    method: str, name: str, job: Job, viewer_client: Client
) -> None:
    backfill = make_backfill(job)
    number = job.pk if name == "backfill_new" else backfill.pk

    answer = getattr(viewer_client, method)(reverse(name, args=[number]), headers=HTMX)

    assert answer.status_code == 403
    assert Backfill.objects.get().state == "running"


def test_what_does_not_exist_is_a_page_in_words(admin_client: Client) -> None:
    for name in ("backfill", "p_backfill", "p_backfill_items", "backfill_cancel", "job_backfills"):
        assert admin_client.get(reverse(name, args=[999])).status_code == 404


def test_a_completion_interval_lists_what_is_on_record_only(operator_client: Client) -> None:
    job = make_job(schedules=[every(60, anchor="completion")])

    html = html_of(operator_client, "backfill_new", job.pk, **WINDOW)

    assert "No due time lies in this window." in html
