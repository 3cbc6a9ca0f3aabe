"""The form of a job saves and starts one run at once: a test run."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.permissions import SYSTEM, Permission, Role
from jobs.models import Execution, Job
from jobs.services import access
from tests.conftest import signed_in
from tests.factories import cron, make_execution, make_job, make_user
from tests.web.browserform import sent

pytestmark = pytest.mark.django_db
NEW = "/jobs/new/"


def typed(client: Client, **fields: str) -> dict[str, list[str]]:
    page = client.get(NEW).content.decode()
    return sent(
        page,
        "job-form",
        **{"schedule-0-expression": "0 2 * * *", "type": "command", "command": "echo", **fields},
    )


def said(answer: Any) -> str:
    return " ".join(str(one) for one in get_messages(answer.wsgi_request))


def test_a_new_job_is_made_paused_and_runs_once(editor_client: Client) -> None:
    page = editor_client.get(NEW).content.decode()
    assert 'value="save_run">Create paused and run once<' in page

    wrong = editor_client.post(NEW, typed(editor_client, name="?", do="save_run"))
    assert wrong.status_code == 422
    assert not Job.objects.exists()
    answer = editor_client.post(NEW, typed(editor_client, name="tried", do="save_run"))
    assert answer.status_code == 303, answer.content.decode()

    job, run = Job.objects.get(), Execution.objects.get()
    assert (job.name, job.state, run.job, run.trigger) == ("tried", "paused", job, "manual")
    assert answer["Location"] == reverse("execution", args=[run.pk])
    assert said(answer) == "Created tried, paused. This run was started once."


def test_an_edited_job_is_saved_and_runs_once_however_often_it_is_sent(
    editor_client: Client,
) -> None:
    job = make_job(name="mine", schedules=[cron("0 2 * * *")])
    url = reverse("job_edit", args=[job.pk])
    page = editor_client.get(url).content.decode()
    assert 'value="save_run">Save and run once<' in page
    form = sent(page, "job-form", description="better", do="save_run")

    first = editor_client.post(url, form)
    form["version"] = ["2"]
    second = editor_client.post(url, form)

    job.refresh_from_db()
    run = Execution.objects.get()
    assert (job.description, job.version, job.state) == ("better", 2, "active")
    assert first["Location"] == second["Location"] == reverse("execution", args=[run.pk])
    # Beside a run in progress it may not start: what was typed is saved all the same.
    again = sent(editor_client.get(url).content.decode(), "job-form", owner="Ada", do="save_run")
    busy = editor_client.post(url, again)
    job.refresh_from_db()
    assert job.owner == "Ada"
    assert Execution.objects.count() == 1
    assert busy["Location"] == reverse("job", args=[job.pk])
    assert said(busy).startswith("Saved mine. It was not started: ")


def test_a_job_that_needs_a_value_asks_for_it(editor_client: Client) -> None:
    job = make_job(name="asks", parameters=[{"name": "day", "required": True}])
    url = reverse("job_edit", args=[job.pk])

    answer = editor_client.post(
        url, sent(editor_client.get(url).content.decode(), "job-form", owner="Ada", do="save_run")
    )

    job.refresh_from_db()
    assert job.owner == "Ada"
    assert answer["Location"] == reverse("job_run_with", args=[job.pk])
    assert "Fill in its parameters to run it." in said(answer)
    assert not Execution.objects.exists()


def test_who_may_not_run_neither_sees_the_button_nor_saves_with_it(
    editor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = typed(editor_client, name="tried", do="save_run")
    lena = make_user("lena")
    access.grant(lena, Role.EDITOR, tag="mine", actor=SYSTEM)
    limited = signed_in(lena)
    job = make_job(name="theirs", tags=["mine"])
    assert limited.post(NEW, {**form, "tags": ["mine"]}).status_code == 303
    assert Execution.objects.count() == 1

    from jobs.domain import permissions

    without = permissions.ROLE_PERMISSIONS[Role.EDITOR] - {Permission.EXECUTE}
    monkeypatch.setitem(permissions.ROLE_PERMISSIONS, Role.EDITOR, without)
    for url in (NEW, reverse("job_edit", args=[job.pk])):
        for client in (editor_client, limited):
            page = client.get(url).content.decode()
            assert "save_run" not in page
            refused = client.post(url, sent(page, "job-form", name="other", do="save_run"))
            assert "may not run" in said(refused) or refused.status_code == 403
    assert set(Job.objects.values_list("name", flat=True)) == {"tried", "theirs"}
    assert make_execution(job).job == job


def test_a_form_that_was_gone_back_to_and_changed_runs_what_it_says_now(
    editor_client: Client,
) -> None:
    job = make_job(name="mine", schedules=[cron("0 2 * * *")])
    url = reverse("job_edit", args=[job.pk])
    form = sent(editor_client.get(url).content.decode(), "job-form", do="save_run")
    first = editor_client.post(url, form)
    Execution.objects.update(state="succeeded", finished_at=timezone.now())
    form["description"] = ["better"]

    second = editor_client.post(url, form)

    job.refresh_from_db()
    assert (job.version, Execution.objects.count()) == (2, 2)
    assert first["Location"] != second["Location"]
