"""The life of a job of CB-Tumblebug's interface: what pausing keeps, what failures do, what edits spare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from jobs.domain.states import ExecutionState
from jobs.models import Execution, Job
from jobs.services import dispatch, executions
from tests.compat.test_s0_jobs import Script, moment
from tests.services.test_executions import result, start, start_next

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
