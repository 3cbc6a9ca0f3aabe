"""The page that imports jobs: a text or a file, looked at, made paused, taken back."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from jobs.domain.permissions import SYSTEM, Role
from jobs.importers import notes
from jobs.models import AuditEntry, Job
from jobs.services import access
from jobs.services import jobs as job_services
from jobs.web import import_words
from tests.conftest import signed_in
from tests.factories import make_job, make_user

URL = "/jobs/import/"
TEXT = """# Nightly copy
10 2 * * 1-5 /opt/copy.sh --all
@hourly /opt/sweep.sh
61 * * * * date
"""


def told(client: Client, *, status: int = 200, **fields: Any) -> str:
    answer = client.post(URL, fields)
    assert answer.status_code == status, answer.content
    return html.unescape(answer.content.decode())


def fields_of(page: str) -> dict[str, Any]:
    """Return what a browser would send of the form, with the boxes that are checked."""
    sent: dict[str, Any] = dict(
        re.findall(r'name="(source|seen|timezone|home|prefix|workspace|tag)" value="([^"]*)"', page)
    )
    sent["text"] = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", page, re.DOTALL)[1]  # type: ignore[index]
    sent["chosen"] = re.findall(r'name="chosen" value="(\d+)" checked', page)
    return sent


@pytest.mark.django_db
def test_a_crontab_is_shown_made_paused_and_taken_back(editor_client: Client) -> None:
    make_job(name="sweep.sh")
    empty = html.unescape(editor_client.get(URL).content.decode())
    tag = re.search(r'name="tag" value="(import-[\d-]+)"', empty)
    assert tag is not None

    page = told(editor_client, do="preview", text=TEXT.replace("\n", "\r\n"), tag=tag[1])

    for text in (
        "Read as: A crontab.",
        "1 new, 1 here already, 1 refused.",
        "/opt/copy.sh --all",
        "02:10",
        "cron would start it beside the first",
        "A job named sweep.sh exists already.",
        "line 4",
    ):
        assert text in page
    assert not Job.objects.exclude(name="sweep.sh").exists()
    sent = fields_of(page)
    assert (sent["text"], sent["chosen"]) == (TEXT, ["1"])

    changed = told(editor_client, **{**sent, "prefix": "x-"}, do="create")
    assert "something was changed since the preview" in changed
    assert "x-copy.sh" in changed
    none = told(editor_client, **{**sent, "chosen": []}, do="create", status=422)
    assert "no job is chosen" in none
    assert fields_of(none)["chosen"] == []
    assert Job.objects.count() == 1

    done = told(editor_client, **sent, do="create")

    job = Job.objects.get(name="copy.sh")
    assert "1 job was made, paused" in done
    assert f'href="/jobs/?tag={tag[1]}"' in done
    assert f"/jobs/change/?do=resume&id={job.pk}" in done
    assert (job.state, job.tags, job.description) == ("paused", [tag[1]], "Nightly copy")
    assert AuditEntry.objects.filter(action="job.create", object_id=job.pk).exists()
    listed = editor_client.get(f"/jobs/?tag={tag[1]}").content.decode()
    assert "copy.sh" in listed
    assert "sweep.sh" not in listed

    undo = {"do": "unimport", "job": re.findall(r'name="job" value="(\d+:\d+)"', done)}
    gone = editor_client.post("/jobs/change/", undo)
    assert "Took back the import of 1 job." in gone.content.decode()
    assert not Job.objects.present().filter(name="copy.sh").exists()


@pytest.mark.django_db
def test_what_is_wrong_keeps_the_text_and_says_why(editor_client: Client) -> None:
    none = told(editor_client, do="preview", text="# nothing", kind="crontab", status=422)
    assert "The text holds no job." in none
    assert fields_of(none)["text"] == "# nothing"
    zone = told(editor_client, do="preview", text=TEXT, timezone="Mars", status=422)
    assert "Mars" in zone
    assert fields_of(zone)["text"] == TEXT

    # A name that somebody took after the preview: all stays as it was, and the row says it.
    sent = fields_of(told(editor_client, do="preview", text=TEXT))
    assert sent["chosen"] == ["1", "2"]
    make_job(name="sweep.sh")
    taken = told(editor_client, **sent, do="create", status=422)
    assert "one of the chosen jobs was refused" in taken
    assert "A job named sweep.sh exists already" in taken
    assert fields_of(taken)["chosen"] == ["1"]
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_each_error_of_a_job_file_has_a_line_and_the_preview_has_the_focus(
    editor_client: Client,
) -> None:
    text = 'name: x\ntype: http\nspec: {url: nope}\nschedules: [{kind: cron, expression: "99 * * * *"}]\n'

    page = told(editor_client, do="preview", text=text)

    assert "<div>spec.url: url must begin with http:// or https://</div>" in page
    assert "<div>schedules.0.expression: Minute 99 does not exist. Use 0 to 59.</div>" in page
    assert '<h2 tabindex="-1" autofocus>What would be made</h2>' in page


@pytest.mark.django_db
def test_a_file_takes_the_place_of_the_text(editor_client: Client) -> None:
    def sent(content: bytes, name: str = "sweep.json", status: int = 200) -> str:
        file = SimpleUploadedFile(name, content)
        return told(editor_client, do="create", text="kept", file=file, status=status)

    page = sent(b'{"type": "command", "command": "echo 1", "schedule": "0 1 * * *"}')
    assert "Read as: Job files, JSON or YAML." in page
    fields = fields_of(page)
    assert (fields["source"], fields["chosen"]) == ("sweep.json", ["1"])
    assert "echo 1" in fields["text"]
    assert not Job.objects.exists()
    told(editor_client, **fields, do="create")
    assert Job.objects.get().name == "sweep"

    binary = sent(b"\xff\xfe\x00", status=422)
    assert "not text in UTF-8 (byte 0)" in binary
    large = sent(b"x" * 500_001, status=422)
    assert "more than 500 kB" in large
    assert fields_of(large)["text"] == "kept"


@pytest.mark.django_db
def test_who_may_not_edit_imports_nothing_and_who_edits_some_does_there(
    operator_client: Client,
) -> None:
    assert operator_client.get(URL).status_code == 403
    assert operator_client.post(URL, {"text": TEXT})["Location"] == "/"
    assert URL not in operator_client.get("/jobs/").content.decode()
    lena = make_user("lena")
    access.grant(lena, Role.EDITOR, tag="mine", actor=SYSTEM)
    client = signed_in(lena)

    refused = told(client, do="preview", text=TEXT)
    assert "0 new, 0 here already, 3 refused." in refused
    made = told(client, **fields_of(told(client, do="preview", text=TEXT, tag="mine")), do="create")
    assert "2 jobs were made" in made
    # What somebody changed since is no longer taken back.
    job_services.update(Job.objects.get(name="copy.sh").pk, {"owner": "Ada"}, actor=SYSTEM)
    undo = {"do": "unimport", "job": re.findall(r'name="job" value="(\d+:\d+)"', made)}
    back = html.unescape(client.post("/jobs/change/", undo).content.decode())
    assert "Took back the import of 1 job. 1 refused." in back
    assert "copy.sh was changed or has run since it was made: it stays." in back


def test_every_note_is_in_the_catalog_and_reads_well_in_it() -> None:
    assert set(import_words.NOTES) == set(notes.ALL)
    used = Path(notes.__file__).parent.rglob("*.py")
    text = "".join(path.read_text() for path in used if path.name != "notes.py")
    names = [name for name, value in vars(notes).items() if value in notes.ALL]
    assert {name for name in names if f"notes.{name}" not in text} == set()
    values = {"shell": "x", "user": "x", "field": "x", "fields": "x", "years": "x", "target": "x"}
    for sentence in notes.ALL:
        one = notes.Note(sentence, {**values, "event": "x"})
        with translation.override("id"):
            assert import_words.note(one) != str(one)
