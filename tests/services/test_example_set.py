"""The examples of all five schedulers: made once, and each runs on this machine alone."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from jobs.domain.errors import StateError
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import Deployment
from jobs.engine import runner
from jobs.models import Job, Template, Workspace
from jobs.queries.deployments import standing_of
from jobs.queries.logs import pieces
from jobs.services import example_set, templates, triggers, workspace_operations, workspaces
from jobs.services import jobs as job_services
from tests.factories import make_job, make_worker
from tests.support import tofu
from tests.support.working import work

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def host(tmp_path: Path, settings: Settings) -> Path:
    """Give the examples directories of their own, and no OpenTofu; return where jobs run."""
    settings.JOBDECK = {
        **settings.JOBDECK,
        "TEMPLATES_DIR": tmp_path / "templates",
        "TOFU_BINARY": str(tmp_path / "bin" / "tofu"),
        "WORK_DIR": tmp_path / "work",
    }
    runner.Context.worker_id = make_worker().pk
    runner.Context.queues = ["default"]
    return tmp_path / "work"


def said_by(job: Job) -> str:
    """Return what the last run of a job printed."""
    last = Job.objects.get(pk=job.pk).last_execution_id
    assert last is not None, job.name
    return b"".join(one.data for one in pieces(last)).decode()


def test_an_empty_installation_gets_them_once_and_a_used_one_not() -> None:
    out = StringIO()
    call_command("load_examples", stdout=out)
    count = len(example_set.definitions())

    assert example_set.load(actor=SYSTEM) == []
    assert f"{count} jobs made" in out.getvalue()
    assert set(Workspace.objects.values_list("name", flat=True)) == set(example_set.WORKSPACES)
    timed = Job.objects.present().exclude(schedules__kind="event")
    assert all(job.next_fire_at for job in timed)
    assert Template.objects.get().name == "hello"
    gone = Job.objects.present().get(name="telemetry")
    job_services.delete(gone.pk, actor=SYSTEM)
    assert example_set.load(actor=SYSTEM) == ["telemetry"]
    make_job(name="mine")
    with pytest.raises(StateError):
        example_set.load(actor=SYSTEM)
    with pytest.raises(CommandError, match="--force"):
        call_command("load_examples", stdout=out)
    call_command("load_examples", force=True, stdout=out)
    assert Job.objects.present().filter(operation_of=None).count() == count + 1


def test_each_runs_here_and_says_what_its_seed_says(host: Path) -> None:
    """S2-40, S2-41, S2-42, S2-43, S3-87, S3-88, S4-01, S4-02, S4-03: ready samples that run."""
    example_set.load(actor=SYSTEM)
    rows = {job.name: job for job in Job.objects.present().exclude(workspace__name="hello")}
    twice = ("rescan-database", "auto_create_daily_attendance", "hourly-aggregations")

    said: dict[str, list[str]] = {name: [] for name in rows}
    for names in (list(rows), twice):
        for name in names:
            triggers.trigger(rows[name].pk, actor=SYSTEM)
        work()
        for name in names:
            assert Job.objects.get(pk=rows[name].pk).last_state == "succeeded", said_by(rows[name])
            said[name].append(said_by(rows[name]))

    assert len(rows) == len(example_set.definitions()) - 3
    assert said["rescan-database"][0].endswith("rescan\n")
    assert said["rescan-database"][1] == "no rescan\n"
    first, second = said["auto_create_daily_attendance"]
    assert '"created": 150, "skipped": 0, "errors": 0' in first
    assert '"created": 0, "skipped": 150, "errors": 0' in second
    assert said["hourly-aggregations"][1].startswith("paris/ 1 ")
    assert said["finalize-daily-stats"][0].strip() in "01", "in which order is the queue's affair"
    assert (host / "scanner" / "metrics.jsonl").read_text().count('"load"') == 1
    schedules = {name: rows[name].schedules.get() for name in rows}
    assert schedules["telemetry"].jitter_seconds == 120
    assert schedules["fetch-paris-data"].timezone == "Europe/Paris"
    assert schedules["auto_create_daily_attendance"].expression == "30 0 * * *"


@pytest.mark.parametrize("engine", ["none", "fake", "real"])
def test_the_workspace_is_deployed_and_destroyed_with_and_without_an_engine(
    engine: str, host: Path, tmp_path: Path
) -> None:
    """Issue 8: all of the samples really run on one machine, also where no OpenTofu is installed."""
    put = {"fake": tofu.put_fake, "real": tofu.put_real}.get(engine)
    if put is not None and put(tmp_path / "bin") is None:
        pytest.skip(tofu.MISSING)
    example_set.load(actor=SYSTEM)
    room = Workspace.objects.get(name="hello")
    copy = Job.objects.get(name="deploy-a-copy")
    page = host / "hello" / "public" / "index.html"

    workspace_operations.deploy("hello", actor=SYSTEM)
    deployed = (work(), standing_of(room), page.read_text())
    refused = example_set.remove(actor=SYSTEM).kept if put else []
    if refused:
        example_set.load(actor=SYSTEM)  # what could be removed is back
    triggers.trigger(Job.objects.present().get(name="deploy-a-copy").pk, actor=SYSTEM)
    alone = work()
    workspace_operations.destroy("hello", actor=SYSTEM)
    destroyed = (work(), standing_of(room), page.exists())
    ended = set(Job.objects.present().filter(workspace=room).values_list("last_state", flat=True))
    gone = example_set.remove(actor=SYSTEM)

    assert deployed[0] == ["workspace-deploy", "smoke-test"]
    assert deployed[1].status is Deployment.DEPLOYED
    assert [one["address"] for one in deployed[1].resources] == (
        ["terraform_data.page"] if put else []
    )
    assert "Hello, this was deployed" in deployed[2]
    assert bool(refused) == (put is not None), "what is deployed is not given up"
    assert alone == ["deploy-a-copy"]
    assert (tmp_path / "work" / "hello" / "jobs" / copy.name / "public").is_dir()
    assert destroyed[0] == ["workspace-destroy", "tidy-up"]
    assert (destroyed[1].status, destroyed[2]) == (Deployment.DESTROYED, False)
    assert ended <= {"succeeded", ""}
    assert ("OpenTofu was not found here" in room.description) == (put is None)
    assert (gone.kept, Job.objects.present().count()) == ([], 0)
    assert not Workspace.objects.exists()
    assert not Template.objects.exists()
    assert not (tmp_path / "templates" / "hello").exists()


def test_what_somebody_has_put_beside_the_examples_stays(tmp_path: Path) -> None:
    mine = tmp_path / "templates" / "hello"
    mine.mkdir(parents=True)
    (mine / "main.tf").write_text("# mine\n")
    own = {"name": "office", "description": "Where we sit"}
    workspaces.create(workspaces.parse_workspace(own), actor=SYSTEM)
    example_set.load(actor=SYSTEM)
    make_job(name="mine", workspace="air", tags=[example_set.TAG])
    (mine / "main.tf").write_text("# changed\n")
    changed = templates.update("hello", actor=SYSTEM)

    with pytest.raises(CommandError, match=r"In workspace air live mine.* not the examples'"):
        call_command("load_examples", remove=True, stdout=StringIO())

    assert changed.changed
    assert [job.name for job in Job.objects.present()] == ["mine"]
    assert sorted(Workspace.objects.values_list("name", flat=True)) == ["air", "office"]
    assert (mine / "main.tf").read_text() == "# changed\n"


def test_the_first_page_offers_them(editor_client: Client, viewer_client: Client) -> None:
    assert "Load the sample workspaces" in editor_client.get("/").content.decode()
    assert (
        viewer_client.post("/welcome/samples/add/", headers={"HX-Request": "true"}).status_code
        == 403
    )

    answer = editor_client.post("/welcome/samples/add/", follow=True)

    assert f"Made {len(example_set.definitions())} jobs in workspaces." in answer.content.decode()
    made = Job.objects.present().filter(operation_of=None)
    assert made.count() == len(example_set.definitions())
