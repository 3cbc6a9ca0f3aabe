"""The palette and its page without script: what is found, and what may be done with it."""

from __future__ import annotations

import html

from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM, Role
from jobs.services import access
from jobs.services import jobs as job_services
from tests.conftest import signed_in
from tests.factories import every, make_execution, make_job, make_user


def offered(client: Client, text: str, name: str = "p_search") -> str:
    answer = client.get(reverse(name), {"q": text})
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_jobs_runs_pages_and_actions_are_offered_as_options_and_on_a_page(
    editor_client: Client,
) -> None:
    job = make_job(name="nightly-backup", tags=["data"], schedules=[every(60)])
    given = make_job(name="backup-given", parameters=[{"name": "day"}])
    execution = make_execution(job, state="failed")
    stopped = make_job(name="stopped", paused=True)

    options = offered(editor_client, "backup")
    page = offered(editor_client, "backup", "search")

    for text in (options, page):
        assert f'href="/jobs/{job.pk}/"' in text
        for title in (
            "Run nightly-backup now",
            "Pause nightly-backup",
            "Edit nightly-backup",
            "Run backup-given with parameters",
        ):
            assert title in text
        assert f'href="/jobs/{given.pk}/run/with/"' in text
        assert "Resume nightly" not in text
    assert options.count('role="option"') == options.count('tabindex="-1"') >= 7
    assert f'action="/jobs/{job.pk}/pause/"' in page
    assert "Resume stopped" in offered(editor_client, "stopped")
    assert f'href="/executions/{execution.pk}/"' in offered(editor_client, f"#{execution.pk}")
    assert "Failed" in offered(editor_client, str(execution.pk))
    assert 'href="/timeline/"' in offered(editor_client, "TIMEL")
    assert "Nothing matches “<zzz>”" in offered(editor_client, "<zzz>", "search")
    assert "<zzz>" not in editor_client.get(reverse("search"), {"q": "<zzz>"}).content.decode()
    everything = offered(editor_client, "")
    assert 'href="/jobs/"' in everything
    assert 'href="/audit/"' not in everything
    asked = offered(editor_client, "pause backup")
    assert "Pause nightly-backup" in asked
    assert "Run " not in asked
    assert offered(editor_client, "Jeda backup").count("Pause ") == asked.count("Pause ")
    assert "Resume stopped" in offered(editor_client, "resume stop")
    assert f"/jobs/{stopped.pk}/resume/" in offered(editor_client, "resume stop")


def test_a_deed_of_the_palette_is_done_with_and_without_script(operator_client: Client) -> None:
    job = make_job(name="backup", schedules=[every(60)])
    url = f"/jobs/{job.pk}/pause/"
    assert url in offered(operator_client, "backup")

    toast = operator_client.post(url, headers={"HX-Request": "true"})
    back = operator_client.post(f"/jobs/{job.pk}/resume/", {"next": "/search/?q=backup"})

    assert toast["HX-Trigger"] == "changed"
    assert back["Location"] == "/search/?q=backup"


def test_nobody_is_offered_what_he_may_not_see_or_do(viewer_client: Client) -> None:
    mine, theirs = make_job(name="till-mine", tags=["mine"]), make_job(name="till-theirs")
    execution = make_execution(theirs)
    gone = make_job(name="till-gone", tags=["mine"])
    job_services.delete(gone.pk, actor=SYSTEM)
    lena = make_user("lena")
    access.grant(lena, Role.OPERATOR, tag="mine", actor=SYSTEM)
    client = signed_in(lena)

    looking = offered(viewer_client, "till")
    partly = offered(client, "till")

    assert f'href="/jobs/{theirs.pk}/"' in looking
    assert "formaction" not in looking
    assert "Edit" not in looking
    assert f"/jobs/{mine.pk}/run/" in partly
    assert "Edit till" not in partly
    for text in (partly, offered(client, f"#{execution.pk}"), offered(client, "run till")):
        assert "theirs" not in text
        assert "till-gone" not in text
    pages = offered(client, "")
    assert all(f'href="{path}"' in pages for path in ("/jobs/", "/alerts/", "/freezes/", "/tv/"))
    hidden = ("/people/", "/variables/", "/queues/", "/channels/", "/check-ins/", "/settings/")
    assert not any(f'href="{path}"' in pages for path in hidden)
    assert all(client.get(path).status_code == 200 for path in ("/alerts/", "/freezes/", "/tv/"))


def test_the_frame_leads_to_the_palette_and_the_keys_without_script(viewer_client: Client) -> None:
    frame = viewer_client.get("/").content.decode()
    keys = viewer_client.get(reverse("keyboard")).content.decode()

    assert '<a class="jump" href="/search/" data-open="palette" data-key="/">' in frame
    assert 'href="/keyboard/" data-open="keys"' in frame
    for key in ("/", "o", "j", "e", "t", "h", "n", "k", "x", "r", "p", ".", "?"):
        assert f"<kbd>{key}</kbd>" in keys
