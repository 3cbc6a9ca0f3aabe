"""The life of a job of CB-Tumblebug's interface: what pausing keeps, what failures do, what edits spare."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from jobs.domain.alerts import Limits
from jobs.domain.states import ExecutionState
from jobs.models import AuditEntry, Execution, Job
from jobs.queries.alert_facts import overdue_jobs
from jobs.services import dispatch, executions, rescue
from tests.cli.conftest import Jobctl, jobctl
from tests.compat.test_s0_jobs import MINIMAL, Script, moment
from tests.services.test_executions import result, start, start_next

__all__ = ["jobctl"]  # a fixture

pytestmark = pytest.mark.django_db
FAILED, TIMED_OUT = ExecutionState.FAILED, ExecutionState.TIMED_OUT


@pytest.fixture
def script() -> Script:
    """Return a program on this host."""
    return Script()


def test_an_update_during_a_run_lets_it_go_on(script: Script) -> None:
    """S0-59, S0-83, S0-84, S0-87: counters at the start and at the end."""
    made = script.make(intervalSeconds=10)
    where = f"/{made['jobId']}"
    running = start_next()

    status, changed = script("PUT", where, {"intervalSeconds": 20})

    assert (status, changed["intervalSeconds"], changed["status"]) == (200, 20, "Executing")
    assert Execution.objects.get().state == "running"
    assert (changed["executionCount"], changed["successCount"]) == (1, 0)
    executions.finish(running, result())
    ended = script("GET", where)[1]
    assert (ended["status"], ended["executionCount"], ended["successCount"]) == ("Scheduled", 1, 1)
    assert (ended["consecutiveFailures"], ended["autoDisabled"]) == (0, False)
    job = Job.objects.get()
    assert job.next_fire_at is not None
    assert job.last_finished_at is not None
    assert job.next_fire_at - job.last_finished_at == timedelta(seconds=20)


def test_a_paused_job_does_not_run_and_keeps_its_counters(script: Script) -> None:
    """S0-63, S0-65, S0-69, S0-70: nothing while it is paused, and on from there afterwards."""
    made = script.make(intervalSeconds=10)
    where = f"/{made['jobId']}"
    executions.finish(start_next(), result())
    before = script("GET", where)[1]
    script("PUT", f"{where}/pause")
    now = datetime.now(UTC)

    for seconds in (15, 30, 45):
        dispatch.dispatch_due(now + timedelta(seconds=seconds))
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        paused = script("GET", where)[1]

    counts = ("executionCount", "successCount", "failureCount", "consecutiveFailures")
    assert [paused[name] for name in counts] == [before[name] for name in counts] == [1, 1, 0, 0]
    assert moment(paused["nextExecutionAt"]) > (now + timedelta(hours=1)).timestamp()
    script("PUT", f"{where}/resume")
    resumed = script("GET", where)[1]
    assert [resumed[name] for name in counts] == [1, 1, 0, 0]
    dispatch.dispatch_due(datetime.now(UTC) + timedelta(seconds=30))
    assert script("GET", where)[1]["executionCount"] == 2


@pytest.mark.parametrize("failure", [FAILED, TIMED_OUT])
def test_five_failures_in_a_row_disable_and_four_do_not(
    script: Script, failure: ExecutionState
) -> None:
    """S0-85, S0-107, S0-111, S0-112, S0-113: a time limit counts as any other failure."""
    made = script.make()
    job = Job.objects.get()
    executions.finish(start_next(), result(failure, message="broken"))
    for _ in range(3):
        executions.finish(start(job), result(failure, message="broken"))
    fourth = script("GET", f"/{made['jobId']}")[1]
    executions.finish(start(job), result())
    mended = script("GET", f"/{made['jobId']}")[1]
    for _ in range(5):
        executions.finish(start(job), result(failure, message="broken"))

    disabled = script("GET", f"/{made['jobId']}")[1]

    facts = ("enabled", "autoDisabled", "consecutiveFailures", "failureCount")
    assert [fourth[name] for name in facts] == [True, False, 4, 4]
    assert [mended[name] for name in facts] == [True, False, 0, 4]
    assert [disabled[name] for name in facts] == [False, True, 5, 9]
    assert (fourth["lastError"], mended["lastError"]) == ("broken", "")
    dispatch.dispatch_due(datetime.now(UTC) + timedelta(hours=3))
    assert script("GET", f"/{made['jobId']}")[1]["executionCount"] == 10


def test_a_new_interval_counts_from_the_last_completion_and_a_run_follows_it(
    script: Script,
) -> None:
    """S0-55, S0-56: no restart, no resume, and never before now."""
    began = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    with time_machine.travel(began, tick=False) as clock:
        where = f"/{script.make()['jobId']}"
        executions.finish(start_next(), result())
        clock.shift(60)
        longer = script("PUT", where, {"intervalSeconds": 7200})[1]
        hour_later = dispatch.dispatch_due(began + timedelta(seconds=3700)).jobs
        shorter = script("PUT", where, {"intervalSeconds": 10})[1]
        clock.shift(10)
        dispatch.dispatch_due(datetime.now(UTC))
        follows = script("GET", where)[1]

    assert moment(longer["nextExecutionAt"]) == began.timestamp() + 7200
    assert hour_later == 0, "the old interval is not waited for"
    assert moment(shorter["nextExecutionAt"]) == began.timestamp() + 70, "never before now"
    assert (follows["status"], follows["executionCount"]) == ("Executing", 2)


def test_enabled_false_is_what_a_pause_is_and_a_stopped_job_is_never_overdue(
    script: Script,
) -> None:
    """S0-58, S0-64, S0-70: the same document by either way; no alert however long it lasts."""
    begun = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    with time_machine.travel(begun, tick=False):
        jobs = [script.make(nsId=name, intervalSeconds=60)["jobId"] for name in ("one", "two")]
        for _ in jobs:
            executions.finish(start_next(), result())

        def documents() -> list[dict[str, object]]:
            found = [script("GET", f"/{job_id}")[1] for job_id in jobs]
            # PostgreSQL stamps a start by its own clock: two runs may stand in two seconds.
            return [{**job, "jobId": "", "nsId": "", "lastExecutedAt": ""} for job in found]

        script("PUT", f"/{jobs[0]}/pause")
        script("PUT", f"/{jobs[1]}", {"enabled": False})
        stopped, other = documents()
        later = begun + timedelta(hours=1)
        quiet = overdue_jobs(later, Limits())
        script("PUT", f"/{jobs[0]}/resume")
        script("PUT", f"/{jobs[1]}", {"enabled": True})
        resumed, again = documents()
        loud = overdue_jobs(later, Limits())

    assert stopped == other
    assert (stopped["status"], stopped["enabled"]) == ("Scheduled", False)
    assert quiet == []
    assert resumed == again
    assert [len(one.jobs) for one in loud] == [2], "nobody dispatches those that are on"


def test_deleting_ends_what_runs_says_stopped_and_leaves_the_others_of_its_namespace(
    script: Script,
) -> None:
    """S0-74, S0-77, S0-88: the word is in the audit log, the run is asked to end."""
    first = script.make(connectionName="aws")
    running = start_next()
    other = script.make(connectionName="gcp")

    script("DELETE", f"/{first['jobId']}")

    assert Execution.objects.get(pk=running.execution_id).cancel_requested_at is not None
    assert script("GET")[1]["jobs"] == [script("GET", f"/{other['jobId']}")[1]]
    second = start_next()
    assert script("DELETE")[1]["deletedCount"] == 1
    assert Execution.objects.get(pk=second.execution_id).cancel_requested_at is not None
    notes = AuditEntry.objects.filter(action="job.delete").order_by("pk")
    assert [one.note for one in notes] == [
        f"{first['jobId']}: Stopped",
        f"{other['jobId']}: Stopped",
    ]


def test_times_of_day_start_runs_at_these_times(script: Script) -> None:
    """S0-169, S0-182: the daily scan of scenario 5 at three in the morning, and not before."""
    evening = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
    with time_machine.travel(evening, tick=False) as clock:
        body = {**MINIMAL, "connectionName": "", "cron": "0 3 * * *"}
        del body["intervalSeconds"]
        where = f"/{script('POST', '', body)[1]['jobId']}"
        clock.move_to(evening.replace(day=3, hour=2, minute=59, second=59))
        early = dispatch.dispatch_due(datetime.now(UTC)).jobs
        clock.shift(1)
        dispatch.dispatch_due(datetime.now(UTC))
        running = start_next()
        executing = script("GET", where)[1]
        executions.finish(running, result())
        ended = script("GET", where)[1]

    assert early == 0
    # When it started says the database's own clock, which PostgreSQL lets nobody move.
    run = Execution.objects.get(pk=running.execution_id)
    assert (executing["status"], run.due_at) == ("Executing", evening.replace(day=3, hour=3))
    assert (ended["status"], ended["executionCount"]) == ("Scheduled", 1)
    assert ended["nextExecutionAt"] == "2026-03-04T03:00:00Z"


def test_a_run_whose_worker_died_is_over_without_a_restart(script: Script) -> None:
    """S0-122, S0-186: back to Scheduled when the lease is over; what ran is told as lost."""
    where = f"/{script.make(intervalSeconds=10)['jobId']}"
    running = start_next()
    before = script("GET", where)[1]
    Execution.objects.update(lease_expires_at=datetime.now(UTC) - timedelta(seconds=1))

    rescue.rescue_expired()

    after = script("GET", where)[1]
    assert (before["status"], after["status"], after["enabled"]) == ("Executing", "Scheduled", True)
    assert after["lastError"]
    assert Execution.objects.get(pk=running.execution_id).state == "lost"
    dispatch.dispatch_due(datetime.now(UTC) + timedelta(seconds=15))
    assert script("GET", where)[1]["executionCount"] == 2


def test_the_store_is_written_out_by_the_ids_that_scripts_know(
    script: Script, jobctl: Jobctl, tmp_path: Path
) -> None:
    """S0-125: two jobs of one prefix come back from the file as they were, under their ids."""
    made = [script.make(nsId=name, option="vNet,sshKey") for name in ("aws-ns", "gcp-ns")]
    file = tmp_path / "jobs.json"

    written = jobctl("export", "--json", "-o", str(file))
    script("DELETE")
    applied = jobctl("apply", str(file))

    kept = {
        one["external_id"]: one["spec"]["ns_id"] for one in json.loads(file.read_text())["jobs"]
    }
    assert (written.code, applied.code) == (0, 0), applied.err
    assert kept == {one["jobId"]: one["nsId"] for one in made}
    listed = script("GET")[1]["jobs"]
    same = ("jobId", "nsId", "option", "mciNamePrefix", "intervalSeconds", "executionTimeout")
    assert [[one[name] for name in same] for one in listed] == [
        [one[name] for name in same] for one in made
    ]
