"""Each role on each operation: allowed from its least role up, 403 below."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.api.native import api
from jobs.api.openapi import document
from jobs.domain.permissions import Role
from jobs.models import Execution, Job
from tests.api.callers import caller
from tests.factories import definition, make_execution, make_job

READ, OPERATE, EDIT = Role.VIEWER, Role.OPERATOR, Role.EDITOR
ROLES: list[Role | None] = [None, *Role]

# Operation id -> method, path, body, least role.
OPERATIONS: dict[str, tuple[str, str, Any, Role]] = {
    "jobs_list": ("GET", "/jobs", None, READ),
    "jobs_create": ("POST", "/jobs", definition(name="made"), EDIT),
    "jobs_read": ("GET", "/jobs/{job}", None, READ),
    "jobs_update": ("PATCH", "/jobs/{job}", {"description": "x"}, EDIT),
    "jobs_delete": ("DELETE", "/jobs/{job}", None, EDIT),
    "jobs_pause": ("POST", "/jobs/{job}/pause", None, OPERATE),
    "jobs_resume": ("POST", "/jobs/{job}/resume", None, OPERATE),
    "jobs_trigger": ("POST", "/jobs/{job}/trigger", None, OPERATE),
    "jobs_look_ahead": ("GET", "/jobs/{job}/next", None, READ),
    "executions_list": ("GET", "/executions", None, READ),
    "executions_read": ("GET", "/executions/{execution}", None, READ),
    "executions_log": ("GET", "/executions/{execution}/log", None, READ),
    "executions_cancel": ("POST", "/executions/{execution}/cancel", None, OPERATE),
    "ledger_ledger": ("GET", "/ledger", None, READ),
    "about_overview": ("GET", "/overview", None, READ),
    "about_workers": ("GET", "/workers", None, READ),
    "about_preview": ("POST", "/preview", {"schedules": []}, READ),
}


def test_the_matrix_knows_every_operation() -> None:
    found = {
        operation["operationId"]
        for operations in document(api)["paths"].values()
        for operation in operations.values()
    }

    assert found == set(OPERATIONS)


@pytest.mark.django_db
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_open_from_its_least_role_up(operation: str) -> None:
    method, template, body, least = OPERATIONS[operation]
    order = list(Role)
    for number, role in enumerate(ROLES):
        execution = make_execution(make_job(overlap="allow", max_parallel=5))
        path = template.format(job=execution.job_id, execution=execution.pk)
        sent = {**body, "name": f"made-{number}"} if operation == "jobs_create" else body
        before = _everything()

        answer = caller(role).call(method, path, sent)

        allowed = role is not None and order.index(role) >= order.index(least)
        assert (answer.status < 300) is allowed, (role, answer.content)
        if not allowed:
            assert (answer.status, answer.json["code"]) == (403, "forbidden")
            assert _everything() == before


def _everything() -> list[Any]:
    return [
        list(Job.objects.order_by("pk").values()),
        list(Execution.objects.order_by("pk").values()),
    ]
