"""Where the infrastructure of workspaces stands, as the jobs tell that deploy and destroy it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import Max, Q

from jobs.domain.states import FAILURES, LIVE, Deployment, ExecutionState
from jobs.executors.template_spec import Operation
from jobs.models import Execution, Job, Workspace, WorkspaceJob
from jobs.models.execution import LIVE_VALUES

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_TOLD = "resource_count"  # stands in what each operation tells that came to its end
_TELLS = Q(result__has_key=_TOLD)
# What cannot be started (no engine, no template) fails with neither code nor signal.
_BEGAN = Q(started_at__isnull=False) & (
    ~Q(state=ExecutionState.FAILED.value)
    | Q(exit_code__lt=0)
    | Q(exit_code__gt=0)
    | Q(signal__gt=0)
    | _TELLS
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one workspace stands; moments are None for what never happened."""

    status: Deployment
    operations: Sequence[WorkspaceJob] = ()
    live: Execution | None = None  # what deploys or destroys it right now
    last: Execution | None = None  # the operation that ended last
    began: Execution | None = None  # the same without what could not be started
    last_deployed_at: datetime | None = None
    last_destroyed_at: datetime | None = None
    last_failed_at: datetime | None = None
    last_error: str = ""
    mode: str = ""
    facts: dict[str, Any] = field(default_factory=dict)  # what the last that told anything told
    copied: str = ""  # digest of the files that the last deployment began with; empty: not known
    plan: Execution | None = None  # the comparison that goes on, or was the last

    @property
    def managed(self) -> bool:
        """Say whether it has infrastructure at all."""
        return bool(self.operations)

    @property
    def resources(self) -> list[dict[str, str]]:
        """Return the resources that there are."""
        found = self.facts.get("resources")
        return found if isinstance(found, list) else []

    @property
    def is_deployed(self) -> bool:
        """Say whether there is, or may be, anything that a plan can be compared with."""
        deployed, destroyed = self.last_deployed_at, self.last_destroyed_at
        return bool(self.resources) or (
            deployed is not None and (destroyed is None or destroyed < deployed)
        )

    @property
    def is_cut_off(self) -> bool:
        """Say whether the last operation that began could not tell what it left behind."""
        return self.began is not None and not _tells(self.began)

    @property
    def is_plan_current(self) -> bool:
        """Say whether nothing was deployed or destroyed since the last plan."""
        at = self.plan.finished_at if self.plan is not None else None
        ended = self.last.finished_at if self.last is not None else None
        return at is not None and (ended is None or ended < at)

    def next_at(self, operation: Operation) -> datetime | None:
        """Return when the clock starts an operation next; None: not."""
        times = [
            one.job.next_fire_at
            for one in self.operations
            if one.operation == operation and one.job.next_fire_at is not None
        ]
        return min(times, default=None)


def standing_of(workspace: Workspace) -> Standing:
    """Return where a workspace stands."""
    return standings_of([workspace])[workspace.pk]


def standings_of(workspaces: Iterable[Workspace]) -> dict[int, Standing]:
    """Return where workspaces stand, by number.

    Three queries for any number of them; two more where the last operation of one told nothing, and
    two where it could not be started.
    """
    wanted = [one.pk for one in workspaces]
    rows: dict[int, list[WorkspaceJob]] = defaultdict(list)
    found = WorkspaceJob.objects.filter(workspace__in=wanted, job__deleted_at=None)
    for row in found.select_related("job").order_by("pk"):
        rows[row.workspace_id].append(row)
    jobs = [one.job for mine in rows.values() for one in mine]
    numbers = [job.last_execution_id for job in jobs if job.last_execution_id is not None]
    ended = {one.pk: one for one in Execution.objects.filter(pk__in=numbers)}
    live = Execution.objects.filter(
        job__in=[job.pk for job in jobs if job.live_count], state__in=LIVE_VALUES
    )
    by_job: dict[int, Execution] = {}
    for one in live.order_by("-pk"):
        by_job[one.job_id] = one
    standings = {number: _standing(rows.get(number, []), ended, by_job) for number in wanted}
    silent = [one for one in standings.values() if one.last is not None and not _tells(one.last)]
    told = _last_of(silent, _TELLS)
    began = _last_of([one for one in silent if one.began is None], _BEGAN)
    return {
        number: replace(
            one,
            facts=_facts(told[id(one)]) if id(one) in told else one.facts,
            began=began.get(id(one), one.began),
        )
        for number, one in standings.items()
    }


def _last_of(standings: Sequence[Standing], wanted: Q) -> dict[int, Execution]:
    """Return by the standing's identity its last operation that is ``wanted``, where there is one."""
    jobs = [row.job_id for one in standings for row in one.operations]
    if not jobs:
        return {}
    past = Execution.objects.filter(wanted, job__in=jobs, finished_at__isnull=False)
    newest = past.order_by().values("job").annotate(newest=Max("pk")).values("newest")
    by_job = {one.job_id: one for one in Execution.objects.filter(pk__in=newest)}
    found = {}
    for one in standings:
        mine = [by_job[row.job_id] for row in one.operations if row.job_id in by_job]
        if mine:
            found[id(one)] = max(mine, key=lambda run: run.finished_at or _LONG_AGO)
    return found


def _has_begun(execution: Execution | None) -> bool:
    """Say what `_BEGAN` asks."""
    if execution is None or execution.started_at is None:
        return False
    failed = execution.state == ExecutionState.FAILED
    return not failed or bool(execution.exit_code or execution.signal) or _tells(execution)


def _tells(execution: Execution) -> bool:
    return _TOLD in _facts(execution)


def _standing(
    every: list[WorkspaceJob], ended: dict[int, Execution], live: dict[int, Execution]
) -> Standing:
    rows = [one for one in every if one.operation != Operation.PLAN]
    jobs = [one.job for one in rows]
    going = [live[job.pk] for job in jobs if job.pk in live]
    running = next((one for one in going if one.state == ExecutionState.RUNNING), None)
    now = running or (going[0] if going else None)
    newest = max(jobs, key=lambda job: job.last_finished_at or _LONG_AGO, default=None)
    last = ended.get(newest.last_execution_id or 0) if newest else None
    failed = max(jobs, key=lambda job: job.last_failure_at or _LONG_AGO, default=None)
    deployed = _newest(rows, Operation.APPLY)
    plans = [one.job for one in every if one.operation == Operation.PLAN]
    return Standing(
        status=_status(rows, now, newest),
        operations=rows,
        live=now,
        last=last,
        began=last if _has_begun(last) else None,
        last_deployed_at=deployed.job.last_success_at if deployed else None,
        last_destroyed_at=_success(rows, Operation.DESTROY),
        last_failed_at=failed.last_failure_at if failed else None,
        last_error=failed.last_error if failed else "",
        mode=_mode(deployed, ended),
        facts=_facts(last),
        copied=_copied(rows, ended),
        plan=next(
            (live.get(job.pk) or ended.get(job.last_execution_id or 0) for job in plans), None
        ),
    )


def _facts(execution: Execution | None) -> dict[str, Any]:
    found = execution.result if execution is not None else None
    return found if isinstance(found, dict) else {}


def _copied(rows: list[WorkspaceJob], ended: dict[int, Execution]) -> str:
    """Return what the newest deployment copied, also one that failed: its files are there now."""
    jobs = [one.job for one in rows if one.operation == Operation.APPLY]
    newest = max(jobs, key=lambda job: job.last_finished_at or _LONG_AGO, default=None)
    found = _facts(ended.get(newest.last_execution_id or 0) if newest else None)
    return str(found.get("template_hash") or "")


def _status(rows: list[WorkspaceJob], now: Execution | None, newest: Job | None) -> Deployment:
    kinds = {one.job_id: one.operation for one in rows}
    if now is not None and now.state in LIVE:
        destroys = kinds[now.job_id] == Operation.DESTROY
        return Deployment.DESTROYING if destroys else Deployment.DEPLOYING
    if newest is None or newest.last_finished_at is None:
        return Deployment.PENDING
    destroys = kinds[newest.pk] == Operation.DESTROY
    if newest.last_state == ExecutionState.SUCCEEDED:
        return Deployment.DESTROYED if destroys else Deployment.DEPLOYED
    if newest.last_state in FAILURES or newest.last_state == ExecutionState.CANCELLED:
        return Deployment.DESTROY_FAILED if destroys else Deployment.DEPLOY_FAILED
    return Deployment.PENDING


def _newest(rows: list[WorkspaceJob], operation: Operation) -> WorkspaceJob | None:
    done = [row for row in rows if row.operation == operation and row.job.last_success_at]
    return max(done, key=lambda row: row.job.last_success_at or _LONG_AGO, default=None)


def _success(rows: list[WorkspaceJob], operation: Operation) -> datetime | None:
    found = _newest(rows, operation)
    return found.job.last_success_at if found else None


def _mode(deployed: WorkspaceJob | None, ended: dict[int, Execution]) -> str:
    """Return the mode of the last deployment."""
    if deployed is None or deployed.mode:
        return deployed.mode if deployed else ""
    last = ended.get(deployed.job.last_execution_id or 0)
    given = (last.parameters or {}).get("mode") if last else None
    return given if isinstance(given, str) else ""
