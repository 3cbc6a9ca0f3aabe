"""Deploy and destroy the infrastructure of workspaces.

Each operation is an ordinary job of the workspace, of the type `template`: so schedules, history,
log, alerts, kills and the ledger are those of every job. They exclude each other by a mutex.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from jobs.domain.errors import ConflictError, InvalidError, StateError
from jobs.domain.permissions import SYSTEM, Actor, Permission
from jobs.domain.said import said
from jobs.domain.states import Deployment, Trigger
from jobs.executors.template_spec import Operation, Scope
from jobs.models import Execution, Job, Workspace, WorkspaceJob
from jobs.models.execution import LIVE_VALUES
from jobs.queries.deployments import standing_of
from jobs.queries.workspaces import get_workspace
from jobs.services import cancelling, jobs, triggers, workspaces
from jobs.services.definitions import parse_definition
from jobs.services.operation_requests import MODE, Operations
from jobs.services.writing import write_transaction

DEPLOY, DESTROY, PLAN = "workspace-deploy", "workspace-destroy", "workspace-plan"
_GRACE_SECONDS = 60  # OpenTofu finishes the resource at hand and writes its state

_MODE = {"name": "mode", "title": "Mode", "max_length": 40}

Wanted = tuple[Operation, str]  # what is done, and the mode of a mode's own schedule
_PLAN: Wanted = (Operation.PLAN, "")


def operations_of(row: Workspace) -> Operations:
    """Return what was decided about a workspace's infrastructure."""
    return Operations.model_validate(row.config or {})


def configure(row: Workspace, operations: Operations, *, actor: Actor, keep: bool = False) -> None:
    """Keep what is decided about a workspace's infrastructure, and make its jobs follow.

    With ``keep`` the jobs are made although nothing is said: the workspace has files of its own.
    """
    with write_transaction():
        wanted = dict(definitions_of(row, operations, keep=keep))
        known = {(Operation(one.operation), one.mode): one for one in row.operations.all()}
        if wanted and _PLAN in known:
            wanted[_PLAN] = _plan_of(row, operations)
        # Jobs before the workspace, as an ending locks them.
        for key, definition in wanted.items():
            _follow(row, key, definition, known.pop(key, None), actor)
        for left in known.values():
            _retire(left, actor)
        keep_decision(row, operations)


def keep_decision(row: Workspace, operations: Operations) -> None:
    """Keep what is decided; the jobs that follow from it are the caller's."""
    row.config = operations.model_dump(mode="json", exclude_defaults=True)
    row.template = operations.template
    row.save(update_fields=["config", "template"])


def attach(made: Iterable[tuple[Job, tuple[Workspace, Wanted]]]) -> None:
    """Note of new jobs which operation of which workspace each does."""
    WorkspaceJob.objects.bulk_create(
        WorkspaceJob(job=job, workspace=row, operation=operation.value, mode=mode)
        for job, (row, (operation, mode)) in made
    )


def definitions_of(
    row: Workspace, told: Operations, *, keep: bool
) -> Iterator[tuple[Wanted, dict[str, Any]]]:
    """Yield the jobs that a workspace needs; none where nothing is said and nothing to ``keep``."""
    if not keep and not told.says_anything:
        return
    deploy = told.custom_deploy.model_dump() if told.custom_deploy else None
    destroy = told.custom_destroy.model_dump() if told.custom_destroy else None
    common = _common(row, told)
    yield (
        (Operation.APPLY, ""),
        {
            **common,
            "name": DEPLOY,
            "description": f"Deploys workspace {row.name}.",
            "spec": _spec(told, Operation.APPLY, "{{params.mode}}", deploy),
            "schedules": [told.schedule(one) for one in told.deploy_schedule],
            "parameters": [_MODE],
        },
    )
    yield (
        (Operation.DESTROY, ""),
        {
            **common,
            "name": DESTROY,
            "description": f"Destroys what workspace {row.name} has deployed.",
            "spec": _spec(told, Operation.DESTROY, "", destroy),
            "schedules": [told.schedule(one) for one in told.destroy_times],
        },
    )
    for name, times in told.mode_schedules.items():
        yield (
            (Operation.APPLY, name),
            {
                **common,
                "name": f"{DEPLOY}-{name}",
                "description": f"Deploys workspace {row.name} in mode {name}.",
                "spec": _spec(told, Operation.APPLY, name, deploy),
                "schedules": [told.schedule(one) for one in times],
            },
        )


def _plan_of(row: Workspace, told: Operations) -> dict[str, Any]:
    """Return the job that compares a workspace with its template, made when first asked for."""
    # A line in place of OpenTofu's own plan says nothing that could be counted; its init holds.
    init = told.custom_deploy.init_command if told.custom_deploy else ""
    custom = {"init_command": init} if init else None
    return {
        **_common(row, told),
        "name": PLAN,
        "description": f"Says what a deployment of workspace {row.name} would change.",
        "spec": _spec(told, Operation.PLAN, "{{params.mode}}", custom),
        "parameters": [_MODE],
    }


def _common(row: Workspace, told: Operations) -> dict[str, Any]:
    return {
        "workspace": row.name,
        "type": "template",
        "category": "workspace",
        "environment": told.environment,
        "mutex": f"workspace-{row.pk}",
        "timeout_seconds": told.timeout_seconds,
        "grace_seconds": _GRACE_SECONDS,
    }


def _spec(
    told: Operations, operation: Operation, mode: str, custom: dict[str, str] | None
) -> dict[str, Any]:
    found = {"template": told.template, "operation": operation.value, "mode": mode}
    return {**found, "scope": Scope.WORKSPACE.value, "custom": custom}


def _follow(
    row: Workspace,
    key: Wanted,
    definition: dict[str, Any],
    known: WorkspaceJob | None,
    actor: Actor,
) -> None:
    if known is not None and known.job.deleted_at is None:
        jobs.update(known.job_id, definition, actor=actor)
        return
    made = jobs.create(parse_definition(definition), actor=actor)
    operation, mode = key
    WorkspaceJob.objects.update_or_create(
        workspace=row, operation=operation.value, mode=mode, defaults={"job": made}
    )


def _retire(row: WorkspaceJob, actor: Actor) -> None:
    """Take back a job that nothing is said of any more; what has run stays, without a schedule."""
    if row.job.deleted_at is not None:
        return
    if row.job.execution_count and not row.mode:
        jobs.update(row.job_id, {"schedules": []}, actor=actor)
        return
    jobs.delete(row.job_id, actor=actor)
    row.delete()


def deploy(
    name: str,
    *,
    actor: Actor,
    mode: str = "",
    kind: Trigger = Trigger.MANUAL,
    idempotency_key: str = "",
) -> Execution:
    """Start to deploy a workspace now, in a mode if one is given."""
    row = _to_operate(name, actor)
    if mode and not MODE.fullmatch(mode):
        sentence = said(
            "Mode {mode!r} is not allowed. Use letters, digits, '_' or '-'.", mode=mode[:80]
        )
        raise InvalidError(sentence, fields={"mode": sentence})
    if not row.enabled:
        raise StateError(said("Workspace {name} is disabled. Enable it first.", name=row.name))
    return triggers.trigger(
        _job(row, Operation.APPLY, actor).pk,
        actor=actor,
        kind=kind,
        idempotency_key=idempotency_key,
        parameters={"mode": mode} if mode else None,
    )


def destroy(
    name: str, *, actor: Actor, kind: Trigger = Trigger.MANUAL, idempotency_key: str = ""
) -> Execution:
    """Start to destroy what a workspace has deployed, also of a disabled one."""
    row = _to_operate(name, actor)
    return triggers.trigger(
        _job(row, Operation.DESTROY, actor).pk,
        actor=actor,
        kind=kind,
        idempotency_key=idempotency_key,
    )


def plan(
    name: str, *, actor: Actor, kind: Trigger = Trigger.MANUAL, idempotency_key: str = ""
) -> Execution:
    """Start to find out what a deployment, in the mode of the last, would change; changes nothing."""
    row = _to_operate(name, actor)
    mode = standing_of(row).mode
    return triggers.trigger(
        _planning_job(row).pk,
        actor=actor,
        kind=kind,
        idempotency_key=idempotency_key,
        parameters={"mode": mode} if mode else None,
    )


def _planning_job(row: Workspace) -> Job:
    """Return the job that plans; it is the product's own, so that whoever may start it makes it."""
    operations = operations_of(row)
    with write_transaction():
        # Two that ask at once: the second finds what the first has made.
        Workspace.objects.select_for_update().get(pk=row.pk)
        found = _known(row, Operation.PLAN)
        if found is not None:
            return found
        if _known(row, Operation.APPLY) is None:
            raise StateError(
                said(
                    "Workspace {name} was never set up to be deployed: there is nothing to plan.",
                    name=row.name,
                )
            )
        _follow(row, _PLAN, _plan_of(row, operations), None, SYSTEM)
    return row.operations.get(operation=Operation.PLAN.value).job


def cancel(name: str, *, actor: Actor) -> int:
    """End what deploys, destroys or plans a workspace; return how many runs were asked to end."""
    row = _to_operate(name, actor)
    live = Execution.objects.filter(job__operation_of__workspace=row, state__in=LIVE_VALUES)
    ended = 0
    for one in live.order_by("pk").values_list("pk", flat=True):
        with suppress(StateError):  # it has just ended by itself
            cancelling.cancel(one, actor=actor)
            ended += 1
    return ended


def _to_operate(name: str, actor: Actor) -> Workspace:
    """Return a workspace whose jobs ``actor`` may start."""
    row = get_workspace(name, seen_by=actor)
    workspaces.require_in(actor, Permission.EXECUTE, row)
    return row


def give_up(row: Workspace, *, actor: Actor) -> None:
    """Delete the jobs of a workspace that is about to go; ConflictError while anything is deployed."""
    standing = standing_of(row)
    if standing.live is not None:
        raise ConflictError(
            said("Workspace {name} is destroying right now. Cancel that first.", name=row.name)
            if standing.status == Deployment.DESTROYING
            else said("Workspace {name} is deploying right now. Cancel that first.", name=row.name)
        )
    if standing.is_cut_off:
        raise ConflictError(
            said(
                "The last operation of workspace {name} was cut off before it could tell "
                "what is there. Destroy it first.",
                name=row.name,
            )
        )
    if standing.resources:
        raise ConflictError(
            said(
                "Workspace {name} has {count} resources deployed. Destroy it first.",
                name=row.name,
                count=len(standing.resources),
            )
        )
    for one in row.operations.filter(job__deleted_at=None):
        jobs.delete(one.job_id, actor=actor)
    row.operations.all().delete()


def _job(row: Workspace, operation: Operation, actor: Actor) -> Job:
    """Return the job that does an operation, made when missing by who may edit the workspace."""
    found = _known(row, operation)
    if found is None and _may_edit(actor, row):
        configure(row, operations_of(row), actor=actor, keep=True)
        found = _known(row, operation)
    if found is None:
        raise StateError(
            said(
                "Workspace {name} names no template and no schedule: there is nothing to deploy.",
                name=row.name,
            )
            if operation is Operation.APPLY
            else said(
                "Workspace {name} names no template and no schedule: there is nothing to destroy.",
                name=row.name,
            )
        )
    return found


def _known(row: Workspace, operation: Operation) -> Job | None:
    rows = WorkspaceJob.objects.filter(workspace=row, operation=operation.value, mode="")
    known = rows.filter(job__deleted_at=None).select_related("job").first()
    return known.job if known else None


def _may_edit(actor: Actor, row: Workspace) -> bool:
    if not actor.partial:
        return actor.may(Permission.EDIT)
    return Permission.EDIT in actor.permissions_on(row.pk, ())
