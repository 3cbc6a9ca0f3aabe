"""Dependencies on the pages: the form, the job, the run, the lists and the question before deleting."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from jobs.domain.permissions import SYSTEM
from jobs.models import Job
from jobs.services import jobs as job_services
from jobs.services.stored_definitions import definition_of
from tests.factories import cron, make_job
from tests.services.test_dependencies import run, serve, starts
from tests.web.test_job_form import filled

pytestmark = pytest.mark.django_db


def text_of(client: Client, url: str) -> str:
    """Return what a page says, without its tags."""
    answer = client.get(url)
    assert answer.status_code == 200
    found = re.sub(
        r"<(script|style).*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL
    )
    return re.sub(r"\s+", " ", unescape(found)).replace(" .", ".").replace(" ,", ",")


def form_of(**fields: str) -> dict[str, str]:
    """Return the form as a browser sends it, without a schedule."""
    whole = filled(**fields)
    return {name: value for name, value in whole.items() if not name.startswith("schedule-")}


def ungrouped(text: str) -> str:
    """Return the text with its numbers in one piece."""
    return re.sub(r"(?<=\d)\s(?=\d)", "", text)


def test_rows_are_added_filled_in_and_taken_out_without_script(editor_client: Client) -> None:
    make_job(name="load")
    make_job(name="fetch")

    added = editor_client.post("/jobs/new/", form_of(do="add_after")).content.decode()
    assert 'name="after-0-job"' in added
    assert '<option value="load">' in added
    rows = {
        "after-0-job": " load ", "after-0-on": "success",
        "after-1-job": "", "after-1-on": "success",
        "after-2-job": "fetch", "after-2-on": "done",
    }  # fmt: skip
    previewed = editor_client.post("/p/jobs/preview/", form_of(**rows)).content.decode()
    assert "It runs after load succeeded and fetch ended, however." in unescape(previewed)
    editor_client.post("/jobs/new/", form_of(**rows))

    report = Job.objects.get(name="report")
    assert definition_of(report)["depends_on"] == [
        {"job": "fetch", "on": "done"},
        {"job": "load", "on": "success"},
    ]
    shown = editor_client.get(f"/jobs/{report.pk}/edit/").content.decode()
    assert 'value="fetch"' in shown
    left = form_of(version="1", **{"after-1-job": "load", "after-1-on": "failure"})
    editor_client.post(f"/jobs/{report.pk}/edit/", left)
    report = Job.objects.get(name="report")
    assert definition_of(report)["depends_on"] == [{"job": "load", "on": "failure"}]
    copied = editor_client.get(f"/jobs/new/?copy={report.pk}").content.decode()
    assert 'name="after-0-job" value="load"' in copied


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"job": "nobody"}, "Job nobody does not exist"),
        ({"job": "report"}, "report cannot wait for itself"),
        ({"job": "last"}, "report -> last -> report"),
        ({"job": "a b"}, "is not allowed"),
        ({"job": "load", "on": "never"}, "is not allowed"),
    ],
)
def test_what_cannot_be_waited_for_is_told_at_its_row(
    editor_client: Client, row: dict[str, str], sentence: str
) -> None:
    make_job(name="load")
    report = make_job(name="report")
    make_job(name="last", depends_on=["report"])
    typed = {"after-0-job": "load", "after-3-on": "done"}
    typed |= {f"after-3-{name}": value for name, value in row.items()}
    if row["job"] == "load":
        del typed["after-0-job"]

    answer = editor_client.post(f"/jobs/{report.pk}/edit/", form_of(version="1", **typed))

    assert answer.status_code == 422
    page = unescape(answer.content.decode())
    number = 0 if row["job"] == "load" else 1
    at_row = page[page.index(f'id="id_after-{number}-job"') :]
    assert sentence in at_row[: at_row.index("remove_after")]


def test_the_page_of_a_job_shows_the_tree_and_what_is_lacking(viewer_client: Client) -> None:
    load, fetch = make_job(name="load"), make_job(name="fetch")
    report = make_job(name="report", depends_on=["load", {"job": "fetch", "on": "done"}])
    mail = make_job(name="mail", depends_on=[{"job": "report", "on": "failure"}], paused=True)
    number = run(load)
    serve()

    page = text_of(viewer_client, f"/jobs/{report.pk}/")
    region = viewer_client.get(f"/p/jobs/{report.pk}/dependencies/").content.decode()

    assert "It runs after fetch ended, however and load succeeded. It waits for fetch." in page
    assert f"load succeeded Succeeded came with #{number}" in ungrouped(page)
    assert "mail once report failed has never run Paused" in page
    assert f'href="/jobs/{mail.pk}/"' in region
    assert region.count("<ul") == region.count("</ul>")
    assert region.count("<li") == region.count("</li>")
    assert "by hand" not in page
    alone = viewer_client.get(f"/jobs/{make_job().pk}/").content.decode()
    assert re.search(r'<section class="panel" id="job-dependencies"[^>]* hidden', alone)
    assert f"/jobs/{fetch.pk}/" in region


def test_lists_and_the_timeline_say_after_what_it_runs(viewer_client: Client) -> None:
    make_job(name="load", schedules=[cron("0 4 * * *")])
    make_job(name="report", depends_on=["load"])
    make_job(name="both", depends_on=["load"], schedules=[cron("0 5 * * *")])

    listed = text_of(viewer_client, "/jobs/")

    assert "After load succeeded" in listed
    assert "At 05:00, and after load succeeded" in listed or ", and after load succeeded" in listed
    assert "After other jobs" in listed
    for url in ("/jobs/", "/timeline/", "/"):
        assert "by hand" not in text_of(viewer_client, url).replace("Started by hand", "").replace(
            "by hand or", ""
        ), url


def test_runs_are_linked_to_what_started_them_and_what_they_started(viewer_client: Client) -> None:
    load = make_job(name="load")
    report = make_job(name="report", depends_on=["load"])
    number = run(load)
    serve()
    (made,) = starts(report)

    below = viewer_client.get(f"/executions/{made.pk}/").content.decode()
    upper = viewer_client.get(f"/executions/{number}/").content.decode()

    assert f'href="/executions/{number}/">#{number} of load' in ungrouped(below)
    assert f'href="/executions/{made.pk}/">#{made.pk} of report' in ungrouped(upper)
    assert "another job" in below
    assert "It started" not in below


def test_deleting_names_who_waits_and_who_never_runs_then(admin_client: Client) -> None:
    load, fetch = make_job(name="load"), make_job(name="fetch")
    make_job(name="report", depends_on=["load"])
    make_job(name="mail", depends_on=["load", "fetch"])
    make_job(name="both", depends_on=["load"], schedules=[cron("0 5 * * *")])

    asked = text_of(admin_client, f"/jobs/{load.pk}/delete/")
    other = text_of(admin_client, f"/jobs/{fetch.pk}/delete/")

    assert "both, mail, report wait for it" in asked
    assert "report has no schedule and waits for no other job" in asked
    assert "mail waits for it" in other
    assert "no schedule" not in other
    job_services.delete(load.pk, actor=SYSTEM)
    report = Job.objects.get(name="report")
    assert "It runs by hand or by the API only" in text_of(admin_client, f"/jobs/{report.pk}/")
