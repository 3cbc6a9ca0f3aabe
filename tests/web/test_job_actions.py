"""What the buttons do: without script a redirect with a message, with htmx a toast."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, JobState, Overlap
from jobs.models import Execution, Job
from jobs.services import jobs as job_services
from jobs.web.toasts import from_message
from tests.factories import every, make_execution, make_job, make_variable

HTMX = {"HX-Request": "true"}


@pytest.fixture
def job(db: None) -> Job:
    return make_job(name="report", schedules=[every(3600)], overlap=Overlap.ALLOW, max_parallel=9)


def url(name: str, job: Job) -> str:
    return reverse(name, args=[job.pk])


def test_run_now_without_script_comes_back_with_a_message(
    job: Job, operator_client: Client
) -> None:
    answer = operator_client.post(url("job_run", job), {"next": "/jobs/?q=rep"}, follow=True)

    execution = job.executions.get()
    assert answer.redirect_chain == [("/jobs/?q=rep", 303)]
    assert "Started report:" in answer.content.decode()
    assert url("job", job) in answer.content.decode()
    assert reverse("execution", args=[execution.pk]) in answer.content.decode()
    assert (execution.trigger, execution.actor) == ("manual", "otto")


def test_run_now_by_htmx_answers_a_toast(job: Job, operator_client: Client) -> None:
    answer = operator_client.post(url("job_run", job), headers=HTMX)

    assert answer.status_code == 200
    assert answer["HX-Trigger"] == "changed"
    assert 'hx-target="#toasts"' in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_a_double_click_starts_one_run(job: Job, operator_client: Client) -> None:
    for _click in range(2):
        operator_client.post(url("job_run", job), {"key": "abc"}, headers=HTMX)

    assert job.executions.count() == 1


def test_each_row_has_its_own_key(job: Job, operator_client: Client) -> None:
    make_job(name="other")

    html = operator_client.get(reverse("jobs")).content.decode()

    keys = [part.split('"')[0] for part in html.split('name="key" value="')[1:]]
    assert len(keys) == 2
    assert len(set(keys)) == 2


def test_a_run_that_may_not_start_says_why(operator_client: Client, db: None) -> None:
    job = make_job(name="slow", overlap=Overlap.SKIP)
    make_execution(job)

    answer = operator_client.post(url("job_run", job), headers=HTMX)

    assert answer.status_code == 409
    assert "slow was not started" in answer.content.decode()
    assert 'role="alert"' in answer.content.decode()


def test_a_paused_job_runs_once_and_stays_paused(job: Job, operator_client: Client) -> None:
    operator_client.post(url("job_pause", job))

    answer = operator_client.post(url("job_run", job), headers=HTMX)

    assert "The job stays stopped" in answer.content.decode()
    job.refresh_from_db()
    assert job.state == JobState.PAUSED


def test_pause_tells_the_consequence_and_offers_the_way_back(
    job: Job, operator_client: Client
) -> None:
    answer = operator_client.post(url("job_pause", job), headers=HTMX)

    job.refresh_from_db()
    assert job.state == JobState.PAUSED
    assert "Paused report. Its next run at" in answer.content.decode()
    assert f'action="{url("job_resume", job)}"' in answer.content.decode()


def test_resume_tells_the_next_run(job: Job, operator_client: Client) -> None:
    operator_client.post(url("job_pause", job))

    answer = operator_client.post(url("job_resume", job), headers=HTMX)

    job.refresh_from_db()
    assert job.state == JobState.ACTIVE
    assert "Resumed report. Its next run is at" in answer.content.decode()


def test_a_foreign_address_is_no_way_back(job: Job, operator_client: Client) -> None:
    answer = operator_client.post(url("job_pause", job), {"next": "https://evil.example/"})

    assert answer["Location"] == url("job", job)


def test_several_jobs_at_once(job: Job, operator_client: Client) -> None:
    other = make_job(name="other")
    chosen = {"id": [str(job.pk), str(other.pk), "x"], "do": "pause"}

    answer = operator_client.post(reverse("jobs_bulk"), chosen, headers=HTMX)

    assert "Paused 2 jobs." in answer.content.decode()
    assert set(Job.objects.values_list("state", flat=True)) == {"paused"}


def test_a_pause_of_several_can_be_undone_and_leaves_what_was_paused_before(
    job: Job, operator_client: Client
) -> None:
    """The defect: several paused by a slip had to be found and resumed one by one."""
    other, before = make_job(name="other"), make_job(name="before")
    job_services.pause(before.pk, actor=SYSTEM)
    stopped = make_job(name="stopped")
    Job.objects.filter(pk=stopped.pk).update(state="auto_disabled")
    chosen = {"id": [str(one.pk) for one in (job, other, before, stopped)], "do": "pause"}

    answer = operator_client.post(reverse("jobs_bulk"), chosen, headers=HTMX)
    (undo,) = re.findall(r'action="([^"]*do=resume[^"]*)"', answer.content.decode())
    undone = operator_client.post(unescape(undo), headers=HTMX).content.decode()

    assert "Resumed 2 jobs." in undone
    assert "do=pause" not in undone
    assert set(Job.objects.filter(state="active")) == {job, other}
    running = operator_client.post(reverse("jobs_bulk"), {**chosen, "do": "run"}, headers=HTMX)
    assert "Undo" not in running.content.decode()


def test_one_that_cannot_stops_no_other(job: Job, operator_client: Client) -> None:
    busy = make_job(name="busy")
    make_execution(busy)
    chosen = {"id": [str(busy.pk), str(job.pk)], "do": "run"}

    answer = operator_client.post(reverse("jobs_bulk"), chosen, headers=HTMX)

    html = answer.content.decode()
    assert "Started 1 job." in html
    assert "busy was not started" in html
    assert job.executions.count() == 1


@pytest.mark.parametrize("chosen", [{"do": "run"}, {"do": "explode", "id": "1"}, {"id": "1"}])
def test_nothing_selected_does_nothing(
    chosen: dict[str, str], job: Job, operator_client: Client
) -> None:
    answer = operator_client.post(reverse("jobs_bulk"), chosen, headers=HTMX)

    assert answer.status_code == 400
    assert Execution.objects.count() == 0


def test_delete_asks_with_true_consequences(job: Job, editor_client: Client) -> None:
    make_execution(job)

    page = editor_client.get(url("job_delete", job)).content.decode()
    dialog = editor_client.get(url("p_job_delete", job)).content.decode()

    for html in (page, dialog):
        assert "Delete report?" in html
        assert "1 run is in progress; it is killed." in html
        assert "Its next run at" in html
    assert dialog.lstrip().startswith("<dialog")
    assert "<html" in page


def test_delete_needs_the_name(job: Job, editor_client: Client) -> None:
    answer = editor_client.post(url("p_job_delete", job), {"name": "reprot"}, headers=HTMX)

    assert answer.status_code == 422
    assert "“reprot” is not the name of the job. Type report." in answer.content.decode()
    assert Job.objects.present().count() == 1


def test_enter_behind_the_name_means_delete(job: Job, editor_client: Client) -> None:
    for name in ("job_delete", "p_job_delete"):
        page = editor_client.get(url(name, job)).content.decode()
        form = page[page.index(f'action="{url("job_delete", job)}"') :]
        # A browser takes a form's first button for Enter.
        first = form[form.index("<button") : form.index("</button>")]
        assert first.endswith(">Delete job")
        assert "formaction" not in first


def test_delete_leads_to_the_list_and_keeps_the_history(job: Job, editor_client: Client) -> None:
    execution = make_execution(job, state=ExecutionState.SUCCEEDED.value)

    answer = editor_client.post(url("job_delete", job), {"name": "report"}, follow=True)

    assert answer.redirect_chain == [("/jobs/", 303)]
    assert "Deleted report." in answer.content.decode()
    assert Job.objects.present().count() == 0
    kept = editor_client.get(reverse("execution", args=[execution.pk]))
    assert kept.status_code == 200
    assert "Run again" not in kept.content.decode()


def test_delete_by_dialog_moves_the_whole_page(job: Job, editor_client: Client) -> None:
    answer = editor_client.post(url("p_job_delete", job), {"name": "report"}, headers=HTMX)

    assert answer["HX-Redirect"] == "/jobs/"


def test_a_deleted_job_keeps_a_page_without_actions(job: Job, editor_client: Client) -> None:
    editor_client.post(url("job_delete", job), {"name": "report"})

    html = editor_client.get(url("job", job)).content.decode()

    assert "Deleted" in html
    assert url("job_run", job) not in html


def test_a_message_of_another_part_of_the_product_is_shown() -> None:
    toast = from_message(Message(messages.WARNING, "The disk is full.", extra_tags="disk"))

    assert (toast.text, toast.kind) == ("The disk is full.", "bad")


def test_a_job_that_names_an_unknown_variable_says_so(viewer_client: Client) -> None:
    job = make_job(spec={"command": "echo {{colour}}"}, environment={"A": "{{ size }}"})
    page = reverse("job", args=[job.pk])

    assert "variables that do not exist: colour, size." in viewer_client.get(page).content.decode()
    make_variable(name="colour", value="red")
    make_variable(name="size", value="1")
    assert "do not exist" not in viewer_client.get(page).content.decode()
