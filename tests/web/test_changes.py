"""A job's versions on its page: what each changed, and bringing one back."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM, Role
from jobs.models import AuditEntry, Job, JobVersion, Workspace
from jobs.services import access, rollbacks, workspaces
from jobs.services import jobs as job_services
from jobs.services.stored_definitions import definition_of
from tests.factories import make_changed_job, make_job, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def changed(db: None) -> Job:
    """Return a job at version 3."""
    return make_changed_job()


def page(client: Client, job: Job, query: str = "") -> str:
    return client.get(reverse("job_changes", args=[job.pk]) + query).content.decode()


def test_each_version_says_who_changed_what(viewer_client: Client, changed: Job) -> None:
    html = page(viewer_client, changed)

    assert html.index('id="v3"') < html.index('id="v2"') < html.index('id="v1"')
    assert "<summary>name, schedules, timeout seconds</summary>" in html
    assert "<ins>Daily at 05:00 (0 5 * * * · UTC)</ins>" in html
    assert "<del>- echo two</del>" in html
    assert "<ins>+ echo three</ins>" in html
    assert "environment.API KEY" in html, "that a secret changed is told"
    assert "first-secret" not in html, "what it was is not"
    assert "Bring back" not in html


def test_a_version_is_compared_and_brought_back(editor_client: Client, changed: Job) -> None:
    """The consequences first: what differs, and what it does to the coming runs."""
    compared = page(editor_client, changed, "?v=1..3")
    url = reverse("job_restore", args=[changed.pk, 1])
    stale = editor_client.post(url, {"current": "2"}, headers={"HX-Request": "true"})
    restored = editor_client.post(url, {"current": "3"}, follow=True).content.decode()
    again = editor_client.post(url, follow=True).content.decode()
    job = Job.objects.get(pk=changed.pk)

    assert "Bring back version 1" in compared
    # Between three and five the first of them is over on one clock and to come on the other.
    assert re.search("(29|30) runs move within their day", compared)
    assert (stale.status_code, job.version) == (409, 4)
    assert "nightly is as in version 1 again" in restored
    assert "nightly is as in version 1 already" in again
    assert definition_of(job) == JobVersion.objects.get(job=job, version=1).definition
    assert AuditEntry.objects.filter(action="job.update").latest("pk").note == "As in version 1."


def test_what_cannot_be_compared_is_told_on_the_page(viewer_client: Client, changed: Job) -> None:
    assert "has no version 9. Use 1 to 3." in page(viewer_client, changed, "?v=1..9")
    assert "Compare two versions" in page(viewer_client, changed, "?v=x")
    assert "They say the same" in page(viewer_client, changed, "?v=2..2")


def test_a_deleted_job_keeps_its_changes_and_brings_none_back(
    editor_client: Client, changed: Job
) -> None:
    job_services.delete(changed.pk, actor=SYSTEM)

    assert "Bring back" not in page(editor_client, changed, "?v=1..3")
    refused = editor_client.post(reverse("job_restore", args=[changed.pk, 1]), {"current": "3"})
    assert refused.status_code == 404 or "does not exist" in page(editor_client, changed)


def test_a_name_that_is_taken_meanwhile_is_refused(editor_client: Client, changed: Job) -> None:
    make_job(name="nightly")

    refused = editor_client.post(
        reverse("job_restore", args=[changed.pk, 1]), headers={"HX-Request": "true"}
    )

    assert refused.status_code == 409
    assert "A job named nightly exists already" in refused.content.decode()
    assert Job.objects.get(pk=changed.pk).version == 3


def test_what_a_later_release_added_stays_when_an_old_version_comes_back(changed: Job) -> None:
    """A stored definition knows neither new fields nor that a field of it is gone."""
    old = JobVersion.objects.get(job=changed, version=1)
    old.definition = {**old.definition, "of_long_ago": 1}
    del old.definition["priority"]
    old.save()
    job_services.update(changed.pk, {"priority": 7}, actor=SYSTEM)

    back = rollbacks.restore(changed.pk, 1, actor=SYSTEM)

    assert (back.name, back.priority, back.version) == ("nightly", 7, 5)


def test_a_role_for_one_workspace_reads_no_secret_of_another(db: None, client: Client) -> None:
    """What the job held while it lived elsewhere is masked; its own place is shown whole."""
    for name in ("there", "here"):
        workspaces.create(workspaces.parse_workspace({"name": name}), actor=SYSTEM)
    job = make_job(workspace="there", environment={"API_KEY": "of-there"})
    changes = {"workspace": "here", "environment": {"API_KEY": "of-here"}}
    job_services.update(job.pk, changes, actor=SYSTEM)
    keeper = make_user("keeper")
    access.grant(keeper, Role.EDITOR, workspace=Workspace.objects.get(name="here"), actor=SYSTEM)
    client.force_login(keeper)

    html = page(client, job, "?v=1..2")

    assert "of-there" not in html
    assert "of-here" in html
