"""Workspaces: jobs live in them, names are theirs, and a disabled one holds its jobs back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.domain.errors import (
    ConflictError,
    DuplicateError,
    InvalidError,
    StateError,
    UnknownError,
)
from jobs.domain.permissions import SYSTEM
from jobs.models import AuditEntry, Execution, Freeze, Job, Omission, Variable, Workspace
from jobs.queries.holds import holds_of
from jobs.queries.variables import jobs_naming, named_by, usage
from jobs.services import freezes, variables, workspaces
from jobs.services import jobs as job_services
from jobs.services.dispatch import dispatch_due
from jobs.services.rendering import render
from jobs.services.running import load
from jobs.services.stored_definitions import definition_of
from jobs.services.variables import parse_variable
from tests.factories import every, make_execution, make_freeze, make_job

pytestmark = pytest.mark.django_db


def room(name: str = "Shop", **fields: Any) -> Workspace:
    wanted = workspaces.parse_workspace({"name": name, **fields})
    return workspaces.create(wanted, actor=SYSTEM)


def change(name: str, **fields: Any) -> Workspace:
    return workspaces.update(name, workspaces.parse_changes(fields), actor=SYSTEM)


def test_a_name_is_unique_inside_its_workspace_only() -> None:
    room("Shop")
    room("Bank")
    alone = make_job(name="report")
    inside = make_job(name="report", workspace="shop")

    other = make_job(name="Report", workspace="Bank")

    assert definition_of(inside)["workspace"] == "Shop"
    assert definition_of(alone)["workspace"] is None
    with pytest.raises(DuplicateError, match="in workspace Shop"):
        make_job(name="REPORT", workspace="Shop")
    with pytest.raises(DuplicateError, match="in workspace Shop"):
        job_services.update(other.pk, {"workspace": "Shop"}, actor=SYSTEM)
    with pytest.raises(InvalidError, match="'nowhere' does not exist"):
        make_job(workspace="nowhere")
    with pytest.raises(DuplicateError, match="workspace named sHOP"):
        room("sHOP")


def test_a_move_is_a_change_of_the_definition() -> None:
    room("Shop")
    job = make_job(name="report", schedules=[every(60)])

    moved = job_services.update(job.pk, {"workspace": "Shop"}, actor=SYSTEM)

    assert moved.version == 2
    assert moved.versions.get(version=2).definition["workspace"] == "Shop"
    entry = AuditEntry.objects.filter(action="job.update").latest("pk")
    assert (entry.before, entry.after) == ({"workspace": None}, {"workspace": "Shop"})
    back = job_services.update(job.pk, {"workspace": None}, actor=SYSTEM)
    assert back.workspace_id is None


def test_a_workspace_with_jobs_is_not_deleted() -> None:
    row = room("Shop")
    job = make_job(name="report", workspace="Shop")
    make_freeze(scope="workspace", target="shop")
    variables.create(
        parse_variable({"name": "HOST", "value": "x", "workspace": "Shop"}), actor=SYSTEM
    )

    with pytest.raises(ConflictError, match="live report"):
        workspaces.delete("Shop", actor=SYSTEM)
    job_services.delete(job.pk, actor=SYSTEM)
    workspaces.delete("shop", actor=SYSTEM)

    assert not Workspace.objects.filter(pk=row.pk).exists()
    assert Job.objects.get(pk=job.pk).workspace_id is None
    assert not Variable.objects.exists()
    assert Freeze.objects.get().lifted_at is not None
    with pytest.raises(UnknownError):
        workspaces.delete("Shop", actor=SYSTEM)


def test_a_disabled_workspace_holds_its_jobs_back_and_the_ledger_says_so() -> None:
    room("Shop")
    inside = make_job(name="in", workspace="Shop", schedules=[every(1)])
    outside = make_job(name="out", schedules=[every(1)])

    change("Shop", enabled=False)
    now = timezone.now()
    at = now + timedelta(seconds=3)

    assert list(holds_of([inside, outside], now, at)) == [inside.pk]
    dispatch_due(at)
    assert not Execution.objects.filter(job=inside).exists()
    assert Execution.objects.filter(job=outside).exists()
    held = Omission.objects.get(job=inside)
    assert (held.reason, held.detail) == (
        "frozen",
        "workspace Shop: Workspace Shop is disabled",
    )

    change("Shop", enabled=True)
    later = timezone.now()
    assert not holds_of([inside], later, later + timedelta(hours=1))
    change("Shop", enabled=True)  # again: nothing changes
    assert Workspace.objects.get().version == 3


def test_the_freeze_of_a_disabled_workspace_ends_with_enabling_only() -> None:
    room("Shop", enabled=False)
    freeze = Freeze.objects.get()

    with pytest.raises(StateError, match="Enable that instead"):
        freezes.lift(freeze.pk, actor=SYSTEM)
    change("Shop", enabled=True)

    freeze.refresh_from_db()
    assert freeze.lifted_at is not None
    with pytest.raises(InvalidError, match="does not exist"):
        make_freeze(scope="workspace", target="nowhere")


def test_the_nearest_variable_counts() -> None:
    room("Shop")
    job = make_job(name="a", workspace="Shop", spec={"command": "echo {{WHO}} {{WHERE}} {{WHAT}}"})
    other = make_job(name="b", spec={"command": "echo {{WHO}}"})
    for fields in (
        {"name": "WHO", "value": "all"},
        {"name": "WHERE", "value": "all"},
        {"name": "WHAT", "value": "all"},
        {"name": "WHERE", "value": "room", "workspace": "shop"},
        {"name": "WHO", "value": "room", "workspace": "Shop"},
        {"name": "WHO", "value": "own", "job_id": job.pk},
    ):
        variables.create(parse_variable(fields), actor=SYSTEM)
    started = timezone.now()

    running = load(make_execution(job, started_at=started).pk)
    alone = load(make_execution(other, started_at=started).pk)

    assert render(running).spec["command"] == "echo own room all"
    assert render(alone).spec["command"] == "echo all"
    assert (running.workspace, alone.workspace) == ("Shop", "_standalone_")
    found = named_by(definition_of(job), job.pk)
    told = {one.name: one.variable.value for one in found if one.variable}
    assert told == {"WHO": "own", "WHERE": "room", "WHAT": "all"}
    by_value = {(row.name, row.value): row for row in Variable.objects.all()}
    assert [one.name for one in jobs_naming(by_value["WHERE", "room"])] == ["a"]
    assert jobs_naming(by_value["WHERE", "all"]) == []
    assert [one.name for one in jobs_naming(by_value["WHO", "all"])] == ["b"]
    naming = usage().naming
    assert [one.name for one in naming[by_value["WHERE", "room"].pk]] == ["a"]
    assert by_value["WHERE", "all"].pk not in naming
    with pytest.raises(DuplicateError, match="of workspace Shop"):
        variables.create(
            parse_variable({"name": "WHO", "value": "x", "workspace": "Shop"}), actor=SYSTEM
        )


def test_a_dependency_means_the_job_of_the_same_workspace_first() -> None:
    room("Shop")
    alone, only = make_job(name="load"), make_job(name="only")
    inside = make_job(name="load", workspace="Shop")

    job = make_job(name="after", workspace="Shop", depends_on=["LOAD", "only"])
    crossing = make_job(name="over", depends_on=["Shop/load", "load"])

    assert {row.upstream_id for row in job.dependencies.all()} == {inside.pk, only.pk}
    assert [one["job"] for one in definition_of(job)["depends_on"]] == ["/only", "load"]
    assert [one["job"] for one in definition_of(crossing)["depends_on"]] == ["load", "Shop/load"]
    assert {row.upstream_id for row in crossing.dependencies.all()} == {alone.pk, inside.pk}
    again = job_services.update(job.pk, definition_of(job), actor=SYSTEM)
    assert again.version == 1
    with pytest.raises(InvalidError, match="named twice"):
        make_job(name="twice", workspace="Shop", depends_on=["only", "/only"])
    with pytest.raises(InvalidError, match="does not exist"):
        make_job(name="lost", depends_on=["Bank/load"])
    with pytest.raises(InvalidError, match="cannot wait for itself"):
        make_job(name="self", workspace="Shop", depends_on=["Shop/self"])
