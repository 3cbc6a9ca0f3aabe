"""Much output and fast output: a worker keeps little of it, a reader sees it while it is printed."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from jobs.api import waiting
from jobs.domain.permissions import Role
from jobs.engine import runner
from jobs.engine.monitor import DatabaseMonitor
from jobs.executors import Chunk
from jobs.executors.output import FLUSH_SECONDS
from jobs.models import Execution, LogChunk
from jobs.queries.logs import pieces
from jobs.services import claims
from tests.api.callers import caller
from tests.factories import make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db(transaction=True)

LINE = len("100000000\n")
KEPT = 10_000_000
# A tail of 256 KiB, what waits for a write, the database's own buffers; what is printed is 67 MB.
MOST_HELD = 30_000_000
TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "partials"


def memory(name: str) -> int:
    """Return a figure of this process's memory in bytes: VmRSS now, VmHWM at its highest."""
    (found,) = re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found) * 1024


def run(command: str) -> Execution:
    """Run a command as a worker of the pool does; return its row."""
    worker = make_worker()
    runner.Context.worker_id, runner.Context.queues = worker.pk, ["default"]
    execution = make_execution(make_job(name="talker", spec={"command": command}, schedules=[]))
    (claim,) = claims.claim(worker_id=worker.pk, queues=["default"], free=1)
    runner.run_claimed(claim.execution_id, claim.token)
    execution.refresh_from_db()
    return execution


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(6_700_000, id="60 MB"),
        pytest.param(112_000_000, id="1 GB", marks=pytest.mark.soak),
    ],
)
def test_much_output_costs_little_memory_and_leaves_head_mark_and_tail(
    viewer_client: Client, lines: int
) -> None:
    first, last = 100_000_000, 100_000_000 + lines - 1
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is the present one
    before = memory("VmRSS")

    execution = run(f"seq {first} {last}")

    held = memory("VmHWM") - before
    assert (execution.state, execution.log_truncated) == ("succeeded", True)
    assert held < MOST_HELD
    stored = b"".join(bytes(row.data) for row in LogChunk.objects.order_by("seq"))
    assert execution.log_bytes == lines * LINE
    assert KEPT - 5000 < len(stored) < KEPT + 1000
    assert stored.startswith(b"%d\n%d\n" % (first, first + 1))
    assert stored.endswith(b"%d\n%d\n" % (last - 1, last))
    marks = b"".join(piece.data for piece in pieces(execution.pk) if piece.stream == "system")
    found = re.search(r"\[… ([\d,]+) bytes not kept; limit 10,000,000 …\]", marks.decode())
    assert found
    assert int(found[1].replace(",", "")) == lines * LINE - (len(stored) - len(marks))
    page = viewer_client.get(reverse("execution", args=[execution.pk]))
    assert page.status_code == 200
    assert str(last) in page.content.decode()
    assert len(page.content) < 1_000_000


def test_a_line_of_a_running_job_is_seen_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = tmp_path / "go"
    reader = caller(Role.VIEWER)
    seen: list[tuple[str, str | None, str]] = []
    write = DatabaseMonitor.write

    def write_and_read(
        monitor: DatabaseMonitor, chunks: Sequence[Chunk], *, last: bool = False
    ) -> None:
        write(monitor, chunks, last=last)
        row = Execution.objects.get()
        answer = reader.get(f"/executions/{row.pk}/log?from=0&wait=30")
        seen.append((row.state, answer.headers["Log-Complete"], answer.content.decode()))
        if "first" in seen[-1][2]:
            go_on.touch()

    monkeypatch.setattr(DatabaseMonitor, "write", write_and_read)
    begun = time.monotonic()

    execution = run(f"echo first; while [ ! -e {go_on} ]; do sleep 0.02; done; echo second")

    assert time.monotonic() - begun < 30  # it goes on only when the line was read
    assert seen[0] == ("running", "false", "first\n")
    assert execution.state == "succeeded"
    assert b"".join(piece.data for piece in pieces(execution.pk)) == b"first\nsecond\n"
    # The longest wait for the write, and the longest until the reader looks again.
    looks = re.findall(r'hx-trigger="every (\d+)ms', (TEMPLATES / "log_tail.html").read_text())
    assert FLUSH_SECONDS == 0.25
    assert [FLUSH_SECONDS + int(look) / 1000 < 1 for look in looks] == [True]
    assert FLUSH_SECONDS + waiting._LONGEST < 1
