"""A job is duplicated by the form of a new one, filled with all that the first has."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from jobs.models import Job
from tests.factories import cron, make_job
from tests.web.browserform import sent


def test_a_duplicate_has_a_free_name_and_everything_else(editor_client: Client) -> None:
    job = make_job(
        name="backup", tags=["data"], queue="slow", schedules=[cron("0 2 * * *", "Europe/Paris")]
    )
    page = editor_client.get(reverse("job", args=[job.pk])).content.decode()
    address = f"{reverse('job_new')}?copy={job.pk}"
    assert f'href="{address}"' in page

    names = []
    for _time in range(2):
        html = editor_client.get(address).content.decode()
        form = sent(html, "job-form", do="save_paused")
        assert editor_client.post(reverse("job_new"), form).status_code == 303
        names += form["name"]

    assert names == ["copy-of-backup", "copy-of-backup-2"]
    copy = Job.objects.get(name="copy-of-backup")
    assert (copy.tags, copy.queue, copy.state) == (["data"], "slow", "paused")
    assert [row.expression for row in copy.schedules.all()] == ["0 2 * * *"]


def test_the_name_of_a_duplicate_is_never_too_long(editor_client: Client) -> None:
    job = make_job(name="x" * 100)

    html = editor_client.get(f"{reverse('job_new')}?copy={job.pk}").content.decode()

    assert sent(html, "job-form")["name"][0] == "copy-of-" + "x" * 85
