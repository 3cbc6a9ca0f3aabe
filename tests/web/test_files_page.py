"""The page of the configuration directory, and what the pages of a job say about its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from jobs.domain.permissions import SYSTEM
from jobs.models import Job
from jobs.services import files, jobs
from tests.factories import make_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    """Write one good file, one workspace and a broken file; apply them."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "workspaces" / "my-app").mkdir(parents=True)
    good = {"name": "good", "type": "command", "schedule": "0 2 * * *", "command": "true"}
    (tmp_path / "jobs" / "good.json").write_text(json.dumps(good))
    (tmp_path / "jobs" / "bad.json").write_text('{\n "name": "bad",\n "type": "x"\n}')
    room = {"enabled": True, "description": "Ours", "jobs": [{**good, "name": "inside"}]}
    (tmp_path / "workspaces" / "my-app" / "config.json").write_text(json.dumps(room))
    settings.JOBDECK = {**settings.JOBDECK, "CONFIG_DIR": tmp_path}
    files.apply(tmp_path)
    return tmp_path


def test_files_are_shown_with_line_and_reason_and_what_they_define(
    root: Path, viewer_client: Client
) -> None:
    """S1-05, S1-07: the broken one is named with its line, the others are at work."""
    page = viewer_client.get(reverse("files")).content.decode()
    broken = viewer_client.get(reverse("files"), {"state": "broken"}).content.decode()
    nothing = viewer_client.get(reverse("files"), {"q": "nowhere"}).content.decode()

    assert page.index("jobs/bad.json:3") < page.index("jobs/good.json"), "trouble first"
    assert "invalid job type" in page
    assert "workspace my-app" in page
    assert "inside" in page
    assert "jobs/good.json" not in broken
    assert "No file matches" in nothing


def test_what_a_person_changed_of_a_file_s_job_is_shown_and_given_back(
    root: Path, editor_client: Client, viewer_client: Client
) -> None:
    """S1-07: the same job on the page, marked as its file's, the edit guided to the file."""
    job = Job.objects.get(name="good")
    page = reverse("job", args=[job.pk])
    untouched = viewer_client.get(page).content.decode()
    form = editor_client.get(reverse("job_edit", args=[job.pk])).content.decode()
    jobs.update(job.pk, {"description": "Mine", "priority": 7}, actor=SYSTEM)
    changed = editor_client.get(page).content.decode()
    listed = editor_client.get(reverse("files")).content.decode()
    given = editor_client.post(reverse("job_give_back", args=[job.pk]), follow=True)
    job.refresh_from_db()

    assert "jobs/good.json in the configuration directory defines it: edit the file" in untouched
    assert "edit the file" in form
    assert "Changed here, and kept when the file changes: description, priority" in changed
    assert "good was changed by hand: description, priority" in listed
    assert "is as its file says again" in given.content.decode()
    assert (job.description, job.priority) == ("", 0)
    assert "Give back to the file" not in viewer_client.get(page).content.decode()


def test_a_job_of_no_file_cannot_be_given_back(editor_client: Client, root: Path) -> None:
    other = make_job(name="by-hand")

    refused = editor_client.post(
        reverse("job_give_back", args=[other.pk]), headers={"HX-Request": "true"}
    )

    assert refused.status_code == 409
    assert "is defined by no file" in refused.content.decode()
    assert (
        "configuration directory"
        not in editor_client.get(reverse("job", args=[other.pk])).content.decode()
    )


def test_without_a_directory_the_page_says_how_to_name_one(db: None, viewer_client: Client) -> None:
    page = viewer_client.get(reverse("files")).content.decode()

    assert "JOBDECK_CONFIG_DIR" in page
