"""Tell the jobs of a workspace that it was deployed or destroyed, or could not be."""

from __future__ import annotations

from datetime import datetime

from jobs import wake
from jobs.domain.states import FAILURES, Event, ExecutionState
from jobs.executors.template_spec import Operation
from jobs.services import sql

TYPE = "template"  # of the jobs that do it: an ending of any other looks up nothing
_OPERATION = "SELECT workspace_id, operation, mode FROM jobs_workspacejob WHERE job_id = %s"
_TELL = (
    "INSERT INTO jobs_occurrence (event, at, actor, detail, key, served_until, workspace_number) "
    "SELECT %s, %s, '', %s || name, %s, 0, id FROM jobs_workspace WHERE id = %s"
)
_EVENTS = {
    (Operation.APPLY, True): (Event.DEPLOYMENT, "Deployed workspace "),
    (Operation.APPLY, False): (Event.DEPLOYMENT_FAILED, "Could not deploy workspace "),
    (Operation.DESTROY, True): (Event.DESTROY, "Destroyed workspace "),
    (Operation.DESTROY, False): (Event.DESTROY_FAILED, "Could not destroy workspace "),
}


def tell(job_id: int, execution_id: int, *, state: ExecutionState, at: datetime) -> None:
    """Record the event of an ending in its own transaction; one that was cancelled is none."""
    if state != ExecutionState.SUCCEEDED and state not in FAILURES:
        return
    found = sql.row(_OPERATION, [job_id])
    if found is None:
        return
    workspace, operation, _mode = found
    if operation == Operation.PLAN:  # has changed nothing
        return
    event, words = _EVENTS[Operation(operation), state == ExecutionState.SUCCEEDED]
    sql.run(_TELL, [event.value, at, words, f"execution {execution_id}", workspace])
    wake.poke(wake.JOBS)
