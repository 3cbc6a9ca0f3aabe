"""The pages about the installation: settings in effect, how it stands, the canary."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client, override_settings

from jobs import conf
from jobs.models import Execution, Preference
from scheduler_site.env import Env
from tests.factories import cron, make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db


def text_of(content: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content.decode()))


def read(source: dict[str, str]) -> Env:
    """Read some settings as the settings file does."""
    env = Env(source)
    env.text("HOST", "127.0.0.1")
    env.boolean("HTTPS", default=False)
    env.integer("WORKERS", 4, low=1, high=256)
    env.text("SECRET_KEY")
    env.text("DATABASE_URL", "sqlite:///x")
    env.text("OPEN_LOOPBACK", "True")
    return env


def test_every_setting_is_listed_with_its_meaning(admin_client: Client) -> None:
    """S4-87."""
    page = admin_client.get("/settings/").content.decode()

    documented = conf.settings_page().read_text()
    for name in settings.SETTINGS_READ:
        if f"| `{name}` |" not in documented:
            continue  # another test tells that
        row = page.split(f'id="setting-{name}"')[1].split("</tr>")[0]
        assert text_of(row.split('c-job">')[1].encode()).strip(), f"{name} has no meaning"
    assert settings.SECRET_KEY not in page
    assert "](" not in page, "no Markdown is left"


def test_values_come_from_somewhere_and_secrets_stay(admin_client: Client, tmp_path: Path) -> None:
    """S4-94."""
    file = tmp_path / "url"
    file.write_text("postgres://me:hush@db/jobs\n")
    env = read({"HOST": "0.0.0.0", "SECRET_KEY": "hush" * 20, "DATABASE_URL_FILE": str(file)})
    with override_settings(SETTINGS_READ=env.readings, OPEN_LOOPBACK=False):
        answer = admin_client.get("/settings/")
        risky = text_of(admin_client.get("/settings/?show=risky").content)
        named = text_of(admin_client.get("/settings/?q=clusters+nonsense").content)

    text = text_of(answer.content)
    assert "hush" not in answer.content.decode()
    assert "SECRET_KEY Set, not shown Environment signs sessions" in text
    assert f"DATABASE_URL postgres://***@db/jobs File {file}" in text
    assert "WORKERS 4 Default executions that one cluster" in text
    assert "OPEN_LOOPBACK 1 Not in effect: HOST, HTTPS or TRUST_PROXY switches it off" in text
    assert "Set by somebody 3" in text
    assert "cross the network readable" in risky
    assert "WORKERS" not in risky
    assert "No setting matches clusters nonsense" in named


def test_meanings_are_told_in_the_readers_language(admin: User, admin_client: Client) -> None:
    """The manual's words and what stands for a value; the API tells them in English."""
    Preference.objects.create(user=admin, language="id")

    text = text_of(admin_client.get("/settings/").content)
    program = json.dumps(admin_client.get("/api/v1/settings").json())

    assert "berapa lama sebuah login berlaku" in text
    assert "1 : juga mendengarkan di port yang dikenal program" in text
    assert "how long a login lasts" in program


def test_the_filter_finds_by_name_value_and_meaning(admin_client: Client) -> None:
    def found(query: str) -> list[str]:
        page = admin_client.get("/settings/", {"q": query}).content.decode()
        return re.findall(r'id="setting-([A-Z_]+)"', page)

    assert found("session_age") == ["SESSION_AGE"]
    assert "SESSION_AGE" in found("LOGIN LASTS")
    assert "SCHEDULED_JOBS_TIME_ZONE" in found("asia/jakarta")


def test_settings_are_for_administrators(editor_client: Client) -> None:
    assert editor_client.get("/settings/").status_code == 403
    assert "/settings/" not in editor_client.get("/about/").content.decode()


def test_a_viewer_sees_how_the_installation_stands(viewer_client: Client) -> None:
    text = text_of(viewer_client.get("/about/").content)

    assert "Something is broken: jobs do not run as they should." in text
    assert "Bad Dispatcher No dispatcher has ever run" in text
    assert "Well Tables All tables are up to date." in text
    assert "Send a canary" not in text
    assert viewer_client.post("/about/canary/").status_code in (302, 303, 403)
    assert not Execution.objects.exists()


def test_the_canary_is_watched_until_it_has_ended(admin_client: Client) -> None:
    answer = admin_client.post("/about/canary/")

    run = Execution.objects.get()
    assert answer["Location"] == f"/about/?run={run.pk}#canary"
    page = admin_client.get(answer["Location"]).content.decode()
    assert f'hx-get="/p/about/canary/?run={run.pk}"' in page
    assert 'hx-trigger="every 1s"' in page
    began = run.queued_at
    Execution.objects.filter(pk=run.pk).update(
        state="succeeded",
        started_at=began + timedelta(milliseconds=40),
        finished_at=began + timedelta(milliseconds=150),
    )
    ended = admin_client.get(f"/p/about/canary/?run={run.pk}").content
    assert b"every 1s" not in ended
    assert f"Run #{run.pk} waited 40 ms for a worker, ran 110 ms" in text_of(ended)


def test_other_runs_are_no_canaries(admin_client: Client) -> None:
    run = make_execution()

    page = admin_client.get(f"/about/?run={run.pk}").content.decode()

    assert f"run={run.pk}" not in page
    assert admin_client.get("/about/?run=x").status_code == 200


def test_findings_are_told_in_the_reader_s_language(viewer_client: Client) -> None:
    make_worker(kind="dispatcher", slots=0, tick_at=datetime.now(UTC), lag_seconds=0.1)
    make_worker(name="cluster-1")
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    make_execution(make_job(queue="night"), queue="night", queued_at=long_ago, due_at=long_ago)

    text = text_of(viewer_client.get("/about/", headers={"Accept-Language": "id"}).content)

    assert "terlambat 0,1 dtk" in text
    assert re.search(r"Jobdeck \d+\.\d+\.\d+", text)  # versions keep their points
    assert "tidak ada worker yang melayani antrean night" in text


def test_the_server_s_time_stands_beside_the_next_run(viewer_client: Client) -> None:
    """S0-145: the server's time beside the next runs, and where clocks of hosts are compared."""
    job = make_job(schedules=[cron("0 0 * * *")])

    html = viewer_client.get(f"/jobs/{job.pk}/").content.decode()

    before = datetime.now(UTC) - timedelta(minutes=5)
    beside = html[html.index("Server time:") :][:600]
    shown = re.search(r'datetime="([^"]+)"', beside)
    assert shown is not None
    assert before < datetime.fromisoformat(shown[1]) <= datetime.now(UTC)
    assert 'href="/about/"' in beside
    assert "Clocks" in text_of(viewer_client.get("/about/").content)
