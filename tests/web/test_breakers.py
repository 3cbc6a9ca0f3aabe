"""Circuit breakers on pages: the list, the card beside a job, closing, tripping and running anyway."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM
from jobs.models import Breaker, Execution, Job
from jobs.services import breakers
from tests.factories import every, make_breaker, make_job
from tests.web.browserform import sent

pytestmark = pytest.mark.django_db


def html_of(client: Client, path: str) -> str:
    """Return a page."""
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def breaker_of(job: Job) -> Breaker:
    """Return the job's breaker."""
    assert job.breaker is not None
    return job.breaker


def test_the_list_names_state_reason_jobs_and_the_next_test_run(viewer_client: Client) -> None:
    asked = {"name": "paris", "threshold": 3}
    job = make_job(name="fetch", breaker=asked, schedules=[every(3600)])
    make_job(name="alone", breaker={})
    breakers.trip(breaker_of(job).pk, actor=SYSTEM, reason="moving <it>")

    html = html_of(viewer_client, reverse("breakers"))
    opened = html_of(viewer_client, f"{reverse('p_breakers')}?state=open")

    assert "moving &lt;it&gt;" in html
    assert reverse("job", args=[job.pk]) in opened
    assert "0 of 5 failures in a row" in html
    assert "alone" not in opened
    job.refresh_from_db()
    assert job.next_fire_at is not None
    assert f'datetime="{job.next_fire_at:%Y-%m-%dT%H:%M}' in opened
    assert "/close/" not in opened


def test_empty_lists_say_so(viewer_client: Client) -> None:
    assert "No circuit breaker yet" in html_of(viewer_client, reverse("breakers"))
    assert "No circuit breaker is in this state" in html_of(
        viewer_client, f"{reverse('breakers')}?state=open"
    )


@pytest.mark.long
def test_the_list_goes_page_by_page(viewer_client: Client) -> None:
    for number in range(51):
        make_breaker(f"b{number:02}")

    first = html_of(viewer_client, reverse("breakers"))
    after = Breaker.objects.order_by("pk")[49].pk
    second = html_of(viewer_client, f"{reverse('breakers')}?after={after}")

    assert f"after={after}" in first
    assert "b50" not in first
    assert "b50" in second


def test_an_operator_trips_and_closes(operator_client: Client) -> None:
    row = breaker_of(make_job(breaker={}))

    operator_client.post(reverse("breaker_trip", args=[row.pk]), {"reason": "moved"})
    row.refresh_from_db()
    tripped = (row.state, row.reason, row.changed_by)
    answer = operator_client.post(reverse("breaker_close", args=[row.pk]))

    row.refresh_from_db()
    assert tripped == ("open", "moved", "otto")
    assert (row.state, answer.status_code) == ("closed", 303)


def test_what_was_opened_or_closed_by_a_slip_is_undone_from_the_message(
    operator_client: Client,
) -> None:
    row = make_breaker("paris")
    states = []
    for before, name in (("closed", "breaker_trip"), ("open", "breaker_close")):
        row.refresh_from_db()
        if row.state != before:
            breakers.trip(row.pk, actor=SYSTEM)
        done = operator_client.post(reverse(name, args=[row.pk]), headers={"HX-Request": "true"})
        (undo,) = re.findall(r'<form method="post" action="([^"]+)"', done.content.decode())
        operator_client.post(undo, headers={"HX-Request": "true"})
        row.refresh_from_db()
        states.append(row.state)

    assert states == ["closed", "open"]


@pytest.mark.parametrize(("state", "name"), [("closed", "breaker_close"), ("open", "breaker_trip")])
def test_what_changed_no_state_offers_no_way_back_to_another(
    state: str, name: str, operator_client: Client
) -> None:
    """The defect: Undo after closing a closed one, whose failures then count anew, opened it."""
    row = make_breaker("paris")
    if state == "open":
        breakers.trip(row.pk, actor=SYSTEM)

    done = operator_client.post(reverse(name, args=[row.pk]), headers={"HX-Request": "true"})

    assert "circuit breaker" in done.content.decode()
    assert "Undo" not in done.content.decode()


@pytest.mark.parametrize("name", ["breaker_close", "breaker_trip"])
def test_a_viewer_may_only_look(name: str, viewer_client: Client) -> None:
    row = breaker_of(make_job(breaker={}))

    viewer_client.post(reverse(name, args=[row.pk]))

    before = row.changed_at
    row.refresh_from_db()
    assert row.changed_at == before


def test_a_job_shows_its_breaker_and_can_be_run_anyway(operator_client: Client) -> None:
    job = make_job(breaker={"threshold": 3}, schedules=[every(3600)])
    breakers.trip(breaker_of(job).pk, actor=SYSTEM, reason="moved")
    run = reverse("job_run", args=[job.pk])

    page = html_of(operator_client, reverse("job", args=[job.pk]))
    refused = operator_client.post(run, follow=True)
    made = Execution.objects.count()
    operator_client.post(run, {"force": "1"})

    assert "Run anyway" in page
    assert "Next test run" in page
    assert "Circuit breaker is OPEN until" in refused.content.decode()
    assert made == 0
    assert Execution.objects.count() == 1
    card = html_of(operator_client, reverse("p_job_breaker", args=[job.pk]))
    assert 'id="job-breaker"' in card


def test_a_job_without_one_shows_none(viewer_client: Client) -> None:
    assert "job-breaker" not in html_of(viewer_client, reverse("job", args=[make_job().pk]))


def test_a_job_that_was_enabled_again_says_what_the_next_run_decides(viewer_client: Client) -> None:
    job = make_job(auto_disable_after=5, retry={"max_attempts": 2, "on_exit_codes": [75]})
    Job.objects.filter(pk=job.pk).update(consecutive_failures=5)
    path = reverse("job", args=[job.pk])

    again = html_of(viewer_client, path)
    Job.objects.filter(pk=job.pk).update(state="auto_disabled")
    stopped = html_of(viewer_client, path)

    assert "the next failure stops it, a success is the recovery" in again
    assert "exit codes 75" in again
    assert "It waits for somebody to enable it" in stopped


def test_the_page_of_one_shows_state_settings_and_all_its_jobs(
    viewer_client: Client, operator_client: Client
) -> None:
    for number in range(7):
        make_job(name=f"user-{number}", breaker={"name": "paris", "threshold": 3})
    row = Breaker.objects.get()
    path = reverse("breaker", args=[row.pk])

    operator_client.post(reverse("breaker_trip", args=[row.pk]), {"reason": "The disk is full"})
    html = viewer_client.get(path).content.decode()

    assert "The disk is full" in html
    assert "3 failures in a row within" in html
    assert all(f">user-{number}<" in html for number in range(7))
    assert 'name="reason"' not in html
    assert 'name="reason"' in operator_client.get(path).content.decode()


def test_the_settings_of_a_shared_one_are_changed_and_refused(editor_client: Client) -> None:
    row = make_breaker("paris")
    path = reverse("breaker_edit", args=[row.pk])
    form = sent(editor_client.get(path).content.decode(), "breaker-form")

    unchanged = editor_client.post(path, form)
    before = Breaker.objects.get()
    wrong = editor_client.post(path, {**form, "open_seconds": "soon"})
    saved = editor_client.post(path, {**form, "threshold": "9", "open_seconds": "90s"})

    row.refresh_from_db()
    assert (unchanged.status_code, wrong.status_code, saved.status_code) == (303, 422, 303)
    assert (before.threshold, before.open_seconds) == (2, 300)
    assert 'id="id_open_seconds_error"' in wrong.content.decode()
    assert (row.threshold, row.open_seconds) == (9, 90)


def test_a_job_s_own_is_changed_with_its_job(editor_client: Client) -> None:
    job = make_job(name="alone", breaker={"threshold": 2})

    answer = editor_client.get(reverse("breaker_edit", args=[job.breaker_id]))

    assert answer.status_code == 409
    assert "Change it with that job." in answer.content.decode()


def test_only_an_unused_one_is_deleted(editor_client: Client) -> None:
    unused = make_breaker("unused")
    make_job(name="user", breaker={"name": "used", "threshold": 3})
    used = Breaker.objects.get(name="used")

    refused = editor_client.post(reverse("breaker_delete", args=[used.pk]), follow=True)
    editor_client.post(reverse("breaker_delete", args=[unused.pk]))

    assert "Take it from them first." in refused.content.decode()
    assert list(Breaker.objects.values_list("name", flat=True)) == ["used"]
