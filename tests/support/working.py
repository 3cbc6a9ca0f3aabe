"""The engine without its processes: what is due is dispatched and run in this one."""

from __future__ import annotations

from jobs.engine import runner
from jobs.engine.dispatcher import Dispatcher
from jobs.models import Execution
from jobs.services import claims


def work() -> list[str]:
    """Dispatch and run until nothing is left; return the names of the jobs that ran."""
    ran: list[str] = []
    dispatcher = Dispatcher()
    while True:
        while dispatcher.step():
            pass
        found = claims.claim(worker_id=runner.Context.worker_id, queues=["default"], free=1)
        if not found:
            return ran
        for one in found:
            ran.append(Execution.objects.get(pk=one.execution_id).job.name)
            runner.run_claimed(one.execution_id, one.token)
