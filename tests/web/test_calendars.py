"""Calendars on pages: list, preview, import, saving and deleting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from jobs.models import Calendar, Preference
from jobs.queries.holds import holds_of
from tests.api.test_role_matrix import ICALENDAR
from tests.factories import cron, make_calendar, make_job

pytestmark = pytest.mark.django_db
ALWAYS = {"kind": "weekly", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
          "from": "00:00", "to": "24:00", "label": "Closed"}  # fmt: skip


def html_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def form(**fields: str) -> dict[str, str]:
    return {
        "name": "Quiet",
        "mode": "block",
        "timezone": "Europe/Paris",
        "description": "",
        "windows": "12-25 Christmas",
        "version": "0",
        "do": "save",
        **fields,
    }


def test_the_list_says_what_each_does_who_names_it_and_how_it_stands(
    viewer_client: Client,
) -> None:
    make_calendar(name="Shut", windows=[ALWAYS])
    make_calendar(name="Open", windows=[])
    make_job(calendars=["Shut"])

    rows = html_of(viewer_client, reverse("calendars")).split("<tr data-row>")[1:]

    assert ["Shut" in rows[0], "1 job" in rows[0], "Holds back now" in rows[0]] == [True] * 3
    assert ["Open" in rows[1], "0 jobs" in rows[1], "Lets run now" in rows[1]] == [True] * 3


def test_the_list_is_filtered_and_paged(viewer_client: Client) -> None:
    for number in range(30):
        make_calendar(name=f"cal-{number:02}")

    first = html_of(viewer_client, reverse("calendars"))
    older = first.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]
    second = html_of(viewer_client, reverse("calendars") + older.replace("&amp;", "&"))

    assert first.count("data-row") == 25
    assert second.count("data-row") == 5
    assert html_of(viewer_client, reverse("calendars") + "?q=cal-07").count("data-row") == 1
    assert "No calendar matches" in html_of(viewer_client, reverse("calendars") + "?q=zzz")


def test_a_page_shows_the_next_stretches_on_both_clocks(viewer_client: Client) -> None:
    row = make_calendar(timezone="Asia/Jakarta")
    make_job(name="user-of-it", calendars=[row.name])

    html = html_of(viewer_client, reverse("calendar", args=[row.pk]))

    assert html.split('<ol class="spans">')[1].split("</ol>")[0].count("<li>") == 10
    assert "25 Dec" in html
    assert "24 Dec" in html  # 00:00 in Jakarta, on the reader's clock
    assert "user-of-it" in html


def test_what_holds_back_is_told_in_indonesian(viewer: User, viewer_client: Client) -> None:
    """Windows without a label, on the calendar's page and in the next runs of a job; stored English."""
    Preference.objects.create(user=viewer, language="id")
    weekly = {**ALWAYS, "days": ["sun"], "label": ""}
    row = make_calendar(name="Open", mode="allow", windows=[weekly])
    job = make_job(calendars=["Open"], schedules=[cron("0 12 * * mon")])

    page = html_of(viewer_client, reverse("calendar", args=[row.pk]))
    runs = html_of(viewer_client, reverse("job", args=[job.pk]))
    monday = datetime(2035, 1, 1, tzinfo=UTC)
    [hold] = holds_of([job], monday, monday + timedelta(seconds=1))[job.pk]

    assert "di luar Min" in page
    assert "kalender Open: di luar Min" in runs
    assert "outside Sun" in hold.detail


def test_one_that_runs_out_says_so_in_time(viewer_client: Client) -> None:
    soon, later = make_calendar(name="soon"), make_calendar(name="later")
    now = datetime.now(UTC)
    Calendar.objects.filter(pk=soon.pk).update(expanded_until=now + timedelta(days=89))
    Calendar.objects.filter(pk=later.pk).update(expanded_until=now + timedelta(days=91))

    pages = [html_of(viewer_client, reverse("calendar", args=[one.pk])) for one in (soon, later)]

    assert ["Import it again" in page for page in pages] == [True, False]


def test_the_form_creates_a_calendar(editor_client: Client) -> None:
    answer = editor_client.post(reverse("calendar_new"), form())

    row = Calendar.objects.get()
    assert answer.status_code == 303
    assert answer["Location"] == reverse("calendar", args=[row.pk])
    assert (row.name, row.timezone, row.created_by) == ("Quiet", "Europe/Paris", "edda")
    assert row.windows == [{"kind": "yearly", "month": 12, "day": 25, "label": "Christmas"}]


def test_a_wrong_line_is_told_and_nothing_is_lost(editor_client: Client) -> None:
    answer = editor_client.post(
        reverse("calendar_new"), form(windows="12-25 Christmas\nsome day", timezone="Mars")
    )

    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Line 2: some day is no window" in html
    assert "some day</textarea>" in html
    assert not Calendar.objects.exists()


def test_the_form_of_a_calendar_has_its_windows_and_saves_a_version(
    editor_client: Client,
) -> None:
    row = make_calendar(name="A")
    path = reverse("calendar_edit", args=[row.pk])
    assert "12-25 Christmas" in html_of(editor_client, path)

    editor_client.post(path, form(name="A", version="1", windows="daily 01:00-02:00"))
    late = editor_client.post(path, form(name="A", version="1", windows="01-01"))

    row.refresh_from_db()
    assert (row.version, row.windows[0]["kind"]) == (2, "weekly")
    assert late.status_code == 409
    assert "was changed meanwhile" in late.content.decode()


def test_what_is_typed_is_previewed(editor_client: Client) -> None:
    right = editor_client.post(reverse("p_calendar_preview"), form(name=""))
    wrong = editor_client.post(reverse("p_calendar_preview"), form(windows="some day"))

    assert "Holds back Christmas (25 December), in Europe/Paris." in right.content.decode()
    assert "Line 1: some day is no window" in wrong.content.decode()
    assert not Calendar.objects.exists()


def test_a_file_fills_the_lines_before_anything_is_saved(editor_client: Client) -> None:
    file = SimpleUploadedFile("h.ics", ICALENDAR, content_type="text/calendar")

    answer = editor_client.post(
        reverse("calendar_new"), {**form(do="read", windows=""), "file": file}
    )

    html = answer.content.decode()
    assert answer.status_code == 200
    assert "2099-12-25 Christmas" in html
    assert not Calendar.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"hello", "BEGIN:VCALENDAR"), (b"BEGIN:VCALENDAR" + b" " * 1_000_001, "1,000,000")],
)
def test_a_wrong_file_is_refused(editor_client: Client, content: bytes, words: str) -> None:
    file = SimpleUploadedFile("h.ics", content)

    answer = editor_client.post(reverse("calendar_new"), {**form(do="read"), "file": file})

    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_deleting_one_in_use_is_refused_with_the_jobs(editor_client: Client) -> None:
    row = make_calendar(name="A")
    job = make_job(name="needs-it", calendars=["A"])
    path = reverse("calendar_delete", args=[row.pk])

    refused = editor_client.post(path, headers={"HX-Request": "true"})
    job.calendars.clear()
    done = editor_client.post(path)

    assert refused.status_code == 409
    assert "needs-it" in refused.content.decode()
    assert done.status_code == 303
    assert not Calendar.objects.exists()


def test_a_viewer_sees_no_way_to_change_anything(viewer_client: Client) -> None:
    row = make_calendar()

    html = html_of(viewer_client, reverse("calendar", args=[row.pk]))

    assert reverse("calendar_edit", args=[row.pk]) not in html
    assert reverse("calendar_delete", args=[row.pk]) not in html
