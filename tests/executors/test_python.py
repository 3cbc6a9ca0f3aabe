"""Python jobs: what they return, raise, print and see, and how each end is told."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.domain.errors import InvalidError
from jobs.domain.masking import Mask
from jobs.domain.states import ExecutionState, Stream
from jobs.executors import parse_spec, process
from jobs.executors.forked import ENDED_ITSELF
from jobs.registry import Registry
from tests.executors.pythonjobs import RunPython, run_python, sample_jobs
from tests.executors.worker import in_worker, make_context, run

__all__ = ["run_python", "sample_jobs"]

JOBS = "tests.sample_app.scheduled_jobs"


# --- Results --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)  # it opens a transaction
def test_the_sample_of_the_seed_runs(run_python: RunPython) -> None:
    """S3-01, S3-08, S3-13: the guide's MyNewJob."""
    run = run_python("my_new_job")

    assert run.outcome == (ExecutionState.SUCCEEDED, "Job berhasil dijalankan")
    assert run.result.result == {"processed": 100}
    assert run.result.exit_code == 0
    assert "INFO tests.sample_app.scheduled_jobs: Memulai MyNewJob..." in run.text(Stream.STDERR)


def test_the_attendance_sample_creates_once_and_then_skips(
    run_python: RunPython, tmp_path: Path
) -> None:
    """S3-87, S3-88: created 150, then skipped 150."""
    folder = tmp_path / "attendance"
    folder.mkdir()

    runs = [run_python("auto_create_daily_attendance", {"folder": str(folder)}) for _ in range(2)]

    assert [run.result.result for run in runs] == [
        {"created": 150, "skipped": 0, "errors": 0},
        {"created": 0, "skipped": 150, "errors": 0},
    ]


@pytest.mark.parametrize(
    ("value", "state", "message", "result"),
    [
        (None, "succeeded", "", None),
        ({"rows": 3}, "succeeded", "", {"rows": 3}),
        ([1, "two", None], "succeeded", "", [1, "two", None]),
        ({"success": True}, "succeeded", "", None),
        ({"success": True, "message": "well"}, "succeeded", "well", None),
        (
            {"success": False, "message": "no stock", "data": {"left": 0}},
            "failed",
            "no stock",
            {"left": 0},
        ),
        ({"success": False}, "failed", "The job says that it failed", None),
        ({"success": 0, "message": None}, "failed", "The job says that it failed", None),
        (False, "succeeded", "", False),
    ],
)
def test_what_a_job_returns_becomes_verdict_and_result(
    run_python: RunPython, value: Any, state: str, message: str, result: Any
) -> None:
    """S3-09, S3-10: success false is a failure."""
    run = run_python("returns", {"value": value})

    assert run.outcome == (state, message)
    assert run.result.result == result
    assert run.result.exit_code == int(state == "failed")


def test_dates_and_decimals_are_kept_as_text(run_python: RunPython) -> None:
    run = run_python("returns", {"kind": "date"})

    assert run.result.result == {"day": "2026-03-01", "sum": "1.50"}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("object", "Object of type object is not JSON serializable"),
        ("nan", "Out of range float values are not JSON compliant"),
        ("large", "it has 100,002 bytes, at most 65,536 fit"),
    ],
)
def test_a_value_that_cannot_be_stored_is_told_and_costs_no_success(
    run_python: RunPython, kind: str, reason: str
) -> None:
    run = run_python("returns", {"kind": kind})

    assert run.result.state == ExecutionState.SUCCEEDED
    assert run.result.result is None
    assert run.result.message.startswith(f"The result is not kept: {reason}")
    assert run.result.message in run.text(Stream.STDERR)


def test_a_returned_exception_is_a_failure(run_python: RunPython) -> None:
    run = run_python("returns", {"kind": "error"})

    assert run.outcome == (ExecutionState.FAILED, "ValueError: given back")


# --- Exceptions and odd ends ----------------------------------------------------------------------


def test_an_exception_is_a_failure_with_the_trace_of_the_jobs_own_code(
    run_python: RunPython,
) -> None:
    """S3-11, S3-79: message and trace."""
    run = run_python("raises", {"text": "stock is empty"})

    assert run.outcome == (ExecutionState.FAILED, "ValueError: stock is empty")
    error = run.result.error or ""
    assert error.startswith("Traceback (most recent call last):")
    assert error.endswith("ValueError: stock is empty")
    assert 'scheduled_jobs.py", line' in error
    assert "in raises" in error
    assert "jobs/executors" not in error
    assert "jobs/registry" not in error
    assert error in run.text(Stream.STDERR)
    assert run.result.exit_code == 1


def test_an_exception_of_an_async_job_is_told_alike(run_python: RunPython) -> None:
    """S3-08, S3-11: async jobs too."""
    run = run_python("raises_async")

    assert run.outcome == (ExecutionState.FAILED, "ValueError: boom in a loop")
    assert "asyncio" not in (run.result.error or "")


def test_text_that_no_database_takes_is_replaced(run_python: RunPython) -> None:
    run = run_python("raises", {"text": "a\0b\ud800"})

    assert run.result.message == "ValueError: a\N{REPLACEMENT CHARACTER}b?"


@pytest.mark.parametrize(
    ("way", "code", "state", "message", "status"),
    [
        ("exit", 0, "succeeded", "", 0),
        ("exit", 7, "failed", "SystemExit: exit status 7", 7),
        ("text", 0, "failed", "not today", 1),
        ("os_exit", 0, "failed", ENDED_ITSELF, 0),
        ("os_exit", 9, "failed", f"{ENDED_ITSELF}: exit status 9", 9),
        ("segfault", 0, "failed", "Job ended by signal 11 (SIGSEGV)", None),
        ("signal", signal.SIGKILL, "failed", "Job ended by signal 9 (SIGKILL)", None),
        ("signal", signal.SIGINT, "failed", "KeyboardInterrupt", 1),
        ("signal", signal.SIGHUP, "failed", "Job ended by signal 1 (SIGHUP)", None),
    ],
)
def test_however_a_job_ends_the_worker_goes_on_and_tells_how(
    run_python: RunPython, way: str, code: int, state: str, message: str, status: int | None
) -> None:
    """S2-38: exit, signal or crash of one job."""
    run = run_python("ends", {"way": way, "code": int(code)})

    assert run.outcome == (state, message)
    assert run.result.exit_code == status


def test_a_crash_in_c_leaves_the_python_trace_in_the_log(run_python: RunPython) -> None:
    run = run_python("ends", {"way": "segfault"})

    assert "Fatal Python error: Segmentation fault" in run.text(Stream.STDERR)


def test_a_job_that_cannot_be_started_is_a_failed_run(
    run_python: RunPython, tmp_path: Path
) -> None:
    run = run_python("returns", working_dir=tmp_path / "nowhere")

    assert run.result.state == ExecutionState.FAILED
    assert run.result.message.startswith("Job could not be started: working directory")


# --- Output ---------------------------------------------------------------------------------------


def test_all_that_a_job_logs_and_prints_is_kept(run_python: RunPython) -> None:
    """S3-13, S3-14: every level, with the trace."""
    run = run_python("logs")

    errors = run.text(Stream.STDERR)
    for line in ("DEBUG", "INFO", "WARNING", "ERROR"):
        assert f"{line} {JOBS}: a" in errors
    assert "KeyError: 'inner'" in errors
    assert "INFO job.report: by the context" in errors
    assert "noise" not in errors
    assert run.text(Stream.STDOUT) == "printed\nof a program\n"


def test_progress_and_figures_are_heard_in_mid_line(run_python: RunPython) -> None:
    run = run_python("talks")

    assert run.progress == [40]
    assert run.result.metrics == {"rows": 1000.0}
    assert run.result.result == {"rows": 1000}


# --- What the job sees ----------------------------------------------------------------------------


def test_a_job_sees_neither_the_servers_environment_nor_its_files(
    run_python: RunPython, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, instance: str
) -> None:
    monkeypatch.setenv("SECRET_KEY", "the-secret-of-the-server")
    monkeypatch.setenv("DATABASE_URL", "postgres://the-secret-of-the-server")
    with (tmp_path / "open.txt").open("w") as file:
        os.set_inheritable(file.fileno(), True)

        run = run_python("looks_around", environment={"CITY": "Berlin"}, attempt=3)

    seen = run.result.result
    for where in ("proc", "child"):
        assert "SECRET_KEY" not in seen[where]
        assert "the-secret-of-the-server" not in seen[where]
    own = seen["environ"]
    assert (own["CITY"], own["JOB_NAME"], own["ATTEMPT"]) == ("Berlin", "report", "3")
    assert not {"SECRET_KEY", "DATABASE_URL", "JOBDECK_DATA", "PYTEST_CURRENT_TEST"} & set(own)
    assert seen["proc"].startswith(f"JOBDECK_INSTANCE={instance}\nEXECUTION_ID=7\n")
    assert "CITY=Berlin" in seen["child"]
    outside = [h for h in seen["handles"] if not h.startswith(("pipe:", "/dev/null", "/proc/"))]
    assert outside == ["/memfd:report (deleted)"]
    assert sum(handle.startswith("pipe:") for handle in seen["handles"]) == 2
    assert (seen["umask"], seen["session"]) == (0o077, True)
    assert seen["cwd"].endswith("/work")
    assert (seen["attempt"], seen["execution_id"]) == (3, 7)
    assert seen["deadline"] is not None


def test_a_job_without_a_time_limit_has_no_deadline(run_python: RunPython) -> None:
    """S2-11, S3-14: nothing cuts a long loop."""
    run = run_python("looks_around", timeout=None)

    assert run.result.result["deadline"] is None


# --- Being ended ----------------------------------------------------------------------------------


def test_a_time_limit_interrupts_a_sleeping_job_which_tidies_up(
    run_python: RunPython, tmp_path: Path
) -> None:
    """S2-10, S2-13: at its time limit."""
    mark = tmp_path / "tidy"

    run = run_python(
        "sleeps", {"tidy": str(mark)}, timeout=timedelta(seconds=0.5), grace=timedelta(seconds=10)
    )

    assert run.outcome == (ExecutionState.TIMED_OUT, "Timed out after 0.5 s")
    assert mark.read_text() == "tidied up"
    assert "in sleeps" in (run.result.error or "")
    assert run.seconds < 5


def test_a_time_limit_cancels_the_task_of_an_async_job(
    run_python: RunPython, tmp_path: Path
) -> None:
    mark = tmp_path / "tidy"

    run = run_python(
        "sleeps_async",
        {"tidy": str(mark)},
        timeout=timedelta(seconds=0.5),
        grace=timedelta(seconds=10),
    )

    assert run.result.state == ExecutionState.TIMED_OUT
    assert mark.read_text() == "tidied up"
    assert run.seconds < 5


def test_a_job_that_looks_ends_by_itself_and_its_result_is_kept(
    run_python: RunPython, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-13: a job may respect the signal."""
    from jobs.executors import BeatAnswer

    monkeypatch.setattr(process, "BEAT_SECONDS", 0.1)

    run = run_python(
        "watches",
        answer=lambda seen: BeatAnswer("otto" if seen.beats > 2 else None),
        grace=timedelta(seconds=10),
    )

    assert run.outcome == (ExecutionState.CANCELLED, "Cancelled by otto")
    assert run.result.result == {"some": True}
    assert run.progress
    assert run.seconds < 5


@pytest.mark.parametrize("watching", [True, False])
def test_a_stubborn_job_is_killed_with_everything_it_started(
    run_python: RunPython, tmp_path: Path, watching: bool
) -> None:
    pid_file = tmp_path / "pid"

    run = run_python(
        "stubborn",
        {"pid_file": str(pid_file), "watching": watching},
        timeout=timedelta(seconds=0.5),
        grace=timedelta(seconds=0.5),
    )

    assert run.result.state == ExecutionState.TIMED_OUT
    assert run.result.signal == signal.SIGKILL
    assert not Path(f"/proc/{pid_file.read_text()}").exists()
    assert 1.0 <= run.seconds < 8


def test_a_job_that_is_blocked_in_c_is_killed(run_python: RunPython) -> None:
    run = run_python(
        f"{JOBS}.blocked_in_c", timeout=timedelta(seconds=0.5), grace=timedelta(seconds=0.2)
    )

    assert run.outcome == (ExecutionState.TIMED_OUT, "Timed out after 0.5 s")
    assert run.result.signal == signal.SIGKILL
    assert run.seconds < 5


# --- Limits and secrets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "limits", "message"),
    [
        ("memory", {"memory_bytes": 1 << 33}, "MemoryError"),
        ("files", {"open_files": 64}, "OSError: [Errno 24] Too many open files: '/dev/null'"),
        (
            "cpu",
            {"cpu_seconds": 1},
            "Job ended by signal 24 (SIGXCPU); its limit is 1 s of CPU time",
        ),
    ],
)
def test_what_exceeds_a_limit_is_a_failed_run_that_says_so(
    tmp_path: Path,
    instance: str,
    sample_jobs: Registry,
    what: str,
    limits: dict[str, int],
    message: str,
) -> None:
    spec = {"job": "takes", "kwargs": {"what": what}, "limits": limits}

    done = in_worker(lambda: run(make_context(tmp_path, instance), "python", spec))

    assert done.outcome == (ExecutionState.FAILED, message)


def test_a_nice_job_gives_way(tmp_path: Path, instance: str, sample_jobs: Registry) -> None:
    spec = {"job": "takes", "kwargs": {"what": "nice"}, "limits": {"nice": 7}}
    before = os.getpriority(os.PRIO_PROCESS, 0)

    done = in_worker(lambda: run(make_context(tmp_path, instance), "python", spec))

    assert done.result.result == min(before + 7, 19)


def test_a_secret_is_masked_wherever_a_job_tells_it(run_python: RunPython) -> None:
    secret = "hunter2hunter2"
    mask = Mask([secret])

    raised = run_python("raises", {"text": "x" * 479 + secret}, mask=mask)
    returned = run_python("returns", {"value": {"key": secret}}, mask=mask)

    for done in (raised, returned):
        told = f"{done.result.message} {done.result.error} {done.result.result} {done.text()}"
        assert "hunter2" not in told
    assert returned.result.result["key"] != secret


# --- Specs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("job", ["os.system", "tests.sample_app.scheduled_jobs.Saying", "nope"])
def test_only_registered_code_can_be_named(sample_jobs: Registry, job: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_spec("python", {"job": job})

    assert caught.value.message.startswith(f"python job '{job}' is not registered. Registered: ")
    assert "my_new_job" in caught.value.message
    assert set(caught.value.fields) == {"job"}


def test_a_job_can_be_named_by_its_path(sample_jobs: Registry) -> None:
    spec = parse_spec("python", {"job": f"{JOBS}.MyNewJob"})

    assert sample_jobs.find(spec.model_dump()["job"]).job_id == "my_new_job"


@pytest.mark.parametrize(
    ("job", "kwargs", "reason"),
    [
        ("raises", {"txt": "a"}, "got an unexpected keyword argument 'txt'"),
        ("ends", {}, "missing a required argument: 'way'"),
        ("watches", {"context": 1}, "got an unexpected keyword argument 'context'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_when_the_job_is_defined(
    sample_jobs: Registry, job: str, kwargs: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_spec("python", {"job": job, "kwargs": kwargs})

    assert caught.value.message == f"{job} cannot be called with these kwargs: {reason}"
