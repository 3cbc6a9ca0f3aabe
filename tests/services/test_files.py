"""Files as truth: what a configuration directory says is what there is, and what a person says wins."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import JobState
from jobs.models import ConfigFile, FileJob, Job, Workspace
from jobs.registry import REGISTRY
from jobs.services import bulk, files, registered
from jobs.services import jobs as job_services
from jobs.services.definitions import JobDefinition
from jobs.services.stored_definitions import definition_of
from tests.services.test_registered import entry

pytestmark = pytest.mark.django_db
# The samples of the seed, as they stand in it, by the names of their files.
SAMPLES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "provisioner_samples.json").read_text(encoding="utf-8")
)
_clock = iter(range(1_700_000_000, 1_800_000_000))


def write(root: Path, path: str, told: object) -> Path:
    """Write a file; each has its own time, whatever the file system's clock says."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(told if isinstance(told, str) else json.dumps(told, indent=1))
    moment = next(_clock)
    os.utime(place, (moment, moment))
    return place


def job(name: str, workspace: str | None = None) -> Job:
    return Job.objects.present().get(name=name, workspace__name=workspace)


def sample(**fields: Any) -> dict[str, Any]:
    return {"type": "command", "command": "true", "schedule": "0 1 * * *", **fields}


def test_every_sample_of_the_seed_works_as_it_stands(tmp_path: Path) -> None:
    """S1-111, S1-01, S1-02, S1-12 to S1-18, S1-23, S1-24, S1-35, S1-38 to S1-44, S1-49, S1-50.

    Defects 5 (environment and depends_on were lost) and 8 (the default time limit was 10 minutes).
    """
    for name, told in SAMPLES["jobs"].items():
        write(tmp_path, f"jobs/{name}.json", told)
    write(tmp_path, "workspaces/my-app/config.json", SAMPLES["workspace"])

    outcome = files.apply(tmp_path)

    assert (outcome.broken, len(outcome.applied)) == ({}, len(SAMPLES["jobs"]) + 1)
    assert Job.objects.present().filter(workspace=None).count() == len(SAMPLES["jobs"])
    health, backup = job("system-health"), job("backup-configs")
    expressions = [one["expression"] for one in definition_of(health)["schedules"]]
    assert expressions == ["0 */6 * * *", "0 0 * * *"]
    assert health.tags == ["health", "monitoring"]
    assert health.spec["script"] == SAMPLES["jobs"]["system-health"]["script"]
    assert backup.environment == {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    assert job("health-check").timeout_seconds == 30
    assert job("deploy-monitoring").spec["template"] == "monitoring"
    assert job("db-backup").environment == {"PGPASSWORD": "{{database_password}}"}
    check = job("monitoring-check", "my-app")
    assert (check.timeout_seconds, check.environment) == (
        1800,
        {"WORKSPACE_NAME": "{{workspace_name}}"},
    )
    row = Workspace.objects.get(name="my-app")
    assert row.description == "Development workspace with automated jobs"
    planned = {one.job.name: one.job.next_fire_at for one in row.operations.all()}
    assert set(planned) == {"workspace-deploy", "workspace-destroy"}
    assert None not in planned.values()
    assert all(one.next_fire_at for one in Job.objects.present())


@pytest.mark.parametrize(
    ("told", "line", "words"),
    [
        ('{"name": "x",\n "type": "command"\n "command": "true"}', 3, "not JSON"),
        (sample(type="x"), 2, "invalid job type: x"),
        ({"type": "script", "schedule": "@daily"}, 1, "script content is required for script jobs"),
        (sample(command=""), 3, "command is required for command jobs"),
        ({"type": "template", "schedule": "@daily"}, 1, "template is required for template jobs"),
        ({"type": "command", "command": "true"}, 1, "schedule is required"),
        (sample(timeout="abc"), 5, "invalid timeout duration"),
        (sample(schedule="61 * * * *"), 4, "61"),
        (sample(enabled="yes"), 5, "enabled must be true or false"),
        (sample(environment={"A B": "1"}), 5, "invalid name 'A B'"),
        (sample(depends_on=["nobody"]), 5, "nobody"),
        ("[1]", 1, "no job definition"),
    ],
)
def test_a_broken_file_changes_nothing_and_is_named_with_its_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, told: object, line: int, words: str
) -> None:
    """S1-05, S1-11, S1-22, S1-26, S1-34, S1-35, S1-39, S1-79."""
    write(tmp_path, "jobs/a-good.json", sample())
    write(tmp_path, "jobs/broken.json", told)
    write(tmp_path, "jobs/z-good.json", sample())

    outcome = files.apply(tmp_path)
    again = files.apply(tmp_path)

    assert outcome.applied == ["jobs/a-good.json", "jobs/z-good.json"]
    assert outcome.broken["jobs/broken.json"].startswith(f"jobs/broken.json:{line}: ")
    assert words in outcome.broken["jobs/broken.json"]
    warned = [one for one in caplog.records if "jobs/broken.json" in one.getMessage()]
    assert [one.levelname for one in warned] == ["WARNING"], "once, until the file changes"
    row = ConfigFile.objects.get(path="jobs/broken.json")
    assert (row.line, row.applied_at) == (line, None)
    assert words in row.fault
    assert set(Job.objects.present().values_list("name", flat=True)) == {"a-good", "z-good"}
    assert (again.unchanged, again.changed) == (3, False), "a broken file is not read again"


def test_a_workspace_with_one_wrong_job_is_left_as_it_was(tmp_path: Path) -> None:
    good = {"template": "shop", "jobs": [{**sample(), "name": "one"}]}
    write(tmp_path, "workspaces/my-app/config.json", good)
    files.apply(tmp_path)
    wrong = {**good, "description": "new", "jobs": [{**sample(), "name": "one"}, {"name": "two"}]}
    place = write(tmp_path, "workspaces/my-app/config.json", wrong)

    outcome = files.apply(tmp_path)

    (told,) = outcome.broken.values()
    number = place.read_text().splitlines().index('   "name": "two"')
    assert re.match(rf"workspaces/my-app/config.json:{number}: type is required", told), told
    assert Workspace.objects.get(name="my-app").description == ""
    assert Job.objects.present().filter(name="two").count() == 0


def test_files_follow_and_people_win(tmp_path: Path) -> None:
    """S1-03, S1-04, S1-06, S1-36, S1-43: picked up without a restart; an omitted enabled is true.

    Defect 7: omitted `enabled` meant false.
    """
    write(tmp_path, "jobs/report.json", sample(description="first", foo=1))
    write(tmp_path, "jobs/other.yaml", "type: command\ncommand: date\nschedule: '@daily'\n")
    files.apply(tmp_path)
    made = job("report")
    warned = ConfigFile.objects.get(path="jobs/report.json").warnings
    job_services.update(made.pk, {"timeout_seconds": 7}, actor=SYSTEM)
    Job.objects.filter(pk=made.pk).update(state="auto_disabled")
    write(
        tmp_path,
        "jobs/report.json",
        sample(description="second", timeout="1h", schedule="30 5 * * *"),
    )
    write(tmp_path, "jobs/off.json", sample(enabled=False))
    followed = files.apply(tmp_path)
    now = job("report")
    overrides = files.overrides_of(now)
    given_back = files.give_back(made.pk, actor=SYSTEM)
    off = job("off").state
    write(tmp_path, "jobs/off.json", sample(enabled=True))
    (tmp_path / "jobs" / "report.json").unlink()
    removed = files.apply(tmp_path)
    paused = job("report")
    write(tmp_path, "jobs/report.json", sample(description="third"))
    files.apply(tmp_path)
    back = job("report")
    (tmp_path / "jobs" / "report.json").unlink()
    pruned = files.apply(tmp_path, prune=True)

    assert warned == ["report: unknown field foo is ignored"]
    assert (made.state, now.state) == ("active", "active")
    assert job("other").spec["command"] == "date"
    assert followed.applied == ["jobs/off.json", "jobs/report.json"]
    assert (now.description, now.timeout_seconds, overrides) == ("second", 7, ["timeout_seconds"])
    assert now.next_fire_at is not None
    assert made.next_fire_at is not None
    assert (made.next_fire_at.minute, now.next_fire_at.minute) == (0, 30), "at once"
    assert given_back.timeout_seconds == 3600
    assert (off, job("off").state) == ("paused", "active")
    assert removed.gone == ["jobs/report.json"]
    assert (paused.state, paused.pk) == ("paused", made.pk)
    assert paused.state_reason == "jobs/report.json is gone from the configuration directory"
    assert (back.state, back.description) == ("active", "third")
    assert pruned.pruned == ["report"]
    assert not Job.objects.present().filter(name="report").exists()


def test_a_sample_takes_the_place_of_a_job_that_the_product_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-23: `health-check` is also a job of the product's own; the file wins, at each start."""
    monkeypatch.setattr(REGISTRY, "_entries", {})
    own = replace(entry(job_id="health-check"), path="jobs.scheduled_jobs.health_check")
    registered.sync([own])
    write(tmp_path, "jobs/health-check.json", SAMPLES["jobs"]["health-check"])

    outcome = files.apply(tmp_path)
    later = registered.sync([own])

    assert (outcome.broken, later.faults) == ({}, {})
    one = job("health-check")
    assert (one.type, one.timeout_seconds, one.state) == ("command", 30, "active")
    assert one.spec == {"command": SAMPLES["jobs"]["health-check"]["command"]}
    assert [row.expression for row in one.schedules.all()] == ["*/15 * * * *"]


def test_a_name_belongs_to_the_first_file_that_has_it(tmp_path: Path) -> None:
    """S1-33: two files with one name: an error on the second, the first works."""
    write(tmp_path, "jobs/a.json", sample(name="same"))
    write(tmp_path, "jobs/b.json", sample(name="same", command="false"))

    outcome = files.apply(tmp_path)

    assert outcome.broken == {
        "jobs/b.json": "jobs/b.json: Job same is also defined by jobs/a.json."
    }
    assert job("same").spec["command"] == "true"


def test_jobs_of_a_workspace_may_wait_for_each_other_in_any_order(tmp_path: Path) -> None:
    first = {**sample(), "name": "a", "depends_on": ["b"]}
    second = {**sample(), "name": "b", "schedule": "@deployment"}
    write(tmp_path, "workspaces/my-app/config.json", {"jobs": [first, second], "enabled": False})
    circle = [first, {**second, "depends_on": ["a"]}]
    write(tmp_path, "workspaces/round/config.json", {"jobs": circle})

    outcome = files.apply(tmp_path)

    assert [one["job"] for one in definition_of(job("a", "my-app"))["depends_on"]] == ["b"]
    assert definition_of(job("b", "my-app"))["schedules"][0]["event"] == "@deployment"
    assert Workspace.objects.get(name="my-app").enabled is False
    assert list(outcome.broken) == ["workspaces/round/config.json"]
    assert not Workspace.objects.filter(name="round").exists()
    assert FileJob.objects.count() == 2


def test_an_empty_or_missing_directory_says_nothing(tmp_path: Path) -> None:
    assert not files.apply(tmp_path).changed
    assert not files.apply(tmp_path / "nowhere").changed


def test_an_unmounted_directory_stops_nothing(tmp_path: Path) -> None:
    """Issue 8: only a file that is removed from a directory that is there pauses its jobs."""
    place = write(tmp_path / "config", "jobs/one.json", sample())
    files.apply(tmp_path / "config")
    (tmp_path / "unmounted").mkdir()

    assert not files.apply(tmp_path / "unmounted").changed
    assert Job.objects.get(name="one").state == JobState.ACTIVE

    place.unlink()
    assert files.apply(tmp_path / "config").gone == ["jobs/one.json"]
    assert Job.objects.get(name="one").state == JobState.PAUSED


def test_what_cannot_be_read_or_stored_is_its_own_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 8: links to nothing, pipes, huge files and values that the database refuses."""
    for name in ("link", "pipe"):
        (tmp_path / "workspaces" / name).mkdir(parents=True)
    (tmp_path / "workspaces/link/config.json").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "workspaces/pipe/config.json")
    with write(tmp_path, "jobs/huge.json", "").open("wb") as file:
        file.truncate(2**33)  # of which the disk keeps nothing
    write(tmp_path, "jobs/refused.json", sample())
    write(tmp_path, "jobs/z-good.json", sample())
    create = job_services.create

    def picky(definition: JobDefinition, **more: Any) -> Job:
        if definition.name == "refused":
            raise DataError("value too long for type character varying(100)")
        return create(definition, **more)

    def refused(*_args: object, **_more: object) -> None:
        raise DataError("value too long for type character varying(100)")

    monkeypatch.setattr(bulk, "create_many", refused)
    monkeypatch.setattr(job_services, "create", picky)

    outcome = files.apply(tmp_path)

    assert outcome.applied == ["jobs/z-good.json"]
    told = {path: text.partition(": ")[2] for path, text in outcome.broken.items()}
    assert told["workspaces/link/config.json"] == "It cannot be read: No such file or directory."
    assert told["workspaces/pipe/config.json"] == "It is no file."
    assert told["jobs/huge.json"].startswith("The file has 8589934592 bytes.")
    assert "value too long" in told["jobs/refused.json"]
    assert not files.apply(tmp_path).changed


def write_many(root: Path, jobs: int, rooms: int) -> None:
    """Write an installation: the samples over and over, and one broken file among them."""
    samples = list(SAMPLES["jobs"].values())
    for number in range(jobs):
        told = {**samples[number % len(samples)], "name": f"job-{number}"}
        write(root, f"jobs/job-{number:04}.json", told)
    write(root, f"jobs/job-{jobs // 2:04}.json", '{"name": "x",\n')
    for number in range(rooms):
        write(root, f"workspaces/room-{number}/config.json", SAMPLES["workspace"])


def test_many_new_files_cost_few_statements_and_unchanged_ones_one(
    tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    write_many(tmp_path, 60, 6)

    with django_assert_max_num_queries(60 + 40 * 6):
        outcome = files.apply(tmp_path)
    with django_assert_max_num_queries(1):
        again = files.apply(tmp_path)

    assert (len(outcome.applied), list(outcome.broken)) == (65, ["jobs/job-0030.json"])
    assert Job.objects.present().count() == 59 + 6 * 4
    assert (again.unchanged, again.changed) == (66, False)


@pytest.mark.soak
def test_500_job_files_and_50_workspaces_are_applied_within_five_seconds(tmp_path: Path) -> None:
    """Issue 8, 3: in processor time, since other tests run beside."""
    write_many(tmp_path, 500, 50)
    began = time.process_time()

    outcome = files.apply(tmp_path)

    assert time.process_time() - began < 5
    assert (len(outcome.applied), len(outcome.broken)) == (549, 1)


def test_a_workspace_that_may_not_be_read_is_named_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 8: whatever the account that tests run as may read."""
    told = json.dumps({"template": "shop", "jobs": [{**sample(), "name": "inside"}]})
    write(tmp_path, "workspaces/shut/config.yaml", told)
    files.apply(tmp_path)
    write(tmp_path, "jobs/other.json", sample())
    write(tmp_path, "workspaces/never/config.json", told)
    look = os.scandir
    shut = {str(tmp_path / "workspaces" / name) for name in ("shut", "never")}

    def refused(place: Path) -> Any:
        if str(place) in shut:
            raise PermissionError(13, "Permission denied", str(place))
        return look(place)

    monkeypatch.setattr(os, "scandir", refused)
    outcome = files.apply(tmp_path)
    stays = job("inside", "shut").state
    again = files.apply(tmp_path)
    shut.clear()
    mended = files.apply(tmp_path)

    assert outcome.applied == ["jobs/other.json"]
    assert set(outcome.broken) == {"workspaces/never/config.json", "workspaces/shut/config.yaml"}
    assert all("may not be read" in one for one in outcome.broken.values())
    assert (outcome.gone, stays) == ([], "active"), "what it said before still holds"
    assert not again.changed, "told once"
    assert (mended.broken, len(mended.applied)) == ({}, 2)
    assert job("inside", "never").state == "active"


def test_another_directory_than_the_kept_one_is_only_judged(
    tmp_path: Path, settings: Settings
) -> None:
    """Issue 8: `manage.py apply OTHER` paused what the kept directory defines."""
    settings.JOBDECK = {**settings.JOBDECK, "CONFIG_DIR": tmp_path / "kept"}
    write(tmp_path / "kept", "jobs/one.json", sample())
    write(tmp_path / "other", "jobs/two.json", sample())
    call_command("apply", stdout=StringIO())

    with pytest.raises(CommandError, match="The dispatchers keep to"):
        call_command("apply", str(tmp_path / "other"), stdout=StringIO())
    told = StringIO()
    call_command("apply", str(tmp_path / "other"), check=True, stdout=told)

    assert told.getvalue() == "All files can be read.\n"
    assert list(Job.objects.present().values_list("name", "state")) == [("one", "active")]
