"""`jobctl run`, `kill`, `pause`, `resume`, `create`, `delete`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs.domain.states import ExecutionState
from jobs.models import AuditEntry, Execution, Job
from jobs.services.endings import Ending, count_ending
from tests.cli.conftest import Jobctl
from tests.factories import cron, definition, make_execution, make_job, make_worker
from tests.wrong_input import TAKEN, WRONG_BODIES, WRONG_DEFINITIONS

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> list[ExecutionState]:
    """Stand for a worker: the server's first look ends what waits, as the list says."""
    make_worker()
    verdicts: list[ExecutionState] = []

    def work(_seconds: float) -> None:
        for execution in Execution.objects.filter(state="queued"):
            state, now = verdicts.pop(0), timezone.now()
            failed = state is ExecutionState.FAILED
            message = "Command failed: exit status 1" if failed else ""
            Execution.objects.filter(pk=execution.pk).update(
                state=state.value, started_at=now, finished_at=now, message=message
            )
            count_ending(
                execution.job_id,
                Ending(
                    execution_id=execution.pk,
                    state=state,
                    queue=execution.queue,
                    queued_at=execution.queued_at,
                    started_at=now,
                    finished_at=now,
                    error=message,
                ),
            )

    monkeypatch.setattr("jobs.api.waiting.time.sleep", work)
    return verdicts


def test_run_waits_for_success(jobctl: Jobctl, worker: list[ExecutionState]) -> None:
    """S1-62."""
    make_job(name="good")
    worker.append(ExecutionState.SUCCEEDED)

    ended = jobctl("run", "good")

    assert (ended.code, ended.err) == (0, "")
    assert ended.lines == [
        "Running standalone job 'good'...",
        "Standalone job 'good' completed successfully",
    ]


def test_run_ends_with_1_on_failure(jobctl: Jobctl, worker: list[ExecutionState]) -> None:
    make_job(name="bad")
    worker.append(ExecutionState.FAILED)

    ended = jobctl("run", "bad")

    assert ended.code == 1
    assert ended.err == "Error: Standalone job 'bad' failed: Command failed: exit status 1\n"
    assert "Last Error: Command failed: exit status 1" in jobctl("status", "bad").lines


def test_run_works_for_a_paused_job(jobctl: Jobctl, worker: list[ExecutionState]) -> None:
    make_job(name="calm", paused=True)
    worker.append(ExecutionState.SUCCEEDED)

    assert jobctl("run", "calm", "--json").json["state"] == "succeeded"


def test_run_without_waiting_answers_at_once(jobctl: Jobctl) -> None:
    make_job(name="slow")

    ended = jobctl("run", "slow", "--no-wait")

    execution = Execution.objects.get()
    assert ended.code == 0
    assert ended.lines[1] == f"Execution #{execution.pk} is queued"


def test_run_beside_a_live_execution_is_refused(jobctl: Jobctl) -> None:
    make_execution(make_job(name="busy", overlap="skip"), state="running")

    ended = jobctl("run", "busy")

    assert ended.code == 1
    assert "still in progress" in ended.err


def test_interrupting_run_leaves_the_execution_going(
    jobctl: Jobctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jobs.api.waiting.time.sleep", interrupt)
    make_worker()
    make_job(name="slow")

    ended = jobctl("run", "slow")

    execution = Execution.objects.get()
    assert ended.code == 130
    assert f"Execution #{execution.pk} goes on" in ended.err
    assert execution.state == "queued"


def test_run_says_when_nobody_works(jobctl: Jobctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "jobs.api.waiting.time.sleep",
        lambda _seconds: Execution.objects.update(state="succeeded"),
    )
    make_job(name="alone")

    assert "No worker is running" in jobctl("run", "alone").err


def test_kill_ends_what_waits(jobctl: Jobctl) -> None:
    job = make_job(name="waits")
    execution = make_execution(job)

    ended = jobctl("kill", "waits")

    assert ended.code == 0
    assert ended.lines[-1] == "Standalone job 'waits' killed successfully"
    execution.refresh_from_db()
    assert execution.state == "cancelled"
    assert "(jobctl)" in execution.message


def test_kill_waits_for_the_end_of_what_runs(
    jobctl: Jobctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-63."""
    execution = make_execution(make_job(name="runs"), state="running", started_at=timezone.now())

    def end_it(_seconds: float) -> None:
        found = Execution.objects.get(pk=execution.pk)
        assert found.cancel_requested_at is not None
        Execution.objects.update(state="cancelled")

    monkeypatch.setattr("jobs.api.waiting.time.sleep", end_it)

    assert jobctl("kill", "runs", "--json").json[0]["state"] == "cancelled"


def test_kill_of_an_idle_job_is_an_error(jobctl: Jobctl) -> None:
    """S1-64."""
    make_execution(make_job(name="idle"), state="succeeded")

    ended = jobctl("kill", "idle")

    assert (ended.code, ended.err) == (1, "Error: job 'idle' is not running\n")


def test_pause_and_resume(jobctl: Jobctl) -> None:
    job = make_job(name="nightly")

    assert jobctl("pause", "nightly", "--reason", "moving").out == "Job 'nightly' paused\n"
    job.refresh_from_db()
    assert (job.state, job.state_reason) == ("paused", "moving")

    assert jobctl("resume", "NIGHTLY", "--json").json["state"] == "active"


def test_create_reads_a_file(jobctl: Jobctl, tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(definition(name="filed", schedules=[cron("@daily")])))

    ended = jobctl("create", str(file))

    assert (ended.code, ended.out) == (0, "Job 'filed' created\n")
    entry = AuditEntry.objects.get(action="job.create")
    assert entry.actor.endswith("(jobctl)")
    assert entry.address == "local"


def test_create_of_a_missing_file_is_an_error(jobctl: Jobctl, tmp_path: Path) -> None:
    ended = jobctl("create", str(tmp_path / "none.json"))

    assert ended.code == 1
    assert ended.err.startswith("Error: Cannot read ")


@pytest.mark.parametrize("case", [*WRONG_DEFINITIONS, *WRONG_BODIES])
def test_wrong_input_is_refused_with_the_words_of_the_api(
    jobctl: Jobctl, tmp_path: Path, case: str
) -> None:
    make_job(name=TAKEN)
    given: tuple[Any, tuple[str, ...]] = {**WRONG_DEFINITIONS, **WRONG_BODIES}[case]
    body, words = given
    file = tmp_path / "job.json"
    file.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())

    ended = jobctl("create", str(file))

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Error: ")
    assert all(word in ended.err for word in words), ended.err
    assert Job.objects.count() == 1


def test_delete_removes_the_job(jobctl: Jobctl) -> None:
    make_job(name="old")

    assert jobctl("delete", "old", "--yes").out == "Job 'old' deleted\n"
    assert jobctl("status", "old").code == 1


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ([], 1),
        (["dance"], 1),
        (["run"], 2),
        (["run", "a", "b"], 2),
        (["next", "* * * * *", "--count", "0"], 2),
        (["--help"], 0),
        (["run", "--help"], 0),
        (["--version"], 0),
    ],
)
def test_wrong_use_has_its_exit_code(jobctl: Jobctl, args: list[str], code: int) -> None:
    """S1-67, S1-68."""
    ended = jobctl(*args)

    assert ended.code == code
    assert bool(ended.err) is (code != 0)
    assert code == 0 or "Usage" in ended.err
