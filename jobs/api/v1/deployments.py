"""Deploy and destroy the infrastructure of workspaces."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from ninja import Router, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.documents import ExecutionDocument, execution_document
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest
from jobs.api.waiting import MAX_WAIT, WaitSeconds, wait_for_end
from jobs.domain.states import TERMINAL, Trigger
from jobs.models import Execution
from jobs.queries.executions import get_execution
from jobs.services import workspace_operations
from jobs.services.operation_requests import parse_deploy

router = Router(tags=["workspaces"])


class Cancelled(BaseModel):
    """What became of a request to end what deploys or destroys."""

    cancelled: int = Field(description="How many runs were asked to end.")


@router.post(
    "/workspaces/{name}/deploy",
    response={200: ExecutionDocument, 202: ExecutionDocument},
    openapi_extra=body_of("DeployRequest", required=False),
)
def deploy(
    request: ApiRequest, response: HttpResponse, name: str, wait: WaitSeconds = 0
) -> Status[ExecutionDocument]:
    """Deploy a workspace now, also one that is deployed: it is brought in line with its template.

    200 when that has ended, else 202. Its jobs hear of it as `@deployment` or `@deployment-failed`.
    """
    wanted = parse_deploy(json_object(request) if request.body else {})
    made = workspace_operations.deploy(name, actor=request.auth, mode=wanted.mode, kind=Trigger.API)
    return _answer(request, response, made, wait)


@router.post(
    "/workspaces/{name}/destroy", response={200: ExecutionDocument, 202: ExecutionDocument}
)
def destroy(
    request: ApiRequest, response: HttpResponse, name: str, wait: WaitSeconds = 0
) -> Status[ExecutionDocument]:
    """Destroy what a workspace has deployed; its files and its jobs stay.

    200 when that has ended, else 202. Its jobs hear of it as `@destroy` or `@destroy-failed`.
    """
    made = workspace_operations.destroy(name, actor=request.auth, kind=Trigger.API)
    return _answer(request, response, made, wait)


@router.post("/workspaces/{name}/plan", response={200: ExecutionDocument, 202: ExecutionDocument})
def plan(
    request: ApiRequest, response: HttpResponse, name: str, wait: WaitSeconds = 0
) -> Status[ExecutionDocument]:
    """Find out what a deployment of a workspace would change; nothing is changed.

    200 when that has ended, else 202. The result has `drift`, `changes` and `changed_elsewhere`.
    """
    made = workspace_operations.plan(name, actor=request.auth, kind=Trigger.API)
    return _answer(request, response, made, wait)


@router.post("/workspaces/{name}/cancel", response=Cancelled)
def cancel(request: ApiRequest, name: str) -> Cancelled:
    """End what deploys or destroys a workspace; OpenTofu is given time to write its state."""
    return Cancelled(cancelled=workspace_operations.cancel(name, actor=request.auth))


def _answer(
    request: ApiRequest, response: HttpResponse, made: Execution, wait: float
) -> Status[ExecutionDocument]:
    wait_for_end(made.pk, min(wait, MAX_WAIT))
    execution = get_execution(made.pk)
    response["Location"] = f"/api/v1/executions/{made.pk}"
    ended = execution.state in TERMINAL
    status = HTTPStatus.OK if ended else HTTPStatus.ACCEPTED
    return Status(status, execution_document(execution, actor=request.auth))
