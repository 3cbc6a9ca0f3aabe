"""A job's process sees none of the server's secrets nor open files, whatever its type (S-12)."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from jobs.executors import ExecutionContext
from tests.executors.pythonjobs import sample_commands, sample_jobs
from tests.executors.worker import in_worker, run

__all__ = ["sample_commands", "sample_jobs"]

SECRET = "s3cret-of-the-server-0123456789"
# What a clean process may hold open besides its three streams: what it looks with itself.
LOOK = "cat /proc/self/environ | tr '\\0' '\\n'; ls -l /proc/$$/fd | sed -n 's/.* -> //p'"
JOBS: dict[str, dict[str, Any]] = {
    "command": {"command": LOOK},
    "script": {"script": LOOK},
    "limited": {"command": LOOK, "limits": {"nice": 1}},
    "python": {"job": "tests.sample_app.scheduled_jobs.what_is_open"},
    "management_command": {"command": "greet", "args": ["you"], "options": {"look": True}},
}


@pytest.fixture
def _full_of_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Give the server secrets in its environment and files and connections, all inheritable."""
    for name in (
        "SECRET_KEY",
        "DATABASE_URL",
        "BROKER_URL",
        "JOBDECK_DATA",
        "AWS_SECRET",
        "PGPASS",
    ):
        monkeypatch.setenv(name, SECRET)
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for handle in (
            os.open(tmp_path / f"database-{SECRET}", os.O_RDWR | os.O_CREAT),
            os.dup(stack.enter_context(socket.create_connection(listener.getsockname())).fileno()),
            os.memfd_create(SECRET),
        ):
            os.set_inheritable(handle, True)
            stack.callback(os.close, handle)
        yield


@pytest.mark.usefixtures("_full_of_secrets", "sample_jobs", "sample_commands")
@pytest.mark.parametrize("name", JOBS)
def test_a_job_sees_no_secret_and_no_file_of_the_server(
    context: ExecutionContext, name: str
) -> None:
    job_type = "command" if name == "limited" else name

    outcome = in_worker(lambda: run(context, job_type, JOBS[name]))

    seen = outcome.text() + json.dumps(outcome.result.result)
    assert outcome.result.message == ""
    assert f"JOBDECK_INSTANCE={context.instance}" in seen
    assert SECRET not in seen
    assert "socket:" not in seen
    assert "eventpoll" not in seen
    assert str(Path.cwd() / "jobs") not in seen


@pytest.mark.usefixtures("_full_of_secrets", "sample_jobs")
def test_what_is_open_in_a_python_job_leads_nowhere(context: ExecutionContext) -> None:
    outcome = in_worker(lambda: run(context, "python", JOBS["python"]))

    open_files = set(outcome.result.result["open"])
    known = {name for name in open_files if name.startswith(("pipe:", "/memfd:report", "/proc/"))}
    assert open_files - known <= {"/dev/null", ""}
