"""The job type ``registerCspResources``: let CB-Tumblebug register the resources of a cloud.

Like an HTTP job it runs in a thread of the worker, which waits for its connection and ends at once
when that is cut: by a timeout, a cancel, or the end of the worker.
"""

from __future__ import annotations

from datetime import UTC, datetime

from jobs import conf
from jobs.domain.masking import Mask
from jobs.domain.states import ExecutionState
from jobs.executors.base import ExecutionContext, ExecutionResult, Monitor
from jobs.executors.http_supervision import Supervision
from jobs.executors.tumblebug_call import Call
from jobs.executors.tumblebug_client import line_to, secrets_of
from jobs.executors.tumblebug_faults import timed_out
from jobs.executors.tumblebug_spec import TumblebugSpec

NO_SERVER = "No CB-Tumblebug server is configured. Set TUMBLEBUG_URL and restart"


class TumblebugExecutor:
    """Make the call, log a table and judge what came of it."""

    spec_model = TumblebugSpec

    def execute(
        self, spec: TumblebugSpec, context: ExecutionContext, monitor: Monitor
    ) -> ExecutionResult:
        """Make the call; whatever the server does is a result."""
        server = conf.tumblebug()
        if server is None:
            return _without_server()
        line = line_to(server)
        mask = Mask(secrets_of(server))
        name = f"jobdeck-{context.execution_id}-{context.attempt}"
        supervision = Supervision(
            context,
            monitor,
            line,
            lambda tell: Call(spec, server, line, mask, name, tell),
            timed_out=timed_out,
        )
        return supervision.to_the_end()


def _without_server() -> ExecutionResult:
    now = datetime.now(UTC)
    return ExecutionResult(
        state=ExecutionState.FAILED, started_at=now, finished_at=now, message=NO_SERVER
    )
