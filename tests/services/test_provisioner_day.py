"""Files of the provisioner at work: each state of a job, its counters, its log, where it runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from jobs.engine import runner
from jobs.engine.dispatcher import Dispatcher
from jobs.models import Execution, Job
from jobs.queries.logs import pieces
from jobs.services import claims, file_rows, files, variables
from jobs.services.variables import parse_variable
from tests.cli.conftest import Jobctl, jobctl
from tests.factories import make_worker
from tests.services.test_files import write
from tests.support.working import work

__all__ = ["jobctl"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)
START = datetime(2026, 11, 23, 11, 59, 30, tzinfo=UTC)
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.fixture(autouse=True)
def engine(tmp_path: Path, settings: Settings) -> None:
    """Put directories in place, and a cluster to run with."""
    settings.JOBDECK = {**settings.JOBDECK, "WORK_DIR": tmp_path / "deployments"}
    runner.Context.worker_id = make_worker().pk
    runner.Context.queues = ["default"]


def printed(name: str) -> str:
    """Return all that the last run of a job printed, on both streams."""
    last = Job.objects.get(name=name).last_execution_id
    assert last is not None
    return b"".join(one.data for one in pieces(last)).decode()


def status(told: Jobctl, name: str) -> dict[str, str]:
    """Return the labelled lines of `jobctl status NAME`."""
    return dict(line.split(": ", 1) for line in told("status", name).lines)


def told(**fields: Any) -> dict[str, Any]:
    return {"type": "script", "schedule": "* * * * *", "timeout": "30s", **fields}


def test_a_job_of_a_file_walks_through_all_states(tmp_path: Path, jobctl: Jobctl) -> None:
    """S1-10, S1-58, S1-97 to S1-103, S1-106, S1-108: fails, runs again, is told in full."""
    stop = tmp_path / "stop"
    lines = ["echo one", "echo two >&2", "set -e", f"test ! -e {stop}", "echo three"]
    with time_machine.travel(START, tick=False) as clock:
        write(tmp_path, "jobs/walker.json", told(script="\n".join(lines)))
        files.apply(tmp_path)
        fresh = status(jobctl, "walker")
        stop.touch()
        clock.shift(timedelta(minutes=1))
        work()
        failed, output = status(jobctl, "walker"), printed("walker")
        stop.unlink()
        clock.shift(timedelta(minutes=1))
        work()
        mended = status(jobctl, "walker")
        write(tmp_path, "jobs/walker.json", told(script="sleep 60", timeout="200ms"))
        files.apply(tmp_path)
        clock.shift(timedelta(minutes=1))
        work()
        late = status(jobctl, "walker")

    assert (fresh["Status"], fresh["Run Count"], fresh["Last Run"]) == ("pending", "0", "Never")
    assert fresh["Next Run"]
    assert "Last Error" not in fresh
    assert (failed["Status"], failed["Failure Count"]) == ("failed", "1")
    assert failed["Last Error"] == "Command failed: exit status 1"
    assert "three" not in output
    assert {"one", "two"} <= set(output.split())
    assert (mended["Status"], mended["Run Count"], mended["Success Count"]) == ("success", "2", "1")
    assert mended["Last Error"] == failed["Last Error"], "kept after a success"
    assert (late["Status"], late["Failure Count"], late["Run Count"]) == ("timeout", "2", "3")
    for label in ("Last Run", "Last Success", "Last Failure", "Next Run"):
        assert re.fullmatch(STAMP, late[label]), label


def test_jobs_run_in_the_directories_and_with_the_variables_of_the_provisioner(
    tmp_path: Path,
) -> None:
    """S1-21, S1-40, S1-41, S1-45, S1-51, S1-54, S1-88 to S1-95: also before anything is deployed.

    Defects 4 (a command was split on blanks), 5 (environment was lost) and 6 (no placeholder was
    replaced).
    """
    room = tmp_path / "deployments" / "my-app"
    alone = tmp_path / "deployments" / "_standalone_"
    show = 'echo "$WORKSPACE_ID|$JOB_NAME|$WORKSPACE_NAME|$PWD"'
    inside = told(name="inside", script=show, environment={"WORKSPACE_NAME": "{{workspace_name}}"})
    asleep = {"enabled": False, "jobs": [told(name="asleep", script="true")]}
    below = told(type="command", command="pwd && echo $PATH || exit 1", working_dir="below")
    below["environment"] = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    elsewhere = told(type="command", command="pwd", working_dir=str(tmp_path))
    script = alone / "scripts" / "check-status.sh"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\necho checked\n")
    script.chmod(0o755)
    with time_machine.travel(START, tick=False) as clock:
        write(tmp_path, "workspaces/my-app/config.json", {"enabled": True, "jobs": [inside]})
        write(tmp_path, "workspaces/off/config.json", asleep)
        write(tmp_path, "jobs/standalone.json", told(script=show))
        write(tmp_path, "jobs/below.json", below)
        write(tmp_path, "jobs/elsewhere.json", elsewhere)
        write(
            tmp_path, "jobs/check.json", told(type="command", command="./scripts/check-status.sh")
        )
        outcome = files.apply(tmp_path)
        clock.shift(timedelta(minutes=1))
        work()

    assert outcome.broken == {}
    assert printed("inside") == f"my-app|inside|my-app|{room}\n"
    assert printed("standalone") == f"_standalone_|standalone||{alone}\n"
    assert printed("below") == f"{alone}/below\n/usr/local/bin:/usr/bin:/bin\n"
    assert printed("elsewhere") == f"{tmp_path}\n"
    assert printed("check") == "checked\n"
    assert not Execution.objects.filter(job__name="asleep").exists(), "its workspace is disabled"


def test_placeholders_stand_for_variables_and_a_missing_one_fails_in_words(
    tmp_path: Path, jobctl: Jobctl
) -> None:
    """S1-17, S1-52, S1-53, S1-114: never the literal text; the secret is shown nowhere."""
    with time_machine.travel(START, tick=False) as clock:
        body = told(
            script='test ${#PGPASSWORD} = 12 && echo "got $PGPASSWORD"',
            environment={"PGPASSWORD": "{{database_password}}"},
        )
        write(tmp_path, "jobs/db-backup.json", body)
        files.apply(tmp_path)
        clock.shift(timedelta(minutes=1))
        work()
        missing = status(jobctl, "db-backup")
        variables.create(
            parse_variable({"name": "database_password", "value": "s3cr3t-value", "secret": True}),
            actor=file_rows.FILES,
        )
        clock.shift(timedelta(minutes=1))
        work()
        found = status(jobctl, "db-backup")
        output = printed("db-backup")
        shown = jobctl("show", "db-backup").out + jobctl("list").out + "".join(found.values())

    assert missing["Status"] == "failed"
    assert "database_password" in missing["Last Error"]
    assert found["Status"] == "success"
    assert output.startswith("got ")
    assert "s3cr3t-value" not in output + shown
    assert "{{database_password}}" in shown, "the definition names it"


def test_a_job_waits_for_its_time_of_day_and_a_killed_run_is_no_timeout(
    tmp_path: Path, jobctl: Jobctl
) -> None:
    """S1-84, S1-99, S1-103. Defects 1 (a job ran at once, then each hour), 3, 7 (of a workspace) and 15."""
    with time_machine.travel(START, tick=False) as clock:
        night = told(schedule="0-30/10 3 * * *", script="kill -9 $$")
        write(tmp_path, "jobs/nightly.json", night)
        inside = told(name="inside", schedule="0 4 * * *", script="true")
        room_told = {"jobs": [inside], "deploy_schedule": ["0 9 * * 1-5", "0 11 * * *"]}
        write(tmp_path, "workspaces/plain/config.json", room_told)
        files.apply(tmp_path)
        at_once = work()
        due = Job.objects.get(name="nightly").next_fire_at
        shown = status(jobctl, "nightly")
        clock.shift(timedelta(minutes=61))
        an_hour_later = work()
        assert due is not None
        clock.move_to(due)
        ran = work()
        clock.move_to(due + timedelta(minutes=10))
        again = work()
        killed = status(jobctl, "nightly")
        clock.move_to(due + timedelta(hours=1))
        room = work()

    assert (at_once, an_hour_later) == ([], [])
    assert due.astimezone(UTC) == START.replace(day=24, hour=3, minute=0, second=0)
    assert shown["Next Run"] == f"{due.astimezone():%Y-%m-%d %H:%M:%S}"
    assert (ran, again) == (["nightly"], ["nightly"]), "a failure keeps nothing from its next time"
    assert (killed["Status"], killed["Run Count"]) == ("failed", "2")
    assert killed["Last Error"] == "Command ended by signal 9 (SIGKILL)"
    assert room[-1] == "inside", "a workspace that does not say enabled is on"
    deploys = Job.objects.get(name="workspace-deploy", workspace__name="plain").schedules.all()
    assert {one.expression for one in deploys} == {"0 9 * * 1-5", "0 11 * * *"}


def test_a_slow_job_of_every_minute_never_runs_beside_itself(tmp_path: Path) -> None:
    """S1-86: one at a time; what was left out is recorded."""
    with time_machine.travel(START, tick=False) as clock:
        write(tmp_path, "jobs/slow.json", told(script="sleep 1"))
        files.apply(tmp_path)
        dispatcher = Dispatcher()
        clock.shift(timedelta(minutes=1))
        dispatcher.step()
        claims.claim(worker_id=runner.Context.worker_id, queues=["default"], free=1)
        for _minute in range(3):
            clock.shift(timedelta(minutes=1))
            while dispatcher.step():
                pass
        job = Job.objects.get(name="slow")
        live = Execution.objects.filter(job=job).exclude(state__in=["skipped"])

    assert [one.state for one in live] == ["claimed"], "nothing beside it, nothing behind it"
    assert sum(one.count for one in job.omissions.all()) == 3, "each minute that was left out"


def test_a_disabled_job_runs_by_hand_and_keeps_its_state(tmp_path: Path, jobctl: Jobctl) -> None:
    """S1-36, S1-69, S1-110, S1-119: by hand, twice, although its file says enabled: false."""
    write(tmp_path, "jobs/once.json", told(script="echo ran", enabled=False))
    files.apply(tmp_path)
    for _time in range(2):
        assert jobctl("run", "once", "--no-wait").code == 0
        work()

    lines = status(jobctl, "once")

    assert (lines["Enabled"], lines["Run Count"], lines["Next Run"]) == ("false", "2", "Never")
    assert lines["Success Count"] == "2"
