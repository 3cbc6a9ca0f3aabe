"""The product's own log: what is written of an execution, as text and JSON, into which file."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import RequestFactory

from jobs import correlation
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.engine import runner
from jobs.executors import ExecutionResult
from jobs.models import Execution
from jobs.services import bulk, claims, executions, jobs, journal, triggers
from jobs.services.definitions import parse_definition
from scheduler_site.logs import CorrelationFilter, JsonFormatter, LineFormatter, SharedFileHandler
from tests.factories import make_job, make_worker

PLAIN = {"name": "plain", "type": "command", "spec": {"command": "true"}}
FMT = "{levelname} {name}: {message}"


def written_to(formatter: logging.Formatter) -> tuple[logging.Handler, io.StringIO]:
    """Return a handler that writes into a text as the product's do."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(formatter)
    handler.addFilter(CorrelationFilter())
    return handler, text


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what the product wrote as lines, and as JSON."""
    line, text = written_to(LineFormatter(FMT, style="{"))
    other, objects = written_to(JsonFormatter())
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*root.handlers, line, other])
    before = root.level
    root.setLevel(logging.INFO)  # forgets, too, what each logger remembers of the level before
    yield text, objects
    root.setLevel(before)


@pytest.mark.django_db
def test_an_execution_leaves_lines_that_all_readers_find(
    logs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S0-123, S0-147, S0-149, S1-107, S2-39, S3-89, S3-90: one log, and what each looks for."""
    text, objects = logs
    job = make_job(name="cleanup-temp", spec={"command": "echo out of order; exit 3"})
    started = triggers.trigger(job.pk, actor=SYSTEM)
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    real, left = executions.finish, [OperationalError("disk I/O error")]

    def finish(*given: Any, **more: Any) -> bool:
        if left:
            raise left.pop()
        return real(*given, **more)

    monkeypatch.setattr(executions, "finish", finish)
    monkeypatch.setattr(runner, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(connection, "close", lambda: None)

    runner.run_claimed(claim.execution_id, claim.token)

    lines = text.getvalue().splitlines()
    mine = f" execution={started.pk}"
    assert (
        f"INFO scheduler.runner: [_standalone_] JOB cleanup-temp: Starting execution{mine}" in lines
    )
    assert any("Failed to persist" in line and line.endswith(mine) for line in lines)
    (ended,) = [line for line in lines if "JOB cleanup-temp: Failed (duration: " in line]
    assert ended.startswith("ERROR scheduler.runner: ")
    records = [json.loads(line) for line in objects.getvalue().splitlines()]
    (told,) = [one for one in records if one.get("state") == "failed"]
    assert (told["execution_id"], told["job_id"], told["attempt"]) == (started.pk, job.pk, 1)
    assert (told["job"], told["workspace"], told["exit_code"]) == (
        "cleanup-temp",
        "_standalone_",
        3,
    )
    assert (told["level"], told["logger"]) == ("ERROR", "scheduler.runner")
    assert told["time"].endswith("Z")
    assert correlation.current() == {}
    assert Execution.objects.get(pk=started.pk).state == ExecutionState.FAILED


@pytest.mark.django_db
def test_jobs_of_resources_keep_the_words_of_their_scheduler(
    logs: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """S0-74, S0-146, S0-150: level, name and words as CB-Tumblebug's scheduler writes them."""
    text, _ = logs
    definition = {"name": "sync", "type": journal.TYPE, "spec": {"ns_id": "default"}}
    other = definition | {"name": "other", "spec": {"ns_id": "other"}}

    with django_capture_on_commit_callbacks(execute=True):
        job = jobs.create(parse_definition(definition), actor=SYSTEM)
        bulk.create_many([parse_definition(other | PLAIN), parse_definition(other)], actor=SYSTEM)
    journal.auto_disabled(job, 5)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.delete(job.pk, actor=SYSTEM)

    name = journal.public_id(job)
    lines = text.getvalue().splitlines()
    assert f"INFO Scheduler: Created scheduled job: {name}" in lines
    assert "INFO Scheduler: Created scheduled job: other" in lines, "also of many at once"
    assert f"INFO Scheduler: Stopped scheduled job: {name}" in lines
    assert not any("plain" in line for line in lines), "only of jobs that register"
    assert f"WARN Scheduler: Job auto-disabled after 5 consecutive failures: {name}" in lines


@pytest.mark.django_db
def test_s0_147_149_each_event_of_such_a_job_is_one_line(
    logs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, objects = logs
    definition = {"name": "sync", "type": journal.TYPE, "spec": {"ns_id": "default"}}
    job = jobs.create(parse_definition(definition), actor=SYSTEM)
    started = triggers.trigger(job.pk, actor=SYSTEM)
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    monkeypatch.setattr(connection, "close", lambda: None)
    refused = ExecutionResult(
        state=ExecutionState.FAILED,
        started_at=started.queued_at,
        finished_at=started.queued_at,
        message="failed to connect\nto db1",
    )
    monkeypatch.setattr(runner, "_execute", lambda *_given: refused)

    runner.run_claimed(claim.execution_id, claim.token)

    name, mine = journal.public_id(job), f" execution={started.pk}"
    lines = [line for line in text.getvalue().splitlines() if line.endswith(mine)]
    assert lines == [
        f"INFO Scheduler: Starting job execution: {name}{mine}",
        f"ERROR Scheduler: Job execution failed: {name}, error: failed to connect to db1{mine}",
    ]
    told = [json.loads(line) for line in objects.getvalue().splitlines()]
    assert [one["state"] for one in told if "state" in one] == ["failed"]


def test_an_error_keeps_its_trace_in_one_object_of_json() -> None:
    try:
        raise ValueError("what <b>\n happened")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("scheduler.x", 40, "f", 1, "sätze %s", ("mit\nUmbruch",), info)
    record.path = Path("/tmp")  # whatever a field holds, a line comes out

    line = JsonFormatter().format(record)

    assert "\n" not in line
    found = json.loads(line)
    assert found["message"] == "sätze mit\nUmbruch"
    assert "ValueError: what <b>" in found["error"]
    assert found["path"] == "/tmp"


def test_no_line_holds_the_key_of_an_address(logs: Any, rf: RequestFactory) -> None:
    """An error of a page names its address; that of a check-in or of a link is a secret."""
    for path in (
        "/ping/0a1b-key/fail",
        "/alerts/link/WyJ0:key:sig/",
        "/password/set/MQ/key/",
        "/jobs/7/",
    ):
        facts = {"request": rf.get(path), "status_code": 500}
        logging.getLogger("django.request").error("%s: %s", "Server Error", path, extra=facts)

    for text in logs:
        assert "key" not in text.getvalue()
        assert "/ping/***/fail" in text.getvalue()
        assert "/alerts/link/***/" in text.getvalue()
        assert "/jobs/7/" in text.getvalue()


def test_the_file_is_put_aside_by_one_of_several_processes(tmp_path: Path) -> None:
    """S0-151: the log goes to a file of the operator's choice, which does not grow for ever."""
    path = tmp_path / "tumblebug.log"
    first = SharedFileHandler(str(path), size=100, count=2)
    second = SharedFileHandler(str(path), size=100, count=2)
    record = logging.makeLogRecord({"msg": "x" * 59})

    for number in range(9):
        (first, second)[number % 2].emit(record)
    for handler in (first, second):
        handler.close()

    files = sorted(one.name for one in tmp_path.iterdir() if not one.name.startswith("."))
    assert files == ["tumblebug.log", "tumblebug.log.1", "tumblebug.log.2"]
    assert [len((tmp_path / name).read_text()) for name in files] == [60, 120, 120]
