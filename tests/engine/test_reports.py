"""What a run says about itself: parameters it was given, warnings, metrics, that it is slow."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.domain.permissions import SYSTEM
from jobs.engine import runner
from jobs.executors import process
from jobs.models import Execution
from jobs.queries import logs
from jobs.registry import REGISTRY, JobContext, scheduled_job
from jobs.registry.base import entry_of_function
from jobs.services import claims, executions
from jobs.services.triggers import trigger
from tests.factories import make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db(transaction=True)


def run(given: dict[str, Any] | None = None, /, **fields: Any) -> Execution:
    """Run a job as a worker does; return its execution."""
    job = make_job(**fields)
    execution = trigger(job.pk, actor=SYSTEM, parameters=given)
    worker = make_worker()
    runner.Context.worker_id = worker.pk
    runner.Context.queues = ["default"]
    (claim,) = claims.claim(worker_id=worker.pk, queues=["default"], free=1)
    runner.run_claimed(claim.execution_id, claim.token)
    execution.refresh_from_db()
    return execution


def log_of(execution: Execution) -> str:
    """Return what an execution printed."""
    return b"".join(piece.data for piece in logs.pieces(execution.pk)).decode()


def test_a_program_reads_its_parameters_and_a_secret_one_is_masked() -> None:
    execution = run(
        {"note": 'it\'s $(date) `date` "quoted"; exit 9', "key": "correct horse"},
        parameters=[{"name": "note"}, {"name": "key", "secret": True}],
        spec={"command": 'printf "%s|%s" "$PARAM_NOTE" "$PARAM_KEY"; echo ::warning "$PARAM_KEY"'},
    )

    assert execution.state == "succeeded"
    assert log_of(execution) == 'it\'s $(date) `date` "quoted"; exit 9|***::warning ***\n'
    assert execution.warnings is None  # not at the beginning of a line


def echo(context: JobContext) -> dict[str, Any]:
    """Show what a job sees."""
    context.warning("seen from\ninside")
    assert context.artifacts_dir is not None
    (context.artifacts_dir / "note.txt").write_text("kept")
    return dict(context.parameters)


def test_a_python_job_reads_them_from_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = entry_of_function(
        scheduled_job(
            job_id="parameters-echo",
            manual=True,
            parameters=[{"name": "limit", "type": "integer"}],
        )(echo)
    )
    monkeypatch.setattr(REGISTRY, "_entries", {"parameters-echo": entry})
    assert entry.definition["parameters"] == [{"name": "limit", "type": "integer"}]
    execution = run(
        {"limit": "7"},
        type="python",
        spec={"job": "parameters-echo"},
        parameters=[{"name": "limit", "type": "integer"}, {"name": "dry", "type": "boolean"}],
    )

    assert execution.result == {"limit": 7}
    assert execution.warnings == {"count": 1, "lines": ["seen from inside"]}
    assert [row.name for row in execution.artifacts.all()] == ["note.txt"]


def test_warnings_and_metrics_are_kept_and_of_many_the_first() -> None:
    execution = run(
        type="script",
        spec={
            "script": "echo '::metric rows=1000'; echo '::metric share=0.5';"
            " for n in $(seq 30); do echo ::warning number $n; done; echo '::warning'"
        },
    )

    assert execution.metrics == {"rows": 1000.0, "share": 0.5}
    assert execution.warnings is not None
    assert execution.warnings["count"] == 31
    assert execution.warnings["lines"][:2] == ["number 1", "number 2"]
    assert len(execution.warnings["lines"]) == 20


def test_a_long_warning_with_a_secret_is_cut_after_it_was_masked() -> None:
    execution = run(
        {"key": "correct horse"},
        parameters=[{"name": "key", "secret": True}],
        type="script",
        spec={"script": 'echo "::warning $(printf %0490d 0) $PARAM_KEY"'},
    )

    assert execution.warnings is not None
    (line,) = execution.warnings["lines"]
    assert len(line) <= 500
    assert line.endswith("0 ***")


def test_a_slow_run_is_told_once_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "BEAT_SECONDS", 0.05)
    told: list[bool] = []
    real = executions.beat

    def beat(*args: Any, **options: Any) -> executions.Beat:
        told.append(bool(options.get("is_slow")))
        return real(*args, **options)

    monkeypatch.setattr(executions, "beat", beat)
    execution = run(
        spec={"command": "sleep 0.4; echo done"}, soft_timeout_seconds=0.1, timeout_seconds=60
    )

    assert execution.state == "succeeded"
    assert execution.soft_timeout_at is not None
    assert execution.started_at is not None
    assert execution.soft_timeout_at >= execution.started_at
    sentence = "still running after its soft limit of 100ms"
    assert execution.warnings == {"count": 1, "lines": [sentence]}
    assert f"[… {sentence} …]\n" in log_of(execution)
    assert told.count(True) == 1  # with a beat that was due anyway


def test_a_run_within_its_soft_limit_says_nothing() -> None:
    execution = run(spec={"command": "true"}, soft_timeout_seconds=30)

    assert (execution.soft_timeout_at, execution.warnings) == (None, None)


def test_a_failed_start_without_a_needed_value_says_so() -> None:
    job = make_job(parameters=[{"name": "day", "type": "date", "required": True}])
    execution = make_execution(job, parameters={})
    worker = make_worker()
    runner.Context.worker_id = worker.pk
    (claim,) = claims.claim(worker_id=worker.pk, queues=["default"], free=1)

    runner.run_claimed(claim.execution_id, claim.token)

    execution.refresh_from_db()
    assert execution.state == "failed"
    assert "parameter day is required" in execution.message
